"""Celery with SQS as its broker."""

from pathlib import Path

from celery import Celery

Path("results").mkdir(exist_ok=True)
# The endpoint, the region and the keys come from the environment, as boto3 reads them.
app = Celery("shop", broker="sqs://", backend="file://results")
app.conf.task_default_queue = "shop-tasks"
# Asks that wait for messages, and tasks that come again if a worker dies for a minute.
app.conf.broker_transport_options = {"wait_time_seconds": 5, "visibility_timeout": 60}
app.conf.task_acks_late = True
# SQS can't broadcast, so workers can't be asked what they do.
app.conf.worker_enable_remote_control = False


@app.task
def total(prices):
    return sum(prices)


@app.task(bind=True, max_retries=3, default_retry_delay=1)
def charge(self, amount):
    if self.request.retries < 2:
        raise self.retry(exc=ConnectionError("the bank doesn't answer"))
    return f"charged {amount} at attempt {self.request.retries + 1}"
