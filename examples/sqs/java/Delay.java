import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** Messages that come later: a delay of one message's own, and one that the queue gives to all. */
public class Delay {
    public static void main(String[] args) {
        try (var sqs = SqsClient.create()) {
            var attributes = Map.of(QueueAttributeName.DELAY_SECONDS, "2");
            var url = sqs.createQueue(r -> r.queueName("reminders").attributes(attributes)).queueUrl();
            var began = Instant.now();
            sqs.sendMessage(r -> r.queueUrl(url).messageBody("by the queue's delay"));
            sqs.sendMessage(r -> r.queueUrl(url).messageBody("by its own delay").delaySeconds(1));
            var early = sqs.receiveMessage(r -> r.queueUrl(url).waitTimeSeconds(0)).messages();
            Expect.that(early.isEmpty(), early);
            System.out.println("nothing at once");

            var seconds = 0;
            for (var expected : List.of("by its own delay", "by the queue's delay")) {
                seconds++;
                var message = sqs.receiveMessage(r -> r.queueUrl(url).waitTimeSeconds(10)).messages().get(0);
                sqs.deleteMessage(r -> r.queueUrl(url).receiptHandle(message.receiptHandle()));
                Expect.that(message.body().equals(expected), message);
                // The service counts from when it took the message, to the second.
                var passed = Duration.between(began, Instant.now());
                Expect.that(passed.toMillis() > seconds * 1000 - 500, passed);
                System.out.println("after " + seconds + " s: " + message.body());
            }
            sqs.deleteQueue(r -> r.queueUrl(url));
        }
    }
}
