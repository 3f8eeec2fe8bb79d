// Answers kits/contract/run.py by lclq for JavaScript, AWS' SDK and Google's library.

import { createInterface } from "node:readline";
import { SQS } from "@aws-sdk/client-sqs";
import { PubSub, v1 } from "@google-cloud/pubsub";
import { start } from "lclq";

const GRPC_ALREADY_EXISTS = 6;
const servers = [];
const sandboxes = [];

class Clients {
  constructor(sandbox) {
    this.sandbox = sandbox;
    this.sqs = new SQS({ ...sandbox.aws, maxAttempts: 1 });
    this.pubsub = new PubSub(sandbox.google);
  }

  async queue(name) {
    return (await this.sqs.createQueue({ QueueName: name })).QueueUrl;
  }

  // Pulls one by one, rather than by a stream, are a thing of the library's lower half.
  async subscriber() {
    this.pulling ??= new v1.SubscriberClient(await this.pubsub.getClientConfig());
    return this.pulling;
  }

  async topic(name) {
    try {
      const [topic] = await this.pubsub.createTopic(name);
      await topic.createSubscription(name);
      return topic;
    } catch (error) {
      if (error.code !== GRPC_ALREADY_EXISTS) throw error;
      return this.pubsub.topic(name);
    }
  }
}

const operations = {
  async start({ args, binary }) {
    const server = await start({ args, binary });
    servers.push(server);
    const { endpoint, pubsub, admin, pid } = server;
    return { server: servers.length - 1, endpoint, pubsub, admin, pid };
  },
  stop: ({ server }) => servers[server].stop(),
  sandbox({ server }) {
    const sandbox = servers[server].sandbox();
    sandboxes.push(new Clients(sandbox));
    return { sandbox: sandboxes.length - 1, account: sandbox.account, project: sandbox.project };
  },
  end: ({ sandbox }) => sandboxes[sandbox].sandbox.reset(),
  async send({ sandbox, queue, body, delay_s }) {
    const here = sandboxes[sandbox];
    await here.sqs.sendMessage({ QueueUrl: await here.queue(queue), MessageBody: body, DelaySeconds: delay_s });
  },
  async receive({ sandbox, queue }) {
    const here = sandboxes[sandbox];
    const QueueUrl = await here.queue(queue);
    const { Messages = [] } = await here.sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10 });
    for (const { ReceiptHandle } of Messages) await here.sqs.deleteMessage({ QueueUrl, ReceiptHandle });
    return { messages: Messages.map(({ Body }) => Body) };
  },
  async publish({ sandbox, topic, data }) {
    const made = await sandboxes[sandbox].topic(topic);
    await made.publishMessage({ data: Buffer.from(data) });
  },
  async pull({ sandbox, topic }) {
    const here = sandboxes[sandbox];
    await here.topic(topic);
    const subscriber = await here.subscriber();
    const subscription = `projects/${here.sandbox.project}/subscriptions/${topic}`;
    const [{ receivedMessages }] = await subscriber.pull({ subscription, maxMessages: 10 });
    await subscriber.acknowledge({ subscription, ackIds: receivedMessages.map(({ ackId }) => ackId) });
    return { messages: receivedMessages.map(({ message }) => message.data.toString()) };
  },
  advance: ({ server, seconds }) => servers[server].clock.advance(seconds * 1000),
  fault: async ({ server, rule }) => ({ name: await servers[server].faults.set(rule) }),
  clear_faults: ({ server }) => servers[server].faults.clear(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...request } = JSON.parse(line);
  let answer;
  try {
    answer = (await operations[op](request)) ?? {};
  } catch (error) {
    answer = { error: `${error.name}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
