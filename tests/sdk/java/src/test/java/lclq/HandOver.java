package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;

/**
 * Consumes queues while nodes of a cluster hand over. tests/sdk/hand_over/run.py says what it is given, and runs it: by
 * its name it is none of the suite.
 */
class HandOver {
    private static final Path REPORT = Path.of(String.valueOf(System.getenv("LCLQ_REPORT")));

    private static synchronized void report(String line) throws IOException {
        Files.writeString(REPORT, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /** Takes messages until one says that it was the last. */
    private static void consume(SqsClient sqs, String url) throws IOException {
        while (true) {
            var received = sqs.receiveMessage(r -> r.queueUrl(url).maxNumberOfMessages(10).waitTimeSeconds(20));
            for (var message : received.messages()) {
                sqs.deleteMessage(r -> r.queueUrl(url).receiptHandle(message.receiptHandle()));
                if (message.body().equals("end")) {
                    return;
                }
                report(message.body());
            }
        }
    }

    @Test
    void consumesWithoutAnError() throws Exception {
        var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));
        List<Callable<String>> consumers = new ArrayList<>();
        try (var sqs = SqsClient.builder()
                .endpointOverride(URI.create(System.getenv("LCLQ_ENDPOINT")))
                .region(Region.US_EAST_1)
                .credentialsProvider(credentials)
                .overrideConfiguration(c -> c.retryStrategy(AwsRetryStrategy.doNotRetry()))
                .build()) {
            for (var url : System.getenv("LCLQ_QUEUE_URLS").split(" ")) {
                consumers.add(() -> {
                    try {
                        consume(sqs, url);
                        return "";
                    } catch (RuntimeException error) {
                        report("error " + error);
                        return error.toString();
                    }
                });
            }
            var threads = Executors.newFixedThreadPool(consumers.size());
            var errors = new StringBuilder();
            for (var ended : threads.invokeAll(consumers)) {
                errors.append(ended.get());
            }
            threads.shutdown();
            assertEquals("", errors.toString());
        }
    }
}
