"""Queues by Pulumi: payments with a dead-letter queue, and orders in order."""

import json

import pulumi
import pulumi_aws as aws

failed = aws.sqs.Queue("payments-failed", name="payments-failed", message_retention_seconds=1209600)
payments = aws.sqs.Queue(
    "payments",
    name="payments",
    visibility_timeout_seconds=60,
    receive_wait_time_seconds=20,
    redrive_policy=failed.arn.apply(lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})),
)
orders = aws.sqs.Queue("orders", name="orders.fifo", fifo_queue=True, content_based_deduplication=True)

pulumi.export("payments_url", payments.url)
