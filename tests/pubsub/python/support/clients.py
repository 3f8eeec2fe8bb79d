"""The generated clients of the three services, over gRPC or REST, shared by the tests of a process."""

import functools

import grpc
from google.auth.credentials import AnonymousCredentials
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.schema_service import SchemaServiceClient
from google.pubsub_v1.services.schema_service.transports import SchemaServiceGrpcTransport
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

TRANSPORTS = ["grpc", "rest"]
UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


def channel_to(address, compression=None, options=()):
    return grpc.insecure_channel(address, compression=compression, options=[*UNLIMITED, *options])


class Api:
    """Publisher, Subscriber and SchemaService; each of them serves IAMPolicy too."""

    def __init__(self, transport, publisher, subscriber, schemas):
        self.transport = transport
        self.publisher = publisher
        self.subscriber = subscriber
        self.schemas = schemas

    @staticmethod
    @functools.cache
    def over(transport, address):
        if transport == "grpc":
            return Api.on_channel(channel_to(address))
        assert transport == "rest"
        options = {
            "transport": "rest",
            "client_options": {"api_endpoint": f"http://{address}"},
            "credentials": AnonymousCredentials(),
        }
        return Api(
            "rest",
            PublisherClient(**options),
            SubscriberClient(**options),
            SchemaServiceClient(**options),
        )

    @staticmethod
    def on_channel(channel):
        return Api(
            "grpc",
            PublisherClient(transport=PublisherGrpcTransport(channel=channel)),
            SubscriberClient(transport=SubscriberGrpcTransport(channel=channel)),
            SchemaServiceClient(transport=SchemaServiceGrpcTransport(channel=channel)),
        )

    def __repr__(self):
        return f"Api({self.transport})"
