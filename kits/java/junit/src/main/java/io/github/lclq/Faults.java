package io.github.lclq;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Rules that have requests fail. */
public final class Faults {
    private static final Pattern NAME = Pattern.compile("\"name\"\\s*:\\s*\"([^\"\\\\]*)\"");

    private final Server server;

    Faults(Server server) {
        this.server = server;
    }

    /**
     * Sets a rule, as docs/testing.md of lclq has it, and answers its name.
     *
     * <pre>{@code
     * faults.set("""
     *     {"dialect": "sqs", "action": "SendMessage", "times": 1, "effect": {"error": {"code": "InternalFailure"}}}""");
     * }</pre>
     */
    public String set(String rule) {
        String answer = server.call("POST", "test/faults", rule);
        Matcher name = NAME.matcher(answer);
        return name.find() ? name.group(1) : "";
    }

    /** All rules, each with its name and how many requests it matched and fired at, as JSON. */
    public String list() {
        return server.call("GET", "test/faults", null);
    }

    /** Takes one rule away. */
    public void remove(String name) {
        String encoded = URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
        server.call("DELETE", "test/faults/" + encoded, null);
    }

    /** Takes all rules away. */
    public void clear() {
        server.call("DELETE", "test/faults", null);
    }
}
