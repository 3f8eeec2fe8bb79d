package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.core.ApiFuture;
import com.google.api.core.ApiFutures;
import com.google.api.gax.batching.BatchingSettings;
import com.google.api.gax.batching.FlowControlSettings;
import com.google.api.gax.batching.FlowController.LimitExceededBehavior;
import com.google.api.gax.rpc.InvalidArgumentException;
import com.google.api.gax.rpc.NotFoundException;
import com.google.cloud.pubsub.v1.HedgingSettings;
import com.google.cloud.pubsub.v1.Publisher;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The Publisher class: batching, compression, flow control, ordering keys. */
class PublisherTest extends PubSubTest {
    private static Publisher publisher(String topic, Consumer<Publisher.Builder> more) throws Exception {
        var builder = Publisher.newBuilder(topic).setChannelProvider(TRANSPORT).setCredentialsProvider(CREDENTIALS);
        more.accept(builder);
        return builder.build();
    }

    private static String result(ApiFuture<String> future) throws Exception {
        return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    private static Throwable failure(ApiFuture<String> future) {
        return assertThrows(ExecutionException.class, () -> result(future)).getCause();
    }

    private static void end(Publisher publisher) throws InterruptedException {
        publisher.shutdown();
        assertTrue(publisher.awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS));
    }

    /** Publishes this many messages and expects each to arrive once. */
    private static void arrive(int count, Consumer<Publisher.Builder> more) throws Exception {
        var topic = topic();
        var subscription = subscription(topic);
        var publisher = publisher(topic, more);
        var futures = new ArrayList<ApiFuture<String>>();
        for (var i = 0; i < count; i++) {
            futures.add(publisher.publish(message("m" + i, "even", Boolean.toString(i % 2 == 0))));
        }
        publisher.publishAllOutstanding();
        var ids = ApiFutures.allAsList(futures).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        end(publisher);
        assertEquals(count, new HashSet<>(ids).size());
        var texts = new HashSet<>(take(subscription, count));
        assertEquals(count, texts.size());
    }

    @Test
    void defaultsPublish() throws Exception {
        arrive(500, builder -> {});
    }

    @Test
    void batchesGoByCountBytesOrDelay() throws Exception {
        var never = Duration.ofMinutes(10);
        arrive(40, builder -> builder.setBatchingSettings(BatchingSettings.newBuilder()
                .setElementCountThreshold(20L)
                .setRequestByteThreshold(1_000_000L)
                .setDelayThresholdDuration(never)
                .build()));
        arrive(40, builder -> builder.setBatchingSettings(BatchingSettings.newBuilder()
                .setElementCountThreshold(1000L)
                .setRequestByteThreshold(100L)
                .setDelayThresholdDuration(never)
                .build()));
        arrive(40, builder -> builder.setBatchingSettings(BatchingSettings.newBuilder()
                .setElementCountThreshold(1000L)
                .setRequestByteThreshold(1_000_000L)
                .setDelayThresholdDuration(Duration.ofMillis(20))
                .build()));
    }

    @Test
    void compressedRequestsAreRead() throws Exception {
        arrive(300, builder -> builder.setEnableCompression(true).setCompressionBytesThreshold(1));

        var topic = topic();
        var subscription = subscription(topic);
        var publisher = publisher(topic, builder -> builder.setEnableCompression(true));
        var text = "compressible ".repeat(100_000);
        result(publisher.publish(message(text)));
        end(publisher);
        assertEquals(List.of(text), take(subscription, 1));
    }

    @Test
    void flowControlHoldsPublishersBack() throws Exception {
        arrive(200, builder -> builder.setBatchingSettings(BatchingSettings.newBuilder()
                .setElementCountThreshold(10L)
                .setRequestByteThreshold(1_000L)
                .setDelayThresholdDuration(Duration.ofMillis(5))
                .setFlowControlSettings(FlowControlSettings.newBuilder()
                        .setLimitExceededBehavior(LimitExceededBehavior.Block)
                        .setMaxOutstandingElementCount(20L)
                        .setMaxOutstandingRequestBytes(10_000L)
                        .build())
                .build()));
    }

    @Test
    void hedgedRequestsPublish() throws Exception {
        arrive(50, builder -> builder.setHedgingSettings(
                HedgingSettings.newBuilder().setHedgeDelay(Duration.ofSeconds(4)).build()));
    }

    @Test
    void transformIsApplied() throws Exception {
        var topic = topic();
        var subscription = subscription(topic);
        var publisher = publisher(topic, builder -> builder.setTransform(
                message -> message.toBuilder().putAttributes("added", "yes").build()));
        result(publisher.publish(message("m")));
        end(publisher);
        assertEquals("yes", receiveOne(subscription).getMessage().getAttributesOrThrow("added"));
    }

    @Test
    void errorsReachTheFuture() throws Exception {
        var missing = publisher(topicName(unique("missing")), builder -> {});
        var cause = assertInstanceOf(NotFoundException.class, failure(missing.publish(message("lost"))));
        assertTrue(cause.getMessage().contains("Resource not found (resource=missing-"), cause.getMessage());
        end(missing);

        var publisher = publisher(topic(), builder -> {});
        assertInstanceOf(InvalidArgumentException.class, failure(publisher.publish(message("m", "goog", "v"))));
        end(publisher);
    }

    @Test
    void orderedKeysArriveInOrder() throws Exception {
        var topic = topic();
        var subscription = subscription(topic, s -> s.setEnableMessageOrdering(true)).getName();
        var publisher = publisher(topic, builder -> builder.setEnableMessageOrdering(true));
        for (var i = 0; i < 100; i++) {
            publisher.publish(ordered("a", "a" + i));
            publisher.publish(ordered("b", "b" + i));
        }
        end(publisher);
        var texts = new ArrayList<String>();
        while (texts.size() < 200) {
            texts.addAll(take(subscription, 1));
        }
        for (var key : List.of("a", "b")) {
            var expected = new ArrayList<String>();
            for (var i = 0; i < 100; i++) {
                expected.add(key + i);
            }
            assertEquals(expected, texts.stream().filter(text -> text.startsWith(key)).toList());
        }
    }

    @Test
    void failedKeyWaitsUntilItIsResumed() throws Exception {
        var topic = topicName(unique("t"));
        var publisher = publisher(topic, builder -> builder.setEnableMessageOrdering(true));
        assertInstanceOf(NotFoundException.class, failure(publisher.publish(ordered("key", "lost"))));
        TOPICS.createTopic(topic);
        var subscription = subscription(topic);
        failure(publisher.publish(ordered("key", "refused by the library")));
        publisher.resumePublish("key");
        result(publisher.publish(ordered("key", "resumed")));
        end(publisher);
        assertEquals(List.of("resumed"), take(subscription, 1));
    }
}
