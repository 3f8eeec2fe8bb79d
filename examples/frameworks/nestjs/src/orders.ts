import type { Message } from "@aws-sdk/client-sqs";
import { Injectable } from "@nestjs/common";
import { SqsMessageHandler, SqsService } from "@ssut/nestjs-sqs";

export const QUEUE = "orders";

@Injectable()
export class Orders {
  readonly handled: string[] = [];
  private notify = () => {};

  constructor(private readonly sqs: SqsService) {}

  @SqsMessageHandler(QUEUE)
  async handle(message: Message) {
    this.handled.push((JSON.parse(message.Body!) as { id: string }).id);
    this.notify();
    return message; // which has it deleted
  }

  async place(id: string) {
    await this.sqs.send(QUEUE, { id, body: { id } });
  }

  /** Resolves when so many have been handled. */
  async wait(count: number) {
    while (this.handled.length < count) {
      await new Promise<void>((resolve, reject) => {
        this.notify = resolve;
        setTimeout(reject, 20_000, new Error("nothing came for 20 s")).unref();
      });
    }
  }
}
