package lclq;

import static lclq.Attributes.EVERY_KIND;
import static lclq.Attributes.TRACE;
import static lclq.Attributes.TRACE_MD5;
import static lclq.Attributes.md5;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.model.BatchEntryIdsNotDistinctException;
import software.amazon.awssdk.services.sqs.model.BatchRequestTooLongException;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchResponse;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.EmptyBatchRequestException;
import software.amazon.awssdk.services.sqs.model.InvalidBatchEntryIdException;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeNameForSends;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeValue;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResultEntry;
import software.amazon.awssdk.services.sqs.model.SqsException;
import software.amazon.awssdk.services.sqs.model.TooManyEntriesInBatchRequestException;

/** Batches: whole, partly failed, and refused. */
class BatchesTest extends SqsTest {
    static SendMessageBatchResponse send(Queue queue, List<SendMessageBatchRequestEntry> entries) {
        return queue.sqs.sendMessageBatch(r -> r.queueUrl(queue.url).entries(entries));
    }

    private static DeleteMessageBatchResponse delete(Queue queue, List<DeleteMessageBatchRequestEntry> entries) {
        return queue.sqs.deleteMessageBatch(r -> r.queueUrl(queue.url).entries(entries));
    }

    private static ChangeMessageVisibilityBatchResponse hide(
            Queue queue, List<ChangeMessageVisibilityBatchRequestEntry> entries) {
        return queue.sqs.changeMessageVisibilityBatch(r -> r.queueUrl(queue.url).entries(entries));
    }

    static SendMessageBatchRequestEntry toSend(String id, String body) {
        return SendMessageBatchRequestEntry.builder().id(id).messageBody(body).build();
    }

    private static DeleteMessageBatchRequestEntry toDelete(String id, String handle) {
        return DeleteMessageBatchRequestEntry.builder().id(id).receiptHandle(handle).build();
    }

    private static ChangeMessageVisibilityBatchRequestEntry toHide(String id, String handle, int seconds) {
        return ChangeMessageVisibilityBatchRequestEntry.builder()
                .id(id)
                .receiptHandle(handle)
                .visibilityTimeout(seconds)
                .build();
    }

    static List<SendMessageBatchRequestEntry> numbered(int count) {
        return IntStream.range(0, count).mapToObj(i -> toSend("id-" + i, "body " + i)).toList();
    }

    private static List<String> ids(SendMessageBatchResponse response) {
        return response.successful().stream().map(SendMessageBatchResultEntry::id).sorted().toList();
    }

    /** Expects that the entry "bad" alone failed, by the sender's fault. */
    private static void badFailed(List<BatchResultErrorEntry> failed, String code, String text) {
        assertEquals(1, failed.size(), "failed entries");
        var entry = failed.get(0);
        assertEquals("bad", entry.id());
        assertEquals(code, entry.code());
        assertEquals(true, entry.senderFault());
        assertTrue(text.isEmpty() || entry.message().contains(text), entry.message() + " lacks " + text);
    }

    @Test
    void tenMessages() {
        var queue = queue();
        var sent = send(queue, numbered(10));
        assertEquals(10, sent.successful().size());
        assertEquals(0, sent.failed().size());
        for (var entry : sent.successful()) {
            assertEquals(md5(entry.id().replace("id-", "body ")), entry.md5OfMessageBody());
            assertNull(entry.md5OfMessageAttributes());
        }

        var hides = new ArrayList<ChangeMessageVisibilityBatchRequestEntry>();
        for (var message : queue.receiveExactly(10)) {
            hides.add(toHide("" + hides.size(), message.receiptHandle(), 0));
        }
        assertEquals(10, hide(queue, hides).successful().size());

        var deletes = new ArrayList<DeleteMessageBatchRequestEntry>();
        for (var message : queue.receiveExactly(10)) {
            deletes.add(toDelete("" + deletes.size(), message.receiptHandle()));
        }
        assertEquals(10, delete(queue, deletes).successful().size());
        queue.isEmpty("all deleted");
    }

    @Test
    void entryHasItsOwnAttributesAndDelay() {
        var queue = queue();
        var header = MessageSystemAttributeValue.builder().dataType("String").stringValue(TRACE).build();
        var with = toSend("attributes", "a").toBuilder()
                .messageAttributes(EVERY_KIND)
                .messageSystemAttributes(Map.of(MessageSystemAttributeNameForSends.AWS_TRACE_HEADER, header))
                .build();
        var later = toSend("delay", "b").toBuilder().delaySeconds(60).build();
        var sent = send(queue, List.of(with, later));
        assertEquals(List.of("attributes", "delay"), ids(sent));
        var entry = sent.successful().stream().filter(e -> e.id().equals("attributes")).findFirst().orElseThrow();
        assertEquals(md5(EVERY_KIND), entry.md5OfMessageAttributes());
        assertEquals(TRACE_MD5, entry.md5OfMessageSystemAttributes());
        assertEquals(EVERY_KIND, queue.receiveOne().messageAttributes());
        queue.isEmpty("the other is delayed");
    }

