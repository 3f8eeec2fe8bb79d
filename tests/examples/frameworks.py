"""The frameworks: each has its own dependencies and its own way to run."""

import subprocess

from support import CACHE, EXAMPLES, Example, Group, maven, npm_install, venv


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


def groups():
    return [
        framework("spring-cloud-aws", spring_build, spring, "listened to order-1, order-2, order-3\n"),
        framework("spring-cloud-gcp", spring_build, spring, "subscribed to order-1, order-2, order-3\n"),
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
        framework("nestjs", nestjs_build, nestjs, "handled order-1, order-2, order-3\n"),
    ]
