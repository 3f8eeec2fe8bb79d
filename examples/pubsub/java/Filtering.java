import java.util.Map;

/** A subscription with a filter gets only the messages whose attributes match it. */
public class Filtering {
    public static void main(String[] args) throws Exception {
        try (var service = new Service()) {
            var topic = service.topic("events");
            var everything = service.subscribe(topic, "events-all");
            var orders = service.subscribe(topic, "events-orders", s -> s.setFilter("attributes.kind = \"order\""));
            service.publish(topic, Map.of("kind", "visit"), "visit-1", "visit-2");
            service.publish(topic, Map.of("kind", "order"), "order-1", "order-2");

            var got = Service.texts(service.receive(everything, 4));
            Expect.that(got.equals("order-1, order-2, visit-1, visit-2"), got);
            System.out.println("all: " + got);
            got = Service.texts(service.receive(orders, 2));
            Expect.that(got.equals("order-1, order-2"), got);
            System.out.println("orders: " + got);
        }
    }
}
