package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.gax.rpc.FailedPreconditionException;
import com.google.gson.JsonParser;
import com.google.pubsub.v1.DeadLetterPolicy;
import com.google.pubsub.v1.PushConfig;
import com.google.pubsub.v1.RetryPolicy;
import com.google.pubsub.v1.Subscription;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Push subscriptions. */
class PushTest extends PubSubTest {
    private static PushConfig to(PushEndpoint endpoint, Consumer<PushConfig.Builder> more) {
        var config = PushConfig.newBuilder().setPushEndpoint(endpoint.url());
        more.accept(config);
        return config.build();
    }

    private static Subscription pushing(String topic, PushEndpoint endpoint) {
        return subscription(topic, s -> s.setPushConfig(to(endpoint, config -> {})));
    }

    private static String data(PushEndpoint.Pushed pushed) {
        var base64 = pushed.message().get("data").getAsString();
        return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    }

    @Test
    void messageComesWrapped() throws Exception {
        var topic = topic();
        try (var endpoint = new PushEndpoint()) {
            var subscription = pushing(topic, endpoint).getName();
            var id = publish(topic, message("pushed ü", "colour", "red").toBuilder().setOrderingKey("key").build()).get(0);
            var got = endpoint.next();
            assertEquals("POST", got.method());
            assertEquals("/push?token=secret", got.path());
            assertTrue(got.headers().getFirst("Content-Type").startsWith("application/json"));
            assertEquals("pushed ü", data(got));
            var message = got.message();
            assertEquals("red", message.getAsJsonObject("attributes").get("colour").getAsString());
            assertEquals(id, message.get("messageId").getAsString());
            assertEquals(id, message.get("message_id").getAsString());
            assertEquals("key", message.get("orderingKey").getAsString());
            var time = message.get("publishTime").getAsString();
            assertTrue(time.matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z"), time);
            assertEquals(time, message.get("publish_time").getAsString());
            assertEquals(subscription, got.json().get("subscription").getAsString());
            assertFalse(got.json().has("deliveryAttempt"), "no dead-letter policy");
            assertNull(endpoint.poll(1_000), "204 is an ack");
        }
    }

    @Test
    void everyGoodStatusAcks() throws Exception {
        var topic = topic();
        try (var endpoint = new PushEndpoint(200, 201, 202, 204)) {
            pushing(topic, endpoint);
            for (var text : List.of("a", "b", "c", "d")) {
                publish(topic, text);
                assertEquals(text, data(endpoint.next()));
            }
            assertNull(endpoint.poll(2_000), "none comes again");
        }
    }

    @Test
    void badStatusNacks() throws Exception {
        var topic = topic();
        try (var endpoint = new PushEndpoint(500, 400, 301)) {
            pushing(topic, endpoint);
            publish(topic, "persistent");
            for (var i = 0; i < 4; i++) {
                assertEquals("persistent", data(endpoint.next()));
            }
            assertNull(endpoint.poll(1_000), "acknowledged in the end");
        }
    }

    @Test
    void retryPolicyDelaysTheNextPush() throws Exception {
        var topic = topic();
        try (var endpoint = new PushEndpoint(500)) {
            subscription(topic, s -> s.setPushConfig(to(endpoint, config -> {}))
                    .setRetryPolicy(RetryPolicy.newBuilder().setMinimumBackoff(seconds(3)).setMaximumBackoff(seconds(5))));
            publish(topic, "later");
            endpoint.next();
            assertNull(endpoint.poll(2_000), "it waits");
            assertEquals("later", data(endpoint.next()));
        }
    }

    @Test
    void deadLetterPolicyCountsPushes() throws Exception {
        var topic = topic();
        var dead = topic();
        var graveyard = subscription(dead);
        try (var endpoint = new PushEndpoint(500, 500, 500, 500, 500)) {
            subscription(topic, s -> s.setPushConfig(to(endpoint, config -> {}))
                    .setDeadLetterPolicy(DeadLetterPolicy.newBuilder().setDeadLetterTopic(dead).setMaxDeliveryAttempts(5)));
            publish(topic, "poison");
            for (var attempt = 1; attempt <= 5; attempt++) {
                assertEquals(attempt, endpoint.next().json().get("deliveryAttempt").getAsInt());
            }
            assertEquals(List.of("poison"), take(graveyard, 1));
        }
    }

    @Test
    void unwrappedMessageIsTheBody() throws Exception {
        var topic = topic();
        try (var endpoint = new PushEndpoint()) {
            var subscription = subscription(topic, s -> s.setPushConfig(to(endpoint, config -> config.setNoWrapper(
                            PushConfig.NoWrapper.newBuilder().setWriteMetadata(true)))))
                    .getName();
            var id = publish(topic, message("raw", "colour", "red").toBuilder().setOrderingKey("key").build()).get(0);
            var got = endpoint.next();
            assertEquals("raw", got.text());
            assertEquals(subscription, got.headers().getFirst("x-goog-pubsub-subscription-name"));
            assertEquals(id, got.headers().getFirst("x-goog-pubsub-message-id"));
            assertFalse(got.headers().getFirst("x-goog-pubsub-publish-time").isEmpty());
            assertEquals("key", got.headers().getFirst("x-goog-pubsub-ordering-key"));
            assertEquals("red", got.headers().getFirst("colour"));
        }
    }

    @Test
    void unwrappedMessageMayGoWithoutMetadata() throws Exception {
        var topic = topic();
        try (var endpoint = new PushEndpoint()) {
            subscription(topic, s -> s.setPushConfig(
                    to(endpoint, config -> config.setNoWrapper(PushConfig.NoWrapper.getDefaultInstance()))));
            publish(topic, message("raw", "colour", "red"));
            var got = endpoint.next();
            assertEquals("raw", got.text());
            assertNull(got.headers().getFirst("x-goog-pubsub-message-id"));
            assertNull(got.headers().getFirst("colour"));
        }
    }

    @Test
    void tokenIsSent() throws Exception {
        var topic = topic();
        try (var endpoint = new PushEndpoint()) {
            var account = "pusher@example.iam.gserviceaccount.com";
            subscription(topic, s -> s.setPushConfig(to(endpoint, config -> config.setOidcToken(
                    PushConfig.OidcToken.newBuilder().setServiceAccountEmail(account).setAudience("my-service")))));
            publish(topic, "m");
            var authorization = endpoint.next().headers().getFirst("Authorization");
            assertTrue(authorization.startsWith("Bearer "), authorization);
            var parts = authorization.substring("Bearer ".length()).split("\\.");
            assertEquals(3, parts.length);
            var header = JsonParser.parseString(decoded(parts[0])).getAsJsonObject();
            assertEquals("RS256", header.get("alg").getAsString());
            var claims = JsonParser.parseString(decoded(parts[1])).getAsJsonObject();
            assertEquals("my-service", claims.get("aud").getAsString());
            assertEquals(account, claims.get("email").getAsString());
            assertTrue(claims.get("exp").getAsLong() > System.currentTimeMillis() / 1000);
        }
    }

    private static String decoded(String part) {
        return new String(Base64.getUrlDecoder().decode(part), StandardCharsets.UTF_8);
    }

    @Test
    void configReadsBackAndPullIsRefused() throws Exception {
        try (var endpoint = new PushEndpoint()) {
            var made = pushing(topic(), endpoint);
            assertEquals(endpoint.url(), made.getPushConfig().getPushEndpoint());
            assertEquals("v1", made.getPushConfig().getAttributesOrThrow("x-goog-version"));
            fails(
                    FailedPreconditionException.class,
                    "This method is not supported for this subscription type.",
                    () -> pullNow(made.getName(), 1));
        }
        invalid("", () -> subscription(topic(), s -> s.setPushConfig(
                PushConfig.newBuilder().setPushEndpoint("ftp://nowhere"))));
    }

    @Test
    void switchingKeepsTheBacklog() throws Exception {
        var topic = topic();
        var made = subscription(topic, s -> {});
        publish(topic, "pushed later");
        try (var endpoint = new PushEndpoint()) {
            SUBSCRIPTIONS.modifyPushConfig(made.getName(), to(endpoint, config -> {}));
            assertEquals("pushed later", data(endpoint.next()));
        }
        // Nobody listens there any more.
        publish(topic, "pulled later");
        SUBSCRIPTIONS.modifyPushConfig(made.getName(), PushConfig.getDefaultInstance());
        assertEquals("", get(made.getName()).getPushConfig().getPushEndpoint());
        assertEquals(List.of("pulled later"), take(made.getName(), 1));

        try (var endpoint = new PushEndpoint()) {
            var changed = made.toBuilder().setPushConfig(to(endpoint, config -> {})).build();
            SUBSCRIPTIONS.updateSubscription(changed, mask("push_config"));
            publish(topic, "pushed again");
            assertEquals("pushed again", data(endpoint.next()));
        }
    }

    @Test
    void orderedMessagesArePushedInOrder() throws Exception {
        var topic = topic();
        try (var endpoint = new PushEndpoint()) {
            subscription(topic, s -> s.setPushConfig(to(endpoint, config -> {})).setEnableMessageOrdering(true));
            for (var i = 0; i < 20; i++) {
                publish(topic, ordered("k", "m" + i));
            }
            for (var i = 0; i < 20; i++) {
                assertEquals("m" + i, data(endpoint.next()));
            }
        }
    }
}
