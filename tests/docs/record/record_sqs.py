"""A pytest plugin that records what boto3 is asked for: actions, parameters, refusals."""

import botocore.client
from botocore.exceptions import ClientError
from recorded import note, pytest_sessionfinish  # noqa: F401  (pytest calls the latter)

ask = botocore.client.BaseClient._make_api_call


def members(shape, value, prefix=""):
    """The parameters of a request, those within them too: Attributes.DelaySeconds, Entries.Id."""
    if shape.type_name == "list":
        for element in value if isinstance(value, list) else []:
            yield from members(shape.member, element, prefix)
    elif shape.type_name == "map" and isinstance(value, dict):
        if shape.key.enum:
            yield from (f"{prefix}.{key}" for key in value)
        elif shape.value.type_name == "structure":
            for inner in value.values():
                yield from members(shape.value, inner, prefix)
    elif shape.type_name == "structure" and isinstance(value, dict):
        for key in value.keys() & shape.members.keys():
            name = f"{prefix}.{key}" if prefix else key
            yield name
            yield from members(shape.members[key], value[key], name)


def recording(client, action, parameters):
    service = client.meta.service_model
    if service.service_name != "sqs":
        return ask(client, action, parameters)
    protocol = service.metadata["protocol"]
    note("action", action, protocol)
    shape = service.operation_model(action).input_shape
    for name in members(shape, parameters) if shape else ():
        note("parameter", action, name)
    try:
        return ask(client, action, parameters)
    except ClientError as error:
        details = error.response["Error"]
        note("error", action, type(error).__name__, details["Code"])
        raise


botocore.client.BaseClient._make_api_call = recording
