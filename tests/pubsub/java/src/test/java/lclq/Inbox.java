package lclq;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.google.api.core.ApiService;
import com.google.api.gax.batching.FlowControlSettings;
import com.google.cloud.pubsub.v1.AckReplyConsumer;
import com.google.cloud.pubsub.v1.AckReplyConsumerWithResponse;
import com.google.cloud.pubsub.v1.MessageReceiver;
import com.google.cloud.pubsub.v1.MessageReceiverWithAckResponse;
import com.google.cloud.pubsub.v1.Subscriber;
import com.google.cloud.pubsub.v1.SubscriberShutdownSettings;
import com.google.cloud.pubsub.v1.SubscriberShutdownSettings.ShutdownMode;
import com.google.common.util.concurrent.MoreExecutors;
import com.google.pubsub.v1.PubsubMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** A streaming subscriber that hands its messages to the test in the order of their arrival. */
final class Inbox implements AutoCloseable {
    /** A message that the test has to ack or nack; only one of the two consumers is there. */
    record Delivery(PubsubMessage message, AckReplyConsumer reply, AckReplyConsumerWithResponse replyWithResponse) {
        String text() {
            return message.getData().toStringUtf8();
        }

        void ack() {
            reply.ack();
        }

        void nack() {
            reply.nack();
        }
    }

    private static final Duration SHUTDOWN = Duration.ofSeconds(20);

    private final LinkedBlockingQueue<Delivery> deliveries = new LinkedBlockingQueue<>();
    private final Subscriber subscriber;
    volatile Throwable failure;

    private Inbox(String subscription, boolean withResponse, Consumer<Subscriber.Builder> more) {
        MessageReceiver plain = (message, reply) -> deliveries.add(new Delivery(message, reply, null));
        MessageReceiverWithAckResponse confirmed = (message, reply) -> deliveries.add(new Delivery(message, null, reply));
        var builder = withResponse
                ? Subscriber.newBuilder(subscription, confirmed)
                : Subscriber.newBuilder(subscription, plain);
        // What a test leaves unanswered goes back when it ends.
        builder.setChannelProvider(PubSubTest.TRANSPORT)
                .setCredentialsProvider(PubSubTest.CREDENTIALS)
                .setSubscriberShutdownSettings(SubscriberShutdownSettings.newBuilder()
                        .setMode(ShutdownMode.NACK_IMMEDIATELY)
                        .setTimeout(SHUTDOWN)
                        .build());
        more.accept(builder);
        subscriber = builder.build();
        subscriber.addListener(
                new ApiService.Listener() {
                    @Override
                    public void failed(ApiService.State from, Throwable error) {
                        // Where a stream fails while the subscriber starts, that it failed is wrapped around why.
                        var wrapped = error instanceof IllegalStateException && error.getCause() != null;
                        failure = wrapped ? error.getCause() : error;
                    }
                },
                MoreExecutors.directExecutor());
        subscriber.startAsync();
        try {
            subscriber.awaitRunning();
        } catch (IllegalStateException atOnce) {
            // Its stream was refused sooner than this looked: the test finds the failure.
            if (subscriber.state() != ApiService.State.FAILED) {
                throw atOnce;
            }
        }
    }

    static Inbox open(String subscription) {
        return open(subscription, builder -> {});
    }

    static Inbox open(String subscription, Consumer<Subscriber.Builder> more) {
        return new Inbox(subscription, false, more);
    }

    /** A subscriber whose acks and nacks are answered. */
    static Inbox withResponses(String subscription) {
        return withResponses(subscription, builder -> {});
    }

    static Inbox withResponses(String subscription, Consumer<Subscriber.Builder> more) {
        return new Inbox(subscription, true, more);
    }

    static FlowControlSettings atMost(long messages) {
        return FlowControlSettings.newBuilder().setMaxOutstandingElementCount(messages).build();
    }

    Delivery next() throws InterruptedException {
        var delivery = deliveries.poll(PubSubTest.PATIENCE_SECONDS, TimeUnit.SECONDS);
        assertNotNull(delivery, "a message comes");
        return delivery;
    }

    /** The next message, null where none comes within this time. */
    Delivery poll(int millis) throws InterruptedException {
        return deliveries.poll(millis, TimeUnit.MILLISECONDS);
    }

    /** Acknowledges this many messages and answers their texts. */
    List<String> take(int count) throws InterruptedException {
        var texts = new ArrayList<String>();
        while (texts.size() < count) {
            var delivery = next();
            delivery.ack();
            texts.add(delivery.text());
        }
        return texts;
    }

    /** Acknowledges what is there, without waiting long, and adds its texts to these. */
    void drain(Collection<String> texts) throws InterruptedException {
        for (var delivery = poll(20); delivery != null; delivery = deliveries.poll()) {
            delivery.ack();
            texts.add(delivery.text());
        }
    }

    /** Expects that no message comes within this time. */
    void staysEmpty(int millis, String why) throws InterruptedException {
        assertNull(poll(millis), why);
    }

    Subscriber subscriber() {
        return subscriber;
    }

    @Override
    public void close() throws TimeoutException {
        if (failure == null) {
            subscriber.stopAsync().awaitTerminated(SHUTDOWN.toSeconds(), TimeUnit.SECONDS);
        }
    }
}
