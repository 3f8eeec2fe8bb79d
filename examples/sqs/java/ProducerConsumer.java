import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** A producer and a consumer, side by side. */
public class ProducerConsumer {
    static final List<String> ORDERS = List.of("order-1", "order-2", "order-3", "order-4", "order-5");

    public static void main(String[] args) {
        try (var sqs = SqsClient.create()) {
            var url = sqs.createQueue(r -> r.queueName("orders")).queueUrl();
            var producing = CompletableFuture.runAsync(() -> produce(sqs, url));

            var handled = new TreeSet<String>();
            while (handled.size() < ORDERS.size()) {
                var messages = sqs.receiveMessage(r -> r.queueUrl(url).maxNumberOfMessages(10).waitTimeSeconds(10)
                        .messageAttributeNames("All")).messages();
                Expect.that(!messages.isEmpty(), "nothing came for 10 s");
                for (var message : messages) {
                    var currency = message.messageAttributes().get("currency").stringValue();
                    Expect.that(currency.equals("EUR"), currency);
                    handled.add(message.body());
                    // What isn't deleted comes again when its visibility timeout has passed.
                    sqs.deleteMessage(r -> r.queueUrl(url).receiptHandle(message.receiptHandle()));
                }
            }
            producing.join();

            Expect.that(List.copyOf(handled).equals(ORDERS), handled);
            var counts = sqs.getQueueAttributes(r -> r.queueUrl(url).attributeNames(QueueAttributeName.ALL))
                    .attributes();
            var left = Integer.parseInt(counts.get(QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES))
                    + Integer.parseInt(counts.get(QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE));
            Expect.that(left == 0, left);
            System.out.printf("handled %d orders, %d left%n", handled.size(), left);
            sqs.deleteQueue(r -> r.queueUrl(url));
        }
    }

    private static void produce(SqsClient sqs, String url) {
        var currency = MessageAttributeValue.builder().dataType("String").stringValue("EUR").build();
        for (var order : ORDERS) {
            sqs.sendMessage(r -> r.queueUrl(url).messageBody(order).messageAttributes(Map.of("currency", currency)));
        }
    }
}
