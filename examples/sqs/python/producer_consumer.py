"""A producer and a consumer, each with a client of its own."""

import threading

import boto3

ORDERS = 5

sqs = boto3.client("sqs")
url = sqs.create_queue(QueueName="orders")["QueueUrl"]


def produce():
    producer = boto3.client("sqs")
    for number in range(1, ORDERS + 1):
        producer.send_message(
            QueueUrl=url,
            MessageBody=f"order-{number}",
            MessageAttributes={"currency": {"DataType": "String", "StringValue": "EUR"}},
        )


def consume():
    handled = set()
    while len(handled) < ORDERS:
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=10, MessageAttributeNames=["All"]
        )
        assert answer.get("Messages"), "nothing came for 10 s"
        for message in answer["Messages"]:
            assert message["MessageAttributes"]["currency"]["StringValue"] == "EUR"
            handled.add(message["Body"])
            # What isn't deleted comes again when its visibility timeout has passed.
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return handled


producer = threading.Thread(target=produce)
producer.start()
handled = consume()
producer.join()

assert handled == {f"order-{number}" for number in range(1, ORDERS + 1)}
counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
left = int(counts["ApproximateNumberOfMessages"]) + int(counts["ApproximateNumberOfMessagesNotVisible"])
assert left == 0
print(f"handled {len(handled)} orders, {left} left")
sqs.delete_queue(QueueUrl=url)
