"""Fair queues: a standard queue whose messages name their tenant, so that a busy one delays nobody else."""

from collections import Counter

import boto3

sqs = boto3.client("sqs")
url = sqs.create_queue(QueueName="tenants")["QueueUrl"]


def send(tenant, count):
    for _ in range(count):
        sqs.send_message(QueueUrl=url, MessageBody="work", MessageGroupId=tenant)


send("busy", 30)
send("quiet", 3)
print("the busy tenant has sent 30 messages, the quiet one 3 after them")

# Nothing is deleted meanwhile, as if the work took long.
first = Counter()
while first.total() < 10:
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10 - first.total(),
        WaitTimeSeconds=10,
        MessageSystemAttributeNames=["MessageGroupId"],
    )
    assert answer.get("Messages"), "nothing came for 10 s"
    first.update(message["Attributes"]["MessageGroupId"] for message in answer["Messages"])
assert first["quiet"] == 3, first
print(f"of the first {first.total()} received, {first['quiet']} are the quiet one's")
sqs.delete_queue(QueueUrl=url)