    @Test
    void illegalCharacterFailsOnlyItsEntry() {
        var queue = queue();
        var got = send(queue, List.of(toSend("good", "good"), toSend("bad", "bad \u0001")));
        assertEquals(List.of("good"), ids(got));
        badFailed(got.failed(), "InvalidMessageContents", "");
        assertEquals("good", queue.receiveOne().body());
    }

    @Test
    void tooLongABodyFailsOnlyItsEntry() {
        var queue = queue(Map.of("MaximumMessageSize", "1024"));
        var got = send(queue, List.of(toSend("bad", "x".repeat(1025)), toSend("good", "x".repeat(1024))));
        assertEquals(List.of("good"), ids(got));
        badFailed(got.failed(), "InvalidParameterValue", "Message must be shorter than 1024 bytes.");
    }

    @Test
    void badHandleFailsOnlyItsEntry() {
        var queue = queue();
        queue.send("one");
        queue.send("two");
        var got = queue.receiveExactly(2);
        var good = got.get(0).receiptHandle();

        var hidden = hide(queue, List.of(toHide("good", good, 60), toHide("bad", "garbage", 60)));
        assertEquals(1, hidden.successful().size());
        badFailed(hidden.failed(), "ReceiptHandleIsInvalid", "");

        hidden = hide(queue, List.of(toHide("good", good, 60), toHide("bad", got.get(1).receiptHandle(), 43201)));
        assertEquals(1, hidden.successful().size());
        badFailed(hidden.failed(), "InvalidParameterValue", "");

        var deleted = delete(queue, List.of(toDelete("good", good), toDelete("bad", "garbage")));
        assertEquals("good", deleted.successful().get(0).id());
        badFailed(deleted.failed(), "ReceiptHandleIsInvalid", "");
    }

    @Test
    void emptyBatch() {
        var queue = queue();
        var type = EmptyBatchRequestException.class;
        var code = "AWS.SimpleQueueService.EmptyBatchRequest";
        raises(type, code, "", () -> send(queue, List.of()));
        raises(type, code, "", () -> delete(queue, List.of()));
        raises(type, code, "", () -> hide(queue, List.of()));
    }

    @Test
    void elevenEntries() {
        var queue = queue();
        var type = TooManyEntriesInBatchRequestException.class;
        var code = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest";
        var text = "Maximum number of entries per request are 10. You have sent 11.";
        var ids = IntStream.range(0, 11).mapToObj(Integer::toString).toList();
        raises(type, code, text, () -> send(queue, numbered(11)));
        raises(type, code, text, () -> delete(queue, ids.stream().map(id -> toDelete(id, "any")).toList()));
        raises(type, code, text, () -> hide(queue, ids.stream().map(id -> toHide(id, "any", 1)).toList()));
    }

    @Test
    void equalIds() {
        var queue = queue();
        var type = BatchEntryIdsNotDistinctException.class;
        var code = "AWS.SimpleQueueService.BatchEntryIdsNotDistinct";
        raises(type, code, "", () -> send(queue, List.of(toSend("same", "x"), toSend("same", "y"))));
        raises(type, code, "", () -> delete(queue, List.of(toDelete("same", "any"), toDelete("same", "other"))));
        raises(type, code, "", () -> hide(queue, List.of(toHide("same", "any", 1), toHide("same", "other", 1))));
        queue.isEmpty("nothing was sent");
    }

    @Test
    void invalidIds() {
        var queue = queue();
        var type = InvalidBatchEntryIdException.class;
        var code = "AWS.SimpleQueueService.InvalidBatchEntryId";
        var text = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
                + "It can be at most 80 letters long.";
        for (var id : List.of("with space", "dot.", "i".repeat(81))) {
            raises(type, code, text, () -> send(queue, List.of(toSend(id, "x"))));
            raises(type, code, text, () -> delete(queue, List.of(toDelete(id, "any"))));
        }
    }

    @Test
    void oneMebibyteInAll() {
        var queue = queue();
        var half = "x".repeat(512 * 1024);
        assertEquals(List.of("a", "b"), ids(send(queue, List.of(toSend("a", half), toSend("b", half)))));
        raises(
                BatchRequestTooLongException.class,
                "AWS.SimpleQueueService.BatchRequestTooLong",
                "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
                () -> send(queue, List.of(toSend("a", half), toSend("b", half + "x"))));
    }

    @Test
    void fifoBatchWithAMissingIdFailsAsAWhole() {
        var queue = queue(FIFO_BY_ID);
        var good = toSend("good", "x").toBuilder().messageGroupId("g").messageDeduplicationId("1").build();
        var noId = toSend("bad", "x").toBuilder().messageGroupId("g").build();
        var noGroup = toSend("bad", "x").toBuilder().messageDeduplicationId("2").build();
        invalidParameter(() -> send(queue, List.of(good, noId)));
        assertThrows(SqsException.class, () -> send(queue, List.of(good, noGroup)));
        queue.isEmpty("nothing was sent");
    }
}
