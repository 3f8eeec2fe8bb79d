import os

import boto3

sqs = boto3.client(
    "sqs",
    endpoint_url=os.getenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9324"),
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
)

url = sqs.create_queue(QueueName="hello")["QueueUrl"]
sqs.send_message(QueueUrl=url, MessageBody="Hello from Python")

answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)
for message in answer.get("Messages", []):
    print(message["Body"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
