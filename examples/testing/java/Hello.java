import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;
import java.util.regex.Pattern;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

public class Hello {
    static final String LCLQ = System.getenv().getOrDefault("LCLQ_URL", "http://127.0.0.1:9000");
    static final HttpClient HTTP = HttpClient.newHttpClient();

    static String control(String method, String path, String body) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(LCLQ + "/api/v1/test/" + path))
                .method(method, BodyPublishers.ofString(body))
                .build();
        var answer = HTTP.send(request, BodyHandlers.ofString());
        if (answer.statusCode() >= 300) {
            throw new IllegalStateException(answer.body());
        }
        return answer.body();
    }

    public static void main(String[] args) throws Exception {
        var endpoint = System.getenv().getOrDefault("AWS_ENDPOINT_URL", "http://127.0.0.1:9324");
        try (var sqs = SqsClient.builder()
                .endpointOverride(URI.create(endpoint))
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
                .build()) {
            control("POST", "reset", "");
            var attributes = Map.of(QueueAttributeName.VISIBILITY_TIMEOUT, "3600");
            var url = sqs.createQueue(r -> r.queueName("jobs").attributes(attributes)).queueUrl();

            // The first try fails, and the SDK tries again.
            control("POST", "faults", """
                    {"dialect": "sqs", "action": "SendMessage", "times": 1,
                     "effect": {"error": {"code": "InternalFailure"}}}""");
            sqs.sendMessage(r -> r.queueUrl(url).messageBody("job"));
            var fired = Pattern.compile("\"fired\":\\s*(\\d+)").matcher(control("GET", "faults", ""));
            var failures = fired.find() ? fired.group(1) : "no";
            control("DELETE", "faults", "");

            // An hour in which nobody deletes the message.
            control("POST", "clock/stop", "");
            sqs.receiveMessage(r -> r.queueUrl(url));
            var atOnce = sqs.receiveMessage(r -> r.queueUrl(url)).messages().size();
            control("POST", "clock/advance", "{\"ms\": 3600000}");
            var later = sqs.receiveMessage(r -> r.queueUrl(url)).messages().size();
            control("POST", "clock/resume", "");

            System.out.println(failures + " failure, " + atOnce + " at once, " + later + " an hour later");
        }
    }
}
