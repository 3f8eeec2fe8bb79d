package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityResponse;
import software.amazon.awssdk.services.sqs.model.DeleteMessageResponse;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;

/** A queue of one test. */
final class Queue {
    final SqsClient sqs;
    final String url;
    final String name;
    final String arn;

    Queue(SqsClient sqs, String name, Map<String, String> attributes) {
        this.sqs = sqs;
        this.name = name;
        url = sqs.createQueue(r -> r.queueName(name).attributesWithStrings(attributes)).queueUrl();
        arn = attribute("QueueArn");
    }

    Map<String, String> attributes(String... names) {
        return sqs.getQueueAttributes(r -> r.queueUrl(url).attributeNamesWithStrings(names)).attributesAsStrings();
    }

    /** One attribute, null where the queue hasn't it. */
    String attribute(String name) {
        return attributes(name).get(name);
    }

    void set(Map<String, String> attributes) {
        sqs.setQueueAttributes(r -> r.queueUrl(url).attributesWithStrings(attributes));
    }

    SendMessageResponse send(String body) {
        return send(body, r -> {});
    }

    SendMessageResponse send(String body, Consumer<SendMessageRequest.Builder> more) {
        return sqs.sendMessage(r -> more.accept(r.queueUrl(url).messageBody(body)));
    }

    /** Sends to a group of a FIFO queue, and answers the sequence numbers. */
    List<String> sendGroup(String group, String... bodies) {
        var numbers = new ArrayList<String>();
        for (var body : bodies) {
            numbers.add(send(body, r -> r.messageGroupId(group)).sequenceNumber());
        }
        return numbers;
    }

    /** One receive of up to ten messages with everything that comes with them. */
    List<Message> receive(Consumer<ReceiveMessageRequest.Builder> more) {
        return sqs.receiveMessage(r -> more.accept(everything(r))).messages();
    }

    ReceiveMessageRequest.Builder everything(ReceiveMessageRequest.Builder request) {
        return request
                .queueUrl(url)
                .maxNumberOfMessages(10)
                .messageAttributeNames("All")
                .messageSystemAttributeNamesWithStrings("All");
    }

    List<Message> receive() {
        return receive(r -> {});
    }

    List<Message> receiveWaiting(int seconds) {
        return receive(r -> r.waitTimeSeconds(seconds));
    }

    List<Message> receiveAtMost(int count) {
        return receive(r -> r.maxNumberOfMessages(count));
    }

    /** Receives until this many messages have come. */
    List<Message> receiveExactly(int count) {
        var got = new ArrayList<Message>();
        var giveUp = Instant.now().plus(Duration.ofSeconds(10));
        while (got.size() < count && Instant.now().isBefore(giveUp)) {
            got.addAll(receiveWaiting(1));
        }
        assertEquals(count, got.size(), "number of messages received");
        return got;
    }

    Message receiveOne() {
        return receiveOne(r -> {});
    }

    /** The one message that a receive gets, waiting for it a little. */
    Message receiveOne(Consumer<ReceiveMessageRequest.Builder> more) {
        var got = receive(r -> more.accept(r.maxNumberOfMessages(1).waitTimeSeconds(5)));
        assertEquals(1, got.size(), "number of messages received");
        return got.get(0);
    }

    Message receiveHiding(int seconds) {
        return receiveOne(r -> r.visibilityTimeout(seconds));
    }

    /** Expects that there is nothing to receive now. */
    void isEmpty(String why) {
        assertEquals(List.of(), bodies(receive()), why);
    }

    DeleteMessageResponse delete(Message message) {
        return delete(message.receiptHandle());
    }

    DeleteMessageResponse delete(String handle) {
        return sqs.deleteMessage(r -> r.queueUrl(url).receiptHandle(handle));
    }

    void hide(Message message, int seconds) {
        hide(message.receiptHandle(), seconds);
    }

    ChangeMessageVisibilityResponse hide(String handle, int seconds) {
        return sqs.changeMessageVisibility(r -> r.queueUrl(url).receiptHandle(handle).visibilityTimeout(seconds));
    }

    void purge() {
        sqs.purgeQueue(r -> r.queueUrl(url));
    }

    static List<String> bodies(List<Message> messages) {
        return messages.stream().map(Message::body).toList();
    }

    /** A system attribute of a message by its name, null where it hasn't it. */
    static String system(Message message, String name) {
        return message.attributesAsStrings().get(name);
    }
}
