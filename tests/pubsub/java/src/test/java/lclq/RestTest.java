package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.gax.rpc.AbortedException;
import com.google.cloud.pubsub.v1.SchemaServiceClient;
import com.google.cloud.pubsub.v1.SchemaServiceSettings;
import com.google.cloud.pubsub.v1.SubscriptionAdminClient;
import com.google.cloud.pubsub.v1.SubscriptionAdminSettings;
import com.google.cloud.pubsub.v1.TopicAdminClient;
import com.google.cloud.pubsub.v1.TopicAdminSettings;
import com.google.iam.v1.Binding;
import com.google.iam.v1.GetIamPolicyRequest;
import com.google.iam.v1.Policy;
import com.google.iam.v1.SetIamPolicyRequest;
import com.google.iam.v1.TestIamPermissionsRequest;
import com.google.protobuf.ByteString;
import com.google.pubsub.v1.DetachSubscriptionRequest;
import com.google.pubsub.v1.Encoding;
import com.google.pubsub.v1.ListSubscriptionsRequest;
import com.google.pubsub.v1.ListTopicsRequest;
import com.google.pubsub.v1.PubsubMessage;
import com.google.pubsub.v1.PullRequest;
import com.google.pubsub.v1.PushConfig;
import com.google.pubsub.v1.Schema;
import com.google.pubsub.v1.SeekRequest;
import com.google.pubsub.v1.Subscription;
import com.google.pubsub.v1.Topic;
import com.google.pubsub.v1.ValidateMessageRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/** The same services over HTTP and JSON: every method that the library's REST transport has. */
class RestTest extends PubSubTest {
    private static final String URL = "http://" + SERVER;

    private static final TopicAdminClient REST_TOPICS = unchecked(() -> {
        var settings = TopicAdminSettings.newHttpJsonBuilder();
        settings.setEndpoint(URL).setCredentialsProvider(CREDENTIALS);
        return TopicAdminClient.create(settings.build());
    });
    private static final SubscriptionAdminClient REST_SUBSCRIPTIONS = unchecked(() -> {
        var settings = SubscriptionAdminSettings.newHttpJsonBuilder();
        settings.setEndpoint(URL).setCredentialsProvider(CREDENTIALS);
        return SubscriptionAdminClient.create(settings.build());
    });
    private static final SchemaServiceClient REST_SCHEMAS = unchecked(() -> {
        var settings = SchemaServiceSettings.newHttpJsonBuilder();
        settings.setEndpoint(URL).setCredentialsProvider(CREDENTIALS);
        return SchemaServiceClient.create(settings.build());
    });

    @Test
    void topics() {
        var name = topicName(unique("t"));
        var made = REST_TOPICS.createTopic(Topic.newBuilder()
                .setName(name)
                .putLabels("team", "queues")
                .setMessageRetentionDuration(seconds(601))
                .build());
        assertEquals(TOPICS.getTopic(name), made, "as gRPC shows it");
        assertEquals(made, REST_TOPICS.getTopic(name));
        // The transport knows HTTP's statuses only: 409 is "aborted" and 400 "invalid argument" to it.
        fails(AbortedException.class, "Resource already exists in the project (resource=" + leaf(name) + ").",
                () -> REST_TOPICS.createTopic(name));
        var updated = REST_TOPICS.updateTopic(
                made.toBuilder().putLabels("b", "2").build(), mask("labels", "message_retention_duration"));
        assertEquals(Map.of("team", "queues", "b", "2"), updated.getLabelsMap());
        invalid("", () -> REST_TOPICS.updateTopic(made, mask()));
        invalid("Invalid resource name given (name=", () -> REST_TOPICS.createTopic(topicName("1x")));
        REST_TOPICS.deleteTopic(name);
        notFound(leaf(name), () -> REST_TOPICS.getTopic(name));
        notFound(leaf(name), () -> REST_TOPICS.deleteTopic(name));
    }

    @Test
    void topicLists() {
        var project = unique("rest-pages");
        var names = IntStream.range(0, 3).mapToObj(i -> "projects/" + project + "/topics/topic-" + i).toList();
        names.forEach(REST_TOPICS::createTopic);
        var listed = new ArrayList<String>();
        var request = ListTopicsRequest.newBuilder().setProject("projects/" + project).setPageSize(2).build();
        REST_TOPICS.listTopics(request).iterateAll().forEach(topic -> listed.add(topic.getName()));
        assertEquals(names, listed.stream().sorted().toList());

        var subscription = subscription(names.get(0));
        var snapshot = SUBSCRIPTIONS.createSnapshot(snapshotName(unique("sn")), subscription).getName();
        assertEquals(List.of(subscription), all(REST_TOPICS.listTopicSubscriptions(names.get(0)).iterateAll()));
        assertEquals(List.of(snapshot), all(REST_TOPICS.listTopicSnapshots(names.get(0)).iterateAll()));
        REST_TOPICS.detachSubscription(DetachSubscriptionRequest.newBuilder().setSubscription(subscription).build());
        assertTrue(get(subscription).getDetached());
    }

