import java.util.List;
import java.util.Map;

/** A topic with two subscriptions, each of which gets every message. */
public class PublishSubscribe {
    public static void main(String[] args) throws Exception {
        try (var service = new Service()) {
            var topic = service.topic("orders");
            for (var name : List.of("billing", "shipping")) {
                service.subscribe(topic, "orders-" + name);
            }
            service.publish(topic, Map.of("currency", "EUR"), "order-1", "order-2", "order-3");

            for (var name : List.of("billing", "shipping")) {
                var deliveries = service.receive(service.project + "/subscriptions/orders-" + name, 3);
                for (var delivery : deliveries) {
                    Expect.that(delivery.message().getAttributesOrThrow("currency").equals("EUR"), delivery);
                }
                var got = Service.texts(deliveries);
                Expect.that(got.equals("order-1, order-2, order-3"), got);
                System.out.println(name + ": " + got);
            }
        }
    }
}
