import json
import os
import urllib.request

import boto3

LCLQ_URL = os.getenv("LCLQ_URL", "http://127.0.0.1:9000")


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
control("POST", "reset")
url = sqs.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "3600"})["QueueUrl"]

# The first try fails, and the SDK tries again.
failing = {"error": {"code": "InternalFailure"}}
control("POST", "faults", {"dialect": "sqs", "action": "SendMessage", "times": 1, "effect": failing})
sqs.send_message(QueueUrl=url, MessageBody="job")
failures = control("GET", "faults")["faults"][0]["fired"]
control("DELETE", "faults")

# An hour in which nobody deletes the message.
control("POST", "clock/stop")
sqs.receive_message(QueueUrl=url)
at_once = sqs.receive_message(QueueUrl=url).get("Messages", [])
control("POST", "clock/advance", {"ms": 3_600_000})
later = sqs.receive_message(QueueUrl=url).get("Messages", [])
control("POST", "clock/resume")

print(f"{failures} failure, {len(at_once)} at once, {len(later)} an hour later")
