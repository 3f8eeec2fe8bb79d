package lclq;

import static lclq.Attributes.EVERY_KIND;
import static lclq.Queue.bodies;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.QueueDoesNotExistException;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;

/** The asynchronous client, which has an HTTP implementation of its own. */
class AsyncTest extends SqsTest {
    private static final SqsAsyncClient ASYNC = asyncClient();

    @AfterAll
    static void close() {
        ASYNC.close();
    }

    @Test
    void sendReceiveDelete() {
        var queue = queue();
        ASYNC.sendMessage(r -> r.queueUrl(queue.url).messageBody("hello").messageAttributes(EVERY_KIND)).join();
        var got = ASYNC.receiveMessage(r -> queue.everything(r).waitTimeSeconds(5)).join().messages();
        assertEquals(List.of("hello"), bodies(got));
        assertEquals(EVERY_KIND, got.get(0).messageAttributes());
        ASYNC.deleteMessage(r -> r.queueUrl(queue.url).receiptHandle(got.get(0).receiptHandle())).join();
        queue.isEmpty("deleted");
    }

    @Test
    void hundredSendsAtOnce() {
        var queue = queue();
        var sends = IntStream.range(0, 100)
                .mapToObj(i -> ASYNC.sendMessage(r -> r.queueUrl(queue.url).messageBody("" + i)))
                .toList();
        var ids = sends.stream().map(CompletableFuture::join).map(SendMessageResponse::messageId).distinct();
        assertEquals(100, ids.count());
        assertEquals(100, bodies(queue.receiveExactly(100)).stream().distinct().count());
    }

    @Test
    void sendWakesAWaitingPollAtOnce() throws InterruptedException {
        var queue = queue();
        var delays = new ArrayList<Long>();
        for (int round = 0; round < 5; round++) {
            var poll = ASYNC.receiveMessage(r -> queue.everything(r).waitTimeSeconds(10))
                    .thenApply(answer -> Map.entry(answer.messages(), System.nanoTime()));
            sleep(200);
            var body = "round " + round;
            ASYNC.sendMessage(r -> r.queueUrl(queue.url).messageBody(body)).join();
            long from = System.nanoTime();
            var answer = poll.join();
            assertEquals(List.of(body), bodies(answer.getKey()));
            queue.delete(answer.getKey().get(0));
            delays.add((answer.getValue() - from) / 1_000_000);
        }
        Collections.sort(delays);
        assertTrue(delays.get(2) < 300, "median wake-up " + delays.get(2) + " ms");
        assertTrue(delays.get(4) < 5000, "slowest wake-up " + delays.get(4) + " ms");
    }

    @Test
    void abandonedPollDoesNotSwallowAMessage() throws InterruptedException {
        var queue = queue();
        var poll = ASYNC.receiveMessage(r -> queue.everything(r).waitTimeSeconds(10));
        sleep(300);
        assertTrue(poll.cancel(true), "the poll was still waiting");
        sleep(200);
        queue.send("not lost");
        assertEquals(List.of("not lost"), bodies(queue.receiveWaiting(5)));
    }

    @Test
    void exceptionsHaveTheSameClasses() {
        var sending = ASYNC.sendMessage(r -> r.queueUrl(unique("java")).messageBody("nowhere"));
        var failure = assertThrows(CompletionException.class, sending::join);
        assertInstanceOf(QueueDoesNotExistException.class, failure.getCause());
    }

    @Test
    void listedByPages() {
        var prefix = unique("java-async");
        var urls = new ArrayList<String>();
        for (int i = 0; i < 5; i++) {
            urls.add(queue(SQS, prefix + "-" + i, Map.of()).url);
        }
        var paged = Collections.synchronizedList(new ArrayList<String>());
        ASYNC.listQueuesPaginator(r -> r.queueNamePrefix(prefix).maxResults(2))
                .subscribe(page -> paged.addAll(page.queueUrls()))
                .join();
        assertEquals(urls, sorted(paged));
    }
}
