// NestJS with SQS, by the module that most use for it: a handler and a producer in one service.
import "reflect-metadata";
import { SQS } from "@aws-sdk/client-sqs";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { SqsModule } from "@ssut/nestjs-sqs";
import { Orders, QUEUE } from "./orders.js";

const sqs = new SQS(); // the endpoint is in AWS_ENDPOINT_URL_SQS
const { QueueUrl } = await sqs.createQueue({ QueueName: QUEUE });
const queue = { name: QUEUE, queueUrl: QueueUrl!, sqs };

@Module({
  imports: [SqsModule.register({ consumers: [{ ...queue, pollingCompleteWaitTimeMs: 5000 }], producers: [queue] })],
  providers: [Orders],
})
class Shop {}

const shop = await NestFactory.createApplicationContext(Shop, { logger: ["warn", "error"] });
const orders = shop.get(Orders);
const ids = ["order-1", "order-2", "order-3"];
for (const id of ids) await orders.place(id);
await orders.wait(ids.length);
await shop.close();

const handled = orders.handled.sort().join(", ");
if (handled !== ids.join(", ")) throw new Error(`handled ${handled}`);
console.log(`handled ${handled}`);
await sqs.deleteQueue({ QueueUrl });
