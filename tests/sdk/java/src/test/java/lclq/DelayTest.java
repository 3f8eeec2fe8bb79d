package lclq;

import static lclq.Queue.bodies;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Delayed messages: by the message, by the queue. */
class DelayTest extends SqsTest {
    @Test
    void messagesOwnDelay() {
        var queue = queue();
        queue.send("later", r -> r.delaySeconds(2));
        queue.send("now");
        assertEquals(List.of("now"), bodies(queue.receive()));
        assertEquals(List.of("later"), bodies(queue.receiveWaiting(5)));
    }

    @Test
    void queuesDelayWhichAMessageMayOverride() {
        var queue = queue(Map.of("DelaySeconds", "2"));
        queue.send("by the queue");
        queue.send("at once", r -> r.delaySeconds(0));
        assertEquals(List.of("at once"), bodies(queue.receive()));
        assertEquals(List.of("by the queue"), bodies(queue.receiveWaiting(5)));
    }

    @Test
    void atMost900Seconds() {
        var queue = queue();
        invalidParameter(() -> queue.send("never", r -> r.delaySeconds(-1)));
        invalidParameter(() -> queue.send("never", r -> r.delaySeconds(901)));
    }

    @Test
    void fifoQueueHasNoDelayByMessage() {
        var queue = queue(with(FIFO, "DelaySeconds", "2"));
        invalidParameter(
                "not valid for this queue type.",
                () -> queue.send("own delay", r -> r.messageGroupId("g").delaySeconds(3)));
        queue.send("falls back", r -> r.messageGroupId("g").delaySeconds(0));
        queue.isEmpty("delayed");
        assertEquals(List.of("falls back"), bodies(queue.receiveWaiting(5)));
    }
}
