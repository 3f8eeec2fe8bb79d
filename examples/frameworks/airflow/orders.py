"""A DAG that sends an order to SQS, waits for it as for another system's message, and handles it."""

from airflow.providers.amazon.aws.hooks.sqs import SqsHook
from airflow.providers.amazon.aws.operators.sqs import SqsPublishOperator
from airflow.providers.amazon.aws.sensors.sqs import SqsSensor
from airflow.sdk import DAG, task

with DAG("orders", schedule=None) as dag:

    @task
    def create_queue():
        return SqsHook().create_queue("orders")["QueueUrl"]

    @task
    def handle(messages):
        for message in messages:
            print(f"handled {message['Body']}")

    # The hook's boto3 finds the endpoint in AWS_ENDPOINT_URL_SQS.
    url = create_queue()
    send = SqsPublishOperator(task_id="send", sqs_queue=url, message_content="order-1")
    wait = SqsSensor(task_id="wait", sqs_queue=url, wait_time_seconds=5, poke_interval=1, timeout=60)
    send >> wait >> handle(wait.output["messages"])

if __name__ == "__main__":
    dag.test()
