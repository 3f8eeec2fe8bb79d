import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** A FIFO queue: order within each group, and what is sent twice comes once. */
public class Fifo {
    static final List<String> STEPS = List.of("created", "paid", "shipped");

    public static void main(String[] args) {
        try (var sqs = SqsClient.create()) {
            var attributes = Map.of(QueueAttributeName.FIFO_QUEUE, "true");
            var url = sqs.createQueue(r -> r.queueName("orders.fifo").attributes(attributes)).queueUrl();
            String sent = null;
            for (var step : STEPS) {
                for (var customer : List.of("customer-1", "customer-2")) {
                    sent = send(sqs, url, customer, step);
                }
            }
            // The answer got lost, say, and the producer sends again.
            Expect.that(send(sqs, url, "customer-2", "shipped").equals(sent), "a second message");

            var seen = new TreeMap<String, List<String>>();
            for (;;) {
                var messages = sqs.receiveMessage(r -> r.queueUrl(url).maxNumberOfMessages(10)
                        .messageSystemAttributeNames(MessageSystemAttributeName.MESSAGE_GROUP_ID)).messages();
                if (messages.isEmpty()) {
                    break;
                }
                for (var message : messages) {
                    var customer = message.attributes().get(MessageSystemAttributeName.MESSAGE_GROUP_ID);
                    seen.computeIfAbsent(customer, c -> new ArrayList<>()).add(message.body());
                    // The group's next messages come once this one is deleted.
                    sqs.deleteMessage(r -> r.queueUrl(url).receiptHandle(message.receiptHandle()));
                }
            }

            Expect.that(seen.equals(Map.of("customer-1", STEPS, "customer-2", STEPS)), seen);
            seen.forEach((customer, steps) -> System.out.println(customer + ": " + String.join(", ", steps)));
            System.out.println("sent 7 times, received 6: one was a repetition");
            sqs.deleteQueue(r -> r.queueUrl(url));
        }
    }

    private static String send(SqsClient sqs, String url, String customer, String step) {
        return sqs.sendMessage(r -> r.queueUrl(url).messageBody(step).messageGroupId(customer)
                .messageDeduplicationId(customer + "-" + step)).messageId();
    }
}
