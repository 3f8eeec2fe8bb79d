package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.gax.rpc.AlreadyExistsException;
import com.google.api.gax.rpc.ApiException;
import com.google.pubsub.v1.CreateSnapshotRequest;
import com.google.pubsub.v1.ListSnapshotsRequest;
import com.google.pubsub.v1.ProjectName;
import com.google.pubsub.v1.Snapshot;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/** Snapshots: made, read, changed, listed and deleted. */
class SnapshotsTest extends PubSubTest {
    private static Snapshot snapshot(String subscription) {
        return SUBSCRIPTIONS.createSnapshot(snapshotName(unique("sn")), subscription);
    }

    @Test
    void whatIsCreatedReadsBack() {
        var topic = topic();
        var subscription = subscription(topic);
        var made = SUBSCRIPTIONS.createSnapshot(CreateSnapshotRequest.newBuilder()
                .setName(snapshotName(unique("sn")))
                .setSubscription(subscription)
                .putLabels("team", "queues")
                .build());
        assertEquals(topic, made.getTopic());
        assertEquals(Map.of("team", "queues"), made.getLabelsMap());
        var daysLeft = (made.getExpireTime().getSeconds() - System.currentTimeMillis() / 1000) / 86400.0;
        assertTrue(daysLeft > 6.9 && daysLeft < 7.1, "expires in a week: " + daysLeft);
        assertEquals(made, SUBSCRIPTIONS.getSnapshot(made.getName()));
    }

    @Test
    void serverChoosesANameWhereNoneIsGiven() {
        var subscription = subscription(topic());
        var made = SUBSCRIPTIONS.createSnapshot(
                CreateSnapshotRequest.newBuilder().setSubscription(subscription).build());
        assertTrue(made.getName().startsWith(PARENT + "/snapshots/"), made.getName());
        assertEquals(made, SUBSCRIPTIONS.getSnapshot(made.getName()));
    }

    @Test
    void nameTakenOrMissing() {
        var subscription = subscription(topic());
        var made = snapshot(subscription);
        fails(
                AlreadyExistsException.class,
                "Resource already exists in the project (resource=" + leaf(made.getName()) + ").",
                () -> SUBSCRIPTIONS.createSnapshot(made.getName(), subscription));
        var missing = unique("missing");
        notFound(missing, () -> SUBSCRIPTIONS.getSnapshot(snapshotName(missing)));
        notFound(missing, () -> SUBSCRIPTIONS.deleteSnapshot(snapshotName(missing)));
        notFound(missing, () -> SUBSCRIPTIONS.createSnapshot(snapshotName(unique("sn")), subscriptionName(missing)));
        invalid("Invalid resource name given (name=", () -> SUBSCRIPTIONS.createSnapshot(snapshotName("1x"), subscription));
    }

    @Test
    void updateChangesLabelsAndExpiry() {
        var made = snapshot(subscription(topic()));
        var wanted = made.toBuilder().putLabels("b", "2").build();
        var updated = SUBSCRIPTIONS.updateSnapshot(wanted, mask("labels"));
        assertEquals(wanted, updated);
        assertEquals(wanted, SUBSCRIPTIONS.getSnapshot(made.getName()));
        assertThrows(ApiException.class, () -> SUBSCRIPTIONS.updateSnapshot(wanted, mask()));
        assertThrows(ApiException.class, () -> SUBSCRIPTIONS.updateSnapshot(wanted, mask("topic")));

        var sooner = made.toBuilder();
        sooner.getExpireTimeBuilder().setSeconds(made.getExpireTime().getSeconds() - 86400);
        updated = SUBSCRIPTIONS.updateSnapshot(sooner.build(), mask("expire_time"));
        assertEquals(sooner.getExpireTime(), updated.getExpireTime());
        assertEquals(Map.of("b", "2"), updated.getLabelsMap());
    }

    @Test
    void listsComeByPages() {
        var topic = topic();
        var subscription = subscription(topic);
        var project = unique("pages");
        var expected = IntStream.range(0, 5).mapToObj(i -> "projects/" + project + "/snapshots/snap-" + i).toList();
        expected.forEach(name -> SUBSCRIPTIONS.createSnapshot(name, subscription));

        var all = SUBSCRIPTIONS.listSnapshots(ProjectName.of(project)).iterateAll();
        assertEquals(expected, StreamSupport.stream(all.spliterator(), false).map(Snapshot::getName).sorted().toList());
        var request = ListSnapshotsRequest.newBuilder().setProject("projects/" + project).setPageSize(2).build();
        var paged = new ArrayList<String>();
        for (var page : SUBSCRIPTIONS.listSnapshots(request).iteratePages()) {
            assertTrue(page.getResponse().getSnapshotsCount() <= 2, "a page of at most two");
            page.getValues().forEach(snapshot -> paged.add(snapshot.getName()));
        }
        assertEquals(expected, paged.stream().sorted().toList());

        var ofTopic = new ArrayList<String>();
        TOPICS.listTopicSnapshots(topic).iterateAll().forEach(ofTopic::add);
        assertEquals(expected, ofTopic.stream().sorted().toList());
    }

    @Test
    void snapshotOutlivesItsSubscription() {
        var topic = topic();
        var first = subscription(topic);
        publish(topic, "kept");
        var made = snapshot(first);
        SUBSCRIPTIONS.deleteSubscription(first);
        assertEquals(made, SUBSCRIPTIONS.getSnapshot(made.getName()));
        SUBSCRIPTIONS.deleteSnapshot(made.getName());
        notFound(leaf(made.getName()), () -> SUBSCRIPTIONS.getSnapshot(made.getName()));
        assertEquals(List.of(), StreamSupport.stream(
                TOPICS.listTopicSnapshots(topic).iterateAll().spliterator(), false).toList());
    }
}
