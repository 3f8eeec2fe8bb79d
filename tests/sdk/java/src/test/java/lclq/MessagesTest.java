package lclq;

import static lclq.Attributes.EVERY_KIND;
import static lclq.Attributes.TRACE;
import static lclq.Attributes.TRACE_MD5;
import static lclq.Attributes.md5;
import static lclq.Attributes.string;
import static lclq.Attributes.typed;
import static lclq.Queue.system;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeNameForSends;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeValue;

/** One message's way: what comes back from a send, a receive and a delete. The client verifies every MD5 itself. */
class MessagesTest extends SqsTest {
    @Test
    void sendReceiveDelete() {
        var queue = queue();
        var sent = queue.send("hello");
        assertEquals(sent.messageId(), UUID.fromString(sent.messageId()).toString());
        assertEquals(md5("hello"), sent.md5OfMessageBody());
        assertNull(sent.md5OfMessageAttributes());
        assertNull(sent.md5OfMessageSystemAttributes());
        assertNull(sent.sequenceNumber());

        var got = queue.receiveOne();
        assertEquals(sent.messageId(), got.messageId());
        assertEquals("hello", got.body());
        assertEquals(md5("hello"), got.md5OfBody());
        assertFalse(got.hasMessageAttributes());
        assertNull(got.md5OfMessageAttributes());
        queue.delete(got);
        queue.isEmpty("deleted");
    }

    @Test
    void emptyReceiveHasNoMessages() {
        var queue = queue();
        assertFalse(SQS.receiveMessage(r -> r.queueUrl(queue.url)).hasMessages());
    }

    @Test
    void attributesOfEveryKind() {
        var queue = queue();
        var sent = queue.send("attributes", r -> r.messageAttributes(EVERY_KIND));
        assertEquals(md5(EVERY_KIND), sent.md5OfMessageAttributes());
        var got = queue.receiveOne();
        assertEquals(EVERY_KIND, got.messageAttributes());
        assertEquals(md5(EVERY_KIND), got.md5OfMessageAttributes());
    }

    @Test
    void traceHeader() {
        var queue = queue();
        var header = MessageSystemAttributeValue.builder().dataType("String").stringValue(TRACE).build();
        var sent = queue.send(
                "traced",
                r -> r.messageSystemAttributes(Map.of(MessageSystemAttributeNameForSends.AWS_TRACE_HEADER, header)));
        assertEquals(TRACE_MD5, sent.md5OfMessageSystemAttributes());
        assertEquals(TRACE_MD5, md5(Map.of("AWSTraceHeader", string(TRACE))));
        assertNull(sent.md5OfMessageAttributes());
        assertEquals(TRACE, system(queue.receiveOne(), "AWSTraceHeader"));
    }

    @Test
    void attributesAskedFor() {
        var queue = queue(Map.of("VisibilityTimeout", "0"));
        queue.send("some", r -> r.messageAttributes(EVERY_KIND));
        Map.of(
                        List.of("text"), Set.of("text"),
                        List.of("custom.*"), Set.of("custom.bytes", "custom.number", "custom.text"),
                        List.of("number", "custom.text", "missing"), Set.of("number", "custom.text"),
                        List.of(".*"), EVERY_KIND.keySet())
                .forEach((asked, wanted) -> {
                    var subset = new HashMap<>(EVERY_KIND);
                    subset.keySet().retainAll(wanted);
                    var got = queue.receiveOne(r -> r.messageAttributeNames(asked));
                    assertEquals(subset, got.messageAttributes(), "asked for " + asked);
                    assertEquals(md5(subset), got.md5OfMessageAttributes(), "MD5 of " + asked);
                });
        var none = queue.receiveOne(r -> r.messageAttributeNames(List.of()));
        assertFalse(none.hasMessageAttributes());
        assertNull(none.md5OfMessageAttributes());
    }

