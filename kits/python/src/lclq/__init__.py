"""A local AWS SQS and Google Cloud Pub/Sub for tests.

    import lclq

    with lclq.Server() as server:
        print(server.endpoint, server.pubsub)
"""

from ._binary import find_binary
from ._controls import Clock, ControlError, Faults
from ._sandbox import Sandbox
from ._server import Server, StartError

__all__ = ["Clock", "ControlError", "Faults", "Sandbox", "Server", "StartError", "find_binary"]
