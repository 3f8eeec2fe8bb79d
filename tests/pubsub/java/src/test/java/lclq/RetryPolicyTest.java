package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.pubsub.v1.RetryPolicy;
import com.google.pubsub.v1.Subscription;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Retry policies: how long a nacked message waits. */
class RetryPolicyTest extends PubSubTest {
    private static Subscription retrying(String topic, long minimum, long maximum) {
        return subscription(topic, s -> s.setRetryPolicy(
                RetryPolicy.newBuilder().setMinimumBackoff(seconds(minimum)).setMaximumBackoff(seconds(maximum))));
    }

    private static long millisUntilRedelivery(String subscription) {
        var began = System.nanoTime();
        var got = receiveOne(subscription);
        nack(subscription, got);
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
    }

    @Test
    void backoffGrowsFromMinimumToMaximum() {
        var topic = topic();
        var subscription = retrying(topic, 1, 3).getName();
        publish(topic, "m");
        nack(subscription, receiveOne(subscription));
        // Lower bounds only: how late a redelivery may come depends on the machine.
        var first = millisUntilRedelivery(subscription);
        var second = millisUntilRedelivery(subscription);
        var third = millisUntilRedelivery(subscription);
        assertTrue(first >= 900, "after the minimum: " + first);
        assertTrue(second >= 1_900, "twice as long: " + second);
        assertTrue(third >= 2_900, "up to the maximum: " + third);
        assertTrue(third < 12_000, "not twice again: " + third);
    }

    @Test
    void otherMessagesDoNotWait() {
        var topic = topic();
        var subscription = retrying(topic, 30, 60).getName();
        publish(topic, "nacked");
        nack(subscription, receiveOne(subscription));
        publish(topic, "fresh");
        assertEquals(List.of("fresh"), take(subscription, 1));
        isEmpty(subscription, "the nacked one waits");
    }

    @Test
    void subscriberWaitsToo() throws Exception {
        var topic = topic();
        var subscription = retrying(topic, 2, 600).getName();
        publish(topic, "m");
        try (var inbox = Inbox.open(subscription)) {
            inbox.next().nack();
            inbox.staysEmpty(1_000, "it waits");
            assertEquals(List.of("m"), inbox.take(1));
        }
    }

    @Test
    void defaultsReadBack() {
        var made = subscription(topic(), s -> s.setRetryPolicy(RetryPolicy.getDefaultInstance()));
        assertEquals(seconds(10), made.getRetryPolicy().getMinimumBackoff());
        assertEquals(seconds(600), made.getRetryPolicy().getMaximumBackoff());
    }

    @Test
    void policyIsChecked() {
        var topic = topic();
        invalid("cannot be smaller than minimum_backoff", () -> retrying(topic, 20, 10));
        invalid("", () -> retrying(topic, 1, 601));
        invalid("", () -> retrying(topic, -1, 10));
        assertEquals(seconds(0), retrying(topic, 0, 0).getRetryPolicy().getMinimumBackoff());
    }
}
