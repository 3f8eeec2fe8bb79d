package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.model.QueueNameExistsException;

/** Making, finding, listing and deleting queues. */
class QueuesTest extends SqsTest {
    @Test
    void urlIsEndpointAccountAndName() {
        var queue = queue();
        assertTrue(queue.url.startsWith(ENDPOINT + "/"), queue.url);
        var path = URI.create(queue.url).getPath();
        assertTrue(path.matches("/\\d{12}/" + queue.name), path);
        assertEquals("arn:aws:sqs:us-east-1:" + path.split("/")[1] + ":" + queue.name, queue.arn);
    }

    @Test
    void lookedUpUrlWorksAsItIs() {
        var queue = queue();
        var found = SQS.getQueueUrl(r -> r.queueName(queue.name)).queueUrl();
        assertEquals(queue.url, found);
        SQS.sendMessage(r -> r.queueUrl(found).messageBody("hello"));
        assertEquals("hello", queue.receiveOne().body());
    }

    @Test
    void creatingAgain() {
        var attributes = Map.of("VisibilityTimeout", "41", "DelaySeconds", "2");
        var queue = queue(attributes);
        for (var subset : List.of(attributes, Map.of("DelaySeconds", "2"), Map.<String, String>of())) {
            var again = SQS.createQueue(r -> r.queueName(queue.name).attributesWithStrings(subset));
            assertEquals(queue.url, again.queueUrl());
        }
        raises(
                QueueNameExistsException.class,
                "QueueAlreadyExists",
                "A queue already exists with the same name and a different value for attribute VisibilityTimeout",
                () -> SQS.createQueue(
                        r -> r.queueName(queue.name).attributesWithStrings(Map.of("VisibilityTimeout", "42"))));
    }

    @Test
    void names() {
        for (var name : List.of("with space", "x".repeat(81), "dot.inside", "exclaim!")) {
            invalidParameter(() -> SQS.createQueue(r -> r.queueName(name)));
        }
        var start = unique("java");
        var longest = start + "_".repeat(80 - start.length());
        assertTrue(queue(SQS, longest, Map.of()).url.endsWith("/" + longest));
    }

    @Test
    void fifoSuffixAndAttributeMustAgree() {
        invalidParameter(() -> SQS.createQueue(r -> r.queueName(unique("java") + ".fifo")));
        invalidParameter(() -> SQS.createQueue(r -> r.queueName(unique("java")).attributesWithStrings(FIFO)));
    }

    @Test
    void deletedQueueIsGone() {
        var queue = queue();
        SQS.deleteQueue(r -> r.queueUrl(queue.url));
        queueDoesNotExist(() -> SQS.getQueueUrl(r -> r.queueName(queue.name)));
        queueDoesNotExist(() -> queue.send("too late"));
        queueDoesNotExist(queue::receive);
        queueDoesNotExist(() -> queue.delete("any"));
        queueDoesNotExist(() -> queue.set(Map.of("DelaySeconds", "1")));
        queueDoesNotExist(queue::purge);
    }

    @Test
    void listedByPrefixAndByPages() {
        var prefix = unique("java-list");
        var urls = new ArrayList<String>();
        for (int i = 0; i < 5; i++) {
            urls.add(queue(SQS, prefix + "-" + i, Map.of()).url);
        }
        var all = SQS.listQueues(r -> r.queueNamePrefix(prefix));
        assertEquals(urls, sorted(all.queueUrls()));
        assertNull(all.nextToken(), "no token without MaxResults");

        var paged = new ArrayList<String>();
        for (var page : SQS.listQueuesPaginator(r -> r.queueNamePrefix(prefix).maxResults(2))) {
            assertTrue(page.queueUrls().size() <= 2, "a page of at most two");
            paged.addAll(page.queueUrls());
        }
        assertEquals(urls, sorted(paged));
    }

    @Test
    void listingThatFindsNothingHasNoUrls() {
        assertFalse(SQS.listQueues(r -> r.queueNamePrefix(unique("java-none"))).hasQueueUrls());
    }

    @Test
    void purgeRemovesVisibleDelayedAndInFlight() {
        var queue = queue(Map.of("VisibilityTimeout", "1"));
        queue.send("in flight");
        queue.receiveOne();
        queue.send("visible");
        queue.send("delayed", r -> r.delaySeconds(1));
        queue.purge();
        assertEquals(List.of(), queue.receiveWaiting(2));
    }
}
