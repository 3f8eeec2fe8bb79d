package io.github.lclq;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A running {@code lclq start} on free ports of loopback, in memory unless flags say otherwise. It ends with
 * {@link #close()}, and with this process, however that ends.
 */
public final class Server implements AutoCloseable {
    private static final long START_MS_MAX = 20_000;
    private static final long STOP_MS_MAX = 10_000;
    private static final Duration CONTROL_MAX = Duration.ofSeconds(60);
    private static final int LOG_LINES_MAX = 1000;
    private static final String READY = "ready";
    private static final String ENDED = "";

    /** What holds where no flag says otherwise: free ports, one core, no file of the working directory. */
    private static final Map<String, String> DEFAULTS = Map.of(
            "LCLQ_CONFIG", File.separatorChar == '\\' ? "NUL" : "/dev/null",
            "LCLQ_SQS_PORT", "0",
            "LCLQ_PUBSUB_PORT", "0",
            "LCLQ_PUBSUB_REST_PORT", "0",
            "LCLQ_ADMIN_PORT", "0",
            "LCLQ_CORES", "1",
            "LCLQ_SHUTDOWN_MS_MAX", "1000");

    // Proxies of the environment are for others: this is loopback.
    private static final HttpClient WEB =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).proxy(ProxySelector.of(null)).build();

    private final Process process;
    private final Map<String, String> addresses = new ConcurrentHashMap<>();
    private final ArrayDeque<String> log = new ArrayDeque<>();
    private final List<Thread> readers = new ArrayList<>();

    /** How a server is started. */
    public static final class Builder {
        private final List<String> args = new ArrayList<>();
        private final Map<String, String> env = new ConcurrentHashMap<>();
        private Path binary;
        private boolean controls = true;

        private Builder() {}

        /** Flags of {@code lclq start}, such as {@code "--data-dir", "queues"}. */
        public Builder args(String... more) {
            args.addAll(List.of(more));
            return this;
        }

        /** A variable. Those of this process that begin with LCLQ_ aren't taken over. */
        public Builder env(String name, String value) {
            env.put(name, value);
            return this;
        }

        /** The binary; by default what LCLQ_BIN names, that of lclq-binary, or one on PATH. */
        public Builder binary(Path path) {
            binary = path;
            return this;
        }

        /** Whether tests may drive it; true by default. */
        public Builder testControls(boolean wanted) {
            controls = wanted;
            return this;
        }

        /**
         * Starts it and waits until it is ready.
         *
         * @throws StartException it can't be
         */
        public Server start() {
            return new Server(this);
        }
    }

    /** Starts a server and waits until it is ready. */
    public static Server start(String... args) {
        return builder().args(args).start();
    }

    /** How a server is to be started. */
    public static Builder builder() {
        return new Builder();
    }

    private Server(Builder wanted) {
        List<String> command = new ArrayList<>();
        command.add((wanted.binary == null ? Binary.find() : wanted.binary).toString());
        command.addAll(List.of("start", "--stop-with-stdin"));
        command.addAll(wanted.args);
        ProcessBuilder builder = new ProcessBuilder(command);
        Map<String, String> env = builder.environment();
        env.keySet().removeIf(name -> name.startsWith("LCLQ_"));
        env.putAll(DEFAULTS);
        env.put("LCLQ_TEST_CONTROLS", String.valueOf(wanted.controls));
        env.putAll(wanted.env);
        try {
            process = builder.start();
        } catch (IOException error) {
            throw new StartException("lclq can't be run: " + error.getMessage());
        }
        BlockingQueue<String> said = new LinkedBlockingQueue<>();
        read("lclq-out", process.getInputStream(), line -> listen(line, said), () -> said.add(ENDED));
        read("lclq-log", process.getErrorStream(), this::keep, () -> {});
        String last = null;
        try {
            last = said.poll(START_MS_MAX, TimeUnit.MILLISECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        if (READY.equals(last)) {
            return;
        }
        close();
        String what = last == null
                ? "lclq isn't ready after " + START_MS_MAX + " ms"
                : "lclq ended with code " + process.exitValue();
        throw new StartException(what + ":\n" + log());
    }

    private void read(
            String name, InputStream stream, java.util.function.Consumer<String> take, Runnable atEnd) {
        Thread reader = new Thread(() -> {
            try (BufferedReader lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    take.accept(line);
                }
            } catch (IOException ended) {
                // The process has, too.
            } finally {
                atEnd.run();
            }
        }, name);
        reader.setDaemon(true);
        reader.start();
        readers.add(reader);
    }

    private void listen(String line, BlockingQueue<String> said) {
        String[] words = line.split(" ", 3);
        if (words.length == 3 && words[0].equals("listening")) {
            addresses.put(words[1], words[2]);
        } else if (line.equals(READY)) {
            said.add(READY);
        }
    }

    private void keep(String line) {
        synchronized (log) {
            log.add(line);
            if (log.size() > LOG_LINES_MAX) {
                log.remove();
            }
        }
    }

    private String address(String name) {
        String address = addresses.get(name);
        if (address == null) {
            throw new IllegalStateException("the server has no endpoint " + name);
        }
        return address;
    }

    /** The URL of SQS. */
    public URI endpoint() {
        return URI.create(address("sqs"));
    }

    /** Host and port of Pub/Sub, as PUBSUB_EMULATOR_HOST wants them. */
    public String pubsub() {
        return address("pubsub").replaceFirst("^[a-z]+://", "");
    }

    /** The URL of the admin API, the metrics and the web console. */
    public URI admin() {
        return URI.create(address("admin"));
    }

    /** The process' id. */
    public long pid() {
        return process.pid();
    }

    /** The last lines that it has logged, 1000 at most. */
    public String log() {
        synchronized (log) {
            return String.join("\n", log);
        }
    }

    /** An account and a project that nobody else has. */
    public Sandbox sandbox() {
        return new Sandbox(this);
    }

    /** Its clock, for tests to stop and move. */
    public Clock clock() {
        return new Clock(this);
    }

    /** Its rules of which requests fail. */
    public Faults faults() {
        return new Faults(this);
    }

    /** Deletes everything, for all sandboxes. */
    public void reset() {
        call("POST", "test/reset", "{}");
    }

    /**
     * Asks the admin API for anything.
     *
     * @param path below /api/v1/
     * @param body JSON; may be null
     * @return JSON
     * @throws ControlException the server has refused or can't be asked
     */
    public String call(String method, String path, String body) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(admin() + "/api/v1/" + path))
                .timeout(CONTROL_MAX)
                .method(method, body == null
                        ? HttpRequest.BodyPublishers.noBody()
                        : HttpRequest.BodyPublishers.ofString(body))
                .build();
        HttpResponse<String> answer;
        try {
            answer = WEB.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException error) {
            throw new ControlException(0, "the admin API can't be asked: " + error);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new ControlException(0, "interrupted");
        }
        if (answer.statusCode() >= 300) {
            throw new ControlException(answer.statusCode(), answer.body());
        }
        return answer.body();
    }

    /** Ends it and waits for that. Once it has ended, it does nothing. */
    @Override
    public void close() {
        try {
            process.getOutputStream().close();
        } catch (IOException gone) {
            // It has ended by itself.
        }
        boolean interrupted = Thread.interrupted();
        try {
            if (!process.waitFor(STOP_MS_MAX, TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor();
            }
            for (Thread reader : readers) {
                reader.join(STOP_MS_MAX);
            }
        } catch (InterruptedException again) {
            process.destroyForcibly();
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
