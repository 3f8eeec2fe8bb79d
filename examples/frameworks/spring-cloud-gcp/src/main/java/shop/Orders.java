package shop;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.cloud.spring.pubsub.PubSubAdmin;
import com.google.cloud.spring.pubsub.core.PubSubTemplate;
import com.google.cloud.spring.pubsub.support.converter.JacksonPubSubMessageConverter;
import java.util.TreeSet;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.springframework.stereotype.Component;

/** Publishes orders by Spring Cloud GCP, and subscribes to them. */
@Component
class Orders {
    private static final String NAME = "orders";

    private final PubSubTemplate pubsub;
    private final PubSubAdmin admin;

    Orders(PubSubTemplate pubsub, PubSubAdmin admin) {
        this.pubsub = pubsub;
        this.admin = admin;
        pubsub.setMessageConverter(new JacksonPubSubMessageConverter(new ObjectMapper()));
    }

    void place(int count) throws Exception {
        admin.createTopic(NAME);
        admin.createSubscription(NAME, NAME);
        var handled = new LinkedBlockingQueue<Order>();
        var subscriber = pubsub.subscribeAndConvert(NAME, message -> {
            handled.add(message.getPayload());
            message.ack();
        }, Order.class);

        for (var number = 1; number <= count; number++) {
            pubsub.publish(NAME, new Order("order-" + number, number)).get();
        }
        var got = new TreeSet<String>();
        while (got.size() < count) {
            var order = handled.poll(20, TimeUnit.SECONDS);
            if (order == null || order.amount() < 1) {
                throw new IllegalStateException("came: " + order + " after " + got);
            }
            got.add(order.id());
        }
        System.out.println("subscribed to " + String.join(", ", got));
        subscriber.stopAsync().awaitTerminated();
        admin.deleteSubscription(NAME);
        admin.deleteTopic(NAME);
    }
}
