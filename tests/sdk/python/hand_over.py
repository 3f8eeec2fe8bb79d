"""Consumes queues by boto3 while nodes of a cluster hand over. tests/sdk/hand_over/run.py says what it is given."""

import os
import threading

import boto3
from botocore.config import Config


def consume(sqs, url, report):
    while True:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20)
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            if message["Body"] == "end":
                return
            report(message["Body"])


def main():
    sqs = boto3.client(
        "sqs",
        endpoint_url=os.environ["LCLQ_ENDPOINT"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=64),
    )
    with open(os.environ["LCLQ_REPORT"], "a", buffering=1) as file:
        one_at_a_time, failures = threading.Lock(), []

        def report(body):
            with one_at_a_time:
                file.write(body + "\n")

        def consume_until_end(url):
            try:
                consume(sqs, url, report)
            except Exception as error:
                failures.append(error)
                report(f"error {error!r}")

        urls = os.environ["LCLQ_QUEUE_URLS"].split()
        threads = [threading.Thread(target=consume_until_end, args=[url], daemon=True) for url in urls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    raise SystemExit(1 if failures else 0)


main()
