package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.api.gax.rpc.ApiException;
import com.google.iam.v1.Binding;
import com.google.iam.v1.GetIamPolicyRequest;
import com.google.iam.v1.Policy;
import com.google.iam.v1.SetIamPolicyRequest;
import com.google.iam.v1.TestIamPermissionsRequest;
import com.google.pubsub.v1.Schema;
import java.util.List;
import org.junit.jupiter.api.Test;

/** IAM policies of topics, subscriptions, snapshots and schemas. */
class IamTest extends PubSubTest {
    private static final Binding VIEWERS =
            Binding.newBuilder().setRole("roles/pubsub.viewer").addMembers("user:somebody@example.com").build();
    private static final List<String> PERMISSIONS = List.of("pubsub.topics.get", "pubsub.topics.publish");

    private static SetIamPolicyRequest setting(String resource, Policy policy) {
        return SetIamPolicyRequest.newBuilder().setResource(resource).setPolicy(policy).build();
    }

    private static GetIamPolicyRequest getting(String resource) {
        return GetIamPolicyRequest.newBuilder().setResource(resource).build();
    }

    private static TestIamPermissionsRequest testing(String resource) {
        return TestIamPermissionsRequest.newBuilder().setResource(resource).addAllPermissions(PERMISSIONS).build();
    }

    @Test
    void policyOfATopic() {
        var topic = topic();
        assertEquals(List.of(), TOPICS.getIamPolicy(topic).getBindingsList());
        var set = TOPICS.setIamPolicy(topic, Policy.newBuilder().addBindings(VIEWERS).build());
        assertEquals(List.of(VIEWERS), set.getBindingsList());
        assertFalse(set.getEtag().isEmpty());
        assertEquals(set, TOPICS.getIamPolicy(getting(topic)));
        assertEquals(PERMISSIONS, TOPICS.testIamPermissions(topic, PERMISSIONS).getPermissionsList());
        assertEquals(PERMISSIONS, TOPICS.testIamPermissions(testing(topic)).getPermissionsList());
    }

    @Test
    void policyOfASubscriptionAndOfASnapshot() {
        var subscription = subscription(topic());
        var snapshot = SUBSCRIPTIONS.createSnapshot(snapshotName(unique("sn")), subscription).getName();
        for (var resource : List.of(subscription, snapshot)) {
            assertEquals(List.of(), SUBSCRIPTIONS.getIamPolicy(resource).getBindingsList());
            var set = SUBSCRIPTIONS.setIamPolicy(setting(resource, Policy.newBuilder().addBindings(VIEWERS).build()));
            assertEquals(List.of(VIEWERS), set.getBindingsList());
            assertEquals(set, SUBSCRIPTIONS.getIamPolicy(resource));
            assertEquals(PERMISSIONS, SUBSCRIPTIONS.testIamPermissions(testing(resource)).getPermissionsList());
        }
    }

    @Test
    void policyOfASchema() {
        var schema = SchemasTest.schema(Schema.Type.AVRO, SchemasTest.AVRO).getName();
        var set = SCHEMAS.setIamPolicy(setting(schema, Policy.newBuilder().addBindings(VIEWERS).build()));
        assertEquals(set, SCHEMAS.getIamPolicy(getting(schema)));
        assertEquals(PERMISSIONS, SCHEMAS.testIamPermissions(testing(schema)).getPermissionsList());
    }

    @Test
    void etagGuardsAgainstOverwriting() {
        var topic = topic();
        var first = TOPICS.setIamPolicy(topic, Policy.newBuilder().addBindings(VIEWERS).build());
        var second = TOPICS.setIamPolicy(topic, first.toBuilder().clearBindings().build());
        assertNotEquals(first.getEtag(), second.getEtag());
        assertThrows(ApiException.class, () -> TOPICS.setIamPolicy(topic, first), "an old etag");
        assertEquals(List.of(), TOPICS.getIamPolicy(topic).getBindingsList());
    }

    @Test
    void missingResources() {
        var missing = unique("missing");
        notFound(missing, () -> TOPICS.getIamPolicy(topicName(missing)));
        notFound(missing, () -> TOPICS.setIamPolicy(topicName(missing), Policy.getDefaultInstance()));
        notFound(missing, () -> SUBSCRIPTIONS.getIamPolicy(subscriptionName(missing)));
        notFound(missing, () -> SCHEMAS.getIamPolicy(getting(schemaName(missing))));
        assertEquals(
                List.of(),
                TOPICS.testIamPermissions(topicName(missing), PERMISSIONS).getPermissionsList(),
                "none, and no error");
    }

    @Test
    void policyEndsWithItsTopic() {
        var topic = topic();
        TOPICS.setIamPolicy(topic, Policy.newBuilder().addBindings(VIEWERS).build());
        TOPICS.deleteTopic(topic);
        TOPICS.createTopic(topic);
        assertEquals(List.of(), TOPICS.getIamPolicy(topic).getBindingsList());
    }
}
