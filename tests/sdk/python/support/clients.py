"""boto3 clients: one per protocol, region, account and endpoint, shared by the tests of a process."""

import functools
import os

import boto3
import botocore.session
from botocore.config import Config

DEFAULT_REGION = "us-east-1"
# Not twelve digits, so it names no account and the server's configured one holds.
ANONYMOUS_KEY = "test"


def sqs_client(
    endpoint,
    protocol="json",
    region=DEFAULT_REGION,
    access_key=ANONYMOUS_KEY,
    secret="test",
    token=None,
):
    return _sqs_client(endpoint, protocol, region, access_key, secret, token)


@functools.cache  # by position, so that a default given and a default left out are one client
def _sqs_client(endpoint, protocol, region, access_key, secret, token):
    core = botocore.session.Session()
    if protocol == "query":
        # botocore still speaks the Query protocol where a service's model asks for it.
        core.set_config_variable("data_path", os.environ["LCLQ_QUERY_MODEL"])
    session = boto3.Session(
        botocore_session=core,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
        aws_session_token=token,
    )
    client = session.client(
        "sqs",
        endpoint_url=endpoint,
        config=Config(
            retries={"total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=40,
            max_pool_connections=64,
        ),
    )
    spoken = client.meta.service_model.metadata["protocol"]
    assert spoken == protocol, (
        f"wanted a {protocol} client, botocore built one that speaks {spoken}"
    )
    return client


def protocol_of(client):
    return client.meta.service_model.metadata["protocol"]
