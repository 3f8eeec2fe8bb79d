"""Answers kits/contract/run.py by lclq for Python, boto3 and google-cloud-pubsub."""

import json
import sys

import boto3
import grpc
from botocore.config import Config
from google.api_core.exceptions import AlreadyExists
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from google.pubsub_v1 import PublisherClient, SubscriberClient

import lclq

servers, sandboxes = [], []


class Clients:
    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.sqs = boto3.client("sqs", **sandbox.aws, config=Config(retries={"total_max_attempts": 1}))
        channel = grpc.insecure_channel(sandbox.server.pubsub)
        self.publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        self.subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))

    def queue(self, name):
        return self.sqs.create_queue(QueueName=name)["QueueUrl"]

    def topic(self, name):
        topic = f"projects/{self.sandbox.project}/topics/{name}"
        subscription = f"projects/{self.sandbox.project}/subscriptions/{name}"
        try:
            self.publisher.create_topic(name=topic)
            self.subscriber.create_subscription(name=subscription, topic=topic)
        except AlreadyExists:
            pass
        return topic, subscription


def start(args, binary=None):
    server = lclq.Server(*args, binary=binary).start()
    servers.append(server)
    addresses = {"endpoint": server.endpoint, "pubsub": server.pubsub, "admin": server.admin}
    return {"server": len(servers) - 1, "pid": server.pid, **addresses}


def stop(server):
    servers[server].stop()


def sandbox(server):
    made = servers[server].sandbox()
    sandboxes.append(Clients(made))
    return {"sandbox": len(sandboxes) - 1, "account": made.account, "project": made.project}


def end(sandbox):
    sandboxes[sandbox].sandbox.reset()


def send(sandbox, queue, body, delay_s):
    here = sandboxes[sandbox]
    here.sqs.send_message(QueueUrl=here.queue(queue), MessageBody=body, DelaySeconds=delay_s)


def receive(sandbox, queue):
    here = sandboxes[sandbox]
    url = here.queue(queue)
    messages = here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        here.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return {"messages": [message["Body"] for message in messages]}


def publish(sandbox, topic, data):
    here = sandboxes[sandbox]
    name, _ = here.topic(topic)
    here.publisher.publish(topic=name, messages=[{"data": data.encode()}])


def pull(sandbox, topic):
    here = sandboxes[sandbox]
    _, name = here.topic(topic)
    messages = here.subscriber.pull(subscription=name, max_messages=10).received_messages
    here.subscriber.acknowledge(subscription=name, ack_ids=[message.ack_id for message in messages])
    return {"messages": [message.message.data.decode() for message in messages]}


def advance(server, seconds):
    servers[server].clock.advance(seconds)


def fault(server, rule):
    return {"name": servers[server].faults.set(**rule)}


def clear_faults(server):
    servers[server].faults.clear()


OPERATIONS = [start, stop, sandbox, end, send, receive, publish, pull, advance, fault, clear_faults]
by_name = {operation.__name__: operation for operation in OPERATIONS}
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = by_name[request.pop("op")](**request) or {}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
