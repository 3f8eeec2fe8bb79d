package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.pubsub.v1.PubsubMessage;
import com.google.pubsub.v1.PullRequest;
import com.google.pubsub.v1.ReceivedMessage;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Pull, acknowledge and modify the deadline, one request at a time. */
class PullTest extends PubSubTest {
    @Test
    void everythingOfAMessageArrives() {
        var topic = topic();
        var subscription = subscription(topic);
        var sent = PubsubMessage.newBuilder()
                .setData(ByteString.copyFrom(new byte[] {0, -1, 7, -128}))
                .putAttributes("colour", "grün")
                .putAttributes("empty", "")
                .setOrderingKey("key")
                .build();
        var id = publish(topic, sent).get(0);
        var got = receiveOne(subscription);
        assertEquals(sent.getData(), got.getMessage().getData());
        assertEquals(sent.getAttributesMap(), got.getMessage().getAttributesMap());
        assertEquals("key", got.getMessage().getOrderingKey());
        assertEquals(id, got.getMessage().getMessageId());
        var age = System.currentTimeMillis() / 1000 - got.getMessage().getPublishTime().getSeconds();
        assertTrue(age >= -1 && age < 120, "published " + age + " s ago");
        assertEquals(0, got.getDeliveryAttempt(), "no dead-letter policy, no count");
        assertFalse(got.getAckId().isEmpty());
    }

    @Test
    void everySubscriptionGetsEveryMessageFromItsOwnStart() {
        var topic = topic();
        var early = subscription(topic);
        publish(topic, "first");
        var late = subscription(topic);
        publish(topic, "second");
        assertEquals(List.of("first", "second"), take(early, 2).stream().sorted().toList());
        assertEquals(List.of("second"), take(late, 1));
        isEmpty(late, "what was published before it is not delivered");
    }

    @Test
    void waitingPullWakesUp() throws Exception {
        var topic = topic();
        var subscription = subscription(topic);
        var request = PullRequest.newBuilder().setSubscription(subscription).setMaxMessages(10).build();
        var waiting = SUBSCRIPTIONS.pullCallable().futureCall(request);
        Thread.sleep(500);
        assertFalse(waiting.isDone(), "it waits");
        publish(topic, "awaited");
        var got = waiting.get(PATIENCE_SECONDS, TimeUnit.SECONDS).getReceivedMessagesList();
        assertEquals(List.of("awaited"), texts(got));
    }

    @Test
    void cancelledPullLeasesNothing() {
        var topic = topic();
        var subscription = subscription(topic, s -> s.setAckDeadlineSeconds(600)).getName();
        assertEquals(List.of(), pull(subscription, 1, 300));
        publish(topic, "still there");
        assertEquals(List.of("still there"), take(subscription, 1));
    }

    @Test
    void pullTakesAtMostWhatItAsksFor() {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, IntStream.range(0, 20).mapToObj(i -> message("m" + i)).toArray(PubsubMessage[]::new));
        assertEquals(7, pullNow(subscription, 7).size());
        assertEquals(13, receive(subscription, 13).size());
        for (var count : List.of(0, -1)) {
            invalid(
                    "You have passed an invalid argument to the service (argument=max_messages).",
                    () -> pullNow(subscription, count));
        }
    }

    @Test
    void leasedMessageIsHiddenUntilItsDeadline() {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, "leased");
        var first = receiveOne(subscription);
        isEmpty(subscription, "leased");
        var again = receiveOne(subscription);
        assertEquals(first.getMessage(), again.getMessage());
        assertNotEquals(first.getAckId(), again.getAckId(), "an ack id of its own for each delivery");
        acknowledge(subscription, first);
        acknowledge(subscription, again);
    }

    @Test
    void ackedMessageNeverComesAgain() {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, "once");
        var got = receiveOne(subscription);
        acknowledge(subscription, got);
        acknowledge(subscription, got); // acking twice is fine
        assertEquals(List.of(), pull(subscription, 1, 11_000), "past the deadline it had");
    }

    @Test
    void modifiedDeadlineHolds() {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, "kept");
        var got = receiveOne(subscription);
        SUBSCRIPTIONS.modifyAckDeadline(subscription, List.of(got.getAckId()), 30);
        assertEquals(List.of(), pull(subscription, 1, 12_000), "longer than the subscription's deadline");
        nack(subscription, got);
        assertEquals(List.of("kept"), take(subscription, 1));
    }

    @Test
    void nackRedeliversAtOnce() {
        var topic = topic();
        var subscription = subscription(topic, s -> s.setAckDeadlineSeconds(600)).getName();
        publish(topic, "again");
        for (var i = 0; i < 5; i++) {
            var got = receiveOne(subscription);
            assertEquals("again", text(got));
            nack(subscription, got);
        }
        assertEquals(List.of("again"), take(subscription, 1));
    }

    @Test
    void lateDeadlineOfAnOldDeliveryChangesNothing() {
        var topic = topic();
        var subscription = subscription(topic, s -> s.setAckDeadlineSeconds(600)).getName();
        publish(topic, "twice");
        var old = receiveOne(subscription);
        nack(subscription, old);
        var current = receiveOne(subscription);
        SUBSCRIPTIONS.modifyAckDeadline(subscription, List.of(old.getAckId()), 600);
        nack(subscription, old);
        isEmpty(subscription, "the current delivery is leased");
        nack(subscription, current);
        assertEquals(List.of("twice"), take(subscription, 1));
    }

    @Test
    void requestsAreChecked() {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, "checked");
        var got = receiveOne(subscription);
        invalid(
                "You have not specified an ack ID in the request.",
                () -> SUBSCRIPTIONS.acknowledge(subscription, List.of()));
        invalid(
                "You have passed an invalid ack ID to the service (ack_id=rubbish).",
                () -> SUBSCRIPTIONS.acknowledge(subscription, List.of(got.getAckId(), "rubbish")));
        invalid(
                "You have passed an invalid ack ID to the service (ack_id=rubbish).",
                () -> SUBSCRIPTIONS.modifyAckDeadline(subscription, List.of("rubbish"), 10));
        for (var deadline : List.of(-1, 601)) {
            invalid(
                    "Invalid ack deadline given (ack_deadline=%d). The ack deadline must be between 0 and 600 seconds."
                            .formatted(deadline),
                    () -> SUBSCRIPTIONS.modifyAckDeadline(subscription, List.of(got.getAckId()), deadline));
        }
        nack(subscription, got);
        assertEquals(List.of("checked"), take(subscription, 1), "the refused requests acknowledged nothing");
    }

    @Test
    void manyMessagesComeOnce() {
        var topic = topic();
        var subscription = subscription(topic);
        var sent = new HashSet<String>();
        for (var batch = 0; batch < 5; batch++) {
            var from = batch * 1000;
            var messages = IntStream.range(from, from + 1000).mapToObj(i -> message("m" + i)).toArray(PubsubMessage[]::new);
            sent.addAll(publish(topic, messages));
        }
        assertEquals(5000, sent.size(), "every message has an id of its own");
        var got = new ArrayList<ReceivedMessage>();
        while (got.size() < 5000) {
            var some = receive(subscription, Math.min(1000, 5000 - got.size()));
            acknowledge(subscription, some);
            got.addAll(some);
        }
        var ids = new HashSet<String>();
        got.forEach(message -> ids.add(message.getMessage().getMessageId()));
        assertEquals(sent, ids);
        isEmpty(subscription, "all are acknowledged");
    }
}
