package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.api.gax.rpc.ApiException;
import com.google.protobuf.Timestamp;
import com.google.pubsub.v1.SeekRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Seek: to a snapshot, back in time and ahead. */
class SeekTest extends PubSubTest {
    private static void seek(String subscription, Instant time) {
        var timestamp = Timestamp.newBuilder().setSeconds(time.getEpochSecond()).setNanos(time.getNano());
        SUBSCRIPTIONS.seek(SeekRequest.newBuilder().setSubscription(subscription).setTime(timestamp).build());
    }

    private static void seek(String subscription, String snapshot) {
        SUBSCRIPTIONS.seek(SeekRequest.newBuilder().setSubscription(subscription).setSnapshot(snapshot).build());
    }

    private static List<String> sorted(List<String> texts) {
        return texts.stream().sorted().toList();
    }

    @Test
    void futureTimePurges() {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, "a", "b", "c");
        receiveOne(subscription);
        seek(subscription, Instant.now().plus(Duration.ofHours(1)));
        assertEquals(List.of(), pull(subscription, 10, 11_000), "leased ones are purged too");
        publish(topic, "after");
        assertEquals(List.of("after"), take(subscription, 1));
    }

    @Test
    void pastTimeRevivesWhatTheSubscriptionRetains() {
        var topic = topic();
        var subscription = subscription(topic, s -> s.setRetainAckedMessages(true)).getName();
        publish(topic, "a", "b");
        take(subscription, 2);
        isEmpty(subscription, "acknowledged");
        seek(subscription, Instant.now().minus(Duration.ofMinutes(5)));
        assertEquals(List.of("a", "b"), sorted(take(subscription, 2)));
    }

    @Test
    void pastTimeRevivesWhatTheTopicRetains() {
        var topic = topic(t -> t.setMessageRetentionDuration(seconds(3600))).getName();
        publish(topic, "before the subscription");
        var subscription = subscription(topic);
        publish(topic, "acked");
        assertEquals(List.of("acked"), take(subscription, 1));
        seek(subscription, Instant.now().minus(Duration.ofMinutes(5)));
        assertEquals(List.of("acked", "before the subscription"), sorted(take(subscription, 2)));
    }

    @Test
    void pastTimeRevivesNothingThatIsNotRetained() {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, "acked", "waiting");
        acknowledge(subscription, receive(subscription, 2).stream().filter(m -> text(m).equals("acked")).toList());
        seek(subscription, Instant.now().minus(Duration.ofMinutes(5)));
        assertEquals(List.of("waiting"), take(subscription, 1));
        isEmpty(subscription, "what was acknowledged is gone");
    }

    @Test
    void timeBetweenMessagesSplitsThem() throws Exception {
        var topic = topic();
        var subscription = subscription(topic, s -> s.setRetainAckedMessages(true)).getName();
        publish(topic, "old");
        Thread.sleep(50);
        var between = Instant.now();
        Thread.sleep(50);
        publish(topic, "new");
        take(subscription, 2);
        seek(subscription, between);
        assertEquals(List.of("new"), take(subscription, 1));
        isEmpty(subscription, "the older one stays acknowledged");
    }

    @Test
    void snapshotBringsItsStateBack() {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, "acked before", "a", "b");
        var got = receive(subscription, 3);
        acknowledge(subscription, got.stream().filter(m -> text(m).equals("acked before")).toList());
        var snapshot = SUBSCRIPTIONS.createSnapshot(snapshotName(unique("sn")), subscription).getName();
        acknowledge(subscription, got);
        publish(topic, "published after");
        assertEquals(List.of("published after"), take(subscription, 1));
        isEmpty(subscription, "all are acknowledged");

        seek(subscription, snapshot);
        assertEquals(List.of("a", "b", "published after"), sorted(take(subscription, 3)));
        isEmpty(subscription, "what was acknowledged before the snapshot stays so");

        var other = subscription(topic);
        seek(other, snapshot);
        assertEquals(List.of("a", "b", "published after"), sorted(take(other, 3)), "any subscription of the topic");
    }

    @Test
    void seekWakesAnOpenStream() throws Exception {
        var topic = topic();
        var subscription = subscription(topic, s -> s.setRetainAckedMessages(true)).getName();
        try (var inbox = Inbox.open(subscription)) {
            publish(topic, "replayed");
            inbox.take(1);
            inbox.staysEmpty(500, "acknowledged");
            seek(subscription, Instant.now().minus(Duration.ofMinutes(5)));
            assertEquals(List.of("replayed"), inbox.take(1));
        }
    }

    @Test
    void requestsAreChecked() {
        var topic = topic();
        var subscription = subscription(topic);
        var missing = unique("missing");
        notFound(missing, () -> seek(subscription, snapshotName(missing)));
        notFound(missing, () -> seek(subscriptionName(missing), Instant.now()));
        invalid("", () -> SUBSCRIPTIONS.seek(SeekRequest.newBuilder().setSubscription(subscription).build()));
        var elsewhere = subscription(topic());
        var snapshot = SUBSCRIPTIONS.createSnapshot(snapshotName(unique("sn")), elsewhere).getName();
        assertThrows(ApiException.class, () -> seek(subscription, snapshot), "another topic's snapshot");
    }
}
