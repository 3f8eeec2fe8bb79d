package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The official library with a service account's file over TLS, as it is used with the real service. */
@Execution(ExecutionMode.SAME_THREAD) // each starts a JVM
class ServiceAccountTest {
    private static final String PASSWORD = "changeit";

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource({
        "own token, hello",
        "exchanged token, hello",
        "no token, UNAUTHENTICATED CREDENTIALS_MISSING",
        "token of another key, UNAUTHENTICATED ACCESS_TOKEN_TYPE_UNSUPPORTED",
    })
    void clientIsBelievedIfItsAccountIsKnown(String how, String outcome) throws Exception {
        var binary = System.getenv("LCLQ_BIN");
        assertNotNull(binary, "LCLQ_BIN must name the server's program");
        var keys = directory.resolve("keys.toml").toString();
        var made = output(new ProcessBuilder(
                binary, "credentials", "create-service-account", "--project", "p", "--file", keys));
        var tls = directory.resolve("tls");
        var server = start(binary, "--pubsub-auth", "enforce", "--credentials", keys,
                "--tls", "self-signed", "--tls-dir", tls.toString());
        try {
            var port = port(server);
            var account = JsonParser.parseString(made).getAsJsonObject();
            account.addProperty("token_uri", "https://localhost:" + port + "/token");
            var file = Files.writeString(directory.resolve("account.json"), account.toString());
            assertEquals(outcome, client(how, port, file, trusting(tls.resolve("ca.pem"))));
        } finally {
            server.destroy();
            server.waitFor();
        }
    }

    /** Starts a server of the test's own. */
    private Process start(String binary, String... flags) throws IOException {
        var command = new ArrayList<>(List.of(binary, "start"));
        for (var name : List.of("sqs", "pubsub", "pubsub-rest", "admin")) {
            command.addAll(List.of("--" + name + "-port", "0"));
        }
        command.addAll(List.of(flags));
        return new ProcessBuilder(command).redirectError(directory.resolve("server.log").toFile()).start();
    }

    /** Waits until the server is ready, and answers its port of Pub/Sub. */
    private static String port(Process server) throws IOException {
        var lines = server.inputReader();
        var port = "";
        for (var line = lines.readLine(); !"ready".equals(line); line = lines.readLine()) {
            assertNotNull(line, "the server has not started");
            if (line.startsWith("listening pubsub http://")) {
                port = line.substring(line.lastIndexOf(':') + 1);
            }
        }
        return port;
    }

    /** A trust store with this authority alone. */
    private Path trusting(Path authority) throws Exception {
        var store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (var pem = Files.newInputStream(authority)) {
            store.setCertificateEntry("lclq", CertificateFactory.getInstance("X.509").generateCertificate(pem));
        }
        var file = directory.resolve("trust.p12");
        try (var written = Files.newOutputStream(file)) {
            store.store(written, PASSWORD.toCharArray());
        }
        return file;
    }

    /** Runs a client in a process of its own, since trust is read once a process, and answers what it prints. */
    private String client(String how, String port, Path account, Path trust) throws Exception {
        var client = new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-XX:TieredStopAtLevel=1",
                "-cp", System.getProperty("java.class.path"),
                "-Djavax.net.ssl.trustStore=" + trust,
                "-Djavax.net.ssl.trustStorePassword=" + PASSWORD,
                ServiceAccountClient.class.getName(),
                how);
        client.environment().remove("PUBSUB_EMULATOR_HOST");
        client.environment().put("GOOGLE_APPLICATION_CREDENTIALS", account.toString());
        client.environment().put("ENDPOINT", "localhost:" + port);
        return output(client);
    }

    /** What a process prints, which must end well. */
    private String output(ProcessBuilder builder) throws Exception {
        var log = directory.resolve("process.log");
        var process = builder.redirectError(log.toFile()).start();
        var printed = process.inputReader();
        assertTrue(process.waitFor(PubSubTest.PATIENCE_SECONDS, TimeUnit.SECONDS), "takes too long");
        assertEquals(0, process.exitValue(), () -> PubSubTest.unchecked(() -> Files.readString(log)));
        return printed.lines().reduce("", String::concat);
    }
}
