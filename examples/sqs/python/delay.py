"""Messages that come later: a delay of one message's own, and one that the queue gives to all."""

import time

import boto3

sqs = boto3.client("sqs")
url = sqs.create_queue(QueueName="reminders", Attributes={"DelaySeconds": "2"})["QueueUrl"]


def receive():
    answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)
    [message] = answer["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return message["Body"], time.monotonic() - began


began = time.monotonic()
sqs.send_message(QueueUrl=url, MessageBody="by the queue's delay")
sqs.send_message(QueueUrl=url, MessageBody="by its own delay", DelaySeconds=1)
assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)
print("nothing at once")

for expected, seconds in (("by its own delay", 1), ("by the queue's delay", 2)):
    body, passed = receive()
    # The service counts from when it took the message, to the second.
    assert body == expected and passed > seconds - 0.5, (body, passed)
    print(f"after {seconds} s: {body}")
sqs.delete_queue(QueueUrl=url)
