package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.pubsub.v1.PubsubMessage;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Subscription filters. */
class FilterTest extends PubSubTest {
    private static final PubsubMessage[] MESSAGES = {
        message("plain"),
        message("red", "colour", "red"),
        message("dark red", "colour", "dark red"),
        message("blue", "colour", "blue"),
        message("large", "size", "large"),
        message("large red", "colour", "red").toBuilder().putAttributes("size", "large").build(),
        message("quoted", "with space", "a \"b\""),
    };

    /** Expects that a subscription with this filter gets exactly the messages with these texts. */
    private static void passes(String filter, String... texts) {
        var topic = topic();
        var subscription = subscription(topic, s -> s.setFilter(filter)).getName();
        publish(topic, MESSAGES);
        publish(topic, message("end", "colour", "end").toBuilder().putAttributes("size", "end").build());
        var matching = List.of(texts);
        assertEquals(
                matching.stream().sorted().toList(),
                take(subscription, matching.size()).stream().sorted().toList(),
                filter);
        isEmpty(subscription, filter);
    }

    @Test
    void presence() {
        passes("attributes:size", "large", "large red", "end");
        passes("NOT attributes:colour", "plain", "large", "quoted");
        passes("-attributes:colour", "plain", "large", "quoted");
    }

    @Test
    void equality() {
        passes("attributes.colour = \"red\"", "red", "large red");
        passes("attributes.colour = \"end\"", "end");
        passes("attributes.colour != \"red\"", "plain", "dark red", "blue", "large", "quoted", "end");
        passes("attributes.\"with space\" = \"a \\\"b\\\"\"", "quoted");
    }

    @Test
    void prefix() {
        passes("hasPrefix(attributes.colour, \"dark\")", "dark red");
        passes("NOT hasPrefix(attributes.colour, \"dark\") AND attributes:colour", "red", "blue", "large red", "end");
    }

    @Test
    void combinations() {
        passes("attributes.colour = \"red\" AND attributes.size = \"large\"", "large red");
        passes("attributes.colour = \"blue\" OR attributes.size = \"large\"", "blue", "large", "large red");
        passes("attributes:size AND (attributes.colour = \"red\" OR attributes.colour = \"end\")", "large red", "end");
        passes("NOT attributes:colour AND attributes:size", "large");
        passes("NOT (attributes:colour OR attributes:size)", "plain", "quoted");
    }

    @Test
    void malformedFiltersAreRefused() {
        var topic = topic();
        var wrong = List.of(
                "attributes:a AND attributes:b OR attributes:c",
                "attributes:a and attributes:b",
                "attributes.a",
                "attributes.a = b",
                "attributes.a == \"b\"",
                "attributes.a < \"b\"",
                "(attributes:a",
                "attributes:a)",
                "hasPrefix(attributes.a)",
                "data:a",
                "\"",
                "attributes.k = \"" + "x".repeat(256) + "\"");
        for (var filter : wrong) {
            invalid("", () -> subscription(topic, s -> s.setFilter(filter)));
        }
    }

    @Test
    void messagesThatDoNotMatchAreGone() {
        var topic = topic();
        var subscription = subscription(topic, s -> s.setFilter("attributes:wanted").setRetainAckedMessages(true)).getName();
        publish(topic, message("dropped"), message("kept", "wanted", ""));
        assertEquals(List.of("kept"), take(subscription, 1));
        isEmpty(subscription, "acknowledged by the filter");
    }
}
