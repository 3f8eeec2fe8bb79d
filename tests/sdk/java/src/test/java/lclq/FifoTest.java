package lclq;

import static lclq.Queue.bodies;
import static lclq.Queue.system;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResultEntry;

/** FIFO queues: order, groups, sequence numbers, receive attempts. */
class FifoTest extends SqsTest {
    private static final List<String> DIGITS = List.of("0", "1", "2", "3", "4", "5", "6", "7", "8", "9");

    private static List<String> sequence(List<Message> messages) {
        return messages.stream().map(message -> system(message, "SequenceNumber")).toList();
    }

    @Test
    void oneReceiveReturnsAGroupInOrder() {
        var queue = fifo();
        queue.sendGroup("g", DIGITS.toArray(String[]::new));
        assertEquals(DIGITS, bodies(queue.receive()));
    }

    @Test
    void sequenceNumbers() {
        var queue = fifo();
        var sent = queue.sendGroup("g", "a", "b", "c");
        for (var number : sent) {
            assertTrue(number.matches("\\d{20}"), number);
        }
        assertTrue(sent.get(0).compareTo(sent.get(1)) < 0 && sent.get(1).compareTo(sent.get(2)) < 0, sent.toString());
        assertEquals(sent, sequence(queue.receive()));
    }

    @Test
    void batchKeepsItsOrder() {
        var queue = fifo();
        var entries = DIGITS.stream()
                .map(id -> BatchesTest.toSend(id, id).toBuilder().messageGroupId("g").build())
                .toList();
        var sent = BatchesTest.send(queue, entries).successful().stream();
        var numbers = sent.sorted((a, b) -> a.id().compareTo(b.id()))
                .map(SendMessageBatchResultEntry::sequenceNumber)
                .toList();
        assertEquals(sorted(numbers), numbers);
        var got = queue.receive();
        assertEquals(DIGITS, bodies(got));
        assertEquals(numbers, sequence(got));
    }

    @Test
    void groupAndDeduplicationIdComeBack() {
        var queue = queue(FIFO_BY_ID);
        queue.send("named", r -> r.messageGroupId("group-1").messageDeduplicationId("dedup-1"));
        var got = queue.receiveOne();
        assertEquals("group-1", system(got, "MessageGroupId"));
        assertEquals("dedup-1", system(got, "MessageDeduplicationId"));
    }

    @Test
    void groupIsLockedWhileInFlight() {
        var queue = fifo();
        queue.sendGroup("a", "a1", "a2", "a3");
        queue.sendGroup("b", "b1");
        var first = queue.receiveAtMost(1);
        assertEquals(List.of("a1"), bodies(first));
        assertEquals(List.of("b1"), bodies(queue.receive()), "the other group");
        queue.isEmpty("both are locked");
        queue.delete(first.get(0));
        assertEquals(List.of("a2", "a3"), bodies(queue.receive()));
    }

    @Test
    void partialDeleteKeepsTheGroupLocked() {
        var queue = fifo();
        queue.sendGroup("g", "1", "2", "3");
        var got = queue.receiveAtMost(2);
        assertEquals(List.of("1", "2"), bodies(got));
        queue.delete(got.get(0));
        queue.isEmpty("locked by the second");
        queue.delete(got.get(1));
        assertEquals(List.of("3"), bodies(queue.receive()));
    }

    @Test
    void messageGivenBackComesFirstAgain() {
        var queue = fifo();
        queue.sendGroup("g", "1", "2");
        queue.hide(queue.receiveOne(), 0);
        assertEquals(List.of("1", "2"), bodies(queue.receive()));
    }

    @Test
    void orderHoldsWithinEachGroup() {
        var queue = fifo();
        var groups = List.of("a", "b", "c", "d");
        for (var digit : DIGITS) {
            for (var group : groups) {
                queue.sendGroup(group, group + digit);
            }
        }
        Map<String, List<String>> got = new HashMap<>();
        for (int received = 0; received < 40; ) {
            var messages = queue.receiveWaiting(1);
            assertFalse(messages.isEmpty(), "stalled after " + received);
            received += messages.size();
            for (var message : messages) {
                got.computeIfAbsent(system(message, "MessageGroupId"), g -> new ArrayList<>()).add(message.body());
                queue.delete(message);
            }
        }
        for (var group : groups) {
            assertEquals(DIGITS.stream().map(digit -> group + digit).toList(), got.get(group));
        }
    }

    @Test
    void receiveRequestAttemptId() {
        var queue = fifo();
        queue.sendGroup("g", "1", "2", "3");
        var first = attempt(queue, "attempt-1");
        assertEquals(List.of("1", "2"), bodies(first));
        queue.isEmpty("locked for everyone else");
        assertEquals(List.of(), attempt(queue, "attempt-2"));
        var retried = attempt(queue, "attempt-1");
        assertEquals(ids(first), ids(retried));
        retried.forEach(queue::delete);
        assertEquals(List.of("3"), bodies(queue.receive()));
    }

    private static List<Message> attempt(Queue queue, String id) {
        return queue.receive(r -> r.maxNumberOfMessages(2).receiveRequestAttemptId(id));
    }

    private static List<String> ids(List<Message> messages) {
        return messages.stream().map(Message::messageId).toList();
    }

    @Test
    void messageNeedsAGroup() {
        var queue = fifo();
        raises("MissingParameter", "MessageGroupId", () -> queue.send("no group"));
        Stream.of("with space", "g".repeat(129), "grüße")
                .forEach(group -> invalidParameter(() -> queue.sendGroup(group, "bad group")));
    }
}
