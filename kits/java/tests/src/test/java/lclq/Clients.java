package lclq;

import com.google.api.gax.core.NoCredentialsProvider;
import com.google.api.gax.grpc.GrpcTransportChannel;
import com.google.api.gax.rpc.AlreadyExistsException;
import com.google.api.gax.rpc.FixedTransportChannelProvider;
import com.google.cloud.pubsub.v1.SubscriptionAdminClient;
import com.google.cloud.pubsub.v1.SubscriptionAdminSettings;
import com.google.cloud.pubsub.v1.TopicAdminClient;
import com.google.cloud.pubsub.v1.TopicAdminSettings;
import com.google.protobuf.ByteString;
import com.google.pubsub.v1.PubsubMessage;
import com.google.pubsub.v1.PullRequest;
import com.google.pubsub.v1.PushConfig;
import com.google.pubsub.v1.ReceivedMessage;
import io.github.lclq.Sandbox;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.Message;

/** AWS' and Google's clients for a sandbox. */
final class Clients implements AutoCloseable {
    private static final int MESSAGES_MAX = 10;

    final Sandbox sandbox;
    private final SqsClient sqs;
    private ManagedChannel channel;
    private TopicAdminClient topics;
    private SubscriptionAdminClient subscriptions;

    Clients(Sandbox sandbox, int attemptsMax) {
        this.sandbox = sandbox;
        sqs = SqsClient.builder()
                .endpointOverride(sandbox.endpoint())
                .region(Region.of(Sandbox.REGION))
                .credentialsProvider(
                        StaticCredentialsProvider.create(AwsBasicCredentials.create(sandbox.account(), "test")))
                .httpClientBuilder(UrlConnectionHttpClient.builder())
                .overrideConfiguration(config -> config.retryStrategy(retry -> retry.maxAttempts(attemptsMax)))
                .build();
    }

    String queue(String name) {
        return sqs.createQueue(queue -> queue.queueName(name)).queueUrl();
    }

    void send(String queue, String body, int delayS) {
        String url = queue(queue);
        sqs.sendMessage(message -> message.queueUrl(url).messageBody(body).delaySeconds(delayS));
    }

    /** What a queue has, at most ten, in the order of the bodies. */
    List<String> receive(String queue) {
        String url = queue(queue);
        List<String> bodies = new ArrayList<>();
        for (Message message : sqs.receiveMessage(
                        receive -> receive.queueUrl(url).maxNumberOfMessages(MESSAGES_MAX))
                .messages()) {
            bodies.add(message.body());
            sqs.deleteMessage(delete -> delete.queueUrl(url).receiptHandle(message.receiptHandle()));
        }
        bodies.sort(null);
        return bodies;
    }

    private void connect() throws IOException {
        if (channel != null) {
            return;
        }
        channel = ManagedChannelBuilder.forTarget(sandbox.pubsub()).usePlaintext().build();
        FixedTransportChannelProvider provider =
                FixedTransportChannelProvider.create(GrpcTransportChannel.create(channel));
        NoCredentialsProvider nobody = NoCredentialsProvider.create();
        topics = TopicAdminClient.create(TopicAdminSettings.newBuilder()
                .setTransportChannelProvider(provider)
                .setCredentialsProvider(nobody)
                .build());
        subscriptions = SubscriptionAdminClient.create(SubscriptionAdminSettings.newBuilder()
                .setTransportChannelProvider(provider)
                .setCredentialsProvider(nobody)
                .build());
    }

    private String name(String kind, String name) {
        return "projects/" + sandbox.project() + "/" + kind + "/" + name;
    }

    /** Makes a topic with a subscription of its name, where it isn't there. */
    private void makeTopic(String name) throws IOException {
        connect();
        try {
            topics.createTopic(name("topics", name));
            subscriptions.createSubscription(
                    name("subscriptions", name), name("topics", name), PushConfig.getDefaultInstance(), 10);
        } catch (AlreadyExistsException there) {
            // So it is.
        }
    }

    void publish(String topic, String data) throws IOException {
        makeTopic(topic);
        PubsubMessage message =
                PubsubMessage.newBuilder().setData(ByteString.copyFromUtf8(data)).build();
        topics.publish(name("topics", topic), List.of(message));
    }

    /** What a subscription has, at most ten, acknowledged. */
    List<String> pull(String topic) throws IOException {
        makeTopic(topic);
        String subscription = name("subscriptions", topic);
        PullRequest request = PullRequest.newBuilder()
                .setSubscription(subscription)
                .setMaxMessages(MESSAGES_MAX)
                .build();
        List<String> messages = new ArrayList<>();
        List<String> ids = new ArrayList<>();
        for (ReceivedMessage received : subscriptions.pull(request).getReceivedMessagesList()) {
            messages.add(received.getMessage().getData().toStringUtf8());
            ids.add(received.getAckId());
        }
        subscriptions.acknowledge(subscription, ids);
        return messages;
    }

    @Override
    public void close() {
        sqs.close();
        if (channel != null) {
            topics.close();
            subscriptions.close();
            channel.shutdownNow();
        }
    }
}
