// A subscription that pushes to an HTTP server, and comes again after an answer that isn't a success.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { publish, pubsub, subscribe, withTopic } from "./support.mjs";

const statuses = [503, 204];
const server = createServer(async (request, response) => {
  const { message } = await json(request);
  const status = statuses.shift();
  response.writeHead(status).end();
  server.emit("pushed", status, Buffer.from(message.data, "base64").toString());
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

await withTopic("webhooks", async (topic) => {
  await subscribe(topic, "webhooks", { pushEndpoint: `http://127.0.0.1:${server.address().port}/push` });
  for (const expected of [503, 204]) {
    const pushed = once(server, "pushed", { signal: AbortSignal.timeout(20_000) });
    if (expected === 503) await publish(topic, ["order-1"]);
    assert.deepEqual(await pushed, [expected, "order-1"]);
    console.log(`pushed order-1, answered ${expected}`);
  }
});
server.close();
server.closeAllConnections();
await pubsub.close();
