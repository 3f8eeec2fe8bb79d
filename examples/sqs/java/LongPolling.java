import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** Long polling: a receive that waits for messages instead of asking again and again. */
public class LongPolling {
    public static void main(String[] args) {
        try (var sqs = SqsClient.create()) {
            // What a queue says counts for receives that say nothing.
            var attributes = Map.of(QueueAttributeName.RECEIVE_MESSAGE_WAIT_TIME_SECONDS, "10");
            var url = sqs.createQueue(r -> r.queueName("news").attributes(attributes)).queueUrl();

            var began = System.nanoTime();
            var nothing = sqs.receiveMessage(r -> r.queueUrl(url).waitTimeSeconds(1)).messages();
            var waited = millisSince(began);
            Expect.that(nothing.isEmpty() && waited > 900 && waited < 5_000, waited);
            System.out.println("an empty queue answered after 1 s");

            began = System.nanoTime();
            var later = CompletableFuture.delayedExecutor(500, TimeUnit.MILLISECONDS);
            var sending = CompletableFuture.runAsync(
                    () -> sqs.sendMessage(r -> r.queueUrl(url).messageBody("news")), later);
            var messages = sqs.receiveMessage(r -> r.queueUrl(url)).messages();
            waited = millisSince(began);
            Expect.that(messages.size() == 1 && waited > 400 && waited < 9_000, waited);
            System.out.println(messages.get(0).body() + " came while the receiver waited");
            sending.join();
            sqs.deleteQueue(r -> r.queueUrl(url));
        }
    }

    private static long millisSince(long nanoTime) {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - nanoTime);
    }
}
