package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.gax.rpc.ApiException;
import com.google.api.gax.rpc.ClientStream;
import com.google.api.gax.rpc.FailedPreconditionException;
import com.google.api.gax.rpc.InvalidArgumentException;
import com.google.api.gax.rpc.NotFoundException;
import com.google.api.gax.rpc.ResponseObserver;
import com.google.api.gax.rpc.StreamController;
import com.google.pubsub.v1.DetachSubscriptionRequest;
import com.google.pubsub.v1.ReceivedMessage;
import com.google.pubsub.v1.StreamingPullRequest;
import com.google.pubsub.v1.StreamingPullResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** StreamingPull below the Subscriber class: single requests and responses. */
class RawStreamTest extends PubSubTest {
    /** One open stream. */
    private static final class Stream implements ResponseObserver<StreamingPullResponse>, AutoCloseable {
        private final LinkedBlockingQueue<StreamingPullResponse> responses = new LinkedBlockingQueue<>();
        private final CompletableFuture<Throwable> end = new CompletableFuture<>();
        private final ClientStream<StreamingPullRequest> requests;
        private StreamController controller;

        Stream(String subscription, Consumer<StreamingPullRequest.Builder> more) {
            requests = SUBSCRIPTIONS.getStub().streamingPullCallable().splitCall(this);
            var first = StreamingPullRequest.newBuilder()
                    .setSubscription(subscription)
                    .setStreamAckDeadlineSeconds(60)
                    .setProtocolVersion(1);
            more.accept(first);
            requests.send(first.build());
        }

        Stream(String subscription) {
            this(subscription, first -> {});
        }

        void send(Consumer<StreamingPullRequest.Builder> content) {
            var request = StreamingPullRequest.newBuilder();
            content.accept(request);
            requests.send(request.build());
        }

        @Override
        public void onStart(StreamController started) {
            controller = started;
        }

        @Override
        public void onResponse(StreamingPullResponse response) {
            responses.add(response);
        }

        @Override
        public void onError(Throwable error) {
            end.complete(error);
        }

        @Override
        public void onComplete() {
            end.complete(null);
        }

        StreamingPullResponse response() throws InterruptedException {
            var response = responses.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            assertNotNull(response, "a response comes");
            assertTrue(response.hasSubscriptionProperties(), "every response has the subscription's properties");
            return response;
        }

        /** The next messages, this many at least. */
        List<ReceivedMessage> messages(int count) throws InterruptedException {
            var got = new ArrayList<ReceivedMessage>();
            while (got.size() < count) {
                got.addAll(response().getReceivedMessagesList());
            }
            return got;
        }

        void noMessages(int millis) throws InterruptedException {
            var until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
            for (var left = millis * 1L; left > 0; left = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime())) {
                var response = responses.poll(left, TimeUnit.MILLISECONDS);
                assertTrue(response == null || response.getReceivedMessagesCount() == 0, () -> "came: " + response);
            }
        }

        void failsWith(Class<? extends ApiException> type) throws Exception {
            assertEquals(type, end.get(PATIENCE_SECONDS, TimeUnit.SECONDS).getClass());
        }

