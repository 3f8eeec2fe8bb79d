package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.function.Executable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.protocols.jsoncore.JsonNode;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.SqsBaseClientBuilder;
import software.amazon.awssdk.services.sqs.model.QueueDoesNotExistException;
import software.amazon.awssdk.services.sqs.model.SqsException;

/** What every test class shares: a client, queues that are deleted afterwards, expected errors. */
abstract class SqsTest {
    static final String ENDPOINT = System.getenv("LCLQ_ENDPOINT").replaceAll("/$", "");

    static final SqsClient SQS = client(Region.US_EAST_1, "test");

    static final Map<String, String> FIFO = Map.of("FifoQueue", "true", "ContentBasedDeduplication", "true");
    static final Map<String, String> FIFO_BY_ID = Map.of("FifoQueue", "true");

    private final List<Queue> queues = new ArrayList<>();

    static <B extends SqsBaseClientBuilder<B, C>, C> B configured(B builder, String endpoint, Region region, String key) {
        var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create(key, "test"));
        return builder.endpointOverride(URI.create(endpoint)).region(region).credentialsProvider(credentials);
    }

    static SqsClient client(Region region, String key) {
        return configured(SqsClient.builder(), ENDPOINT, region, key).build();
    }

    static SqsAsyncClient asyncClient() {
        return configured(SqsAsyncClient.builder(), ENDPOINT, Region.US_EAST_1, "test").build();
    }

    static String unique(String prefix) {
        return prefix + "-" + UUID.randomUUID();
    }

    Queue queue() {
        return queue(Map.of());
    }

    Queue fifo() {
        return queue(FIFO);
    }

    /** A queue with a unique name; .fifo is added where the attributes ask for it. */
    Queue queue(Map<String, String> attributes) {
        var suffix = attributes.containsKey("FifoQueue") ? ".fifo" : "";
        return queue(SQS, unique("java") + suffix, attributes);
    }

    Queue queue(SqsClient sqs, String name, Map<String, String> attributes) {
        var queue = new Queue(sqs, name, attributes);
        queues.add(queue);
        return queue;
    }

    @AfterEach
    void deleteQueues() {
        for (var queue : queues) {
            try {
                queue.sqs.deleteQueue(r -> r.queueUrl(queue.url));
            } catch (QueueDoesNotExistException gone) {
                // the test deleted it
            }
        }
    }

    /** Expects an exception of exactly this class, with this (query) code and text. */
    static <E extends SqsException> void raises(Class<E> type, String code, String text, Executable call) {
        var exception = assertThrows(SqsException.class, call);
        assertEquals(type, exception.getClass(), exception.getMessage());
        assertEquals(code, exception.awsErrorDetails().errorCode());
        var message = exception.awsErrorDetails().errorMessage();
        assertTrue(message != null && message.contains(text), message + " lacks " + text);
    }

    /** Expects an error that the SDK has no class for. */
    static void raises(String code, String text, Executable call) {
        raises(SqsException.class, code, text, call);
    }

    static void queueDoesNotExist(Executable call) {
        raises(
                QueueDoesNotExistException.class,
                "AWS.SimpleQueueService.NonExistentQueue",
                "The specified queue does not exist",
                call);
    }

    static void invalidParameter(String text, Executable call) {
        raises("InvalidParameterValue", text, call);
    }

    static void invalidParameter(Executable call) {
        invalidParameter("", call);
    }

    static Map<String, String> with(Map<String, String> attributes, String name, String value) {
        var more = new HashMap<>(attributes);
        more.put(name, value);
        return more;
    }

    static JsonNode json(String text) {
        return JsonNode.parser().parse(text);
    }

    static List<String> sorted(Collection<String> items) {
        return items.stream().sorted().toList();
    }

    static void sleep(long millis) throws InterruptedException {
        Thread.sleep(millis);
    }
}
