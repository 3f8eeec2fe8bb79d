package lclq;

import static lclq.Queue.bodies;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;

/** FIFO deduplication: by id, by content, by group. */
class DeduplicationTest extends SqsTest {
    private static SendMessageResponse send(Queue queue, String body, String group, String id) {
        return queue.send(body, r -> r.messageGroupId(group).messageDeduplicationId(id));
    }

    @Test
    void duplicateAnswersTheOriginal() {
        var queue = queue(FIFO_BY_ID);
        var original = send(queue, "original", "g", "same");
        var duplicate = send(queue, "another body", "g", "same");
        assertNotNull(original.sequenceNumber());
        assertEquals(original.messageId(), duplicate.messageId());
        assertEquals(original.sequenceNumber(), duplicate.sequenceNumber());
        assertEquals(List.of("original"), bodies(queue.receive()));
    }

    @Test
    void byContentUnlessThereIsAnId() {
        var queue = fifo();
        queue.sendGroup("g", "a", "a", "b");
        send(queue, "b", "g", "explicit");
        assertEquals(List.of("a", "b", "b"), bodies(queue.receive()));
    }

    @Test
    void idIsNeededWithoutContentDeduplication() {
        var queue = queue(FIFO_BY_ID);
        invalidParameter(() -> queue.sendGroup("g", "no id"));
    }

    @Test
    void itOutlivesTheMessage() {
        var queue = fifo();
        queue.sendGroup("g", "once");
        queue.delete(queue.receiveOne());
        queue.sendGroup("g", "once");
        queue.isEmpty("a duplicate of a deleted message");
    }

    @Test
    void purgeClearsIt() {
        var queue = fifo();
        queue.sendGroup("g", "again");
        queue.purge();
        queue.sendGroup("g", "again");
        assertEquals(List.of("again"), bodies(queue.receive()));
    }

    @Test
    void scopeIsTheQueueOrEachGroup() {
        Map.of("queue", List.of("a"), "messageGroup", List.of("a", "b")).forEach((scope, wanted) -> {
            var queue = queue(with(FIFO_BY_ID, "DeduplicationScope", scope));
            send(queue, "a", "a", "same");
            send(queue, "b", "b", "same");
            assertEquals(wanted, sorted(bodies(queue.receive())), scope);
        });
    }

    @Test
    void batchDeduplicatesWithinItself() {
        var queue = fifo();
        var entries = Stream.of("1", "2")
                .map(id -> BatchesTest.toSend(id, "equal").toBuilder().messageGroupId("g").build())
                .toList();
        var sent = BatchesTest.send(queue, entries).successful();
        assertEquals(2, sent.size());
        assertEquals(sent.get(0).messageId(), sent.get(1).messageId());
        assertEquals(List.of("equal"), bodies(queue.receive()));
    }
}
