package lclq;

import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A local HTTP server that messages are pushed to. */
final class PushEndpoint implements AutoCloseable {
    record Pushed(String method, String path, Headers headers, byte[] body) {
        String text() {
            return new String(body, StandardCharsets.UTF_8);
        }

        JsonObject json() {
            return JsonParser.parseString(text()).getAsJsonObject();
        }

        JsonObject message() {
            return json().getAsJsonObject("message");
        }
    }

    private static final int OK = 204;

    private final LinkedBlockingQueue<Pushed> pushed = new LinkedBlockingQueue<>();
    private final Queue<Integer> statuses = new ConcurrentLinkedQueue<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final HttpServer server;

    /** Answers with these statuses in turn, and with 204 from then on. */
    PushEndpoint(Integer... answers) throws IOException {
        statuses.addAll(Arrays.asList(answers));
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::handle);
        server.setExecutor(threads);
        server.start();
    }

    private void handle(HttpExchange exchange) throws IOException {
        Pushed request;
        try (exchange) {
            var body = exchange.getRequestBody().readAllBytes();
            request = new Pushed(
                    exchange.getRequestMethod(), exchange.getRequestURI().toString(), exchange.getRequestHeaders(), body);
            var status = statuses.poll();
            exchange.sendResponseHeaders(status == null ? OK : status, -1);
        }
        // Once it is answered: a test that has seen it may close the endpoint.
        pushed.add(request);
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/push?token=secret";
    }

    Pushed next() throws InterruptedException {
        var request = pushed.poll(PubSubTest.PATIENCE_SECONDS, TimeUnit.SECONDS);
        assertNotNull(request, "a push comes");
        return request;
    }

    /** The next push, null where none comes within this time. */
    Pushed poll(int millis) throws InterruptedException {
        return pushed.poll(millis, TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
