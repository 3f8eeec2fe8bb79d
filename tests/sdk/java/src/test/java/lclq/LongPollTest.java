package lclq;

import static lclq.Queue.bodies;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageRequest;

/** Long polls wait, and wake as soon as there is something. */
class LongPollTest extends SqsTest {
    private static final ExecutorService POLLERS = Executors.newCachedThreadPool();

    private record Answer(List<Message> messages, long nanos) {}

    @AfterAll
    static void stopPollers() {
        POLLERS.shutdown();
    }

    private static CompletableFuture<Answer> poll(Queue queue, Consumer<ReceiveMessageRequest.Builder> how) {
        return CompletableFuture.supplyAsync(() -> new Answer(queue.receive(how), System.nanoTime()), POLLERS);
    }

    /** Expects a body from a poll that waits while the trigger is pulled, and answers the seconds that it took. */
    private static double wakes(
            Queue queue, Consumer<ReceiveMessageRequest.Builder> how, String body, Runnable trigger)
            throws InterruptedException {
        var polling = poll(queue, how);
        sleep(200);
        trigger.run();
        long from = System.nanoTime();
        var answer = polling.join();
        assertEquals(List.of(body), bodies(answer.messages()));
        queue.delete(answer.messages().get(0));
        return (answer.nanos() - from) / 1e9;
    }

    private static void wakesWithin(double seconds, Queue queue, String body, Runnable trigger)
            throws InterruptedException {
        double took = wakes(queue, r -> r.waitTimeSeconds(10), body, trigger);
        assertTrue(took < seconds, "woke after " + took + " s");
    }

    private static double timed(Runnable what) {
        long from = System.nanoTime();
        what.run();
        return (System.nanoTime() - from) / 1e9;
    }

    @Test
    void sendWakesAWaitingPollAtOnce() throws InterruptedException {
        var queue = queue();
        var delays = new ArrayList<Double>();
        for (int round = 0; round < 5; round++) {
            var body = "round " + round;
            delays.add(wakes(queue, r -> r.waitTimeSeconds(10), body, () -> queue.send(body)));
        }
        delays.sort(null);
        assertTrue(delays.get(2) < 0.3, "median wake-up " + delays.get(2) + " s");
        assertTrue(delays.get(4) < 5, "slowest wake-up " + delays.get(4) + " s");
    }

    @Test
    void sendWakesAPollThatWaitsByTheQueuesOwnTime() throws InterruptedException {
        var queue = queue(Map.of("ReceiveMessageWaitTimeSeconds", "10"));
        double took = wakes(queue, r -> {}, "default wait", () -> queue.send("default wait"));
        assertTrue(took < 3, "woke after " + took + " s");
    }

    @Test
    void fifoSendWakesAWaitingPoll() throws InterruptedException {
        var queue = fifo();
        wakesWithin(3, queue, "fifo", () -> queue.sendGroup("g", "fifo"));
    }

    @Test
    void fifoDeleteWakesAPollThatWaitsForTheGroup() throws InterruptedException {
        var queue = fifo();
        queue.sendGroup("g", "first", "second");
        var first = queue.receiveOne();
        wakesWithin(3, queue, "second", () -> queue.delete(first));
    }

    @Test
    void givingBackWakesAWaitingPoll() throws InterruptedException {
        var queue = queue();
        queue.send("given back");
        var message = queue.receiveOne();
        wakesWithin(3, queue, "given back", () -> queue.hide(message, 0));
    }

    @Test
    void endOfADelayWakesAWaitingPoll() throws InterruptedException {
        var queue = queue();
        queue.send("delayed", r -> r.delaySeconds(1));
        wakesWithin(4, queue, "delayed", () -> {});
    }

    @Test
    void endOfAVisibilityTimeoutWakesAWaitingPoll() throws InterruptedException {
        var queue = queue();
        queue.send("expired");
        queue.receiveHiding(1);
        wakesWithin(4, queue, "expired", () -> {});
    }

    @Test
    void pollAnswersWithWhatThereIs() {
        var queue = queue();
        queue.send("only one");
        double took = timed(() -> assertEquals(List.of("only one"), bodies(queue.receiveWaiting(10))));
        assertTrue(took < 5, "waited " + took + " s");
    }

    @Test
    void emptyPollWaitsItsTime() {
        var queue = queue(Map.of("ReceiveMessageWaitTimeSeconds", "3"));
        double took = timed(() -> assertEquals(List.of(), queue.receive()));
        assertTrue(took > 2.9 && took < 7, "waited " + took + " s");
        took = timed(() -> assertEquals(List.of(), queue.receiveWaiting(0)));
        assertTrue(took < 2.5, "0 overrides the queue's wait, but it took " + took + " s");
    }

    @Test
    void tenPollsShareTenMessages() throws InterruptedException {
        var queue = queue();
        var polls = new ArrayList<CompletableFuture<Answer>>();
        for (int i = 0; i < 10; i++) {
            polls.add(poll(queue, r -> r.waitTimeSeconds(10).maxNumberOfMessages(1)));
        }
        sleep(300);
        for (int i = 0; i < 10; i++) {
            queue.send("" + i);
        }
        var got = polls.stream().flatMap(poll -> bodies(poll.join().messages()).stream()).sorted().toList();
        assertEquals(List.of("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"), got);
    }
}
