"""A dead-letter queue for what fails again and again, and its redrive."""

import json
import time

import boto3

sqs = boto3.client("sqs")


def arn(url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


failed = sqs.create_queue(QueueName="payments-failed")["QueueUrl"]
policy = {"deadLetterTargetArn": arn(failed), "maxReceiveCount": 2}
payments = sqs.create_queue(QueueName="payments", Attributes={"RedrivePolicy": json.dumps(policy)})["QueueUrl"]
sqs.send_message(QueueUrl=payments, MessageBody="payment-1")

# A consumer that fails gives the message back at once, rather than have it wait for its time-out.
failures = 0
while messages := sqs.receive_message(QueueUrl=payments).get("Messages"):
    failures += 1
    sqs.change_message_visibility(
        QueueUrl=payments, ReceiptHandle=messages[0]["ReceiptHandle"], VisibilityTimeout=0
    )
assert failures == 2
print(f"failed {failures} times")

answer = sqs.receive_message(QueueUrl=failed, WaitTimeSeconds=10, VisibilityTimeout=0)
[dead] = answer["Messages"]
print(f"in the dead-letter queue: {dead['Body']}")

# The cause is mended: everything goes back to where it came from.
task = sqs.start_message_move_task(SourceArn=arn(failed))
assert task["TaskHandle"]
for _ in range(100):
    [task] = sqs.list_message_move_tasks(SourceArn=arn(failed), MaxResults=1)["Results"]
    if task["Status"] != "RUNNING":
        break
    time.sleep(0.1)
assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1), task

[message] = sqs.receive_message(QueueUrl=payments, WaitTimeSeconds=10)["Messages"]
sqs.delete_message(QueueUrl=payments, ReceiptHandle=message["ReceiptHandle"])
assert message["Body"] == "payment-1"
print(f"moved back and handled: {message['Body']}")
sqs.delete_queue(QueueUrl=payments)
sqs.delete_queue(QueueUrl=failed)
