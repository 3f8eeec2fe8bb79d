import com.google.api.gax.core.CredentialsProvider;
import com.google.api.gax.core.NoCredentialsProvider;
import com.google.api.gax.grpc.GrpcTransportChannel;
import com.google.api.gax.rpc.FixedTransportChannelProvider;
import com.google.api.gax.rpc.TransportChannelProvider;
import com.google.cloud.pubsub.v1.AckReplyConsumerWithResponse;
import com.google.cloud.pubsub.v1.MessageReceiverWithAckResponse;
import com.google.cloud.pubsub.v1.Publisher;
import com.google.cloud.pubsub.v1.SchemaServiceClient;
import com.google.cloud.pubsub.v1.SchemaServiceSettings;
import com.google.cloud.pubsub.v1.Subscriber;
import com.google.cloud.pubsub.v1.SubscriptionAdminClient;
import com.google.cloud.pubsub.v1.SubscriptionAdminSettings;
import com.google.cloud.pubsub.v1.TopicAdminClient;
import com.google.cloud.pubsub.v1.TopicAdminSettings;
import com.google.protobuf.ByteString;
import com.google.pubsub.v1.PubsubMessage;
import com.google.pubsub.v1.Subscription;
import com.google.pubsub.v1.Topic;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** The clients of an example, at PUBSUB_EMULATOR_HOST, and what every example does with them. */
final class Service implements AutoCloseable {
    /** A message, and what answers for it. */
    record Delivery(PubsubMessage message, AckReplyConsumerWithResponse reply) {
        String text() {
            return message.getData().toStringUtf8();
        }

        /** Acknowledges; the answer is one only of subscriptions with exactly-once delivery. */
        void ack() {
            try {
                var answer = reply.ack().get(20, TimeUnit.SECONDS);
                Expect.that(answer.name().equals("SUCCESSFUL"), answer);
            } catch (Exception error) {
                throw new AssertionError(error);
            }
        }
    }

    final String project = "projects/" + System.getenv("GOOGLE_CLOUD_PROJECT");
    final TopicAdminClient topics;
    final SubscriptionAdminClient subscriptions;
    final SchemaServiceClient schemas;
    private final ManagedChannel channel;
    private final TransportChannelProvider transport;
    private final CredentialsProvider credentials = NoCredentialsProvider.create();
    private final List<String> createdTopics = new ArrayList<>();
    private final List<String> createdSubscriptions = new ArrayList<>();

    Service() throws IOException {
        // The library does not look at PUBSUB_EMULATOR_HOST itself.
        channel = ManagedChannelBuilder.forTarget(System.getenv("PUBSUB_EMULATOR_HOST")).usePlaintext().build();
        transport = FixedTransportChannelProvider.create(GrpcTransportChannel.create(channel));
        topics = TopicAdminClient.create(TopicAdminSettings.newBuilder()
                .setTransportChannelProvider(transport).setCredentialsProvider(credentials).build());
        subscriptions = SubscriptionAdminClient.create(SubscriptionAdminSettings.newBuilder()
                .setTransportChannelProvider(transport).setCredentialsProvider(credentials).build());
        schemas = SchemaServiceClient.create(SchemaServiceSettings.newBuilder()
                .setTransportChannelProvider(transport).setCredentialsProvider(credentials).build());
    }

    String topic(String name, Consumer<Topic.Builder> more) {
        var topic = Topic.newBuilder().setName(project + "/topics/" + name);
        more.accept(topic);
        createdTopics.add(topics.createTopic(topic.build()).getName());
        return topic.getName();
    }

    String topic(String name) {
        return topic(name, topic -> {});
    }

    String subscribe(String topic, String name, Consumer<Subscription.Builder> more) {
        var subscription = Subscription.newBuilder().setName(project + "/subscriptions/" + name).setTopic(topic);
        more.accept(subscription);
        createdSubscriptions.add(subscriptions.createSubscription(subscription.build()).getName());
        return subscription.getName();
    }

    String subscribe(String topic, String name) {
        return subscribe(topic, name, subscription -> {});
    }

    Publisher.Builder publisher(String topic) {
        return Publisher.newBuilder(topic).setChannelProvider(transport).setCredentialsProvider(credentials);
    }

    /** Publishes messages with these attributes, and waits until the service has them all. */
    void publish(String topic, Map<String, String> attributes, String... texts) throws Exception {
        var publisher = publisher(topic).build();
        try {
            for (var text : texts) {
                var data = ByteString.copyFromUtf8(text);
                publisher.publish(PubsubMessage.newBuilder().setData(data).putAllAttributes(attributes).build()).get();
            }
        } finally {
            publisher.shutdown();
        }
    }

    /** Receives so many messages by a stream, each of which {@code settle} acknowledges or not. */
    List<Delivery> receive(String subscription, int count, Consumer<Delivery> settle) throws InterruptedException {
        var arrived = new LinkedBlockingQueue<Delivery>();
        MessageReceiverWithAckResponse receiver = (message, reply) -> arrived.add(new Delivery(message, reply));
        var subscriber = Subscriber.newBuilder(subscription, receiver)
                .setChannelProvider(transport).setCredentialsProvider(credentials).build();
        subscriber.startAsync().awaitRunning();
        var deliveries = new ArrayList<Delivery>();
        while (deliveries.size() < count) {
            var delivery = arrived.poll(20, TimeUnit.SECONDS);
            Expect.that(delivery != null, "only " + deliveries.size() + " messages came");
            settle.accept(delivery);
            deliveries.add(delivery);
        }
        subscriber.stopAsync().awaitTerminated();
        return deliveries;
    }

    List<Delivery> receive(String subscription, int count) throws InterruptedException {
        return receive(subscription, count, Delivery::ack);
    }

    /** The data of messages, in order of the alphabet, since they come in any order. */
    static String texts(List<Delivery> deliveries) {
        return String.join(", ", deliveries.stream().map(Delivery::text).sorted().toList());
    }

    @Override
    public void close() {
        createdSubscriptions.forEach(subscriptions::deleteSubscription);
        createdTopics.forEach(topics::deleteTopic);
        topics.close();
        subscriptions.close();
        schemas.close();
        channel.shutdown();
    }
}
