"""Long polling: a receive that waits for messages instead of asking again and again."""

import threading
import time

import boto3

sqs = boto3.client("sqs")
# What a queue says counts for receives that say nothing.
url = sqs.create_queue(QueueName="news", Attributes={"ReceiveMessageWaitTimeSeconds": "10"})["QueueUrl"]

began = time.monotonic()
assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
assert 0.9 < time.monotonic() - began < 5
print("an empty queue answered after 1 s")

began = time.monotonic()
later = threading.Timer(0.5, lambda: boto3.client("sqs").send_message(QueueUrl=url, MessageBody="news"))
later.start()
[message] = sqs.receive_message(QueueUrl=url)["Messages"]
assert 0.4 < time.monotonic() - began < 9
print(f"{message['Body']} came while the receiver waited")
later.join()
sqs.delete_queue(QueueUrl=url)
