"""A FIFO queue: order within each group, and what is sent twice comes once."""

from collections import defaultdict

import boto3

STEPS = ["created", "paid", "shipped"]

sqs = boto3.client("sqs")
url = sqs.create_queue(QueueName="orders.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]


def send(customer, step):
    return sqs.send_message(
        QueueUrl=url, MessageBody=step, MessageGroupId=customer, MessageDeduplicationId=f"{customer}-{step}"
    )


for step in STEPS:
    for customer in ("customer-1", "customer-2"):
        sent = send(customer, step)
# The answer got lost, say, and the producer sends again.
assert send("customer-2", "shipped")["MessageId"] == sent["MessageId"]

seen = defaultdict(list)
while True:
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["MessageGroupId"])
    if not answer.get("Messages"):
        break
    for message in answer["Messages"]:
        seen[message["Attributes"]["MessageGroupId"]].append(message["Body"])
        # The group's next messages come once this one is deleted.
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

assert seen == {"customer-1": STEPS, "customer-2": STEPS}, seen
for customer, steps in sorted(seen.items()):
    print(f"{customer}: {', '.join(steps)}")
print("sent 7 times, received 6: one was a repetition")
sqs.delete_queue(QueueUrl=url)
