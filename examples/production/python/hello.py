"""Two consumers of orders, one of which charges an order whenever its message comes."""

import json
import os
import urllib.request

import boto3

LCLQ_URL = os.getenv("LCLQ_URL", "http://127.0.0.1:9000")
ORDERS = 100


def control(method, path, body=None):
    request = urllib.request.Request(f"{LCLQ_URL}/api/v1/test/{path}", method=method)
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(request, data) as answer:
        return json.load(answer)


sqs = boto3.client(
    "sqs",
    endpoint_url=os.getenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9324"),
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
)


def charged_wrongly(is_careful):
    """How many orders were not charged exactly once."""
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    for first in range(0, ORDERS, 10):
        entries = [{"Id": str(n), "MessageBody": f"order {n}"} for n in range(first, first + 10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    charges, done = {}, set()
    empty = 0
    while empty < 2:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        messages = answer.get("Messages", [])
        empty = 0 if messages else empty + 1
        for message in messages:
            if not is_careful or message["MessageId"] not in done:
                charges[message["Body"]] = charges.get(message["Body"], 0) + 1
                done.add(message["MessageId"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return ORDERS - sum(times == 1 for times in charges.values())


control("POST", "reset")
often = {"duplicated": 0.1, "back_after_delete": 0.1, "again_ms_max": 0}
control("PUT", "profile", {"seed": 1, "sqs": often})
careful, careless = charged_wrongly(True), charged_wrongly(False)
control("DELETE", "profile")
print(f"careful: {careful} wrong charges, careless: {'caught' if careless else 'not caught'}")