    private static <T> List<T> all(Iterable<T> items) {
        return StreamSupport.stream(items.spliterator(), false).toList();
    }

    @Test
    void messages() {
        var topic = topic();
        var subscription = subscription(topic);
        var sent = PubsubMessage.newBuilder()
                .setData(ByteString.copyFrom(new byte[] {0, -1, 62, 63, -128}))
                .putAttributes("colour", "grün ☃ \"'\\")
                .setOrderingKey("key")
                .build();
        var id = REST_TOPICS.publish(topic, List.of(sent)).getMessageIds(0);
        var request = PullRequest.newBuilder().setSubscription(subscription).setMaxMessages(10).build();
        var got = REST_SUBSCRIPTIONS.pull(request).getReceivedMessages(0);
        assertEquals(sent.getData(), got.getMessage().getData());
        assertEquals(sent.getAttributesMap(), got.getMessage().getAttributesMap());
        assertEquals("key", got.getMessage().getOrderingKey());
        assertEquals(id, got.getMessage().getMessageId());
        REST_SUBSCRIPTIONS.modifyAckDeadline(subscription, List.of(got.getAckId()), 0);
        var again = REST_SUBSCRIPTIONS.pull(request).getReceivedMessages(0);
        assertEquals(got.getMessage(), again.getMessage());
        REST_SUBSCRIPTIONS.acknowledge(subscription, List.of(again.getAckId()));
        isEmpty(subscription, "acknowledged");

        invalid("You have passed an invalid ack ID to the service (ack_id=rubbish).",
                () -> REST_SUBSCRIPTIONS.acknowledge(subscription, List.of("rubbish")));
        invalid("You have passed an invalid argument to the service (argument=max_messages).",
                () -> REST_SUBSCRIPTIONS.pull(request.toBuilder().setMaxMessages(0).build()));
        var missing = unique("missing");
        notFound(missing, () -> REST_TOPICS.publish(topicName(missing), List.of(sent)));
    }

    @Test
    void largeMessagesPass() {
        var topic = topic();
        var subscription = subscription(topic);
        var data = ByteString.copyFrom(new byte[6_000_000]);
        REST_TOPICS.publish(topic, List.of(PubsubMessage.newBuilder().setData(data).build()));
        var request = PullRequest.newBuilder().setSubscription(subscription).setMaxMessages(1).build();
        assertEquals(data, REST_SUBSCRIPTIONS.pull(request).getReceivedMessages(0).getMessage().getData());
    }

    @Test
    void subscriptions() {
        var topic = topic();
        var name = subscriptionName(unique("s"));
        var made = REST_SUBSCRIPTIONS.createSubscription(Subscription.newBuilder()
                .setName(name)
                .setTopic(topic)
                .setFilter("attributes.a = \"b\"")
                .setMessageRetentionDuration(seconds(700))
                .build());
        assertEquals(get(name), made, "as gRPC shows it");
        assertEquals(made, REST_SUBSCRIPTIONS.getSubscription(name));
        var updated = REST_SUBSCRIPTIONS.updateSubscription(
                made.toBuilder().setAckDeadlineSeconds(33).build(), mask("ack_deadline_seconds"));
        assertEquals(33, updated.getAckDeadlineSeconds());
        invalid("is not mutable", () -> REST_SUBSCRIPTIONS.updateSubscription(made, mask("filter")));
        var listed = new ArrayList<String>();
        var request = ListSubscriptionsRequest.newBuilder().setProject(PARENT).setPageSize(1000).build();
        REST_SUBSCRIPTIONS.listSubscriptions(request).iterateAll().forEach(s -> listed.add(s.getName()));
        assertTrue(listed.contains(name));
        REST_SUBSCRIPTIONS.modifyPushConfig(name, PushConfig.newBuilder().setPushEndpoint("http://127.0.0.1:9/").build());
        assertEquals("http://127.0.0.1:9/", get(name).getPushConfig().getPushEndpoint());
        invalid("This method is not supported for this subscription type.", () -> REST_SUBSCRIPTIONS.pull(
                PullRequest.newBuilder().setSubscription(name).setMaxMessages(1).build()));
        REST_SUBSCRIPTIONS.deleteSubscription(name);
        notFound(leaf(name), () -> REST_SUBSCRIPTIONS.getSubscription(name));
    }

