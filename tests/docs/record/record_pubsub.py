"""A pytest plugin that records what is asked for by gRPC: methods, fields of requests, refusals."""

import grpc
import grpc._channel
from recorded import note, pytest_sessionfinish  # noqa: F401  (pytest calls the latter)

SERVICES = ("google.pubsub.v1.", "google.iam.v1.")


def fields(message, prefix="", depth=0):
    """The fields that are set, those within them too, as far down as a person would name them."""
    for field, value in message.ListFields():
        name = f"{prefix}.{field.name}" if prefix else field.name
        yield name
        if field.message_type is None or depth == 2 or field.message_type.GetOptions().map_entry:
            continue
        if not field.message_type.full_name.startswith("google.pubsub.v1."):
            continue
        for inner in [value] if hasattr(value, "ListFields") else value:
            yield from fields(inner, name, depth + 1)


class Recorded:
    """Stands for a method of a channel and notes how its calls end."""

    def __init__(self, method, real):
        self.method, self.real = method, real

    def __getattr__(self, name):
        return getattr(self.real, name)

    def _asked(self, ask, *arguments, **options):
        try:
            return ask(*arguments, **options)
        except grpc.RpcError as error:
            note("error", self.method, error.code().name)
            raise

    def __call__(self, *arguments, **options):
        return self._asked(self.real, *arguments, **options)

    def with_call(self, *arguments, **options):
        return self._asked(self.real.with_call, *arguments, **options)


def wrapped(kind):
    make = getattr(grpc._channel.Channel, kind)

    def made(channel, method, request_serializer=None, response_deserializer=None, *more, **options):
        service, name = method.lstrip("/").split("/")
        if not service.startswith(SERVICES):
            return make(channel, method, request_serializer, response_deserializer, *more, **options)
        full = f"{service.rpartition('.')[2]}.{name}"

        def serialize(request):
            message = getattr(request, "_pb", request)
            note("method", full, "grpc")
            if hasattr(message, "ListFields"):
                for field in fields(message):
                    note("field", full, field)
            return request_serializer(request)

        real = make(channel, method, serialize, response_deserializer, *more, **options)
        return Recorded(full, real) if kind == "unary_unary" else real

    setattr(grpc._channel.Channel, kind, made)


wrapped("unary_unary")
wrapped("stream_stream")