    @Test
    void systemAttributes() {
        var queue = queue(Map.of("VisibilityTimeout", "0"));
        queue.send("system");
        var first = queue.receiveOne();
        assertEquals("1", system(first, "ApproximateReceiveCount"));
        assertFalse(system(first, "SenderId").isEmpty());
        for (var name : List.of("SentTimestamp", "ApproximateFirstReceiveTimestamp")) {
            long age = System.currentTimeMillis() - Long.parseLong(system(first, name));
            assertTrue(Math.abs(age) < 10_000, name + " is " + age + " ms ago");
        }

        var second = queue.receiveOne();
        assertEquals("2", system(second, "ApproximateReceiveCount"));
        assertEquals(system(first, "SentTimestamp"), system(second, "SentTimestamp"));
        assertEquals(
                system(first, "ApproximateFirstReceiveTimestamp"), system(second, "ApproximateFirstReceiveTimestamp"));
    }

    @Test
    @SuppressWarnings("deprecation") // the old parameter must go on working
    void systemAttributesAskedFor() {
        var queue = queue(Map.of("VisibilityTimeout", "0"));
        queue.send("which");
        var none = List.<String>of();
        var old = queue.receiveOne(
                r -> r.messageSystemAttributeNamesWithStrings(none).attributeNamesWithStrings("SentTimestamp"));
        assertEquals(Set.of("SentTimestamp"), old.attributesAsStrings().keySet());
        var current = queue.receiveOne(r -> r.messageSystemAttributeNamesWithStrings("SenderId"));
        assertEquals(Set.of("SenderId"), current.attributesAsStrings().keySet());
        var unknown = queue.receiveOne(r -> r.messageSystemAttributeNamesWithStrings("Foobar"));
        assertFalse(unknown.hasAttributes(), "an unknown name is ignored");
        assertFalse(queue.receiveOne(r -> r.messageSystemAttributeNamesWithStrings(none)).hasAttributes());
    }

    @Test
    void repeatedDelete() {
        var queue = queue();
        queue.send("once");
        var got = queue.receiveOne();
        queue.delete(got);
        assertEquals(200, queue.delete(got).sdkHttpResponse().statusCode());
    }

    @Test
    void attributesThatNoMessageCanHave() {
        var queue = queue();
        var eleven = new HashMap<String, MessageAttributeValue>();
        for (int i = 0; i < 11; i++) {
            eleven.put("name" + i, string("v"));
        }
        for (var refused : List.of(
                eleven,
                Map.of("AWS.name", string("v")),
                Map.of("amazon.name", string("v")),
                Map.of("n".repeat(257), string("v")),
                Map.of("number", typed("Number", "twelve")),
                Map.of("kind", typed("Bool", "true")))) {
            invalidParameter(() -> queue.send("refused", r -> r.messageAttributes(refused)));
        }
        invalidParameter(
                "Message (user) attribute 'X' must contain a non-empty value of type 'String'",
                () -> queue.send("refused", r -> r.messageAttributes(Map.of("X", string("")))));
        queue.isEmpty("nothing was sent");
    }

    @Test
    void receiveParametersOutOfRange() {
        var queue = queue();
        for (int count : new int[] {0, 11}) {
            invalidParameter("Must be between 1 and 10, if provided.", () -> queue.receiveAtMost(count));
        }
        for (int seconds : new int[] {-1, 21}) {
            invalidParameter("Must be >= 0 and <= 20, if provided.", () -> queue.receiveWaiting(seconds));
        }
    }

    @Test
    void groupOnAStandardQueue() {
        var queue = queue();
        assertNull(queue.send("fair", r -> r.messageGroupId("tenant-1")).sequenceNumber());
        var got = queue.receiveOne();
        assertEquals("tenant-1", system(got, "MessageGroupId"));
        assertNull(system(got, "SequenceNumber"));
        invalidParameter(() -> queue.send("bad group", r -> r.messageGroupId("not a group")));
    }
}
