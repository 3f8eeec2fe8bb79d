import java.util.HashSet;
import java.util.stream.IntStream;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;

/** Batches: up to ten messages per request, each with an outcome of its own. */
public class Batch {
    public static void main(String[] args) {
        try (var sqs = SqsClient.create()) {
            var url = sqs.createQueue(r -> r.queueName("bulk")).queueUrl();
            var entries = IntStream.rangeClosed(1, 10).mapToObj(number -> SendMessageBatchRequestEntry.builder()
                    .id("entry-" + number)
                    .messageBody("order-" + number)
                    .delaySeconds(number == 10 ? 901 : 0) // one too many, so the last is refused
                    .build()).toList();
            var answer = sqs.sendMessageBatch(r -> r.queueUrl(url).entries(entries));
            Expect.that(answer.successful().size() == 9 && answer.failed().size() == 1, answer);
            var refused = answer.failed().get(0);
            Expect.that(refused.senderFault(), refused);
            System.out.printf("sent %d, refused %s: %s%n", answer.successful().size(), refused.id(), refused.code());

            var deleted = new HashSet<String>();
            for (;;) {
                var messages = sqs.receiveMessage(r -> r.queueUrl(url).maxNumberOfMessages(10)).messages();
                if (messages.isEmpty()) {
                    break;
                }
                messages.forEach(message -> deleted.add(message.body()));
                var handles = messages.stream().map(message -> DeleteMessageBatchRequestEntry.builder()
                        .id(message.messageId()).receiptHandle(message.receiptHandle()).build()).toList();
                var outcome = sqs.deleteMessageBatch(r -> r.queueUrl(url).entries(handles));
                Expect.that(outcome.failed().isEmpty(), outcome);
            }
            Expect.that(deleted.size() == 9 && !deleted.contains("order-10"), deleted);
            System.out.println("received and deleted " + deleted.size());
            sqs.deleteQueue(r -> r.queueUrl(url));
        }
    }
}
