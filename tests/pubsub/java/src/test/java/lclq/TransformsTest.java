package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.pubsub.v1.JavaScriptUDF;
import com.google.pubsub.v1.MessageTransform;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Message transforms in JavaScript, on topics and on subscriptions. */
class TransformsTest extends PubSubTest {
    private static MessageTransform javascript(String name, String code) {
        return MessageTransform.newBuilder()
                .setJavascriptUdf(JavaScriptUDF.newBuilder().setFunctionName(name).setCode(code))
                .build();
    }

    private static final MessageTransform SHOUT = javascript(
            "shout",
            """
            function shout(message, metadata) {
              message.data = message.data.toUpperCase();
              message.attributes.shouted = "yes";
              return message;
            }
            """);
    private static final MessageTransform KEEP_SHORT = javascript(
            "keepShort",
            """
            function keepShort(message, metadata) {
              return message.data.length > 5 ? null : message;
            }
            """);

    @Test
    void topicTransformsWhatIsPublished() {
        var made = topic(t -> t.addMessageTransforms(SHOUT));
        assertEquals(List.of(SHOUT), TOPICS.getTopic(made.getName()).getMessageTransformsList());
        var subscription = subscription(made.getName());
        publish(made.getName(), message("quiet", "colour", "red"));
        var got = receiveOne(subscription);
        assertEquals("QUIET", text(got));
        assertEquals("yes", got.getMessage().getAttributesOrThrow("shouted"));
        assertEquals("red", got.getMessage().getAttributesOrThrow("colour"));
    }

    @Test
    void subscriptionTransformsWhatItDelivers() {
        var topic = topic();
        var made = subscription(topic, s -> s.addMessageTransforms(KEEP_SHORT).addMessageTransforms(SHOUT));
        assertEquals(List.of(KEEP_SHORT, SHOUT), get(made.getName()).getMessageTransformsList());
        var plain = subscription(topic);
        publish(topic, "short", "much too long");
        assertEquals(List.of("SHORT"), take(made.getName(), 1));
        isEmpty(made.getName(), "null drops the message");
        assertEquals(List.of("much too long", "short"), take(plain, 2).stream().sorted().toList());
    }

    @Test
    void disabledTransformDoesNothing() {
        var topic = topic(t -> t.addMessageTransforms(SHOUT.toBuilder().setDisabled(true))).getName();
        var subscription = subscription(topic);
        publish(topic, "quiet");
        assertEquals(List.of("quiet"), take(subscription, 1));
    }

    @Test
    void codeIsChecked() {
        invalid("", () -> topic(t -> t.addMessageTransforms(javascript("f", "function f(message {"))));
        invalid("", () -> topic(t -> t.addMessageTransforms(javascript("missing", "function f(m) { return m; }"))));
        invalid("", () -> subscription(topic(), s -> s.addMessageTransforms(javascript("", "function f(m) { return m; }"))));
    }
}
