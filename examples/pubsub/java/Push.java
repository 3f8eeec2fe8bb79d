import com.google.gson.JsonParser;
import com.google.pubsub.v1.PushConfig;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A subscription that pushes to an HTTP server, and comes again after an answer that isn't a success. */
public class Push {
    record Pushed(String text, int status) {}

    public static void main(String[] args) throws Exception {
        var statuses = new LinkedBlockingQueue<>(List.of(503, 204));
        var pushed = new LinkedBlockingQueue<Pushed>();
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/push", exchange -> {
            var body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            var message = JsonParser.parseString(body).getAsJsonObject().getAsJsonObject("message");
            var data = Base64.getDecoder().decode(message.get("data").getAsString());
            var status = statuses.remove();
            exchange.sendResponseHeaders(status, -1);
            exchange.close();
            pushed.add(new Pushed(new String(data, StandardCharsets.UTF_8), status));
        });
        server.start();

        try (var service = new Service()) {
            var topic = service.topic("webhooks");
            var endpoint = "http://127.0.0.1:" + server.getAddress().getPort() + "/push";
            service.subscribe(topic, "webhooks",
                    s -> s.setPushConfig(PushConfig.newBuilder().setPushEndpoint(endpoint)));
            service.publish(topic, Map.of(), "order-1");
            for (var status : List.of(503, 204)) {
                var got = pushed.poll(20, TimeUnit.SECONDS);
                Expect.that(new Pushed("order-1", status).equals(got), got);
                System.out.printf("pushed %s, answered %d%n", got.text(), got.status());
            }
        }
        server.stop(0);
    }
}
