package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.gax.batching.FlowControlSettings;
import com.google.api.gax.rpc.NotFoundException;
import com.google.cloud.pubsub.v1.SubscriberShutdownSettings;
import com.google.cloud.pubsub.v1.SubscriberShutdownSettings.ShutdownMode;
import com.google.pubsub.v1.PubsubMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The Subscriber class, over streams. */
class StreamingTest extends PubSubTest {
    private static void publishMany(String topic, int count) {
        for (var from = 0; from < count; from += 1000) {
            var to = Math.min(from + 1000, count);
            publish(topic, IntStream.range(from, to).mapToObj(i -> message("m" + i)).toArray(PubsubMessage[]::new));
        }
    }

    @Test
    void messagesComeOnceEach() throws Exception {
        var topic = topic();
        var subscription = subscription(topic);
        publishMany(topic, 3000);
        try (var inbox = Inbox.open(subscription)) {
            var texts = inbox.take(3000);
            publishMany(topic, 2000);
            assertEquals(3000, new HashSet<>(texts).size());
            assertEquals(2000, new HashSet<>(inbox.take(2000)).size());
            inbox.staysEmpty(500, "each once");
        }
        becomesEmpty(subscription, "all are acknowledged");
    }

    @Test
    void messageComesToAnOpenStreamAtOnce() throws Exception {
        var topic = topic();
        try (var inbox = Inbox.open(subscription(topic))) {
            inbox.staysEmpty(1_000, "idle");
            for (var i = 0; i < 20; i++) {
                publish(topic, "m" + i);
                assertEquals(List.of("m" + i), inbox.take(1));
            }
        }
    }

    @Test
    void severalStreamsShareASubscription() throws Exception {
        var topic = topic();
        var subscription = subscription(topic);
        try (var two = Inbox.open(subscription, builder -> builder.setParallelPullCount(2));
                var three = Inbox.open(subscription, builder -> builder.setParallelPullCount(3))) {
            publishMany(topic, 1000);
            var texts = new HashSet<String>();
            var giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
            while (texts.size() < 1000 && System.nanoTime() < giveUp) {
                for (var inbox : List.of(two, three)) {
                    inbox.drain(texts);
                }
            }
            assertEquals(1000, texts.size());
        }
        becomesEmpty(subscription, "all are acknowledged");
    }

    @Test
    void nackBringsTheMessageBack() throws Exception {
        var topic = topic();
        publish(topic, "before the subscription");
        try (var inbox = Inbox.open(subscription(topic))) {
            publish(topic, "again");
            for (var i = 0; i < 3; i++) {
                inbox.next().nack();
            }
            assertEquals(List.of("again"), inbox.take(1));
            inbox.staysEmpty(500, "acknowledged");
        }
    }

    @Test
    void flowControlBoundsWhatIsOutstanding() throws Exception {
        var topic = topic();
        publishMany(topic, 1);
        var subscription = subscription(topic);
        publishMany(topic, 50);
        try (var inbox = Inbox.open(subscription, builder -> builder.setFlowControlSettings(Inbox.atMost(5)))) {
            var held = new ArrayList<Inbox.Delivery>();
            for (var i = 0; i < 5; i++) {
                held.add(inbox.next());
            }
            inbox.staysEmpty(1_000, "five are out");
            assertEquals(45, pullNow(subscription, 100).size(), "the stream was sent no more than it may hold");
            held.forEach(Inbox.Delivery::ack);
            publishMany(topic, 5);
            assertEquals(5, inbox.take(5).size());
        }
    }

    @Test
    void flowControlCountsBytes() throws Exception {
        var topic = topic();
        var subscription = subscription(topic);
        for (var i = 0; i < 10; i++) {
            publish(topic, "x".repeat(100_000));
        }
        var bytes = FlowControlSettings.newBuilder().setMaxOutstandingRequestBytes(250_000L).build();
        try (var inbox = Inbox.open(subscription, builder -> builder.setFlowControlSettings(bytes))) {
            var first = inbox.next();
            inbox.next();
            // A server may send the message that crosses the bound; the library then holds it back.
            inbox.staysEmpty(1_000, "as many as the bytes allow");
            first.ack();
            inbox.next();
        }
    }

    @Test
    void leaseIsExtendedWhileTheMessageIsHeld() throws Exception {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, "slow");
        try (var inbox = Inbox.open(subscription,
                builder -> builder.setMaxDurationPerAckExtensionDuration(Duration.ofSeconds(10)))) {
            var held = inbox.next();
            inbox.staysEmpty(13_000, "held past its first deadline");
            held.ack();
        }
        becomesEmpty(subscription, "acknowledged");
    }

    @Test
    void leaseEndsWhereExtendingEnds() throws Exception {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, "forgotten");
        try (var inbox = Inbox.open(subscription, builder -> builder
                .setMaxAckExtensionPeriodDuration(Duration.ZERO)
                .setMaxDurationPerAckExtensionDuration(Duration.ofSeconds(10)))) {
            var first = inbox.next();
            var again = inbox.next();
            assertEquals(first.message().getMessageId(), again.message().getMessageId());
            again.ack();
            first.ack(); // too late, and no error
        }
        becomesEmpty(subscription, "acknowledged");
    }

    @Test
    void closedStreamGivesItsMessagesBack() throws Exception {
        var topic = topic();
        var subscription = subscription(topic, s -> s.setAckDeadlineSeconds(600)).getName();
        publishMany(topic, 10);
        try (var inbox = Inbox.open(subscription)) {
            for (var i = 0; i < 10; i++) {
                inbox.next();
            }
        }
        assertEquals(10, take(subscription, 10).size());
    }

    @Test
    void shutdownMayWaitForWhatIsBeingProcessed() throws Exception {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, "finishing");
        var inbox = Inbox.open(subscription, builder -> builder.setSubscriberShutdownSettings(
                SubscriberShutdownSettings.newBuilder()
                        .setMode(ShutdownMode.WAIT_FOR_PROCESSING)
                        .setTimeout(Duration.ofSeconds(PATIENCE_SECONDS))
                        .build()));
        var held = inbox.next();
        var stopping = inbox.subscriber().stopAsync();
        Thread.sleep(1_000);
        assertTrue(inbox.subscriber().isRunning() || !inbox.subscriber().state().name().equals("TERMINATED"));
        held.ack();
        stopping.awaitTerminated(PATIENCE_SECONDS, TimeUnit.SECONDS);
        becomesEmpty(subscription, "acknowledged while it shut down");
    }

    @Test
    void largeMessagesPass() throws Exception {
        var topic = topic();
        try (var inbox = Inbox.open(subscription(topic))) {
            var text = "x".repeat(9_900_000);
            publish(topic, text);
            assertEquals(List.of(text), inbox.take(1));
        }
    }

    @Test
    void streamOfAMissingSubscriptionFails() throws Exception {
        try (var inbox = Inbox.open(subscriptionName(unique("missing")))) {
            eventually("the subscriber fails", () -> inbox.failure != null);
            assertInstanceOf(NotFoundException.class, inbox.failure);
        }
    }

    @Test
    void streamOfADeletedSubscriptionEnds() throws Exception {
        var topic = topic();
        var subscription = subscription(topic);
        try (var inbox = Inbox.open(subscription)) {
            publish(topic, "first");
            inbox.take(1);
            SUBSCRIPTIONS.deleteSubscription(subscription);
            eventually("the subscriber fails", () -> inbox.failure != null);
            assertInstanceOf(NotFoundException.class, inbox.failure);
        }
    }
}
