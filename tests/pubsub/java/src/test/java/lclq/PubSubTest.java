package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.gax.core.CredentialsProvider;
import com.google.api.gax.core.NoCredentialsProvider;
import com.google.api.gax.grpc.GrpcTransportChannel;
import com.google.api.gax.rpc.ApiException;
import com.google.api.gax.rpc.FixedTransportChannelProvider;
import com.google.api.gax.rpc.InvalidArgumentException;
import com.google.api.gax.rpc.NotFoundException;
import com.google.api.gax.rpc.TransportChannelProvider;
import com.google.cloud.pubsub.v1.SchemaServiceClient;
import com.google.cloud.pubsub.v1.SchemaServiceSettings;
import com.google.cloud.pubsub.v1.SubscriptionAdminClient;
import com.google.cloud.pubsub.v1.SubscriptionAdminSettings;
import com.google.cloud.pubsub.v1.TopicAdminClient;
import com.google.cloud.pubsub.v1.TopicAdminSettings;
import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import com.google.protobuf.FieldMask;
import com.google.pubsub.v1.PubsubMessage;
import com.google.pubsub.v1.PullRequest;
import com.google.pubsub.v1.ReceivedMessage;
import com.google.pubsub.v1.Subscription;
import com.google.pubsub.v1.Topic;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.junit.jupiter.api.function.Executable;

/** What every test class shares: clients, topics and subscriptions with names of their own, expected errors. */
abstract class PubSubTest {
    static final String SERVER = System.getenv("LCLQ_PUBSUB");
    static final String PROJECT = unique("java");
    static final String PARENT = "projects/" + PROJECT;

    /** How long a test waits for what must come. */
    static final int PATIENCE_SECONDS = 45;

    private static final int MESSAGE_BYTES_MAX = 64 << 20;

    static final ManagedChannel CHANNEL =
            ManagedChannelBuilder.forTarget(SERVER).usePlaintext().maxInboundMessageSize(MESSAGE_BYTES_MAX).build();
    static final TransportChannelProvider TRANSPORT =
            FixedTransportChannelProvider.create(GrpcTransportChannel.create(CHANNEL));
    static final CredentialsProvider CREDENTIALS = NoCredentialsProvider.create();

    static final TopicAdminClient TOPICS = unchecked(() -> TopicAdminClient.create(TopicAdminSettings.newBuilder()
            .setTransportChannelProvider(TRANSPORT)
            .setCredentialsProvider(CREDENTIALS)
            .build()));
    static final SubscriptionAdminClient SUBSCRIPTIONS =
            unchecked(() -> SubscriptionAdminClient.create(SubscriptionAdminSettings.newBuilder()
                    .setTransportChannelProvider(TRANSPORT)
                    .setCredentialsProvider(CREDENTIALS)
                    .build()));
    static final SchemaServiceClient SCHEMAS =
            unchecked(() -> SchemaServiceClient.create(SchemaServiceSettings.newBuilder()
                    .setTransportChannelProvider(TRANSPORT)
                    .setCredentialsProvider(CREDENTIALS)
                    .build()));

