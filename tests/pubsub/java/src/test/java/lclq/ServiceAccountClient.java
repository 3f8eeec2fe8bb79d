package lclq;

import com.google.api.gax.core.CredentialsProvider;
import com.google.api.gax.core.FixedCredentialsProvider;
import com.google.api.gax.core.NoCredentialsProvider;
import com.google.api.gax.rpc.ApiException;
import com.google.auth.oauth2.GoogleCredentials;
import com.google.auth.oauth2.ServiceAccountCredentials;
import com.google.cloud.pubsub.v1.Publisher;
import com.google.cloud.pubsub.v1.SubscriptionAdminClient;
import com.google.cloud.pubsub.v1.SubscriptionAdminSettings;
import com.google.cloud.pubsub.v1.TopicAdminClient;
import com.google.cloud.pubsub.v1.TopicAdminSettings;
import com.google.protobuf.ByteString;
import com.google.pubsub.v1.PubsubMessage;
import com.google.pubsub.v1.PushConfig;
import java.security.KeyPairGenerator;
import java.util.concurrent.TimeUnit;

/** A client of its own process: publishes and pulls as it is told, and prints what came of it. */
class ServiceAccountClient {
    private static final String ENDPOINT = System.getenv("ENDPOINT");
    private static final String TOPIC = "projects/project-1/topics/events";
    private static final String SUBSCRIPTION = "projects/project-1/subscriptions/worker";

    public static void main(String[] arguments) throws Exception {
        String outcome;
        try {
            outcome = cycle(identity(arguments[0]));
        } catch (ApiException error) {
            error.printStackTrace();
            outcome = error.getStatusCode().getCode() + " " + error.getReason();
        }
        System.out.println(outcome);
        System.exit(0);
    }

    /** How the client says who it is; null is the default, by which the library signs its tokens itself. */
    private static CredentialsProvider identity(String how) throws Exception {
        return switch (how) {
            case "own token" -> null;
            case "exchanged token" -> {
                var credentials = GoogleCredentials.getApplicationDefault()
                        .createScoped(TopicAdminSettings.getDefaultServiceScopes());
                var token = credentials.refreshAccessToken().getTokenValue();
                if (!token.startsWith("ya29.")) {
                    throw new IllegalStateException("not from the token endpoint: " + token);
                }
                yield FixedCredentialsProvider.create(credentials);
            }
            case "no token" -> NoCredentialsProvider.create();
            case "token of another key" -> {
                var account = (ServiceAccountCredentials) GoogleCredentials.getApplicationDefault();
                var another = account.toBuilder()
                        .setPrivateKey(KeyPairGenerator.getInstance("RSA").generateKeyPair().getPrivate())
                        .setScopes(TopicAdminSettings.getDefaultServiceScopes())
                        .setUseJwtAccessWithScope(true)
                        .build();
                yield FixedCredentialsProvider.create(another);
            }
            default -> throw new IllegalArgumentException(how);
        };
    }

    private static String cycle(CredentialsProvider identity) throws Exception {
        var topicSettings = TopicAdminSettings.newBuilder().setEndpoint(ENDPOINT);
        var subscriptionSettings = SubscriptionAdminSettings.newBuilder().setEndpoint(ENDPOINT);
        var publisherBuilder = Publisher.newBuilder(TOPIC).setEndpoint(ENDPOINT);
        if (identity != null) {
            topicSettings.setCredentialsProvider(identity);
            subscriptionSettings.setCredentialsProvider(identity);
            publisherBuilder.setCredentialsProvider(identity);
        }
        try (var topics = TopicAdminClient.create(topicSettings.build());
                var subscriptions = SubscriptionAdminClient.create(subscriptionSettings.build())) {
            topics.createTopic(TOPIC);
            subscriptions.createSubscription(SUBSCRIPTION, TOPIC, PushConfig.getDefaultInstance(), 10);
            var publisher = publisherBuilder.build();
            var hello = PubsubMessage.newBuilder().setData(ByteString.copyFromUtf8("hello")).build();
            publisher.publish(hello).get(20, TimeUnit.SECONDS);
            publisher.shutdown();
            var pulled = subscriptions.pull(SUBSCRIPTION, 1).getReceivedMessages(0);
            return pulled.getMessage().getData().toStringUtf8();
        }
    }
}
