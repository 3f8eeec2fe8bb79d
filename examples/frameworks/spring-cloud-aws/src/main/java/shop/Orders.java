package shop;

import io.awspring.cloud.sqs.annotation.SqsListener;
import io.awspring.cloud.sqs.operations.SqsTemplate;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.springframework.stereotype.Component;

/** Sends orders by Spring Cloud AWS, and listens to them. */
@Component
class Orders {
    private static final String QUEUE = "orders";

    private final SqsTemplate sqs;
    private final LinkedBlockingQueue<Order> handled = new LinkedBlockingQueue<>();

    Orders(SqsTemplate sqs) {
        this.sqs = sqs;
    }

    // The queue is made where it isn't there, which is the library's way unless it is told otherwise.
    @SqsListener(QUEUE)
    void handle(Order order) {
        handled.add(order);
    }

    void place(int count) {
        for (var number = 1; number <= count; number++) {
            sqs.send(QUEUE, new Order("order-" + number, number));
        }
        Set<String> got = new TreeSet<>();
        while (got.size() < count) {
            var order = next();
            if (order.amount() < 1) {
                throw new IllegalStateException("an order without an amount: " + order);
            }
            got.add(order.id());
        }
        System.out.println("listened to " + String.join(", ", got));
    }

    private Order next() {
        try {
            var order = handled.poll(20, TimeUnit.SECONDS);
            if (order == null) {
                throw new IllegalStateException("nothing came for 20 s");
            }
            return order;
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }
}
