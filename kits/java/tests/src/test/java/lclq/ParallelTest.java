package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.lclq.ControlException;
import io.github.lclq.Lclq;
import io.github.lclq.Sandbox;
import io.github.lclq.Server;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Fifty tests at once that all use the same names, each in a sandbox of its own. */
@Lclq
@Execution(ExecutionMode.CONCURRENT)
class ParallelTest {
    private static final int MESSAGES = 5;

    @RepeatedTest(40)
    void aQueueHasWhatItsTestHasSent(Sandbox sandbox, RepetitionInfo number) {
        try (Clients clients = new Clients(sandbox, 3)) {
            assertEquals(List.of(), clients.receive("orders"));
            List<String> sent = new ArrayList<>();
            for (int n = 0; n < MESSAGES; n++) {
                String body = number.getCurrentRepetition() + "/" + n;
                clients.send("orders", body, 0);
                sent.add(body);
            }
            assertEquals(sent, clients.receive("orders"));
            assertEquals(List.of(), clients.receive("orders"));
        }
    }

    @RepeatedTest(7)
    void aTopicHasWhatItsTestHasPublished(Sandbox sandbox, RepetitionInfo number) throws IOException {
        try (Clients clients = new Clients(sandbox, 3)) {
            String data = String.valueOf(number.getCurrentRepetition());
            clients.publish("events", data);
            assertEquals(List.of(data), clients.pull("events"));
        }
    }

    @Test
    void anHourPassesAtOnce(Server server) {
        try (Clients clients = new Clients(server.sandbox(), 3)) {
            clients.send("orders", "later", 900);
            assertEquals(List.of(), clients.receive("orders"));
            server.clock().advance(Duration.ofHours(1));
            assertEquals(List.of("later"), clients.receive("orders"));
        }
    }

    @Test
    void theSdkTriesAgain(Server server) {
        try (Clients clients = new Clients(server.sandbox(), 3)) {
            String name = server.faults().set("""
                    {"dialect": "sqs", "action": "SendMessage", "times": 1,
                     "effect": {"error": {"code": "InternalFailure"}}}""");
            clients.send("orders", "twice", 0);
            assertTrue(server.faults().list().replace(" ", "").contains("\"fired\":1"), server.faults().list());
            server.faults().remove(name);
            assertEquals(List.of("twice"), clients.receive("orders"));
        }
    }

    @Test
    void withoutControlsTheClockIsRefused() {
        try (Server server = Server.builder().testControls(false).start()) {
            ControlException refused = assertThrows(ControlException.class, () -> server.clock().stop());
            assertTrue(refused.status() >= 400);
            server.close();
            assertTrue(server.log().contains("stopped"), server.log());
        }
    }
}
