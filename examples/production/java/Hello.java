import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.HashMap;
import java.util.HashSet;
import java.util.stream.IntStream;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;

/** Two consumers of orders, one of which charges an order whenever its message comes. */
public class Hello {
    static final String LCLQ = System.getenv().getOrDefault("LCLQ_URL", "http://127.0.0.1:9000");
    static final HttpClient HTTP = HttpClient.newHttpClient();
    static final int ORDERS = 100;

    static void control(String method, String path, String body) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(LCLQ + "/api/v1/test/" + path))
                .method(method, BodyPublishers.ofString(body))
                .build();
        var answer = HTTP.send(request, BodyHandlers.ofString());
        if (answer.statusCode() >= 300) {
            throw new IllegalStateException(answer.body());
        }
    }

    static SendMessageBatchRequestEntry order(int number) {
        return SendMessageBatchRequestEntry.builder().id("o" + number).messageBody("order " + number).build();
    }

    /** How many orders were not charged exactly once. */
    static long chargedWrongly(SqsClient sqs, boolean isCareful) {
        var url = sqs.createQueue(r -> r.queueName("orders")).queueUrl();
        for (var first = 0; first < ORDERS; first += 10) {
            var entries = IntStream.range(first, first + 10).mapToObj(Hello::order).toList();
            sqs.sendMessageBatch(r -> r.queueUrl(url).entries(entries));
        }
        var charges = new HashMap<String, Integer>();
        var done = new HashSet<String>();
        for (var empty = 0; empty < 2; ) {
            var messages = sqs.receiveMessage(r -> r.queueUrl(url).maxNumberOfMessages(10).waitTimeSeconds(1)).messages();
            empty = messages.isEmpty() ? empty + 1 : 0;
            for (var message : messages) {
                if (!isCareful || done.add(message.messageId())) {
                    charges.merge(message.body(), 1, Integer::sum);
                }
                sqs.deleteMessage(r -> r.queueUrl(url).receiptHandle(message.receiptHandle()));
            }
        }
        return ORDERS - charges.values().stream().filter(times -> times == 1).count();
    }

    public static void main(String[] args) throws Exception {
        var endpoint = System.getenv().getOrDefault("AWS_ENDPOINT_URL", "http://127.0.0.1:9324");
        try (var sqs = SqsClient.builder()
                .endpointOverride(URI.create(endpoint))
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
                .build()) {
            control("POST", "reset", "");
            control("PUT", "profile", """
                    {"seed": 1, "sqs": {"duplicated": 0.1, "back_after_delete": 0.1, "again_ms_max": 0}}""");
            var careful = chargedWrongly(sqs, true);
            var careless = chargedWrongly(sqs, false) > 0 ? "caught" : "not caught";
            control("DELETE", "profile", "");
            System.out.println("careful: " + careful + " wrong charges, careless: " + careless);
        }
    }
}
