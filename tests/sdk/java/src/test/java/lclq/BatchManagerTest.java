package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.batchmanager.SqsAsyncBatchManager;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;
import software.amazon.awssdk.services.sqs.model.SqsException;

/** SqsAsyncBatchManager: single calls that the client gathers into batches, and receives that it prefetches. */
class BatchManagerTest extends SqsTest {
    private interface Use {
        void with(SqsAsyncBatchManager manager) throws Exception;
    }

    private static void manager(Use use) throws Exception {
        try (var client = asyncClient();
                var manager = client.batchManager()) {
            use.with(manager);
        }
    }

    private static <T> List<T> joinAll(List<CompletableFuture<T>> futures) {
        return futures.stream().map(CompletableFuture::join).toList();
    }

    private static <T> List<CompletableFuture<T>> start(int count, Function<Integer, CompletableFuture<T>> call) {
        return IntStream.range(0, count).boxed().map(call).toList();
    }

    /** Receives until this many different messages have come. */
    private static Map<String, Message> receive(SqsAsyncBatchManager manager, Queue queue, int count) {
        var got = new HashMap<String, Message>();
        var giveUp = Instant.now().plus(Duration.ofSeconds(15));
        while (got.size() < count) {
            assertTrue(Instant.now().isBefore(giveUp), "only " + got.keySet());
            var answer = manager.receiveMessage(r -> r.queueUrl(queue.url).maxNumberOfMessages(10)).join();
            answer.messages().forEach(message -> got.put(message.body(), message));
        }
        return got;
    }

    @Test
    void sendsReceivesAndDeletes() throws Exception {
        var queue = queue();
        manager(manager -> {
            var sent = joinAll(start(25, i -> manager.sendMessage(r -> r.queueUrl(queue.url).messageBody("body " + i))));
            assertEquals(25, sent.stream().map(SendMessageResponse::messageId).distinct().count());
            var got = receive(manager, queue, 25);
            joinAll(got.values().stream()
                    .map(message -> manager.deleteMessage(
                            r -> r.queueUrl(queue.url).receiptHandle(message.receiptHandle())))
                    .toList());
        });
        var left = queue.attributes("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible");
        assertEquals(
                Map.of("ApproximateNumberOfMessages", "0", "ApproximateNumberOfMessagesNotVisible", "0"), left);
    }

    @Test
    void changesVisibility() throws Exception {
        var queue = queue();
        for (int i = 0; i < 10; i++) {
            queue.send("body " + i);
        }
        var messages = queue.receiveExactly(10);
        queue.isEmpty("all in flight");
        manager(manager -> joinAll(start(
                10,
                i -> manager.changeMessageVisibility(r -> r.queueUrl(queue.url)
                        .receiptHandle(messages.get(i).receiptHandle())
                        .visibilityTimeout(0)))));
        assertEquals(10, queue.receiveExactly(10).size());
    }

    @Test
    void oneBadMessageFailsAlone() throws Exception {
        var queue = queue();
        manager(manager -> {
            var good = manager.sendMessage(r -> r.queueUrl(queue.url).messageBody("good"));
            var bad = manager.sendMessage(r -> r.queueUrl(queue.url).messageBody("bad \u0001"));
            good.join();
            var failure = assertThrows(CompletionException.class, bad::join);
            var cause = assertInstanceOf(SqsException.class, failure.getCause());
            assertEquals("InvalidMessageContents", cause.awsErrorDetails().errorCode());
        });
        assertEquals("good", queue.receiveOne().body());
    }
}
