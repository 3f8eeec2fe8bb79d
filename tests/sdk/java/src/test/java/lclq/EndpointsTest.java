package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;

/** Which queue a request means: by region, account and host. */
class EndpointsTest extends SqsTest {
    @Test
    void queueUrlsCarryTheHostThatTheRequestCameBy() {
        var queue = queue();
        var other = ENDPOINT.contains("//localhost:")
                ? ENDPOINT.replace("localhost", "127.0.0.1")
                : ENDPOINT.replace("127.0.0.1", "localhost");
        try (var byOther = configured(SqsClient.builder(), other, Region.US_EAST_1, "test").build()) {
            var url = byOther.getQueueUrl(r -> r.queueName(queue.name)).queueUrl();
            assertTrue(url.startsWith(other + "/"), url + " is not at " + other);
            byOther.sendMessage(r -> r.queueUrl(url).messageBody("same queue"));
        }
        assertEquals("same queue", queue.receiveOne().body());
    }

    @Test
    void regionsDoNotSeeEachOthersQueues() {
        var queue = queue();
        var far = client(Region.EU_WEST_1, "test");
        queueDoesNotExist(() -> far.getQueueUrl(r -> r.queueName(queue.name)));
        var twin = queue(far, queue.name, Map.of());
        assertTrue(twin.arn.startsWith("arn:aws:sqs:eu-west-1:"), twin.arn);
    }

    @Test
    void twelveDigitAccessKeyIsAnAccount() {
        var queue = queue();
        var other = client(Region.US_EAST_1, "123456789012");
        queueDoesNotExist(() -> other.getQueueUrl(r -> r.queueName(queue.name)));
        var twin = queue(other, queue.name, Map.of());
        assertEquals("arn:aws:sqs:us-east-1:123456789012:" + queue.name, twin.arn);
    }
}
