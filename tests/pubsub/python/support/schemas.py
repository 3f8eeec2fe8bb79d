"""A record in both schema languages, and messages of it in both encodings, made by hand."""

import json

AVRO = json.dumps(
    {
        "type": "record",
        "name": "Person",
        "fields": [{"name": "name", "type": "string"}, {"name": "age", "type": "int"}],
    }
)
AVRO_WITH_EMAIL = json.dumps(
    {
        "type": "record",
        "name": "Person",
        "fields": [
            {"name": "name", "type": "string"},
            {"name": "age", "type": "int"},
            {"name": "email", "type": "string", "default": ""},
        ],
    }
)
PROTOBUF = 'syntax = "proto3"; message Person { string name = 1; int32 age = 2; }'
PROTOBUF_WITH_EMAIL = (
    'syntax = "proto3"; message Person { string name = 1; int32 age = 2; string email = 3; }'
)

DEFINITIONS = {"AVRO": AVRO, "PROTOCOL_BUFFER": PROTOBUF}
REVISED = {"AVRO": AVRO_WITH_EMAIL, "PROTOCOL_BUFFER": PROTOBUF_WITH_EMAIL}
BROKEN = {
    "AVRO": '{"type": "record", "name": "Person", "fields": [{"name": "age", "type": "strnig"}]}',
    "PROTOCOL_BUFFER": 'syntax = "proto3"; message Person { strnig name = 1; }',
}

# {"name": "Ada", "age": 36}: Avro writes lengths and numbers as zigzag varints, in field order.
GOOD = {
    ("AVRO", "JSON"): b'{"name": "Ada", "age": 36}',
    ("AVRO", "BINARY"): b"\x06Ada\x48",
    ("PROTOCOL_BUFFER", "JSON"): b'{"name": "Ada", "age": 36}',
    ("PROTOCOL_BUFFER", "BINARY"): b"\x0a\x03Ada\x10\x24",
}
BAD = {
    ("AVRO", "JSON"): [b'{"name": "Ada"}', b'{"name": 1, "age": 36}', b"not json", b"{"],
    ("AVRO", "BINARY"): [b"\x06Ad", b"\x07", b""],
    ("PROTOCOL_BUFFER", "JSON"): [b'{"name": {}}', b"not json"],
    ("PROTOCOL_BUFFER", "BINARY"): [b"\x0a\x09Ada", b"\xff"],
}
