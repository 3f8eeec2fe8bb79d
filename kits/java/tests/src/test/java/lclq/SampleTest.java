package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.lclq.Lclq;
import io.github.lclq.Sandbox;
import io.github.lclq.Server;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;

@Lclq
class SampleTest {
    static SqsClient client(Sandbox sandbox) {
        AwsBasicCredentials credentials = AwsBasicCredentials.create(sandbox.account(), "test");
        return SqsClient.builder()
                .endpointOverride(sandbox.endpoint())
                .region(Region.of(Sandbox.REGION))
                .credentialsProvider(StaticCredentialsProvider.create(credentials))
                .build();
    }

    @Test
    void ordersAreQueued(Sandbox sandbox) { // an account and a project of this test's own
        try (SqsClient sqs = client(sandbox)) {
            String url = sqs.createQueue(queue -> queue.queueName("orders")).queueUrl();
            sqs.sendMessage(message -> message.queueUrl(url).messageBody("order 7"));
            assertEquals("order 7", sqs.receiveMessage(receive -> receive.queueUrl(url)).messages().get(0).body());
        }
    }

    @Test
    void aMessageComesBackAfterItsVisibilityTimeout(Server server) { // a server of this test's own
        try (SqsClient sqs = client(server.sandbox())) {
            String url = sqs.createQueue(queue -> queue.queueName("orders")).queueUrl();
            sqs.sendMessage(message -> message.queueUrl(url).messageBody("order 8"));
            assertEquals(1, sqs.receiveMessage(receive -> receive.queueUrl(url)).messages().size());
            assertEquals(0, sqs.receiveMessage(receive -> receive.queueUrl(url)).messages().size());
            server.clock().advance(Duration.ofSeconds(30));
            assertEquals(1, sqs.receiveMessage(receive -> receive.queueUrl(url)).messages().size());
        }
    }
}
