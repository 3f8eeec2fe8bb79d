package lclq;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.lclq.Server;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Answers kits/contract/run.py by lclq-junit, AWS' SDK and Google's library. */
public final class Agent {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final List<Server> servers = new ArrayList<>();
    private final List<Clients> sandboxes = new ArrayList<>();

    private void answer(JsonNode request, ObjectNode answer) throws IOException {
        String op = request.get("op").asText();
        Server server = request.has("server") ? servers.get(request.get("server").asInt()) : null;
        Clients here = request.has("sandbox") ? sandboxes.get(request.get("sandbox").asInt()) : null;
        switch (op) {
            case "start" -> start(request, answer);
            case "stop" -> server.close();
            case "sandbox" -> {
                Clients clients = new Clients(server.sandbox(), 1);
                answer.put("sandbox", sandboxes.size());
                answer.put("account", clients.sandbox.account());
                answer.put("project", clients.sandbox.project());
                sandboxes.add(clients);
            }
            case "end" -> here.sandbox.close();
            case "send" -> here.send(
                    request.get("queue").asText(),
                    request.get("body").asText(),
                    request.get("delay_s").asInt());
            case "receive" -> put(answer, here.receive(request.get("queue").asText()));
            case "publish" -> here.publish(
                    request.get("topic").asText(), request.get("data").asText());
            case "pull" -> put(answer, here.pull(request.get("topic").asText()));
            case "advance" -> server.clock()
                    .advance(Duration.ofMillis(Math.round(request.get("seconds").asDouble() * 1000)));
            case "fault" -> answer.put("name", server.faults().set(request.get("rule").toString()));
            case "clear_faults" -> server.faults().clear();
            default -> throw new IllegalArgumentException("there is no " + op);
        }
    }

    private void start(JsonNode request, ObjectNode answer) {
        Server.Builder builder = Server.builder();
        request.get("args").forEach(arg -> builder.args(arg.asText()));
        if (request.has("binary")) {
            builder.binary(Path.of(request.get("binary").asText()));
        }
        Server server = builder.start();
        answer.put("server", servers.size());
        answer.put("pid", server.pid());
        answer.put("endpoint", server.endpoint().toString());
        answer.put("pubsub", server.pubsub());
        answer.put("admin", server.admin().toString());
        servers.add(server);
    }

    private static void put(ObjectNode answer, List<String> messages) {
        messages.forEach(answer.putArray("messages")::add);
    }

    public static void main(String[] args) throws IOException {
        // Libraries may print; answers are alone on standard output.
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Agent agent = new Agent();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            ObjectNode answer = JSON.createObjectNode();
            try {
                agent.answer(JSON.readTree(line), answer);
            } catch (IOException | RuntimeException error) {
                answer = JSON.createObjectNode().put("error", error.toString());
            }
            out.println(answer);
        }
        System.exit(0);
    }
}