        @Override
        public void close() {
            controller.cancel();
        }
    }

    @Test
    void pingIsAnsweredWithThePropertiesOnly() throws Exception {
        var topic = topic();
        var subscription = subscription(topic, s -> s.setEnableExactlyOnceDelivery(true).setEnableMessageOrdering(true));
        try (var stream = new Stream(subscription.getName())) {
            for (var i = 0; i < 3; i++) {
                stream.send(ping -> {});
                var answer = stream.response();
                assertEquals(0, answer.getReceivedMessagesCount());
                assertTrue(answer.getSubscriptionProperties().getExactlyOnceDeliveryEnabled());
                assertTrue(answer.getSubscriptionProperties().getMessageOrderingEnabled());
                assertFalse(answer.hasAcknowledgeConfirmation());
                assertFalse(answer.hasModifyAckDeadlineConfirmation());
            }
        }
    }

    @Test
    void messagesAreAckedAndNackedOnTheStream() throws Exception {
        var topic = topic();
        var subscription = subscription(topic);
        try (var stream = new Stream(subscription)) {
            publish(topic, "again", "done");
            var got = stream.messages(2);
            var again = got.stream().filter(m -> text(m).equals("again")).findFirst().orElseThrow();
            var done = got.stream().filter(m -> text(m).equals("done")).findFirst().orElseThrow();
            stream.send(r -> r.addAckIds(done.getAckId())
                    .addModifyDeadlineAckIds(again.getAckId())
                    .addModifyDeadlineSeconds(0));
            var second = stream.messages(1).get(0);
            assertEquals("again", text(second));
            stream.send(r -> r.addAckIds(second.getAckId()));
            stream.noMessages(500);
        }
        isEmpty(subscription, "both are acknowledged");
    }

    @Test
    void exactlyOnceAcksAreConfirmed() throws Exception {
        var topic = topic();
        var subscription = subscription(topic, s -> s.setEnableExactlyOnceDelivery(true)).getName();
        try (var stream = new Stream(subscription)) {
            publish(topic, "m");
            var first = stream.messages(1).get(0);
            stream.send(r -> r.addModifyDeadlineAckIds(first.getAckId()).addModifyDeadlineSeconds(0));
            var second = new ArrayList<ReceivedMessage>();
            var modified = new ArrayList<String>();
            while (second.isEmpty() || modified.isEmpty()) {
                var response = stream.response();
                second.addAll(response.getReceivedMessagesList());
                modified.addAll(response.getModifyAckDeadlineConfirmation().getAckIdsList());
            }
            assertEquals(List.of(first.getAckId()), modified);
            var current = second.get(0).getAckId();
            stream.send(r -> r.addAckIds(current).addAckIds(first.getAckId()));
            var response = stream.response();
            while (!response.hasAcknowledgeConfirmation()) {
                response = stream.response();
            }
            assertEquals(List.of(current), response.getAcknowledgeConfirmation().getAckIdsList());
            assertEquals(List.of(first.getAckId()), response.getAcknowledgeConfirmation().getInvalidAckIdsList());
        }
        isEmpty(subscription, "acknowledged");
    }

    @Test
    void outstandingMessagesAreBounded() throws Exception {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, IntStream.range(0, 10).mapToObj(i -> "m" + i).toArray(String[]::new));
        try (var stream = new Stream(subscription, first -> first.setMaxOutstandingMessages(3))) {
            var got = stream.messages(3);
            assertEquals(3, got.size());
            stream.noMessages(500);
            SUBSCRIPTIONS.acknowledge(subscription, List.of(got.get(0).getAckId(), got.get(1).getAckId()));
            assertEquals(2, stream.messages(2).size(), "an ack, by whatever way, makes room");
            stream.noMessages(300);
        }
    }

    @Test
    void streamDeadlineHolds() throws Exception {
        var topic = topic();
        try (var stream = new Stream(subscription(topic), first -> first.setStreamAckDeadlineSeconds(15))) {
            publish(topic, "m");
            assertEquals(1, stream.messages(1).size());
            stream.noMessages(11_500); // the subscription's own deadline is 10 s
            assertEquals("m", text(stream.messages(1).get(0)));
        }
    }

    @Test
    void brokenStreamLosesNothing() throws Exception {
        var topic = topic();
        var subscription = subscription(topic, s -> s.setAckDeadlineSeconds(10)).getName();
        publish(topic, "a", "b", "c");
        try (var stream = new Stream(subscription, first -> first.setStreamAckDeadlineSeconds(10))) {
            stream.messages(3);
        }
        assertEquals(List.of("a", "b", "c"), take(subscription, 3).stream().sorted().toList());
    }

    @Test
    void requestsAreChecked() throws Exception {
        var topic = topic();
        var subscription = subscription(topic);
        var first = List.<Consumer<StreamingPullRequest.Builder>>of(
                r -> r.setSubscription(""),
                r -> r.setStreamAckDeadlineSeconds(9),
                r -> r.setStreamAckDeadlineSeconds(601));
        for (var wrong : first) {
            try (var stream = new Stream(subscription, wrong)) {
                stream.failsWith(InvalidArgumentException.class);
            }
        }
        var later = List.<Consumer<StreamingPullRequest.Builder>>of(
                r -> r.setMaxOutstandingMessages(10),
                r -> r.setMaxOutstandingBytes(10),
                r -> r.setProtocolVersion(1),
                r -> r.setSubscription(subscription + "-other"),
                r -> r.addModifyDeadlineAckIds("id"),
                r -> r.addModifyDeadlineSeconds(10),
                r -> r.addModifyDeadlineAckIds("id").addModifyDeadlineSeconds(-1));
        for (var wrong : later) {
            try (var stream = new Stream(subscription)) {
                stream.send(wrong);
                stream.failsWith(InvalidArgumentException.class);
            }
        }
    }

    @Test
    void streamEndsWithItsSubscription() throws Exception {
        var topic = topic();
        try (var stream = new Stream(subscriptionName(unique("missing")))) {
            stream.failsWith(NotFoundException.class);
        }
        var deleted = subscription(topic);
        try (var stream = new Stream(deleted)) {
            stream.send(ping -> {});
            stream.response();
            SUBSCRIPTIONS.deleteSubscription(deleted);
            stream.failsWith(NotFoundException.class);
        }
        var detached = subscription(topic);
        try (var stream = new Stream(detached)) {
            stream.send(ping -> {});
            stream.response();
            TOPICS.detachSubscription(DetachSubscriptionRequest.newBuilder().setSubscription(detached).build());
            stream.failsWith(FailedPreconditionException.class);
        }
    }

    @Test
    void closingByTheClientEndsTheStream() throws Exception {
        var topic = topic();
        var stream = new Stream(subscription(topic));
        stream.send(ping -> {});
        stream.response();
        stream.requests.closeSend();
        try {
            stream.end.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException unexpected) {
            throw new AssertionError(unexpected);
        }
    }
}
