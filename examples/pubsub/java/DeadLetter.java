import com.google.cloud.pubsub.v1.Subscriber;
import com.google.protobuf.util.Durations;
import com.google.pubsub.v1.DeadLetterPolicy;
import com.google.pubsub.v1.RetryPolicy;
import java.util.List;
import java.util.Map;

/** A dead-letter topic for what subscribers refuse again and again. */
public class DeadLetter {
    static final int ATTEMPTS = 5; // the fewest that may be asked for

    public static void main(String[] args) throws Exception {
        try (var service = new Service()) {
            var failed = service.topic("payments-failed");
            var letters = service.subscribe(failed, "payments-failed");
            var topic = service.topic("payments");
            var backoff = Durations.fromMillis(100);
            var subscription = service.subscribe(topic, "payments", s -> s
                    .setDeadLetterPolicy(DeadLetterPolicy.newBuilder()
                            .setDeadLetterTopic(failed).setMaxDeliveryAttempts(ATTEMPTS))
                    .setRetryPolicy(RetryPolicy.newBuilder().setMinimumBackoff(backoff).setMaximumBackoff(backoff)));
            service.publish(topic, Map.of(), "payment-1");

            var refused = service.receive(subscription, ATTEMPTS, delivery -> delivery.reply().nack());
            var attempts = refused.stream().map(d -> Subscriber.getDeliveryAttempt(d.message())).toList();
            Expect.that(attempts.equals(List.of(1, 2, 3, 4, 5)), attempts);
            System.out.println("refused " + refused.size() + " times");

            var letter = service.receive(letters, 1).get(0);
            Expect.that(letter.text().equals("payment-1"), letter);
            var source = letter.message().getAttributesOrThrow("CloudPubSubDeadLetterSourceSubscription");
            Expect.that(source.equals("payments"), source);
            System.out.println("in the dead-letter topic: " + letter.text());
        }
    }
}
