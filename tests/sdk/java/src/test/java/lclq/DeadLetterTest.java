package lclq;

import static lclq.Attributes.EVERY_KIND;
import static lclq.Queue.system;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Dead-letter queues: what goes there, when, and who points at them. */
class DeadLetterTest extends SqsTest {
    /** The attributes of a queue with a dead-letter queue; the count is JSON, a string or a number. */
    static Map<String, String> pointingAt(Queue dead, String maxReceiveCount) {
        var policy = "{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":%s}".formatted(dead.arn, maxReceiveCount);
        return Map.of("RedrivePolicy", policy);
    }

    @Test
    void messageReceivedTooOftenMoves() {
        var dead = queue();
        var source = queue(pointingAt(dead, "2"));
        var sent = source.send("poison", r -> r.messageAttributes(EVERY_KIND));
        var first = source.receiveHiding(0);
        source.receiveHiding(0);
        dead.isEmpty("not yet");
        source.isEmpty("the third receive moves it");

        var moved = dead.receiveOne();
        assertEquals(sent.messageId(), moved.messageId());
        assertEquals("poison", moved.body());
        assertEquals(EVERY_KIND, moved.messageAttributes());
        assertEquals(system(first, "SentTimestamp"), system(moved, "SentTimestamp"));
        assertEquals(source.arn, system(moved, "DeadLetterQueueSourceArn"));
        int count = Integer.parseInt(system(moved, "ApproximateReceiveCount"));
        assertTrue(count > 2, "the receive count starts again: " + count);
    }

    @Test
    void maxReceiveCountMayBeAString() {
        var dead = queue();
        var source = queue(pointingAt(dead, "\"1\""));
        source.send("counted");
        source.receiveHiding(0);
        source.isEmpty("moved");
        assertEquals("counted", dead.receiveOne().body());
    }

    @Test
    void fifoGroupStaysUsableAfterAMove() {
        var dead = queue(FIFO_BY_ID);
        var source = queue(with(FIFO, "RedrivePolicy", pointingAt(dead, "1").get("RedrivePolicy")));
        source.sendGroup("g", "poison", "next");
        assertEquals("poison", source.receiveHiding(0).body());
        assertEquals("next", source.receiveOne().body());
        var moved = dead.receiveOne();
        assertEquals("poison", moved.body());
        assertEquals("g", system(moved, "MessageGroupId"));
    }

    @Test
    void sourcesAreListedAllAtOnceAndByPages() {
        var dead = queue();
        assertEquals(List.of(), sourcesOf(dead));
        var sources = List.of(queue(pointingAt(dead, "1")), queue(pointingAt(dead, "1")), queue(pointingAt(dead, "1")));
        var urls = sources.stream().map(source -> source.url).sorted().toList();
        assertEquals(urls, sourcesOf(dead));

        var paged = new ArrayList<String>();
        for (var page : SQS.listDeadLetterSourceQueuesPaginator(r -> r.queueUrl(dead.url).maxResults(2))) {
            assertTrue(page.queueUrls().size() <= 2, "a page of at most two");
            paged.addAll(page.queueUrls());
        }
        assertEquals(urls, sorted(paged));

        sources.forEach(source -> source.set(Map.of("RedrivePolicy", "")));
        assertEquals(List.of(), sourcesOf(dead));
        queueDoesNotExist(() -> SQS.listDeadLetterSourceQueues(r -> r.queueUrl(unique("java"))));
    }

    private static List<String> sourcesOf(Queue dead) {
        return sorted(SQS.listDeadLetterSourceQueues(r -> r.queueUrl(dead.url)).queueUrls());
    }

    @Test
    void redriveAllowPolicyIsKept() {
        var policy = "{\"redrivePermission\":\"denyAll\"}";
        assertEquals(json(policy), json(queue(Map.of("RedriveAllowPolicy", policy)).attribute("RedriveAllowPolicy")));
    }
}
