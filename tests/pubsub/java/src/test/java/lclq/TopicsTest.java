package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.gax.rpc.AlreadyExistsException;
import com.google.pubsub.v1.ListTopicSubscriptionsRequest;
import com.google.pubsub.v1.ListTopicsRequest;
import com.google.pubsub.v1.MessageStoragePolicy;
import com.google.pubsub.v1.ProjectName;
import com.google.pubsub.v1.Topic;
import com.google.pubsub.v1.TopicName;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Topics: made, read, changed, listed and deleted. */
class TopicsTest extends PubSubTest {
    @Test
    void whatIsCreatedReadsBack() {
        var made = topic(topic -> topic.putLabels("team", "queues")
                .setMessageRetentionDuration(seconds(601))
                .setKmsKeyName("projects/p/locations/l/keyRings/r/cryptoKeys/k")
                .setMessageStoragePolicy(MessageStoragePolicy.newBuilder().addAllowedPersistenceRegions("europe-west1")));
        assertEquals(Map.of("team", "queues"), made.getLabelsMap());
        assertEquals(seconds(601), made.getMessageRetentionDuration());
        assertEquals("projects/p/locations/l/keyRings/r/cryptoKeys/k", made.getKmsKeyName());
        assertEquals(List.of("europe-west1"), made.getMessageStoragePolicy().getAllowedPersistenceRegionsList());
        assertEquals(made, TOPICS.getTopic(made.getName()));
    }

    @Test
    void plainTopicHasNothingButItsName() {
        var made = TOPICS.createTopic(TopicName.of(PROJECT, unique("t")));
        assertFalse(made.hasMessageRetentionDuration());
        assertFalse(made.hasSchemaSettings());
        assertEquals(Map.of(), made.getLabelsMap());
        assertEquals(Topic.State.STATE_UNSPECIFIED, made.getState());
    }

    @Test
    void nameTakenOrMissing() {
        var topic = topic();
        fails(
                AlreadyExistsException.class,
                "Resource already exists in the project (resource=" + leaf(topic) + ").",
                () -> TOPICS.createTopic(topic));
        var missing = unique("missing");
        notFound(missing, () -> TOPICS.getTopic(topicName(missing)));
        notFound(missing, () -> TOPICS.deleteTopic(topicName(missing)));
        notFound(missing, () -> publish(topicName(missing), "lost"));
        notFound(missing, () -> TOPICS.listTopicSubscriptions(topicName(missing)));
        notFound(missing, () -> TOPICS.updateTopic(topicNamed(missing), mask("labels")));
    }

    private static Topic topicNamed(String id) {
        return Topic.newBuilder().setName(topicName(id)).build();
    }

    @Test
    void namesAreChecked() {
        for (var id : List.of("ab", "1abc", "googabc", "a b c", "abc$", "a".repeat(256), "äbc")) {
            invalid("Invalid resource name given (name=", () -> TOPICS.createTopic(topicName(id)));
        }
        invalid("Invalid resource name given (name=", () -> TOPICS.createTopic("nonsense"));
        for (var id : List.of("abc", "a-_.~+%9", "a".repeat(255))) {
            var project = "projects/" + unique("names");
            assertEquals(project + "/topics/" + id, TOPICS.createTopic(project + "/topics/" + id).getName());
        }
    }

    @Test
    void retentionHasBounds() {
        invalid(
                "You passed 9m59s in the request, but the value must be between 10m and 744h.",
                () -> topic(topic -> topic.setMessageRetentionDuration(seconds(599))));
        invalid("is out of bounds", () -> topic(topic -> topic.setMessageRetentionDuration(seconds(31 * 86400 + 1))));
        topic(topic -> topic.setMessageRetentionDuration(seconds(600)));
        topic(topic -> topic.setMessageRetentionDuration(seconds(31 * 86400)));
    }

    @Test
    void labelsAreChecked() {
        for (var key : List.of("Upper", "1digit", "a".repeat(64), "")) {
            invalid("", () -> topic(topic -> topic.putLabels(key, "v")));
        }
        invalid("", () -> topic(topic -> topic.putLabels("key", "v".repeat(64))));
        topic(topic -> topic.putLabels("a".repeat(63), "v".repeat(63)).putLabels("é_-9", ""));
    }

