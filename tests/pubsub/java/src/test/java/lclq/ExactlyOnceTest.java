package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.api.core.ApiFuture;
import com.google.api.gax.rpc.ApiException;
import com.google.cloud.pubsub.v1.AckResponse;
import com.google.pubsub.v1.ReceivedMessage;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Exactly-once delivery: which ack ids count, and how a client learns it. */
class ExactlyOnceTest extends PubSubTest {
    private static final String INVALID = "PERMANENT_FAILURE_INVALID_ACK_ID";

    private static String exactlyOnce(String topic) {
        return subscription(topic, s -> s.setEnableExactlyOnceDelivery(true)).getName();
    }

    private static AckResponse answer(ApiFuture<AckResponse> future) throws Exception {
        return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    /** Expects that exactly these ack ids are reported as failed for good. */
    private static void reportsInvalid(List<ReceivedMessage> stale, Executable call) {
        var details = assertThrows(ApiException.class, call).getErrorDetails();
        assertNotNull(details, "the error has details");
        var info = details.getErrorInfo();
        assertNotNull(info, "one of them an ErrorInfo");
        var expected = new HashMap<String, String>();
        stale.forEach(message -> expected.put(message.getAckId(), INVALID));
        assertEquals(expected, Map.copyOf(info.getMetadataMap()));
    }

    @Test
    void acksAreConfirmed() throws Exception {
        var topic = topic();
        var subscription = exactlyOnce(topic);
        publish(topic, IntStream.range(0, 20).mapToObj(i -> "m" + i).toArray(String[]::new));
        var texts = new HashSet<String>();
        try (var inbox = Inbox.withResponses(subscription)) {
            for (var i = 0; i < 20; i++) {
                var delivery = inbox.next();
                texts.add(delivery.text());
                assertEquals(AckResponse.SUCCESSFUL, answer(delivery.replyWithResponse().ack()));
            }
            inbox.staysEmpty(500, "no redelivery after a confirmed ack");
        }
        assertEquals(20, texts.size());
        isEmpty(subscription, "all are acknowledged");
    }

    @Test
    void nacksAreConfirmedAndBringTheMessageBack() throws Exception {
        var topic = topic();
        publish(topic, "before");
        try (var inbox = Inbox.withResponses(exactlyOnce(topic))) {
            publish(topic, "again");
            assertEquals(AckResponse.SUCCESSFUL, answer(inbox.next().replyWithResponse().nack()));
            var second = inbox.next();
            assertEquals("again", second.text());
            assertEquals(AckResponse.SUCCESSFUL, answer(second.replyWithResponse().ack()));
        }
    }

    @Test
    void ackOfAnOldDeliveryIsInvalid() throws Exception {
        var topic = topic();
        var subscription = exactlyOnce(topic);
        publish(topic, "m");
        try (var inbox = Inbox.withResponses(subscription, builder -> builder
                .setMaxAckExtensionPeriodDuration(Duration.ZERO)
                .setMaxDurationPerAckExtensionDuration(Duration.ofSeconds(10)))) {
            var old = inbox.next();
            var current = inbox.next(); // the lease ran out
            assertEquals(old.message().getMessageId(), current.message().getMessageId());
            assertEquals(AckResponse.INVALID, answer(old.replyWithResponse().ack()));
            assertEquals(AckResponse.SUCCESSFUL, answer(current.replyWithResponse().ack()));
        }
        isEmpty(subscription, "acknowledged");
    }

    @Test
    void withoutExactlyOnceEveryAckSucceeds() throws Exception {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, "m");
        try (var inbox = Inbox.withResponses(subscription)) {
            assertEquals(AckResponse.SUCCESSFUL, answer(inbox.next().replyWithResponse().ack()));
        }
        isEmpty(subscription, "acknowledged");
    }

    @Test
    void subscriberFollowsTheSubscription() throws Exception {
        var topic = topic();
        var made = subscription(topic, s -> {});
        try (var inbox = Inbox.withResponses(made.getName())) {
            publish(topic, "plain");
            assertEquals(AckResponse.SUCCESSFUL, answer(inbox.next().replyWithResponse().ack()));
            var changed = made.toBuilder().setEnableExactlyOnceDelivery(true).build();
            SUBSCRIPTIONS.updateSubscription(changed, mask("enable_exactly_once_delivery"));
            publish(topic, "exact");
            assertEquals(AckResponse.SUCCESSFUL, answer(inbox.next().replyWithResponse().ack()));
        }
        isEmpty(made.getName(), "acknowledged");
    }

    @Test
    void onlyTheNewestAckIdCounts() {
        var topic = topic();
        var subscription = exactlyOnce(topic);
        publish(topic, "m");
        var old = receiveOne(subscription);
        nack(subscription, old);
        var current = receiveOne(subscription);
        assertNotEquals(old.getAckId(), current.getAckId());
        reportsInvalid(List.of(old), () -> acknowledge(subscription, old));
        reportsInvalid(List.of(old), () -> nack(subscription, old));
        reportsInvalid(List.of(old), () -> SUBSCRIPTIONS.modifyAckDeadline(subscription, List.of(old.getAckId()), 60));
        isEmpty(subscription, "the current delivery is leased");
        acknowledge(subscription, current);
        reportsInvalid(List.of(current), () -> acknowledge(subscription, current));
    }

    @Test
    void goodIdsOfARequestStillApply() {
        var topic = topic();
        var subscription = exactlyOnce(topic);
        publish(topic, "a", "b");
        var first = receive(subscription, 2);
        nack(subscription, first.get(0));
        var again = receiveOne(subscription);
        reportsInvalid(List.of(first.get(0)), () -> acknowledge(subscription, List.of(first.get(0), first.get(1), again)));
        isEmpty(subscription, "both messages are acknowledged");
        assertEquals(List.of(), pull(subscription, 1, 11_000), "past their deadline too");
    }

    @Test
    void expiredDeliveryIsInvalid() {
        var topic = topic();
        var subscription = exactlyOnce(topic);
        publish(topic, "m");
        var old = receiveOne(subscription);
        var current = receiveOne(subscription); // after 10 s
        reportsInvalid(List.of(old), () -> acknowledge(subscription, old));
        acknowledge(subscription, current);
    }
}
