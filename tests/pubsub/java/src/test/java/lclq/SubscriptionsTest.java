package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.gax.rpc.AlreadyExistsException;
import com.google.pubsub.v1.ExpirationPolicy;
import com.google.pubsub.v1.ListSubscriptionsRequest;
import com.google.pubsub.v1.ProjectName;
import com.google.pubsub.v1.RetryPolicy;
import com.google.pubsub.v1.Subscription;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Subscriptions: defaults that read back, bounds, updates, lists. */
class SubscriptionsTest extends PubSubTest {
    private static final long DAY = 86400;

    @Test
    void defaultsReadBack() {
        var topic = topic();
        var made = subscription(topic, s -> {});
        assertEquals(topic, made.getTopic());
        assertEquals(10, made.getAckDeadlineSeconds());
        assertEquals(seconds(7 * DAY), made.getMessageRetentionDuration());
        assertEquals(seconds(31 * DAY), made.getExpirationPolicy().getTtl());
        assertTrue(made.hasPushConfig());
        assertEquals("", made.getPushConfig().getPushEndpoint());
        assertEquals(Subscription.State.ACTIVE, made.getState());
        assertFalse(made.getDetached());
        assertFalse(made.hasDeadLetterPolicy());
        assertFalse(made.hasRetryPolicy());
        assertEquals(made, get(made.getName()));
    }

    @Test
    void whatIsCreatedReadsBack() {
        var topic = topic(t -> t.setMessageRetentionDuration(seconds(3600))).getName();
        var made = subscription(topic, s -> s.setAckDeadlineSeconds(600)
                .setRetainAckedMessages(true)
                .setMessageRetentionDuration(seconds(DAY))
                .putLabels("team", "queues")
                .setEnableMessageOrdering(true)
                .setEnableExactlyOnceDelivery(true)
                .setExpirationPolicy(ExpirationPolicy.newBuilder().setTtl(seconds(2 * DAY)))
                .setFilter("attributes:colour"));
        assertEquals(600, made.getAckDeadlineSeconds());
        assertTrue(made.getRetainAckedMessages());
        assertEquals(seconds(DAY), made.getMessageRetentionDuration());
        assertEquals(Map.of("team", "queues"), made.getLabelsMap());
        assertTrue(made.getEnableMessageOrdering());
        assertTrue(made.getEnableExactlyOnceDelivery());
        assertEquals(seconds(2 * DAY), made.getExpirationPolicy().getTtl());
        assertEquals("attributes:colour", made.getFilter());
        assertEquals(seconds(3600), made.getTopicMessageRetentionDuration());
        assertEquals(made, get(made.getName()));
    }

    @Test
    void expirationPolicyWithoutTtlIsNever() {
        var made = subscription(topic(), s -> s.setExpirationPolicy(ExpirationPolicy.getDefaultInstance()));
        assertTrue(made.hasExpirationPolicy());
        assertFalse(made.getExpirationPolicy().hasTtl());
    }

    @Test
    void nameTakenOrMissing() {
        var topic = topic();
        var made = subscription(topic);
        fails(
                AlreadyExistsException.class,
                "Resource already exists in the project (resource=" + leaf(made) + ").",
                () -> subscription(topic, s -> s.setName(made)));
        var missing = unique("missing");
        notFound(missing, () -> subscription(topicName(missing)));
        notFound(missing, () -> get(subscriptionName(missing)));
        notFound(missing, () -> SUBSCRIPTIONS.deleteSubscription(subscriptionName(missing)));
        notFound(missing, () -> pullNow(subscriptionName(missing), 1));
        notFound(missing, () -> SUBSCRIPTIONS.acknowledge(subscriptionName(missing), List.of("id")));
        invalid("Invalid resource name given (name=", () -> subscription(topic, s -> s.setName(subscriptionName("1x"))));
    }

    @Test
    void boundsAreKept() {
        var topic = topic();
        for (var deadline : List.of(9, 601, -1)) {
            invalid(
                    "Invalid ack deadline given (ack_deadline=%d). The ack deadline must be between 10 and 600 seconds."
                            .formatted(deadline),
                    () -> subscription(topic, s -> s.setAckDeadlineSeconds(deadline)));
        }
        invalid(
                "You passed 9m59s in the request, but the value must be between 10m and 744h.",
                () -> subscription(topic, s -> s.setMessageRetentionDuration(seconds(599))));
        invalid("", () -> subscription(topic, s -> s.setExpirationPolicy(
                ExpirationPolicy.newBuilder().setTtl(seconds(DAY - 1)))));
        invalid("", () -> subscription(topic, s -> s.setMessageRetentionDuration(seconds(3 * DAY))
                .setExpirationPolicy(ExpirationPolicy.newBuilder().setTtl(seconds(2 * DAY)))));
        invalid("", () -> subscription(topic, s -> s.putLabels("Upper", "v")));
    }

