import com.google.pubsub.v1.SeekRequest;
import java.util.Map;

/** Going back to a snapshot: messages that were acknowledged since come again. */
public class Seek {
    static final String ORDERS = "order-1, order-2, order-3";

    public static void main(String[] args) throws Exception {
        try (var service = new Service()) {
            var topic = service.topic("replayed-orders");
            var subscription = service.subscribe(topic, "replayed-orders");
            service.publish(topic, Map.of(), ORDERS.split(", "));
            var snapshot = service.project + "/snapshots/before-the-release";
            service.subscriptions.createSnapshot(snapshot, subscription);

            var got = Service.texts(service.receive(subscription, 3));
            Expect.that(got.equals(ORDERS), got);
            System.out.println("handled 3, by a release with a fault");

            service.subscriptions.seek(
                    SeekRequest.newBuilder().setSubscription(subscription).setSnapshot(snapshot).build());
            got = Service.texts(service.receive(subscription, 3));
            Expect.that(got.equals(ORDERS), got);
            System.out.println("again, from the snapshot: " + got);
            service.subscriptions.deleteSnapshot(snapshot);
        }
    }
}
