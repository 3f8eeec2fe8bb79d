package lclq;

import static lclq.Queue.bodies;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.model.ListMessageMoveTasksResultEntry;
import software.amazon.awssdk.services.sqs.model.ResourceNotFoundException;
import software.amazon.awssdk.services.sqs.model.SqsException;
import software.amazon.awssdk.services.sqs.model.StartMessageMoveTaskRequest;

/** Message move tasks: out of a dead-letter queue again. */
class MoveTaskTest extends SqsTest {
    private static final String NEVER_STARTED = "00000000-0000-4000-8000-000000000000";

    private record Pair(Queue dead, Queue source) {}

    private Pair deadLetterPair() {
        var dead = queue();
        return new Pair(dead, queue(DeadLetterTest.pointingAt(dead, "1")));
    }

    private static String start(String arn, Consumer<StartMessageMoveTaskRequest.Builder> more) {
        return SQS.startMessageMoveTask(r -> more.accept(r.sourceArn(arn))).taskHandle();
    }

    private static List<ListMessageMoveTasksResultEntry> tasks(Queue dead, Integer most) {
        return SQS.listMessageMoveTasks(r -> r.sourceArn(dead.arn).maxResults(most)).results();
    }

    /** Waits until the latest task has the status. */
    private static ListMessageMoveTasksResultEntry latest(Queue dead, String status) throws InterruptedException {
        var giveUp = Instant.now().plus(Duration.ofSeconds(10));
        while (true) {
            var tasks = tasks(dead, null);
            if (!tasks.isEmpty() && status.equals(tasks.get(0).status())) {
                return tasks.get(0);
            }
            assertTrue(Instant.now().isBefore(giveUp), "the task never became " + status + ": " + tasks);
            sleep(50);
        }
    }

    /** Waits until the queue has this many messages. */
    private static void holds(Queue queue, String count) throws InterruptedException {
        var giveUp = Instant.now().plus(Duration.ofSeconds(10));
        for (String now; !count.equals(now = queue.attribute("ApproximateNumberOfMessages")); sleep(20)) {
            assertTrue(Instant.now().isBefore(giveUp), "the queue has " + now + " messages, not " + count);
        }
    }

    private static void sendThirty(Queue queue) {
        for (int i = 0; i < 3; i++) {
            BatchesTest.send(queue, BatchesTest.numbered(10));
        }
    }

    private static String handle(String json) {
        return Base64.getEncoder().encodeToString(json.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void messagesGoBackToTheirSource() throws InterruptedException {
        var pair = deadLetterPair();
        for (var body : List.of("a", "b", "c")) {
            pair.source.send(body);
            pair.source.receiveHiding(0);
            pair.source.isEmpty("moved");
        }
        holds(pair.dead, "3");
        var handle = new String(Base64.getDecoder().decode(start(pair.dead.arn, r -> {})), StandardCharsets.UTF_8);
        assertEquals(pair.dead.arn, json(handle).field("sourceArn").orElseThrow().asString());
        assertTrue(json(handle).field("taskId").isPresent(), handle);

        assertEquals(List.of("a", "b", "c"), sorted(bodies(pair.source.receiveExactly(3))));
        var task = latest(pair.dead, "COMPLETED");
        assertEquals(pair.dead.arn, task.sourceArn());
        assertEquals(3, task.approximateNumberOfMessagesMoved());
        assertNull(task.taskHandle(), "only a running task has a handle");
        assertTrue(Math.abs(System.currentTimeMillis() - task.startedTimestamp()) < 60_000, "started in milliseconds");
        pair.dead.isEmpty("all went back");
    }

    @Test
    void messagesGoToADestination() throws InterruptedException {
        var dead = deadLetterPair().dead;
        var target = queue();
        dead.send("elsewhere");
        start(dead.arn, r -> r.destinationArn(target.arn).maxNumberOfMessagesPerSecond(100));
        assertEquals("elsewhere", target.receiveOne().body());
        var task = latest(dead, "COMPLETED");
        assertEquals(target.arn, task.destinationArn());
        assertEquals(100, task.maxNumberOfMessagesPerSecond());
    }

    @Test
    void oneTaskAtATimeCanBeCancelled() throws InterruptedException {
        var dead = deadLetterPair().dead;
        var target = queue();
        sendThirty(dead);
        Consumer<StartMessageMoveTaskRequest.Builder> slowly =
                r -> r.destinationArn(target.arn).maxNumberOfMessagesPerSecond(1);
        var handle = start(dead.arn, slowly);
        var running = tasks(dead, null).get(0);
        assertEquals("RUNNING", running.status());
        assertEquals(handle, running.taskHandle());
        assertEquals(30, running.approximateNumberOfMessagesToMove());
        var second = assertThrows(SqsException.class, () -> start(dead.arn, slowly));
        assertTrue(second.getMessage().contains("There is already a task running"), second.getMessage());

        var moved = SQS.cancelMessageMoveTask(r -> r.taskHandle(handle)).approximateNumberOfMessagesMoved();
        assertTrue(moved < 30, moved + " moved");
        var cancelled = latest(dead, "CANCELLED");
        assertNull(cancelled.taskHandle());
        assertTrue(cancelled.approximateNumberOfMessagesMoved() < 30);
    }

    @Test
    void taskFailsWhenItsDestinationIsDeleted() throws InterruptedException {
        var dead = deadLetterPair().dead;
        var target = queue();
        sendThirty(dead);
        start(dead.arn, r -> r.destinationArn(target.arn).maxNumberOfMessagesPerSecond(1));
        SQS.deleteQueue(r -> r.queueUrl(target.url));
        var reason = latest(dead, "FAILED").failureReason();
        assertTrue(reason.contains("NonExistentQueue"), reason);
    }

    @Test
    void tasksAreListedNewestFirst() throws InterruptedException {
        var dead = deadLetterPair().dead;
        for (int i = 0; i < 3; i++) {
            start(dead.arn, r -> {});
            latest(dead, "COMPLETED");
        }
        assertEquals(1, tasks(dead, null).size(), "one by default");
        var started = tasks(dead, 10).stream().map(ListMessageMoveTasksResultEntry::startedTimestamp).toList();
        assertEquals(3, started.size());
        assertEquals(started.stream().sorted(Comparator.reverseOrder()).toList(), started);
        invalidParameter(() -> tasks(dead, 11));
    }

    @Test
    void errors() {
        var pair = deadLetterPair();
        var type = ResourceNotFoundException.class;
        var code = "ResourceNotFoundException";
        var missing = pair.dead.arn + "-missing";
        invalidParameter(
                "Source queue must be configured as a Dead Letter Queue.", () -> start(pair.source.arn, r -> {}));
        raises(type, code, "SourceArn", () -> start(missing, r -> {}));
        raises(type, code, "DestinationArn", () -> start(pair.dead.arn, r -> r.destinationArn(missing)));
        var none = handle("{\"taskId\":\"%s\",\"sourceArn\":\"%s\"}".formatted(NEVER_STARTED, pair.dead.arn));
        raises(type, code, "Task does not exist.", () -> SQS.cancelMessageMoveTask(r -> r.taskHandle(none)));
    }
}