    @Test
    void updateChangesWhatTheMaskNames() {
        var made = topic(topic -> topic.putLabels("a", "1").setMessageRetentionDuration(seconds(600)));
        var wanted = made.toBuilder().clearLabels().putLabels("b", "2").setMessageRetentionDuration(seconds(700)).build();
        var updated = TOPICS.updateTopic(wanted, mask("labels"));
        assertEquals(Map.of("b", "2"), updated.getLabelsMap());
        assertEquals(seconds(600), updated.getMessageRetentionDuration());

        updated = TOPICS.updateTopic(wanted, mask("message_retention_duration"));
        assertEquals(seconds(700), updated.getMessageRetentionDuration());
        updated = TOPICS.updateTopic(topicNamed(leaf(made.getName())), mask("message_retention_duration", "labels"));
        assertFalse(updated.hasMessageRetentionDuration());
        assertEquals(Map.of(), updated.getLabelsMap());
        assertEquals(updated, TOPICS.getTopic(made.getName()));
    }

    @Test
    void updateMaskIsChecked() {
        var made = topic(topic -> topic.putLabels("a", "1"));
        invalid(
                "The update_mask in the UpdateTopicRequest must be set, and must contain a non-empty paths list.",
                () -> TOPICS.updateTopic(made, mask()));
        invalid("", () -> TOPICS.updateTopic(made, mask("no_such_field")));
        invalid("is not mutable", () -> TOPICS.updateTopic(made, mask("name")));
        var wrong = made.toBuilder().putLabels("b", "2").setMessageRetentionDuration(seconds(1)).build();
        invalid("", () -> TOPICS.updateTopic(wrong, mask("labels", "message_retention_duration")));
        assertEquals(made, TOPICS.getTopic(made.getName()), "a refused update changes nothing");
    }

    @Test
    void listsComeByPages() {
        var project = unique("pages");
        var names = IntStream.range(0, 5).mapToObj(i -> TopicName.of(project, "topic-" + i)).toList();
        names.forEach(TOPICS::createTopic);
        var expected = names.stream().map(TopicName::toString).toList();

        var all = new ArrayList<String>();
        TOPICS.listTopics(ProjectName.of(project)).iterateAll().forEach(topic -> all.add(topic.getName()));
        assertEquals(expected, all.stream().sorted().toList());

        var request = ListTopicsRequest.newBuilder().setProject("projects/" + project).setPageSize(2).build();
        var paged = new ArrayList<String>();
        for (var page : TOPICS.listTopics(request).iteratePages()) {
            var topics = page.getResponse().getTopicsList();
            assertTrue(topics.size() <= 2, "a page of at most two");
            topics.forEach(topic -> paged.add(topic.getName()));
        }
        assertEquals(expected, paged.stream().sorted().toList());

        invalid("", () -> TOPICS.listTopics(request.toBuilder().setPageSize(-1).build()));
        invalid("", () -> TOPICS.listTopics(request.toBuilder().setPageSize(1001).build()));
        invalid("Invalid page token given (token=no-token).", () -> TOPICS.listTopics(
                request.toBuilder().setPageToken("no-token").build()));
    }

    @Test
    void subscriptionsOfATopicAreListed() {
        var topic = topic();
        var expected = IntStream.range(0, 3).mapToObj(i -> subscription(topic)).sorted().toList();
        var request = ListTopicSubscriptionsRequest.newBuilder().setTopic(topic).setPageSize(2).build();
        var paged = new ArrayList<String>();
        TOPICS.listTopicSubscriptions(request).iteratePages().forEach(page -> page.getValues().forEach(paged::add));
        assertEquals(expected, paged.stream().sorted().toList());
    }

    @Test
    void deletedTopicLeavesItsSubscriptions() {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, "kept");
        TOPICS.deleteTopic(topic);
        notFound(leaf(topic), () -> TOPICS.getTopic(topic));
        assertEquals("_deleted-topic_", get(subscription).getTopic());
        assertEquals(List.of("kept"), take(subscription, 1));

        TOPICS.createTopic(topic);
        assertEquals("_deleted-topic_", get(subscription).getTopic(), "a new topic of the name is another one");
        publish(topic, "not for it");
        isEmpty(subscription, "not attached again");
    }
}
