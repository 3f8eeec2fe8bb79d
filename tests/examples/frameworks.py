"""The frameworks: each has its own dependencies and its own way to run."""

import subprocess

from support import EXAMPLES, Example, Group, venv


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


def framework(name, prepare, run, expected):
    return Group(name, f"frameworks/{name}", prepare, [Example("runs", run, expected)])


def groups():
    return [
        framework("celery", celery_venv, celery, "6\ncharged 30 at attempt 3\n"),
        framework(
            "django",
            celery_venv,
            django,
            "order placed: 201, paid: False\nthe worker has charged for it\n",
        ),
    ]
