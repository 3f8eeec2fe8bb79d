"""The frameworks: each has its own dependencies and its own way to run."""

import re
import shutil
import socket
import subprocess
import time

import topics
from support import (
    CACHE,
    EXAMPLES,
    REPO,
    RUN_SECONDS_MAX,
    Example,
    Failure,
    Group,
    go_settings,
    maven,
    npm_install,
    venv,
)


def celery_venv(place):
    # Django's requirements have Celery's, too.
    place.bin = venv(place, "celery", EXAMPLES / "frameworks" / "django" / "requirements.txt")


def worker(place):
    return place.started(place.bin / "celery", "-A", "shop", "worker", "--pool", "solo", output=subprocess.DEVNULL)


def celery(place):
    with worker(place):
        return place.run(place.bin / "python", "order.py")


def django(place):
    place.run(place.bin / "python", "manage.py", "migrate", "--verbosity", "0")
    with worker(place):
        return place.run(place.bin / "python", "manage.py", "order")


def keda_build(place):
    place.build("go", "build", "-o", "example", ".", **go_settings())


def keda(place):
    return place.run(place.directory / "example")


def pulumi_venv(place):
    place.bin = venv(place, "pulumi", EXAMPLES / "frameworks" / "pulumi" / "requirements.txt")


def pulumi(place):
    # The engine makes independent resources in any order.
    return "".join(sorted(place.run(place.bin / "python", "test_program.py").splitlines(keepends=True)))


def cdk(place):
    place.run("node", "app.js")
    return place.run("node", "test.js")


def serverless(place):
    """Starts the functions with an order in their queue, until one has said that it has handled it."""
    place.run(place.python, "-c", SERVERLESS_ORDER)
    ports = {f"OFFLINE_{name}_PORT": free_port() for name in ("HTTP", "LAMBDA")}
    deadline = time.monotonic() + RUN_SECONDS_MAX
    said = place.directory / "serverless.log"
    with said.open("w") as log, place.started("npx", "osls", "offline", "start", output=log, **ports) as process:
        while time.monotonic() < deadline and process.poll() is None:
            handled = [line for line in said.read_text().splitlines() if line.startswith("handled")]
            if handled:
                return "\n".join(handled)
            time.sleep(0.2)
    raise Failure(f"no function was called\n{said.read_text()}")


SERVERLESS_ORDER = """
import boto3
sqs = boto3.client("sqs")
url = sqs.create_queue(QueueName="orders")["QueueUrl"]
sqs.send_message(QueueUrl=url, MessageBody="order-1")
"""


def serverless_build(place):
    npm_install(place, "serverless")
    place.python = topics.python_of(place, "sqs")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def airflow_venv(place):
    place.bin = venv(place, "airflow", EXAMPLES / "frameworks" / "airflow" / "requirements.txt")


def airflow(place):
    """Runs the DAG in this process, without a scheduler; of what Airflow logs, the handler's line counts."""
    settings = {
        "AIRFLOW_HOME": place.directory / "home",
        "AIRFLOW__CORE__DAGS_FOLDER": place.directory,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    place.run(place.bin / "airflow", "db", "migrate", **settings)
    said = place.run(place.bin / "python", "orders.py", **settings)
    handled = re.findall(r"handled [\w-]+", said)
    if not handled:
        raise Failure(f"nothing was handled\n{said[-4000:]}")
    return "\n".join(handled)


# What nothing here can run is parsed at least, by the parsers of their languages.
PARSED = [
    "keda/scaledobject.yaml",
    "laravel/app/Jobs/ChargeOrder.php",
    "laravel/composer.json",
    "laravel/config/queue.php",
    "laravel/routes/console.php",
    "pulumi/Pulumi.dev.yaml",
    "pulumi/Pulumi.yaml",
    "shoryuken/Gemfile",
    "shoryuken/order.rb",
    "shoryuken/shop.rb",
    "shoryuken/shoryuken.yml",
    "terraform/main.tf",
]


def parsers(place):
    checker = REPO / "tests" / "examples" / "syntax"
    for file in checker.iterdir():
        if file.is_file():
            shutil.copy(file, place.directory)
    npm_install(place, "syntax")


def parse(place):
    unformatted = place.run("gofmt", "-l", "watermill")
    return unformatted + place.run("node", "check.mjs", *PARSED)


def sqs_consumer(place):
    return place.run("node", "orders.js")


def nestjs_build(place):
    npm_install(place, "nestjs")
    place.build(place.directory / "node_modules" / ".bin" / "tsc")


def nestjs(place):
    return place.run("node", "dist/main.js")


def spring_build(place):
    place.classpath = maven(place, place.directory / "build", CACHE / "java" / "m2")


def spring(place):
    return place.run("java", "-XX:TieredStopAtLevel=1", "-cp", place.classpath, "shop.ShopApplication")


def framework(name, prepare, run, expected):
    return Group(name, f"frameworks/{name}", prepare, [Example("runs", run, expected)])


# A stack of the same queues by Pulumi and by the CDK.
STACK = [
    "orders.fifo: ContentBasedDeduplication, FifoQueue\n",
    "payments-failed: MessageRetentionPeriod\n",
    "payments: ReceiveMessageWaitTimeSeconds, RedrivePolicy, VisibilityTimeout\n",
]
KEDA = """\
empty: length 0, replicas 0
8 wait, 4 are delayed: length 12, replicas 3
3 of them are in flight: length 12, replicas 3
and now done: length 9, replicas 2
"""


def light_groups():
    """Those that need little more than the SDKs, and run with the topics."""
    return [
        Group(
            "syntax",
            "frameworks",
            parsers,
            [Example("of what isn't run", parse, "".join(f"{name}: parsed\n" for name in PARSED))],
        ),
        framework("keda", keda_build, keda, KEDA),
        framework("celery", celery_venv, celery, "6\ncharged 30 at attempt 3\n"),
        framework(
            "django",
            celery_venv,
            django,
            "order placed: 201, paid: False\nthe worker has charged for it\n",
        ),
        framework(
            "sqs-consumer",
            lambda place: npm_install(place, "sqs-consumer"),
            sqs_consumer,
            "failed: Unexpected message handler failure: the first try fails\nhandled order-1, order-2, order-3\n",
        ),
    ]


def groups():
    return [
        framework("spring-cloud-aws", spring_build, spring, "listened to order-1, order-2, order-3\n"),
        framework("spring-cloud-gcp", spring_build, spring, "subscribed to order-1, order-2, order-3\n"),
        framework("nestjs", nestjs_build, nestjs, "handled order-1, order-2, order-3\n"),
        framework("cdk", lambda place: npm_install(place, "cdk"), cdk, "".join([STACK[1], STACK[0], STACK[2]])),
        framework("pulumi", pulumi_venv, pulumi, "".join(sorted(STACK))),
        framework("serverless", serverless_build, serverless, "handled order-1\n"),
        framework("airflow", airflow_venv, airflow, "handled order-1\n"),
    ]
