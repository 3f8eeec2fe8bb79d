package lclq;

import static lclq.Queue.bodies;
import static lclq.Queue.system;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.model.ReceiptHandleIsInvalidException;

/** In-flight messages: hidden, extended, given back, expired. */
class VisibilityTest extends SqsTest {
    private static final Map<String, String> ONE_SECOND = Map.of("VisibilityTimeout", "1");
    private static final long PAST_ONE_SECOND = 1300;

    @Test
    void receivedMessageIsHiddenUntilItsTimeout() {
        var queue = queue(Map.of("VisibilityTimeout", "2"));
        queue.send("hidden");
        var first = queue.receiveOne();
        queue.isEmpty("hidden");
        var second = queue.receiveOne();
        assertEquals(first.messageId(), second.messageId());
        assertNotEquals(first.receiptHandle(), second.receiptHandle());
        assertEquals("2", system(second, "ApproximateReceiveCount"));
    }

    @Test
    void receiveOverridesTheQueuesTimeout() {
        var queue = queue();
        queue.send("briefly");
        queue.receiveHiding(2);
        queue.isEmpty("hidden");
        assertEquals(List.of("briefly"), bodies(queue.receiveWaiting(5)));
    }

    @Test
    void receiveWithZeroLeavesTheMessageVisibleUnderAFreshHandle() {
        var queue = queue();
        queue.send("peek");
        var handles = new HashSet<String>();
        for (int i = 0; i < 3; i++) {
            handles.add(queue.receiveHiding(0).receiptHandle());
        }
        assertEquals(3, handles.size(), "different handles");
    }

    @Test
    void zeroGivesAMessageBackAtOnce() {
        var queue = queue();
        queue.send("returned");
        queue.hide(queue.receiveOne(), 0);
        assertEquals(List.of("returned"), bodies(queue.receive()));
    }

    @Test
    void longerTimeoutKeepsAMessageHidden() throws InterruptedException {
        var queue = queue(ONE_SECOND);
        queue.send("kept");
        queue.hide(queue.receiveOne(), 60);
        sleep(PAST_ONE_SECOND);
        queue.isEmpty("still hidden");
    }

    @Test
    void changeCountsForTheCurrentReceiveOnly() throws InterruptedException {
        var queue = queue(ONE_SECOND);
        queue.send("again");
        var first = queue.receiveOne();
        queue.hide(first, 0);
        queue.receiveOne();
        assertEquals(first.messageId(), queue.receiveOne().messageId(), "the queue's own timeout is back");
        queue.hide(first, 60);
        sleep(PAST_ONE_SECOND);
        queue.isEmpty("hidden by the earlier handle");
    }

    @Test
    void standardQueueDeletesAndChangesAfterExpiry() throws InterruptedException {
        var queue = queue();
        queue.send("late");
        var got = queue.receiveHiding(1);
        sleep(PAST_ONE_SECOND);
        queue.hide(got, 60);
        queue.isEmpty("hidden again");
        queue.hide(got, 0);
        queue.delete(got);
        queue.isEmpty("deleted");
    }

    @Test
    void fifoQueueRefusesADeleteAfterExpiry() throws InterruptedException {
        var queue = fifo();
        queue.sendGroup("g", "late");
        var got = queue.receiveHiding(1);
        sleep(PAST_ONE_SECOND);
        invalidParameter("The receipt handle has expired.", () -> queue.delete(got));
    }

    @Test
    void deletedMessagesVisibilityCannotChange() {
        var queue = queue();
        queue.send("deleted");
        var got = queue.receiveOne();
        queue.delete(got);
        invalidParameter(
                "Message does not exist or is not available for visibility timeout change.", () -> queue.hide(got, 10));
    }

    @Test
    void atMostTwelveHours() {
        var queue = queue();
        queue.send("half a day");
        var got = queue.receiveOne();
        queue.hide(got, 43100);
        invalidParameter(() -> queue.hide(got, 43201));
        invalidParameter(() -> queue.receive(r -> r.visibilityTimeout(43201)));
    }

    @Test
    void garbageHandles() {
        var queue = queue();
        var text = "The input receipt handle \"garbage\" is not a valid receipt handle.";
        var type = ReceiptHandleIsInvalidException.class;
        raises(type, "ReceiptHandleIsInvalid", text, () -> queue.delete("garbage"));
        raises(type, "ReceiptHandleIsInvalid", text, () -> queue.hide("garbage", 1));
        assertEquals(404, assertThrows(type, () -> queue.delete("garbage")).statusCode());
    }
}