    @Test
    void snapshotsAndSeek() {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, "m");
        var name = snapshotName(unique("sn"));
        var made = REST_SUBSCRIPTIONS.createSnapshot(name, subscription);
        assertEquals(SUBSCRIPTIONS.getSnapshot(name), made, "as gRPC shows it");
        assertEquals(made, REST_SUBSCRIPTIONS.getSnapshot(name));
        var updated = REST_SUBSCRIPTIONS.updateSnapshot(made.toBuilder().putLabels("a", "1").build(), mask("labels"));
        assertEquals(Map.of("a", "1"), updated.getLabelsMap());
        assertTrue(all(REST_SUBSCRIPTIONS.listSnapshots(PARENT).iterateAll()).contains(updated));
        take(subscription, 1);
        REST_SUBSCRIPTIONS.seek(SeekRequest.newBuilder().setSubscription(subscription).setSnapshot(name).build());
        assertEquals(List.of("m"), take(subscription, 1));
        REST_SUBSCRIPTIONS.deleteSnapshot(name);
        notFound(leaf(name), () -> REST_SUBSCRIPTIONS.getSnapshot(name));
    }

    @Test
    void schemas() {
        var id = unique("sc");
        var made = REST_SCHEMAS.createSchema(PARENT, SchemasTest.definition(Schema.Type.AVRO, SchemasTest.AVRO), id);
        var name = made.getName();
        assertEquals(SCHEMAS.getSchema(name), made, "as gRPC shows it");
        assertEquals(made, REST_SCHEMAS.getSchema(name));
        var second = REST_SCHEMAS.commitSchema(
                name, SchemasTest.definition(Schema.Type.AVRO, SchemasTest.AVRO_WITH_DEFAULT));
        assertEquals(2, all(REST_SCHEMAS.listSchemaRevisions(name).iterateAll()).size());
        assertEquals(SchemasTest.AVRO, REST_SCHEMAS.rollbackSchema(name, made.getRevisionId()).getDefinition());
        REST_SCHEMAS.deleteSchemaRevision(name + "@" + second.getRevisionId(), second.getRevisionId());
        assertEquals(2, all(REST_SCHEMAS.listSchemaRevisions(name).iterateAll()).size());
        assertTrue(all(REST_SCHEMAS.listSchemas(PARENT).iterateAll()).stream().anyMatch(s -> s.getName().equals(name)));
        REST_SCHEMAS.validateSchema(PARENT, SchemasTest.definition(Schema.Type.PROTOCOL_BUFFER, SchemasTest.PROTO));
        var message = ValidateMessageRequest.newBuilder().setParent(PARENT).setName(name).setEncoding(Encoding.JSON);
        REST_SCHEMAS.validateMessage(message.setMessage(SchemasTest.BOB_JSON).build());
        invalid("", () -> REST_SCHEMAS.validateMessage(message.setMessage(ByteString.copyFromUtf8("{}")).build()));
        REST_SCHEMAS.deleteSchema(name);
        notFound(id, () -> REST_SCHEMAS.getSchema(name));
    }

    @Test
    void policies() {
        var topic = topic();
        var binding = Binding.newBuilder().setRole("roles/pubsub.viewer").addMembers("allUsers").build();
        var policy = Policy.newBuilder().addBindings(binding).build();
        var permissions = List.of("pubsub.topics.get");
        var set = REST_TOPICS.setIamPolicy(topic, policy);
        assertEquals(List.of(binding), set.getBindingsList());
        assertEquals(set, REST_TOPICS.getIamPolicy(topic));
        assertEquals(set, TOPICS.getIamPolicy(topic), "as gRPC shows it");
        assertEquals(permissions, REST_TOPICS.testIamPermissions(topic, permissions).getPermissionsList());

        var subscription = subscription(topic);
        assertEquals(List.of(binding), REST_SUBSCRIPTIONS.setIamPolicy(subscription, policy).getBindingsList());
        assertEquals(List.of(binding), REST_SUBSCRIPTIONS.getIamPolicy(subscription).getBindingsList());
        assertEquals(permissions, REST_SUBSCRIPTIONS.testIamPermissions(subscription, permissions).getPermissionsList());

        var schema = SchemasTest.schema(Schema.Type.AVRO, SchemasTest.AVRO).getName();
        REST_SCHEMAS.setIamPolicy(SetIamPolicyRequest.newBuilder().setResource(schema).setPolicy(policy).build());
        assertEquals(List.of(binding), REST_SCHEMAS.getIamPolicy(
                GetIamPolicyRequest.newBuilder().setResource(schema).build()).getBindingsList());
        assertEquals(permissions, REST_SCHEMAS.testIamPermissions(TestIamPermissionsRequest.newBuilder()
                .setResource(schema).addAllPermissions(permissions).build()).getPermissionsList());
    }
}
