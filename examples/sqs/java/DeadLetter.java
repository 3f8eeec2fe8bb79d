import java.util.Map;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.ListMessageMoveTasksResultEntry;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** A dead-letter queue for what fails again and again, and its redrive. */
public class DeadLetter {
    public static void main(String[] args) throws InterruptedException {
        try (var sqs = SqsClient.create()) {
            var failed = sqs.createQueue(r -> r.queueName("payments-failed")).queueUrl();
            var source = sqs.getQueueAttributes(r -> r.queueUrl(failed).attributeNames(QueueAttributeName.QUEUE_ARN))
                    .attributes().get(QueueAttributeName.QUEUE_ARN);
            var policy = "{\"deadLetterTargetArn\": \"%s\", \"maxReceiveCount\": 2}".formatted(source);
            var payments = sqs.createQueue(r -> r.queueName("payments")
                    .attributes(Map.of(QueueAttributeName.REDRIVE_POLICY, policy))).queueUrl();
            sqs.sendMessage(r -> r.queueUrl(payments).messageBody("payment-1"));

            // A consumer that fails gives the message back at once, rather than have it wait for its time-out.
            var failures = 0;
            for (;;) {
                var messages = sqs.receiveMessage(r -> r.queueUrl(payments)).messages();
                if (messages.isEmpty()) {
                    break;
                }
                failures++;
                sqs.changeMessageVisibility(r -> r.queueUrl(payments)
                        .receiptHandle(messages.get(0).receiptHandle()).visibilityTimeout(0));
            }
            Expect.that(failures == 2, failures);
            System.out.println("failed " + failures + " times");

            var dead = sqs.receiveMessage(r -> r.queueUrl(failed).waitTimeSeconds(10).visibilityTimeout(0)).messages();
            System.out.println("in the dead-letter queue: " + dead.get(0).body());

            // The cause is mended: everything goes back to where it came from.
            sqs.startMessageMoveTask(r -> r.sourceArn(source));
            var task = newestTask(sqs, source);
            for (var look = 0; look < 100 && task.status().equals("RUNNING"); look++) {
                Thread.sleep(100);
                task = newestTask(sqs, source);
            }
            Expect.that(task.status().equals("COMPLETED") && task.approximateNumberOfMessagesMoved() == 1, task);

            var message = sqs.receiveMessage(r -> r.queueUrl(payments).waitTimeSeconds(10)).messages().get(0);
            sqs.deleteMessage(r -> r.queueUrl(payments).receiptHandle(message.receiptHandle()));
            Expect.that(message.body().equals("payment-1"), message);
            System.out.println("moved back and handled: " + message.body());
            sqs.deleteQueue(r -> r.queueUrl(payments));
            sqs.deleteQueue(r -> r.queueUrl(failed));
        }
    }

    private static ListMessageMoveTasksResultEntry newestTask(SqsClient sqs, String source) {
        return sqs.listMessageMoveTasks(r -> r.sourceArn(source).maxResults(1)).results().get(0);
    }
}
