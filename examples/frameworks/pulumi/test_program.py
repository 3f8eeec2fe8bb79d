"""Runs the program as Pulumi's engine would, with queues made by boto3 in place of the AWS provider's."""

import runpy

import boto3
import pulumi

sqs = boto3.client("sqs")
ATTRIBUTES = {
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redrivePolicy": "RedrivePolicy",
    "fifoQueue": "FifoQueue",
    "contentBasedDeduplication": "ContentBasedDeduplication",
}


class Provider(pulumi.runtime.Mocks):
    def new_resource(self, args):
        assert args.typ == "aws:sqs/queue:Queue", args.typ
        inputs = dict(args.inputs)
        name = inputs.pop("name")
        attributes = {ATTRIBUTES[key]: as_text(value) for key, value in inputs.items()}
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        made = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        print(f"{name}: {', '.join(sorted(attributes))}")
        return url, {**args.inputs, "arn": made["QueueArn"], "url": url}

    def call(self, args):
        return {}


def as_text(value):
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) else value


pulumi.runtime.set_mocks(Provider())


@pulumi.runtime.test
def program():
    runpy.run_path("__main__.py")


program()
