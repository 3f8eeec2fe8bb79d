package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.protocols.jsoncore.JsonNode;

/** AddPermission and RemovePermission write the queue's policy. */
class PermissionsTest extends SqsTest {
    private static final List<String> ACCOUNT = List.of("111122223333");

    private static void add(String url, String label, List<String> accounts, String... actions) {
        SQS.addPermission(r -> r.queueUrl(url).label(label).awsAccountIds(accounts).actions(actions));
    }

    private static void remove(String url, String label) {
        SQS.removePermission(r -> r.queueUrl(url).label(label));
    }

    private static List<Map<String, JsonNode>> statements(Queue queue) {
        var statements = json(queue.attribute("Policy")).field("Statement").orElseThrow().asArray();
        return statements.stream().map(JsonNode::asObject).toList();
    }

    @Test
    void permissionBecomesAStatement() {
        var queue = queue();
        add(queue.url, "one", ACCOUNT, "SendMessage");
        var wanted =
                """
                {
                  "Version": "2008-10-17",
                  "Id": "%1$s/SQSDefaultPolicy",
                  "Statement": [{
                    "Sid": "one",
                    "Effect": "Allow",
                    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                    "Action": "SQS:SendMessage",
                    "Resource": "%1$s"
                  }]
                }
                """;
        assertEquals(json(wanted.formatted(queue.arn)), json(queue.attribute("Policy")));
    }

    @Test
    void severalAccountsAndActionsBecomeLists() {
        var queue = queue();
        add(queue.url, "many", List.of("111122223333", "444455556666"), "SendMessage", "ReceiveMessage");
        var statement = statements(queue).get(0);
        assertEquals(2, statement.get("Principal").field("AWS").orElseThrow().asArray().size());
        assertEquals(2, statement.get("Action").asArray().size());
    }

    @Test
    void labelIsThereOnceAndTheLastRemovalDropsThePolicy() {
        var queue = queue();
        add(queue.url, "first", ACCOUNT, "SendMessage");
        add(queue.url, "second", ACCOUNT, "*");
        invalidParameter("Already exists.", () -> add(queue.url, "first", ACCOUNT, "*"));
        assertEquals(2, statements(queue).size());

        remove(queue.url, "first");
        assertEquals(1, statements(queue).size());
        assertEquals("second", statements(queue).get(0).get("Sid").asString());
        invalidParameter(() -> remove(queue.url, "first"));
        remove(queue.url, "second");
        assertNull(queue.attribute("Policy"));
    }

    @Test
    void missingQueue() {
        var url = unique("java");
        queueDoesNotExist(() -> add(url, "one", ACCOUNT, "*"));
        queueDoesNotExist(() -> remove(url, "one"));
    }
}
