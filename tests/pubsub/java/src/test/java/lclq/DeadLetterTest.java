package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.cloud.pubsub.v1.Subscriber;
import com.google.pubsub.v1.DeadLetterPolicy;
import com.google.pubsub.v1.PubsubMessage;
import com.google.pubsub.v1.Subscription;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Dead-letter topics: the count, the move and what the message then carries. */
class DeadLetterTest extends PubSubTest {
    private static final String PREFIX = "CloudPubSubDeadLetterSource";

    private static Subscription deadLettering(String topic, String dead, int attempts) {
        return subscription(topic, s -> s.setDeadLetterPolicy(
                DeadLetterPolicy.newBuilder().setDeadLetterTopic(dead).setMaxDeliveryAttempts(attempts)));
    }

    @Test
    void messageMovesAfterItsAttempts() {
        var topic = topic();
        var dead = topic();
        var graveyard = subscription(dead);
        var source = deadLettering(topic, dead, 5).getName();
        var sent = message("poison", "colour", "red").toBuilder().setOrderingKey("key").build();
        var id = publish(topic, sent).get(0);
        for (var attempt = 1; attempt <= 5; attempt++) {
            var got = receiveOne(source);
            assertEquals(attempt, got.getDeliveryAttempt());
            assertEquals(sent.getAttributesMap(), got.getMessage().getAttributesMap());
            nack(source, got);
        }
        var moved = receiveOne(graveyard).getMessage();
        isEmpty(source, "it has moved");
        assertEquals("poison", moved.getData().toStringUtf8());
        assertEquals("key", moved.getOrderingKey());
        assertNotEquals(id, moved.getMessageId(), "it is published anew");
        assertEquals("red", moved.getAttributesOrThrow("colour"));
        assertEquals(leaf(source), moved.getAttributesOrThrow(PREFIX + "Subscription"));
        assertEquals(PROJECT, moved.getAttributesOrThrow(PREFIX + "SubscriptionProject"));
        assertEquals("5", moved.getAttributesOrThrow(PREFIX + "DeliveryCount"));
        var published = moved.getAttributesOrThrow(PREFIX + "TopicPublishTime");
        assertTrue(published.matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}\\+00:00"), published);
        assertEquals(5, moved.getAttributesCount());
    }

    @Test
    void subscriberSeesTheAttempt() throws Exception {
        var topic = topic();
        var dead = topic();
        var graveyard = subscription(dead);
        var source = deadLettering(topic, dead, 6).getName();
        try (var inbox = Inbox.open(source); var after = Inbox.open(graveyard)) {
            publish(topic, "poison");
            for (var attempt = 1; attempt <= 6; attempt++) {
                var delivery = inbox.next();
                assertEquals(attempt, Subscriber.getDeliveryAttempt(delivery.message()));
                delivery.nack();
            }
            var moved = after.next();
            moved.ack();
            assertNull(Subscriber.getDeliveryAttempt(moved.message()), "no policy there, no count");
            assertEquals("6", moved.message().getAttributesOrThrow(PREFIX + "DeliveryCount"));
            inbox.staysEmpty(300, "it has moved");
        }
    }

    @Test
    void expiryCountsAsAnAttempt() {
        var topic = topic();
        var source = deadLettering(topic, topic(), 5).getName();
        publish(topic, "slow");
        assertEquals(1, receiveOne(source).getDeliveryAttempt());
        var second = receiveOne(source); // after 10 s
        assertEquals(2, second.getDeliveryAttempt());
        acknowledge(source, second);
    }

    @Test
    void ackedMessageDoesNotMove() {
        var topic = topic();
        var dead = topic();
        var graveyard = subscription(dead);
        var source = deadLettering(topic, dead, 5).getName();
        publish(topic, "saved");
        for (var attempt = 1; attempt <= 4; attempt++) {
            nack(source, receiveOne(source));
        }
        acknowledge(source, receiveOne(source));
        isEmpty(graveyard, "acknowledged at the last attempt");
        isEmpty(source, "acknowledged");
    }

    @Test
    void onlyThePoisonOfAKeyMoves() {
        var topic = topic();
        var dead = topic();
        var graveyard = subscription(dead);
        var source = subscription(topic, s -> s.setEnableMessageOrdering(true).setDeadLetterPolicy(
                DeadLetterPolicy.newBuilder().setDeadLetterTopic(dead).setMaxDeliveryAttempts(5))).getName();
        publish(topic, new PubsubMessage[] {ordered("k", "poison"), ordered("k", "good")});
        for (var attempt = 1; attempt <= 5; attempt++) {
            var got = pullNow(source, 1);
            while (got.isEmpty()) {
                got = pull(source, 1, 5_000);
            }
            assertEquals("poison", text(got.get(0)));
            nack(source, got.get(0));
        }
        assertEquals(List.of("good"), take(source, 1));
        var moved = receiveOne(graveyard);
        assertEquals("poison", text(moved));
        assertEquals("k", moved.getMessage().getOrderingKey());
    }

    @Test
    void policyIsChecked() {
        var topic = topic();
        var dead = topic();
        assertEquals(5, deadLettering(topic, dead, 0).getDeadLetterPolicy().getMaxDeliveryAttempts(), "the default");
        assertEquals(100, deadLettering(topic, dead, 100).getDeadLetterPolicy().getMaxDeliveryAttempts());
        for (var attempts : List.of(4, 101, -1)) {
            invalid("", () -> deadLettering(topic, dead, attempts));
        }
        var missing = unique("missing");
        notFound(missing, () -> deadLettering(topic, topicName(missing), 5));
        invalid("", () -> deadLettering(topic, "nonsense", 5));
    }

    @Test
    void policyCanBeAddedAndRemoved() {
        var topic = topic();
        var made = subscription(topic, s -> {});
        publish(topic, "m");
        var got = receiveOne(made.getName());
        assertEquals(0, got.getDeliveryAttempt());
        var policy = DeadLetterPolicy.newBuilder().setDeadLetterTopic(topic()).setMaxDeliveryAttempts(5);
        var with = made.toBuilder().setDeadLetterPolicy(policy).build();
        SUBSCRIPTIONS.updateSubscription(with, mask("dead_letter_policy"));
        nack(made.getName(), got);
        var counted = receiveOne(made.getName());
        assertTrue(counted.getDeliveryAttempt() >= 1, "counted: " + counted.getDeliveryAttempt());
        SUBSCRIPTIONS.updateSubscription(made, mask("dead_letter_policy"));
        nack(made.getName(), counted);
        assertEquals(0, receiveOne(made.getName()).getDeliveryAttempt());
    }
}
