import com.google.protobuf.ByteString;
import com.google.pubsub.v1.PubsubMessage;
import java.util.List;

/** Messages with an ordering key come in the order in which they were published. */
public class Ordering {
    static final List<String> STEPS = List.of("created", "paid", "shipped");
    static final List<String> CUSTOMERS = List.of("customer-1", "customer-2");

    public static void main(String[] args) throws Exception {
        try (var service = new Service()) {
            var topic = service.topic("order-steps");
            var subscription = service.subscribe(topic, "order-steps", s -> s.setEnableMessageOrdering(true));
            var publisher = service.publisher(topic).setEnableMessageOrdering(true).build();
            for (var step : STEPS) {
                for (var customer : CUSTOMERS) {
                    publisher.publish(PubsubMessage.newBuilder()
                            .setData(ByteString.copyFromUtf8(step)).setOrderingKey(customer).build());
                }
            }
            publisher.publishAllOutstanding();

            var deliveries = service.receive(subscription, STEPS.size() * CUSTOMERS.size());
            for (var customer : CUSTOMERS) {
                var got = deliveries.stream()
                        .filter(delivery -> delivery.message().getOrderingKey().equals(customer))
                        .map(Service.Delivery::text).toList();
                Expect.that(got.equals(STEPS), got);
                System.out.println(customer + ": " + String.join(", ", got));
            }
            publisher.shutdown();
        }
    }
}
