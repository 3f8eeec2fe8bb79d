import { CfnOutput, Duration, Stack } from "aws-cdk-lib";
import { Queue } from "aws-cdk-lib/aws-sqs";

/** Payments with a dead-letter queue, and orders in order. */
export class Shop extends Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const failed = new Queue(this, "PaymentsFailed", {
      queueName: "payments-failed",
      retentionPeriod: Duration.days(14),
    });
    const payments = new Queue(this, "Payments", {
      queueName: "payments",
      visibilityTimeout: Duration.seconds(60),
      receiveMessageWaitTime: Duration.seconds(20),
      deadLetterQueue: { queue: failed, maxReceiveCount: 5 },
    });
    new Queue(this, "Orders", { queueName: "orders.fifo", fifo: true, contentBasedDeduplication: true });
    new CfnOutput(this, "PaymentsUrl", { value: payments.queueUrl });
  }
}
