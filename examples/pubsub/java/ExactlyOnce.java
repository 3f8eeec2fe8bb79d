import java.util.Map;

/** Exactly-once delivery: an acknowledgement has an answer, and what it confirmed never comes again. */
public class ExactlyOnce {
    public static void main(String[] args) throws Exception {
        try (var service = new Service()) {
            var topic = service.topic("single-orders");
            var subscription = service.subscribe(topic, "single-orders", s -> s.setEnableExactlyOnceDelivery(true));
            service.publish(topic, Map.of(), "order-1", "order-2", "order-3");
            var first = service.receive(subscription, 3, Service.Delivery::ack);
            System.out.println(first.size() + " acknowledgements confirmed");

            // What comes now is only what is new.
            service.publish(topic, Map.of(), "order-4");
            var got = Service.texts(service.receive(subscription, 1));
            Expect.that(got.equals("order-4"), got);
            System.out.println("none came again");
        }
    }
}
