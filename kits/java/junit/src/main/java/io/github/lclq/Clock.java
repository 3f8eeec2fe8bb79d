package io.github.lclq;

import java.time.Duration;
import java.time.Instant;

/** A server's clock, which all its sandboxes share: tests that move it want a server of their own. */
public final class Clock {
    private final Server server;

    Clock(Server server) {
        this.server = server;
    }

    /** Has time stand still. */
    public void stop() {
        server.call("POST", "test/clock/stop", null);
    }

    /** Has time go on from where it is. */
    public void resume() {
        server.call("POST", "test/clock/resume", null);
    }

    /** Jumps ahead; all that becomes due meanwhile happens. */
    public void advance(Duration by) {
        server.call("POST", "test/clock/advance", "{\"ms\": " + by.toMillis() + "}");
    }

    /** Jumps ahead to a time. */
    public void set(Instant to) {
        server.call("POST", "test/clock/set", "{\"to\": \"" + to + "\"}");
    }
}
