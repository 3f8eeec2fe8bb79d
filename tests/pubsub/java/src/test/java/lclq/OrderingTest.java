package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.pubsub.v1.PubsubMessage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Ordering keys, seen by subscribers. */
class OrderingTest extends PubSubTest {
    private static String orderedSubscription(String topic) {
        return subscription(topic, s -> s.setEnableMessageOrdering(true).setAckDeadlineSeconds(600)).getName();
    }

    private static PubsubMessage[] numbered(String key, int count) {
        return IntStream.range(0, count).mapToObj(i -> ordered(key, key + i)).toArray(PubsubMessage[]::new);
    }

    private static List<String> names(String key, int from, int to) {
        return IntStream.range(from, to).mapToObj(i -> key + i).toList();
    }

    @Test
    void keysComeInOrderSideBySide() throws Exception {
        var topic = topic();
        var subscription = orderedSubscription(topic);
        for (var key : List.of("a", "b", "c")) {
            publish(topic, numbered(key, 200));
        }
        var byKey = new HashMap<String, List<String>>();
        try (var inbox = Inbox.open(subscription)) {
            for (var i = 0; i < 600; i++) {
                var delivery = inbox.next();
                byKey.computeIfAbsent(delivery.message().getOrderingKey(), k -> new ArrayList<>()).add(delivery.text());
                delivery.ack();
            }
        }
        for (var key : List.of("a", "b", "c")) {
            assertEquals(names(key, 0, 200), byKey.get(key));
        }
        becomesEmpty(subscription, "all are acknowledged");
    }

    @Test
    void pullKeepsTheOrderToo() {
        var topic = topic();
        var subscription = orderedSubscription(topic);
        publish(topic, numbered("k", 50));
        var texts = new ArrayList<String>();
        while (texts.size() < 50) {
            var got = receive(subscription, Math.min(7, 50 - texts.size()));
            acknowledge(subscription, got);
            texts.addAll(texts(got));
        }
        assertEquals(names("k", 0, 50), texts);
    }

    @Test
    void nackReplaysTheRestOfTheKey() {
        var topic = topic();
        var subscription = orderedSubscription(topic);
        publish(topic, numbered("k", 5));
        publish(topic, numbered("other", 1));
        var got = receive(subscription, 6);
        var key = got.stream().filter(m -> m.getMessage().getOrderingKey().equals("k")).toList();
        assertEquals(names("k", 0, 5), texts(key));
        acknowledge(subscription, key.get(0));
        nack(subscription, key.get(1));
        var again = receive(subscription, 4);
        assertEquals(names("k", 1, 5), texts(again), "the message and all later ones, in order; no other key");
        acknowledge(subscription, again);
        isEmpty(subscription, "the other key's message is still leased");
    }

    @Test
    void heldKeyDoesNotHoldOthers() {
        var topic = topic();
        var subscription = orderedSubscription(topic);
        publish(topic, numbered("held", 1));
        assertEquals("held0", text(receiveOne(subscription)));
        publish(topic, ordered("free", "free0"), message("unkeyed"));
        assertEquals(List.of("free0", "unkeyed"), take(subscription, 2).stream().sorted().toList());
    }

    @Test
    void keyStaysWithOneStreamWhileItIsOut() throws Exception {
        var topic = topic();
        var subscription = orderedSubscription(topic);
        try (var one = Inbox.open(subscription); var two = Inbox.open(subscription)) {
            publish(topic, ordered("k", "first"));
            var oneHas = new ArrayList<String>();
            var twoHas = new ArrayList<String>();
            var deadline = System.nanoTime() + PATIENCE_SECONDS * 1_000_000_000L;
            Inbox.Delivery first = null;
            Inbox owner = null;
            while (first == null) {
                assertTrue(System.nanoTime() < deadline, "the first message comes");
                for (var inbox : List.of(one, two)) {
                    var delivery = first == null ? inbox.poll(50) : null;
                    if (delivery != null) {
                        first = delivery;
                        owner = inbox;
                    }
                }
            }
            publish(topic, numbered("k", 10));
            var other = owner == one ? two : one;
            other.staysEmpty(700, "the key belongs to the other stream");
            first.ack();
            while (oneHas.size() + twoHas.size() < 10) {
                assertTrue(System.nanoTime() < deadline, "the others come");
                one.drain(oneHas);
                two.drain(twoHas);
            }
            for (var has : List.of(oneHas, twoHas)) {
                assertEquals(has.stream().sorted().toList(), has, "in order");
            }
        }
    }

    @Test
    void withoutOrderingTheKeyIsOnlyCarried() {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, numbered("k", 3));
        var got = receive(subscription, 3);
        got.forEach(message -> assertEquals("k", message.getMessage().getOrderingKey()));
        nack(subscription, got.get(0));
        var again = receiveOne(subscription);
        assertEquals(text(got.get(0)), text(again));
        isEmpty(subscription, "only the one that was nacked comes again");
    }
}
