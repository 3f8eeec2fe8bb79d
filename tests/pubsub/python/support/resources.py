"""Topics, subscriptions, snapshots and schemas of a project of the test's own."""

import time
import uuid

from google.api_core.exceptions import NotFound
from google.protobuf.duration_pb2 import Duration
from google.pubsub_v1 import types

DAY_SECONDS = 24 * 60 * 60


def duration(seconds):
    whole = int(seconds)
    return Duration(seconds=whole, nanos=round((seconds - whole) * 1_000_000_000))


def data_of(received):
    return [one.message.data for one in received]


def ack_ids_of(received):
    return [one.ack_id for one in received]


class Topic:
    def __init__(self, api, name):
        self.api = api
        self.name = name
        self.id = name.rpartition("/")[2]

    def publish(self, *bodies, key="", **attributes):
        """One request with a message for each body; their ids."""
        return self.publish_messages(
            *({"data": body, "ordering_key": key, "attributes": attributes} for body in bodies)
        )

    def publish_messages(self, *messages):
        answer = self.api.publisher.publish(topic=self.name, messages=list(messages))
        assert len(answer.message_ids) == len(messages)
        return list(answer.message_ids)

    def get(self):
        return self.api.publisher.get_topic(topic=self.name)

    def update(self, *paths, **fields):
        return self.api.publisher.update_topic(
            topic={"name": self.name, **fields}, update_mask={"paths": paths}
        )

    def delete(self):
        self.api.publisher.delete_topic(topic=self.name)


class Subscription:
    def __init__(self, api, name):
        self.api = api
        self.name = name
        self.id = name.rpartition("/")[2]

    # Receiving

    def pull(self, max_messages=100, at_once=False, **options):
        """One Pull. It may answer with fewer messages than there are."""
        request = {
            "subscription": self.name,
            "max_messages": max_messages,
            "return_immediately": at_once,
        }
        return list(self.api.subscriber.pull(request=request, **options).received_messages)

    def take(self, count, seconds=30):
        """Pulls until there are this many, and expects them in order of arrival."""
        deadline = time.monotonic() + seconds
        got = []
        while len(got) < count:
            left = deadline - time.monotonic()
            assert left > 0, f"{len(got)} of {count} messages in {seconds} s: {data_of(got)!r}"
            got += self.pull(max_messages=count - len(got), at_once=True)
            if len(got) < count:
                time.sleep(0.02)
        return got

    def take_one(self, seconds=30):
        return self.take(1, seconds)[0]

    def data(self, count, seconds=30):
        """Takes and acks this many messages; their data."""
        got = self.take(count, seconds)
        self.ack(*got)
        return data_of(got)

    def is_empty(self, for_seconds=0.0):
        """Nothing can be received, now and for so long."""
        deadline = time.monotonic() + for_seconds
        while True:
            got = self.pull(at_once=True)
            assert not got, f"received {data_of(got)!r}"
            if time.monotonic() >= deadline:
                return True
            time.sleep(0.05)

    # Settling

    def ack(self, *received):
        self.ack_ids(ack_ids_of(received))

    def ack_ids(self, ack_ids, **options):
        self.api.subscriber.acknowledge(subscription=self.name, ack_ids=list(ack_ids), **options)

    def extend(self, seconds, *received):
        self.modack_ids(seconds, ack_ids_of(received))

    def modack_ids(self, seconds, ack_ids):
        self.api.subscriber.modify_ack_deadline(
            subscription=self.name, ack_ids=list(ack_ids), ack_deadline_seconds=seconds
        )

    def nack(self, *received):
        self.extend(0, *received)

    # Administration

    def get(self):
        return self.api.subscriber.get_subscription(subscription=self.name)

    def update(self, *paths, **fields):
        return self.api.subscriber.update_subscription(
            subscription={"name": self.name, **fields}, update_mask={"paths": paths}
        )

    def seek(self, **target):
        return self.api.subscriber.seek(request={"subscription": self.name, **target})

    def detach(self):
        return self.api.publisher.detach_subscription(request={"subscription": self.name})

    def delete(self):
        self.api.subscriber.delete_subscription(subscription=self.name)


class Project:
    """A fresh project id, and everything made through it, which clean_up removes."""

    def __init__(self, api):
        self.api = api
        self.id = "p" + uuid.uuid4().hex[:20]
        self.path = f"projects/{self.id}"
        self._removals = []
        self._counts = {}

    def new_name(self, collection, label):
        count = self._counts[label] = self._counts.get(label, 0) + 1
        return f"{self.path}/{collection}/{label}-{count}"

    def named(self, collection, leaf):
        return f"{self.path}/{collection}/{leaf}"

    def topic(self, name=None, **fields):
        name = name or self.new_name("topics", "topic")
        self.api.publisher.create_topic(request={"name": name, **fields})
        self._removals.append(lambda: self.api.publisher.delete_topic(topic=name))
        return Topic(self.api, name)

    def subscription(self, topic, name=None, **fields):
        name = name or self.new_name("subscriptions", "sub")
        topic_name = topic if isinstance(topic, str) else topic.name
        self.api.subscriber.create_subscription(
            request={"name": name, "topic": topic_name, **fields}
        )
        self._removals.append(lambda: self.api.subscriber.delete_subscription(subscription=name))
        return Subscription(self.api, name)

    def topic_with(self, *subscriptions, **fields):
        """A topic with one subscription for each dict of fields; a plain one if there is none."""
        topic = self.topic(**fields)
        made = [self.subscription(topic, **one) for one in subscriptions or [{}]]
        return topic, *made

    def snapshot(self, subscription, name=None, **fields):
        name = name or self.new_name("snapshots", "snap")
        made = self.api.subscriber.create_snapshot(
            request={"name": name, "subscription": subscription.name, **fields}
        )
        self._removals.append(lambda: self.api.subscriber.delete_snapshot(snapshot=name))
        return made

    def schema(self, kind, definition, schema_id=None):
        schema_id = schema_id or self.new_name("schemas", "schema").rpartition("/")[2]
        made = self.api.schemas.create_schema(
            parent=self.path,
            schema_id=schema_id,
            schema={"type_": types.Schema.Type[kind], "definition": definition},
        )
        name = self.named("schemas", schema_id)
        self._removals.append(lambda: self.api.schemas.delete_schema(name=name))
        return made

    def clean_up(self):
        for remove in reversed(self._removals):
            try:
                remove()
            except NotFound:
                pass
