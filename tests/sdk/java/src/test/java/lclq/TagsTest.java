package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** Tags of a queue. */
class TagsTest extends SqsTest {
    private static Map<String, String> tags(Queue queue) {
        return SQS.listQueueTags(r -> r.queueUrl(queue.url)).tags();
    }

    private static boolean hasTags(Queue queue) {
        return SQS.listQueueTags(r -> r.queueUrl(queue.url)).hasTags();
    }

    @Test
    void addedReplacedAndRemoved() {
        var queue = queue();
        assertFalse(hasTags(queue));
        SQS.tagQueue(r -> r.queueUrl(queue.url).tags(Map.of("team", "blue", "stage", "test")));
        assertEquals(Map.of("team", "blue", "stage", "test"), tags(queue));
        SQS.tagQueue(r -> r.queueUrl(queue.url).tags(Map.of("team", "red", "owner", "Zoë & co", "empty", "")));
        assertEquals(Map.of("team", "red", "stage", "test", "owner", "Zoë & co", "empty", ""), tags(queue));
        SQS.untagQueue(r -> r.queueUrl(queue.url).tagKeys("stage", "empty", "never-there"));
        assertEquals(Map.of("team", "red", "owner", "Zoë & co"), tags(queue));
        SQS.untagQueue(r -> r.queueUrl(queue.url).tagKeys("team", "owner"));
        assertFalse(hasTags(queue));
    }

    @Test
    void givenAtCreation() {
        var queue = queue();
        SQS.deleteQueue(r -> r.queueUrl(queue.url));
        SQS.createQueue(r -> r.queueName(queue.name).tags(Map.of("team", "blue")));
        assertEquals(Map.of("team", "blue"), tags(queue));
    }

    @Test
    void missingQueue() {
        var url = unique("java");
        queueDoesNotExist(() -> SQS.tagQueue(r -> r.queueUrl(url).tags(Map.of("a", "b"))));
        queueDoesNotExist(() -> SQS.untagQueue(r -> r.queueUrl(url).tagKeys("a")));
        queueDoesNotExist(() -> SQS.listQueueTags(r -> r.queueUrl(url)));
    }
}