    static <T> T unchecked(Callable<T> make) {
        try {
            return make.call();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    static String unique(String prefix) {
        return prefix + "-" + UUID.randomUUID();
    }

    static String topicName(String id) {
        return PARENT + "/topics/" + id;
    }

    static String subscriptionName(String id) {
        return PARENT + "/subscriptions/" + id;
    }

    static String snapshotName(String id) {
        return PARENT + "/snapshots/" + id;
    }

    static String schemaName(String id) {
        return PARENT + "/schemas/" + id;
    }

    /** The last part of a resource's name. */
    static String leaf(String name) {
        return name.substring(name.lastIndexOf('/') + 1);
    }

    static String topic() {
        return topic(topic -> {}).getName();
    }

    static Topic topic(Consumer<Topic.Builder> more) {
        var topic = Topic.newBuilder().setName(topicName(unique("t")));
        more.accept(topic);
        return TOPICS.createTopic(topic.build());
    }

    static String subscription(String topic) {
        return subscription(topic, subscription -> {}).getName();
    }

    static Subscription subscription(String topic, Consumer<Subscription.Builder> more) {
        var subscription = Subscription.newBuilder().setName(subscriptionName(unique("s"))).setTopic(topic);
        more.accept(subscription);
        return SUBSCRIPTIONS.createSubscription(subscription.build());
    }

    static PubsubMessage message(String data) {
        return PubsubMessage.newBuilder().setData(ByteString.copyFromUtf8(data)).build();
    }

    static PubsubMessage message(String data, String attribute, String value) {
        return message(data).toBuilder().putAttributes(attribute, value).build();
    }

    static PubsubMessage ordered(String key, String data) {
        return message(data).toBuilder().setOrderingKey(key).build();
    }

    /** Publishes each of these texts in a request of its own, and answers the message ids. */
    static List<String> publish(String topic, String... texts) {
        var ids = new ArrayList<String>();
        for (var text : texts) {
            ids.addAll(publish(topic, message(text)));
        }
        return ids;
    }

    /** Publishes these messages in one request. */
    static List<String> publish(String topic, PubsubMessage... messages) {
        return TOPICS.publish(topic, Arrays.asList(messages)).getMessageIdsList();
    }

    /** What a pull that doesn't wait gets. */
    @SuppressWarnings("deprecation") // it is what makes a pull not wait
    static List<ReceivedMessage> pullNow(String subscription, int count) {
        return SUBSCRIPTIONS.pull(subscription, true, count).getReceivedMessagesList();
    }

    /** One pull that is given up after this time. */
    static List<ReceivedMessage> pull(String subscription, int count, int waitMillis) {
        var request = PullRequest.newBuilder().setSubscription(subscription).setMaxMessages(count).build();
        var answer = SUBSCRIPTIONS.pullCallable().futureCall(request);
        try {
            return answer.get(waitMillis, TimeUnit.MILLISECONDS).getReceivedMessagesList();
        } catch (TimeoutException nothing) {
            answer.cancel(true);
            return List.of();
        } catch (ExecutionException error) {
            throw assertInstanceOf(RuntimeException.class, error.getCause());
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
    }

    /** Pulls until this many messages have come, without acknowledging them. */
    static List<ReceivedMessage> receive(String subscription, int count) {
        var got = new ArrayList<ReceivedMessage>();
        var giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        // A pull is not given up early: the server may lease a message to it at that very moment.
        while (got.size() < count && System.nanoTime() < giveUp) {
            got.addAll(pull(subscription, count - got.size(), PATIENCE_SECONDS * 1000));
        }
        assertEquals(count, got.size(), () -> "number of messages received: " + texts(got));
        return got;
    }

    static ReceivedMessage receiveOne(String subscription) {
        return receive(subscription, 1).get(0);
    }

    /** Receives this many messages, acknowledges them and answers their texts. */
    static List<String> take(String subscription, int count) {
        var got = receive(subscription, count);
        acknowledge(subscription, got);
        return texts(got);
    }

    static void acknowledge(String subscription, List<ReceivedMessage> messages) {
        SUBSCRIPTIONS.acknowledge(subscription, ackIds(messages));
    }

    static void acknowledge(String subscription, ReceivedMessage message) {
        acknowledge(subscription, List.of(message));
    }

    static void nack(String subscription, ReceivedMessage... messages) {
        SUBSCRIPTIONS.modifyAckDeadline(subscription, ackIds(Arrays.asList(messages)), 0);
    }

    static List<String> ackIds(List<ReceivedMessage> messages) {
        return messages.stream().map(ReceivedMessage::getAckId).toList();
    }

    static String text(ReceivedMessage message) {
        return message.getMessage().getData().toStringUtf8();
    }

    static List<String> texts(List<ReceivedMessage> messages) {
        return messages.stream().map(PubSubTest::text).toList();
    }

    /** Expects that there is nothing to receive, now and for a little while. */
    static void isEmpty(String subscription, String why) {
        assertEquals(List.of(), texts(pullNow(subscription, 10)), why);
        assertEquals(List.of(), texts(pull(subscription, 10, 300)), why);
    }

    /**
     * Expects that nothing is left of what a subscriber acknowledged before it was closed. Its acks may still be on
     * their way: a subscriber that stops waits for the requests it has counted, and its background job takes acks out
     * of the queue before it counts them. So what is found is given back, and counts only if it keeps coming.
     */
    static void becomesEmpty(String subscription, String why) {
        var giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        var found = pullNow(subscription, 1000);
        while (!found.isEmpty() && System.nanoTime() < giveUp) {
            nack(subscription, found.toArray(ReceivedMessage[]::new));
            found = pull(subscription, 1000, 300);
        }
        assertEquals(List.of(), texts(found), why);
        isEmpty(subscription, why);
    }

    static Duration seconds(long seconds) {
        return Duration.newBuilder().setSeconds(seconds).build();
    }

    static FieldMask mask(String... paths) {
        return FieldMask.newBuilder().addAllPaths(Arrays.asList(paths)).build();
    }

    static Subscription get(String subscription) {
        return SUBSCRIPTIONS.getSubscription(subscription);
    }

    /** Expects an exception of exactly this class whose message has this text. */
    static <E extends ApiException> E fails(Class<E> type, String text, Executable call) {
        var exception = assertThrows(ApiException.class, call);
        assertEquals(type, exception.getClass(), exception.getMessage());
        assertTrue(exception.getMessage().contains(text), () -> exception.getMessage() + " lacks " + text);
        return type.cast(exception);
    }

    static void invalid(String text, Executable call) {
        fails(InvalidArgumentException.class, text, call);
    }

    static void notFound(String id, Executable call) {
        fails(NotFoundException.class, "Resource not found (resource=" + id + ").", call);
    }

    /** Waits until this holds. */
    static void eventually(String what, Callable<Boolean> holds) throws Exception {
        var giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!holds.call()) {
            assertTrue(System.nanoTime() < giveUp, "waited too long: " + what);
            Thread.sleep(50);
        }
    }
}
