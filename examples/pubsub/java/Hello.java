import com.google.api.gax.core.NoCredentialsProvider;
import com.google.api.gax.grpc.GrpcTransportChannel;
import com.google.api.gax.rpc.FixedTransportChannelProvider;
import com.google.cloud.pubsub.v1.AckReplyConsumer;
import com.google.cloud.pubsub.v1.Publisher;
import com.google.cloud.pubsub.v1.Subscriber;
import com.google.cloud.pubsub.v1.SubscriptionAdminClient;
import com.google.cloud.pubsub.v1.SubscriptionAdminSettings;
import com.google.cloud.pubsub.v1.TopicAdminClient;
import com.google.cloud.pubsub.v1.TopicAdminSettings;
import com.google.protobuf.ByteString;
import com.google.pubsub.v1.PubsubMessage;
import com.google.pubsub.v1.Subscription;
import io.grpc.ManagedChannelBuilder;
import java.util.concurrent.CountDownLatch;

public class Hello {
    public static void main(String[] args) throws Exception {
        // The library does not look at PUBSUB_EMULATOR_HOST itself.
        var server = System.getenv().getOrDefault("PUBSUB_EMULATOR_HOST", "localhost:8085");
        var channel = ManagedChannelBuilder.forTarget(server).usePlaintext().build();
        var transport = FixedTransportChannelProvider.create(GrpcTransportChannel.create(channel));
        var credentials = NoCredentialsProvider.create();
        var topic = "projects/local/topics/hello-java";
        var subscription = "projects/local/subscriptions/hello-java";

        var topicSettings = TopicAdminSettings.newBuilder()
                .setTransportChannelProvider(transport).setCredentialsProvider(credentials).build();
        var subscriptionSettings = SubscriptionAdminSettings.newBuilder()
                .setTransportChannelProvider(transport).setCredentialsProvider(credentials).build();
        try (var topics = TopicAdminClient.create(topicSettings);
                var subscriptions = SubscriptionAdminClient.create(subscriptionSettings)) {
            topics.createTopic(topic);
            subscriptions.createSubscription(
                    Subscription.newBuilder().setName(subscription).setTopic(topic).build());

            var publisher = Publisher.newBuilder(topic)
                    .setChannelProvider(transport).setCredentialsProvider(credentials).build();
            publisher.publish(PubsubMessage.newBuilder().setData(ByteString.copyFromUtf8("Hello from Java")).build()).get();
            publisher.shutdown();

            var received = new CountDownLatch(1);
            var subscriber = Subscriber.newBuilder(subscription, (PubsubMessage message, AckReplyConsumer reply) -> {
                        System.out.println(message.getData().toStringUtf8());
                        reply.ack();
                        received.countDown();
                    })
                    .setChannelProvider(transport).setCredentialsProvider(credentials).build();
            subscriber.startAsync();
            received.await();
            subscriber.stopAsync().awaitTerminated();

            subscriptions.deleteSubscription(subscription);
            topics.deleteTopic(topic);
        }
        channel.shutdown();
    }
}
