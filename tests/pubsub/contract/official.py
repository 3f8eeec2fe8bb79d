"""What the official packages know: messages, enums, methods, HTTP rules."""

import grpc
import proto
from google.api import annotations_pb2, http_pb2
from google.iam.v1 import iam_policy_pb2, options_pb2, policy_pb2
from google.pubsub_v1.services.publisher.transports import grpc as publisher_grpc
from google.pubsub_v1.services.publisher.transports import rest_base as publisher_rest
from google.pubsub_v1.services.schema_service.transports import grpc as schema_grpc
from google.pubsub_v1.services.schema_service.transports import rest_base as schema_rest
from google.pubsub_v1.services.subscriber.transports import grpc as subscriber_grpc
from google.pubsub_v1.services.subscriber.transports import rest_base as subscriber_rest
from google.pubsub_v1.types import pubsub, schema
from google.rpc import error_details_pb2, status_pb2
from google.type import expr_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2


def plain(name: str) -> str:
    """proto-plus adds an underscore to names that Python keeps for itself."""
    return name.rstrip("_")


def files() -> list:
    modules = [
        annotations_pb2,
        http_pb2,
        iam_policy_pb2,
        options_pb2,
        policy_pb2,
        error_details_pb2,
        status_pb2,
        expr_pb2,
        health_pb2,
        reflection_pb2,
    ]
    return [module.DESCRIPTOR for module in modules]


def _exports(kind) -> list:
    everything = [
        getattr(module, name)
        for module in (pubsub, schema)
        for name in sorted(module.__protobuf__.manifest)
    ]
    return [export for export in everything if issubclass(export, kind)]


def pubsub_messages() -> list:
    return [message.pb().DESCRIPTOR for message in _exports(proto.Message)]


def pubsub_enums() -> dict:
    return {
        f"google.pubsub.v1.{enum.__name__}": {value.name: value.value for value in enum}
        for enum in _exports(proto.Enum)
    }


def nested(message) -> list:
    found = []
    for inner in message.nested_types:
        found += [inner, *nested(inner)]
    return found


def nested_enums(message) -> list:
    found = list(message.enum_types)
    for inner in message.nested_types:
        found += nested_enums(inner)
    return found


def rule_text(rule) -> str:
    verb = rule.WhichOneof("pattern")
    return f"{verb.upper()} {getattr(rule, verb)} body={rule.body}"


def spread_over_collections(rules: set) -> set:
    spread = set()
    for rule in rules:
        if "{resource=**}" not in rule:
            spread.add(rule)
            continue
        for collection in ("topics", "subscriptions", "snapshots", "schemas"):
            spread.add(rule.replace("**", f"projects/*/{collection}/*"))
    return spread


class RecordingChannel(grpc.Channel):
    """Notes which methods a client would call, and with which types."""

    def __init__(self):
        self.methods = {}

    def _record(self, streams):
        def record(path, request_serializer=None, response_deserializer=None, *_, **__):
            self.methods[path] = (streams, request_serializer, response_deserializer)
            return lambda *_, **__: None

        return record

    def unary_unary(self, *args, **kwargs):
        return self._record((False, False))(*args, **kwargs)

    def unary_stream(self, *args, **kwargs):
        return self._record((False, True))(*args, **kwargs)

    def stream_unary(self, *args, **kwargs):
        return self._record((True, False))(*args, **kwargs)

    def stream_stream(self, *args, **kwargs):
        return self._record((True, True))(*args, **kwargs)

    def subscribe(self, *_, **__):
        pass

    def unsubscribe(self, *_):
        pass

    def close(self):
        pass


def _full_name(codec) -> str:
    """The message that a serialiser or deserialiser is of."""
    owner = getattr(codec, "__self__", None)
    if owner is not None and isinstance(owner, type) and issubclass(owner, proto.Message):
        return owner.pb().DESCRIPTOR.full_name
    if isinstance(owner, proto.message.MessageMeta):
        return owner.pb().DESCRIPTOR.full_name
    for module in (iam_policy_pb2, policy_pb2):
        for name in module.DESCRIPTOR.message_types_by_name:
            message = getattr(module, name)
            if codec in (message.SerializeToString, message.FromString):
                return message.DESCRIPTOR.full_name
    return "google.protobuf.Empty"


def methods() -> dict:
    found = {}
    transports = [
        (publisher_grpc.PublisherGrpcTransport, publisher_rest._BasePublisherRestTransport),
        (subscriber_grpc.SubscriberGrpcTransport, subscriber_rest._BaseSubscriberRestTransport),
        (schema_grpc.SchemaServiceGrpcTransport, schema_rest._BaseSchemaServiceRestTransport),
    ]
    for transport, rest in transports:
        channel = RecordingChannel()
        # Without a logging interceptor in between, which would take the types away.
        instance = transport(channel=channel)
        instance._logged_channel = channel
        instance._stubs = {}
        for name, value in vars(transport).items():
            if isinstance(value, property) and name not in ("kind", "grpc_channel"):
                getattr(instance, name)
        for name in ("set_iam_policy", "get_iam_policy", "test_iam_permissions"):
            getattr(instance, name)
        for path, (streams, serializer, deserializer) in channel.methods.items():
            name = path.rpartition("/")[2]
            base = getattr(rest, f"_Base{name}")
            options = getattr(base, "_get_http_options", list)
            rules = {
                f"{rule['method'].upper()} {rule['uri']} body={rule.get('body', '')}"
                for rule in options()
            }
            found[path] = {
                "input": _full_name(serializer),
                "output": _full_name(deserializer),
                "streams": streams,
                "http": rules,
            }
    for file in (iam_policy_pb2, health_pb2, reflection_pb2):
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                path = f"/{service.full_name}/{method.name}"
                facts = _facts(method)
                facts["http"] |= found.get(path, {"http": set()})["http"]
                found[path] = facts
                if "v1alpha" in path:
                    stable = {
                        key: value.replace("v1alpha", "v1") if isinstance(value, str) else value
                        for key, value in facts.items()
                    }
                    found[path.replace("v1alpha", "v1")] = stable
    return found


def _facts(method) -> dict:
    from google.protobuf import descriptor_pb2

    raw = descriptor_pb2.MethodDescriptorProto()
    method.CopyToProto(raw)
    rules = set()
    if method.GetOptions().HasExtension(annotations_pb2.http):
        rule = method.GetOptions().Extensions[annotations_pb2.http]
        rules = {rule_text(each) for each in [rule, *rule.additional_bindings]}
    return {
        "input": method.input_type.full_name,
        "output": method.output_type.full_name,
        "streams": (raw.client_streaming, raw.server_streaming),
        "http": rules,
    }
