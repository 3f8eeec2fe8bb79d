"""Batches: up to ten messages per request, each with an outcome of its own."""

import boto3

sqs = boto3.client("sqs")
url = sqs.create_queue(QueueName="bulk")["QueueUrl"]

entries = [{"Id": f"entry-{number}", "MessageBody": f"order-{number}"} for number in range(1, 11)]
entries[9]["DelaySeconds"] = 901  # one too many, so this one is refused
answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
[refused] = answer["Failed"]
assert len(answer["Successful"]) == 9 and refused["SenderFault"]
print(f"sent {len(answer['Successful'])}, refused {refused['Id']}: {refused['Code']}")

deleted = set()
while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
    answer = sqs.delete_message_batch(
        QueueUrl=url,
        Entries=[{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in messages],
    )
    assert not answer.get("Failed"), answer
    deleted |= {message["Body"] for message in messages}
assert deleted == {f"order-{number}" for number in range(1, 10)}
print(f"received and deleted {len(deleted)}")
sqs.delete_queue(QueueUrl=url)