    @Test
    void updateChangesWhatTheMaskNames() {
        var made = subscription(topic(), s -> s.setAckDeadlineSeconds(20).putLabels("a", "1"));
        var wanted = made.toBuilder()
                .setAckDeadlineSeconds(30)
                .clearLabels()
                .putLabels("b", "2")
                .setRetryPolicy(RetryPolicy.newBuilder().setMinimumBackoff(seconds(1)).setMaximumBackoff(seconds(2)))
                .setMessageRetentionDuration(seconds(DAY))
                .build();
        var updated = SUBSCRIPTIONS.updateSubscription(wanted, mask("ack_deadline_seconds", "retry_policy"));
        assertEquals(30, updated.getAckDeadlineSeconds());
        assertEquals(wanted.getRetryPolicy(), updated.getRetryPolicy());
        assertEquals(Map.of("a", "1"), updated.getLabelsMap());
        assertEquals(seconds(7 * DAY), updated.getMessageRetentionDuration());

        updated = SUBSCRIPTIONS.updateSubscription(
                wanted.toBuilder().clearRetryPolicy().build(),
                mask("labels", "retry_policy", "message_retention_duration"));
        assertEquals(Map.of("b", "2"), updated.getLabelsMap());
        assertFalse(updated.hasRetryPolicy());
        assertEquals(seconds(DAY), updated.getMessageRetentionDuration());
        assertEquals(updated, get(made.getName()));
    }

    @Test
    void updateMaskIsChecked() {
        var made = subscription(topic(), s -> s.setFilter("attributes:a"));
        invalid(
                "The update_mask in the UpdateSubscriptionRequest must be set, and must contain a non-empty paths list.",
                () -> SUBSCRIPTIONS.updateSubscription(made, mask()));
        invalid(
                "the 'enable_message_ordering' field in the Subscription is not mutable.",
                () -> SUBSCRIPTIONS.updateSubscription(made, mask("enable_message_ordering")));
        invalid(
                "the 'filter' field in the Subscription is not mutable.",
                () -> SUBSCRIPTIONS.updateSubscription(made, mask("filter")));
        invalid("is not mutable", () -> SUBSCRIPTIONS.updateSubscription(made, mask("topic")));
        invalid("", () -> SUBSCRIPTIONS.updateSubscription(made, mask("no_such_field")));
        var wrong = made.toBuilder().putLabels("b", "2").setAckDeadlineSeconds(5).build();
        invalid("", () -> SUBSCRIPTIONS.updateSubscription(wrong, mask("labels", "ack_deadline_seconds")));
        assertEquals(made, get(made.getName()), "a refused update changes nothing");
    }

    @Test
    void listsComeByPages() {
        var project = unique("pages");
        var topic = topic();
        var expected = IntStream.range(0, 5).mapToObj(i -> "projects/" + project + "/subscriptions/sub-" + i).toList();
        expected.forEach(name -> subscription(topic, s -> s.setName(name)));

        var all = new ArrayList<String>();
        SUBSCRIPTIONS.listSubscriptions(ProjectName.of(project)).iterateAll().forEach(s -> all.add(s.getName()));
        assertEquals(expected, all.stream().sorted().toList());

        var request = ListSubscriptionsRequest.newBuilder().setProject("projects/" + project).setPageSize(2).build();
        var paged = new ArrayList<String>();
        for (var page : SUBSCRIPTIONS.listSubscriptions(request).iteratePages()) {
            var subscriptions = page.getResponse().getSubscriptionsList();
            assertTrue(subscriptions.size() <= 2, "a page of at most two");
            subscriptions.forEach(s -> paged.add(s.getName()));
        }
        assertEquals(expected, paged.stream().sorted().toList());
        invalid("", () -> SUBSCRIPTIONS.listSubscriptions(request.toBuilder().setPageSize(1001).build()));
    }

    @Test
    void deletedSubscriptionIsGone() {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, "gone with it");
        SUBSCRIPTIONS.deleteSubscription(subscription);
        notFound(leaf(subscription), () -> get(subscription));
        subscription(topic, s -> s.setName(subscription));
        isEmpty(subscription, "a new one of the name starts empty");
    }
}
