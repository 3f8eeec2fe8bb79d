package io.github.lclq;

import java.net.URI;
import java.security.SecureRandom;
import java.util.Map;

/**
 * An SQS account and a Pub/Sub project that nobody else has. Names in it collide with nobody's. Closing it
 * deletes all that is in it.
 */
public final class Sandbox implements AutoCloseable {
    /** The region that sandboxes are used in. */
    public static final String REGION = "us-east-1";

    private static final SecureRandom RANDOM = new SecureRandom();
    private static final long ACCOUNT_MIN = 100_000_000_000L;
    private static final long ACCOUNT_MAX = 1_000_000_000_000L;

    private final Server server;
    private final String account;
    private final String project;

    Sandbox(Server server) {
        this.server = server;
        account = String.valueOf(RANDOM.nextLong(ACCOUNT_MIN, ACCOUNT_MAX));
        project = "test-" + account;
    }

    /** The server that it is on. */
    public Server server() {
        return server;
    }

    /** The URL of SQS. */
    public URI endpoint() {
        return server.endpoint();
    }

    /** The account's number. An access key that is an account's number puts a client into that account. */
    public String account() {
        return account;
    }

    /** Host and port of Pub/Sub. */
    public String pubsub() {
        return server.pubsub();
    }

    /** The Pub/Sub project. */
    public String project() {
        return project;
    }

    /** Environment variables that bring AWS' and Google's SDKs here, for a process that a test starts. */
    public Map<String, String> env() {
        return Map.of(
                "AWS_ENDPOINT_URL_SQS", endpoint().toString(),
                "AWS_ACCESS_KEY_ID", account,
                "AWS_SECRET_ACCESS_KEY", "test",
                "AWS_REGION", REGION,
                "AWS_DEFAULT_REGION", REGION,
                "PUBSUB_EMULATOR_HOST", pubsub(),
                "PUBSUB_PROJECT_ID", project,
                "GOOGLE_CLOUD_PROJECT", project);
    }

    /** Deletes all that is in it. Needs the test controls. */
    public void reset() {
        server.call("POST", "test/reset", "{\"account\": \"" + account + "\"}");
        server.call("POST", "test/reset", "{\"project\": \"" + project + "\"}");
    }

    @Override
    public void close() {
        reset();
    }
}
