package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.pubsub.v1.PubsubMessage;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The Publish request and its limits. */
class PublishTest extends PubSubTest {
    private static PubsubMessage sized(int bytes) {
        return PubsubMessage.newBuilder().setData(ByteString.copyFrom(new byte[bytes])).build();
    }

    @Test
    void idsAreUniqueNumbersInOrder() {
        var topic = topic();
        var subscription = subscription(topic);
        var ids = publish(topic, IntStream.range(0, 100).mapToObj(i -> message("m" + i)).toArray(PubsubMessage[]::new));
        assertEquals(100, new HashSet<>(ids).size());
        ids.forEach(id -> assertTrue(id.matches("\\d+"), id));
        var got = receive(subscription, 100);
        for (var message : got) {
            var index = Integer.parseInt(text(message).substring(1));
            assertEquals(ids.get(index), message.getMessage().getMessageId(), "ids stand in the order of the request");
        }
    }

    @Test
    void attributesAloneAreAMessage() {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, PubsubMessage.newBuilder().putAttributes("only", "this").build());
        assertEquals("this", receiveOne(subscription).getMessage().getAttributesOrThrow("only"));
    }

    @Test
    void countOfARequestHasBounds() {
        var topic = topic();
        invalid("", () -> TOPICS.publish(topic, List.of()));
        var most = IntStream.range(0, 1000).mapToObj(i -> message("m")).toList();
        assertEquals(1000, TOPICS.publish(topic, most).getMessageIdsCount());
        var tooMany = IntStream.range(0, 1001).mapToObj(i -> message("m")).toList();
        invalid(
                "The value for message_count is too large. You passed 1001 in the request, but the maximum value is 1000.",
                () -> TOPICS.publish(topic, tooMany));
    }

    @Test
    void sizeOfARequestHasBounds() {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, sized(9_999_000));
        var got = receiveOne(subscription);
        assertEquals(9_999_000, got.getMessage().getData().size(), "an answer above 4 MB passes");
        invalid("The value for request_size is too large", () -> publish(topic, sized(10_000_001)));
        invalid("Request payload size exceeds the limit: 10485760 bytes.", () -> publish(topic, sized(10_485_761)));
    }

    @Test
    void messageIsChecked() {
        var topic = topic();
        var subscription = subscription(topic);
        invalid("", () -> publish(topic, PubsubMessage.getDefaultInstance()));
        invalid("", () -> publish(topic, message("m", "k".repeat(257), "v")));
        invalid("", () -> publish(topic, message("m", "k", "v".repeat(1025))));
        invalid("", () -> publish(topic, message("m", "googkey", "v")));
        invalid("", () -> publish(topic, message("m", "", "v")));
        invalid("", () -> publish(topic, ordered("k".repeat(1025), "m")));
        var attributes = message("m").toBuilder();
        IntStream.range(0, 101).forEach(i -> attributes.putAttributes("k" + i, "v"));
        invalid("", () -> publish(topic, attributes.build()));
        invalid("", () -> publish(topic, message("good"), PubsubMessage.getDefaultInstance()));
        isEmpty(subscription, "nothing of a refused request is published");

        publish(topic, attributes.removeAttributes("k100").putAttributes("k".repeat(256), "v".repeat(1024))
                .removeAttributes("k99").setOrderingKey("k".repeat(1024)).build());
        assertEquals(100, receiveOne(subscription).getMessage().getAttributesCount());
    }

    @Test
    void whatTheServerSetsIsNotTakenFromTheClient() {
        var topic = topic();
        var subscription = subscription(topic);
        var id = publish(topic, message("mine").toBuilder().setMessageId("forged").build()).get(0);
        assertEquals(id, receiveOne(subscription).getMessage().getMessageId());
        assertTrue(id.matches("\\d+"), id);
    }
}
