"""The topics of SQS and Pub/Sub, each in five languages: what each prints is the same in all."""

from support import CACHE, EXAMPLES, REPO, Example, Group, go_settings, maven, venv

EXPECTED = {
    "sqs": {
        "producer_consumer": "handled 5 orders, 0 left\n",
        "fifo": (
            "customer-1: created, paid, shipped\n"
            "customer-2: created, paid, shipped\n"
            "sent 7 times, received 6: one was a repetition\n"
        ),
        "dead_letter": (
            "failed 2 times\n"
            "in the dead-letter queue: payment-1\n"
            "moved back and handled: payment-1\n"
        ),
        "delay": (
            "nothing at once\n"
            "after 1 s: by its own delay\n"
            "after 2 s: by the queue's delay\n"
        ),
        "long_polling": (
            "an empty queue answered after 1 s\n"
            "news came while the receiver waited\n"
        ),
        "batch": (
            "sent 9, refused entry-10: InvalidParameterValue\n"
            "received and deleted 9\n"
        ),
        "fair_queues": (
            "the busy tenant has sent 30 messages, the quiet one 3 after them\n"
            "of the first 10 received, 3 are the quiet one's\n"
        ),
    },
    "pubsub": {
        "publish_subscribe": (
            "billing: order-1, order-2, order-3\n"
            "shipping: order-1, order-2, order-3\n"
        ),
        "ordering": (
            "customer-1: created, paid, shipped\n"
            "customer-2: created, paid, shipped\n"
        ),
        "filtering": (
            "all: order-1, order-2, visit-1, visit-2\n"
            "orders: order-1, order-2\n"
        ),
        "push": (
            "pushed order-1, answered 503\n"
            "pushed order-1, answered 204\n"
        ),
        "dead_letter": (
            "refused 5 times\n"
            "in the dead-letter topic: payment-1\n"
        ),
        "schema": (
            "refused an order without an amount\n"
            "received order-1 with its amount\n"
        ),
        "exactly_once": (
            "3 acknowledgements confirmed\n"
            "none came again\n"
        ),
        "seek": (
            "handled 3, by a release with a fault\n"
            "again, from the snapshot: order-1, order-2, order-3\n"
        ),
    },
}
# What a Java class can't be called, since the SDK has a class of that name.
CLASSES = {"Schema": "SchemaTopic"}


def service_of(place):
    return place.group.name.split("/")[0]


def python_of(place, service):
    """A Python that has the service's library: the suite's, or one of our own."""
    home = CACHE / {"sqs": "python", "pubsub": "pubsub-python"}[service] / "venv"
    if (home / "bin" / "python").exists():
        return home / "bin" / "python"
    return venv(place, f"{service}-python", EXAMPLES / service / "python" / "requirements.txt") / "python"


class Python:
    @staticmethod
    def prepare(place):
        place.python = python_of(place, service_of(place))

    @staticmethod
    def run(place, topic):
        return place.run(place.python, f"{topic}.py")


class JavaScript:
    @staticmethod
    def prepare(place):
        suite = REPO / "tests" / {"sqs": "sdk", "pubsub": "pubsub"}[service_of(place)] / "javascript"
        if not (suite / "node_modules").exists():
            npm = ["npm", "ci", "--cache", CACHE / "javascript" / "npm", "--prefer-offline", "--no-audit", "--no-fund"]
            place.build(*npm, directory=suite)
        (place.directory / "node_modules").symlink_to(suite / "node_modules")

    @staticmethod
    def run(place, topic):
        return place.run("node", f"{topic}.mjs")


class Go:
    @staticmethod
    def prepare(place):
        place.build("go", "build", "-o", "example", "./topics", **go_settings())

    @staticmethod
    def run(place, topic):
        return place.run(place.directory / "example", topic)


class Java:
    @staticmethod
    def prepare(place):
        place.classpath = maven(place, place.directory / "build", CACHE / "java" / "m2")

    @staticmethod
    def run(place, topic):
        name = "".join(word.capitalize() for word in topic.split("_"))
        # What these compile in their few seconds isn't worth the second compiler.
        return place.run("java", "-XX:TieredStopAtLevel=1", "-cp", place.classpath, CLASSES.get(name, name))


class Rust:
    @staticmethod
    def prepare(place):
        # The suites' profile, so that what they built is used again.
        profile = {"CARGO_PROFILE_DEV_DEBUG": "false", "CARGO_PROFILE_DEV_INCREMENTAL": "false"}
        target = CACHE / "rust" / "target"
        build = ["cargo", "build", "--quiet", "--locked", "--bin", service_of(place)]
        place.build(*build, CARGO_TARGET_DIR=target, **profile)
        place.binary = target / "debug" / service_of(place)

    @staticmethod
    def run(place, topic):
        return place.run(place.binary, topic)


LANGUAGES = {"rust": Rust, "java": Java, "go": Go, "python": Python, "javascript": JavaScript}


def groups():
    """What takes long to build comes first."""
    return [
        Group(
            name=f"{service}/{language}",
            folder=f"{service}/{language}",
            prepare=by.prepare,
            examples=[
                Example(topic, lambda place, by=by, topic=topic: by.run(place, topic), expected)
                for topic, expected in EXPECTED[service].items()
            ],
        )
        for language, by in LANGUAGES.items()
        for service in EXPECTED
    ]
