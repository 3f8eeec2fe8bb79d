"""A topic with a schema takes only messages that fit it."""

import json

from google.api_core.exceptions import InvalidArgument
from google.cloud import pubsub_v1
from google.pubsub_v1.types import Schema
from support import project, publish, receive, subscribe, topic_of

ORDER = {
    "type": "record",
    "name": "Order",
    "fields": [{"name": "id", "type": "string"}, {"name": "amount", "type": "int"}],
}

schemas = pubsub_v1.SchemaServiceClient()
schema = schemas.create_schema(
    parent=f"projects/{project}",
    schema={"type_": Schema.Type.AVRO, "definition": json.dumps(ORDER)},
    schema_id="order",
)
with topic_of("checked-orders", schema_settings={"schema": schema.name, "encoding": "JSON"}) as topic:
    subscription = subscribe(topic, "checked-orders")
    publish(topic, json.dumps({"id": "order-1", "amount": 3}))
    try:
        publish(topic, json.dumps({"id": "order-2"}))
        raise AssertionError("an order without an amount was taken")
    except InvalidArgument:
        print("refused an order without an amount")

    [message] = receive(subscription, 1)
    assert json.loads(message.data) == {"id": "order-1", "amount": 3}
    assert message.attributes["googclient_schemaencoding"] == "JSON"
    print("received order-1 with its amount")
schemas.delete_schema(name=schema.name)
