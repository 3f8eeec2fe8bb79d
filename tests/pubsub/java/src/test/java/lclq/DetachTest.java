package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.gax.rpc.FailedPreconditionException;
import com.google.pubsub.v1.DetachSubscriptionRequest;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/** Detached subscriptions: they live on, empty and cut off. */
class DetachTest extends PubSubTest {
    private static void detach(String subscription) {
        TOPICS.detachSubscription(DetachSubscriptionRequest.newBuilder().setSubscription(subscription).build());
    }

    @Test
    void detachedSubscriptionGivesNothingOut() {
        var topic = topic();
        var subscription = subscription(topic);
        publish(topic, "dropped");
        detach(subscription);
        assertTrue(get(subscription).getDetached());
        var listed = TOPICS.listTopicSubscriptions(topic).iterateAll();
        assertEquals(List.of(), StreamSupport.stream(listed.spliterator(), false).toList());
        fails(FailedPreconditionException.class, "", () -> pullNow(subscription, 1));
        publish(topic, "not for it");
        SUBSCRIPTIONS.deleteSubscription(subscription);
        var missing = unique("missing");
        notFound(missing, () -> detach(subscriptionName(missing)));
    }

    @Test
    void openStreamEnds() throws Exception {
        var subscription = subscription(topic());
        try (var inbox = Inbox.open(subscription)) {
            detach(subscription);
            eventually("the subscriber fails", () -> inbox.failure != null);
            assertInstanceOf(FailedPreconditionException.class, inbox.failure);
        }
    }
}
