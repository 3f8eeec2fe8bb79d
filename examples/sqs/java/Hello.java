import java.net.URI;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;

public class Hello {
    public static void main(String[] args) {
        var endpoint = System.getenv().getOrDefault("AWS_ENDPOINT_URL", "http://127.0.0.1:9324");
        try (var sqs = SqsClient.builder()
                .endpointOverride(URI.create(endpoint))
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
                .build()) {
            var url = sqs.createQueue(r -> r.queueName("hello")).queueUrl();
            sqs.sendMessage(r -> r.queueUrl(url).messageBody("Hello from Java"));

            for (var message : sqs.receiveMessage(r -> r.queueUrl(url).waitTimeSeconds(10)).messages()) {
                System.out.println(message.body());
                sqs.deleteMessage(r -> r.queueUrl(url).receiptHandle(message.receiptHandle()));
            }
        }
    }
}
