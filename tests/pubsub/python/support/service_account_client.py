"""A client of its own process: publishes and pulls as it is told, and prints what came of it."""

import json
import os
import sys

import google.auth
import google.auth.transport.requests
import google.oauth2.credentials
import grpc
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.cloud import pubsub_v1
from google.oauth2 import service_account
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

ENDPOINT = os.environ["ENDPOINT"]
TOPIC, SUBSCRIPTION = "projects/project-1/topics/events", "projects/project-1/subscriptions/worker"
SCOPE = "https://www.googleapis.com/auth/pubsub"


def clients(how):
    options = ClientOptions(api_endpoint=ENDPOINT)
    if how == "own token":
        # By default the library signs its tokens itself.
        return pubsub_v1.PublisherClient(client_options=options), pubsub_v1.SubscriberClient(client_options=options)
    if how == "rest":
        made = {"client_options": options, "transport": "rest"}
        return PublisherClient(**made), SubscriberClient(**made)
    credentials, _ = google.auth.load_credentials_from_file(
        os.environ["GOOGLE_APPLICATION_CREDENTIALS"], scopes=[SCOPE]
    )
    # Asks the token endpoint, whatever the library would rather do.
    credentials = credentials.with_always_use_jwt_access(False)
    credentials.refresh(google.auth.transport.requests.Request())
    assert credentials.token.startswith("ya29.")
    only = google.oauth2.credentials.Credentials(credentials.token)
    made = {"client_options": options, "credentials": only}
    return pubsub_v1.PublisherClient(**made), pubsub_v1.SubscriberClient(**made)


def cycle(how):
    publisher, subscriber = clients(how)
    publisher.create_topic(request={"name": TOPIC})
    subscriber.create_subscription(request={"name": SUBSCRIPTION, "topic": TOPIC})
    sent = {"data": b"hello"}
    if how == "rest":
        publisher.publish(request={"topic": TOPIC, "messages": [sent]})
    else:
        publisher.publish(TOPIC, **sent).result(20)
    pulled = subscriber.pull(request={"subscription": SUBSCRIPTION, "max_messages": 1}, timeout=20)
    return {"data": pulled.received_messages[0].message.data.decode()}


def stranger(how):
    if how == "no token":
        channel = grpc.secure_channel(ENDPOINT, grpc.ssl_channel_credentials())
        client = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
    else:
        with open(os.environ["GOOGLE_APPLICATION_CREDENTIALS"]) as file:
            account = json.load(file)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        account["private_key"] = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        made = service_account.Credentials.from_service_account_info(account)
        options = ClientOptions(api_endpoint=ENDPOINT)
        client = PublisherClient(client_options=options, credentials=made)
    try:
        client.create_topic(request={"name": TOPIC}, timeout=20, retry=None)
    except exceptions.GoogleAPICallError as error:
        return {"error": type(error).__name__, "reason": error.reason}
    return {"error": None}


how = sys.argv[1]
print(json.dumps(cycle(how) if how in ("own token", "exchanged token", "rest") else stranger(how)))
