package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.model.InvalidAttributeNameException;
import software.amazon.awssdk.services.sqs.model.InvalidAttributeValueException;

/** Queue attributes: defaults, changes, and values that are refused. */
class AttributesTest extends SqsTest {
    @Test
    void defaults() {
        var attributes = queue().attributes("All");
        Map.of(
                        "VisibilityTimeout", "30",
                        "MaximumMessageSize", "1048576",
                        "MessageRetentionPeriod", "345600",
                        "DelaySeconds", "0",
                        "ReceiveMessageWaitTimeSeconds", "0",
                        "SqsManagedSseEnabled", "true",
                        "ApproximateNumberOfMessages", "0",
                        "ApproximateNumberOfMessagesNotVisible", "0",
                        "ApproximateNumberOfMessagesDelayed", "0")
                .forEach((name, value) -> assertEquals(value, attributes.get(name), name));
        for (var name : new String[] {"FifoQueue", "Policy", "RedrivePolicy", "KmsMasterKeyId"}) {
            assertFalse(attributes.containsKey(name), name);
        }
        var created = Instant.ofEpochSecond(Long.parseLong(attributes.get("CreatedTimestamp")));
        assertTrue(Duration.between(created, Instant.now()).abs().toSeconds() < 60, "created " + created);
    }

    @Test
    void fifoDefaults() {
        var attributes = queue(FIFO_BY_ID).attributes("All");
        assertEquals("true", attributes.get("FifoQueue"));
        assertEquals("false", attributes.get("ContentBasedDeduplication"));
        assertEquals("queue", attributes.get("DeduplicationScope"));
        assertEquals("perQueue", attributes.get("FifoThroughputLimit"));
    }

    @Test
    void onlyThoseAskedFor() {
        var queue = queue();
        assertEquals(Map.of("DelaySeconds", "0"), queue.attributes("DelaySeconds"));
        assertFalse(SQS.getQueueAttributes(r -> r.queueUrl(queue.url)).hasAttributes());
    }

    @Test
    void setChangesWhatItNames() {
        var queue = queue(Map.of("DelaySeconds", "3"));
        var changed = Map.of(
                "VisibilityTimeout", "43200",
                "MaximumMessageSize", "1024",
                "MessageRetentionPeriod", "1209600",
                "ReceiveMessageWaitTimeSeconds", "20");
        queue.set(changed);
        var wanted = with(changed, "DelaySeconds", "3");
        assertEquals(wanted, queue.attributes(wanted.keySet().toArray(String[]::new)));
    }

    @Test
    void valuesOutOfRange() {
        var queue = queue();
        Map.of(
                        "VisibilityTimeout", "43201",
                        "MaximumMessageSize", "1023",
                        "MessageRetentionPeriod", "59",
                        "DelaySeconds", "901",
                        "ReceiveMessageWaitTimeSeconds", "21")
                .forEach((name, value) -> raises(
                        InvalidAttributeValueException.class,
                        "InvalidAttributeValue",
                        "",
                        () -> queue.set(Map.of(name, value))));
    }

    @Test
    void unknownNames() {
        var queue = queue();
        raises(InvalidAttributeNameException.class, "InvalidAttributeName", "", () -> queue.set(Map.of("Foobar", "1")));
        raises(
                InvalidAttributeNameException.class,
                "InvalidAttributeName",
                "Unknown Attribute Foobar.",
                () -> queue.attributes("Foobar"));
    }

    @Test
    void typeCannotChange() {
        var standard = queue();
        raises(
                InvalidAttributeNameException.class,
                "InvalidAttributeName",
                "Unknown Attribute FifoQueue.",
                () -> standard.set(Map.of("FifoQueue", "true")));
        var fifo = fifo();
        raises(
                InvalidAttributeValueException.class,
                "InvalidAttributeValue",
                "Modifying queue type is not supported.",
                () -> fifo.set(Map.of("FifoQueue", "false")));
    }

    @Test
    void emptyPoliciesAreRemoved() {
        var dead = queue();
        var policy = "{\"Version\":\"2012-10-17\",\"Statement\":[]}";
        var queue = queue(with(DeadLetterTest.pointingAt(dead, "\"3\""), "Policy", policy));
        assertEquals(dead.arn, json(queue.attribute("RedrivePolicy")).field("deadLetterTargetArn").get().asString());
        assertEquals(json(policy), json(queue.attribute("Policy")));
        queue.set(Map.of("RedrivePolicy", "", "Policy", ""));
        assertEquals(Map.of(), queue.attributes("RedrivePolicy", "Policy"));
    }

    @Test
    void kmsKeyTurnsManagedEncryptionOff() {
        var queue = queue();
        queue.set(Map.of("KmsMasterKeyId", "alias/mine"));
        assertEquals("alias/mine", queue.attribute("KmsMasterKeyId"));
        assertEquals("false", queue.attribute("SqsManagedSseEnabled"));
        queue.set(Map.of("KmsMasterKeyId", ""));
        assertNull(queue.attribute("KmsMasterKeyId"));
        assertEquals("false", queue.attribute("SqsManagedSseEnabled"), "stays off");
    }

    @Test
    void countsFollowTheMessages() {
        var queue = queue();
        queue.send("a");
        queue.send("b");
        queue.send("c");
        queue.send("later", r -> r.delaySeconds(60));
        queue.receiveOne();
        assertEquals("2", queue.attribute("ApproximateNumberOfMessages"));
        assertEquals("1", queue.attribute("ApproximateNumberOfMessagesNotVisible"));
        assertEquals("1", queue.attribute("ApproximateNumberOfMessagesDelayed"));
    }
}
