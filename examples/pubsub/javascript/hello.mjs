import { PubSub } from "@google-cloud/pubsub";

process.env.PUBSUB_EMULATOR_HOST ??= "127.0.0.1:8085";
const pubsub = new PubSub({ projectId: "local" });

const [topic] = await pubsub.createTopic("hello-javascript");
const [subscription] = await topic.createSubscription("hello-javascript");

const received = new Promise((resolve) => subscription.on("message", resolve));
await topic.publishMessage({ data: Buffer.from("Hello from JavaScript") });

const message = await received;
console.log(message.data.toString());
message.ack();

await subscription.close();
await subscription.delete();
await topic.delete();
await pubsub.close();
