"""What chat platforms send to us: `POST /bridges/<name>`, for bridges that are set up to receive it."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from .. import clock
from ..errors import NotFound, Unauthorized
from ..security.rate_limits import address_key
from .operations import Call, Routes
from .parsing import read_body
from .responses import json_response

routes = Routes(caller="anyone")

#: The largest body of a platform's request, in bytes.
MAX_BODY = 1024 * 1024
#: Counts together what has no good signature.
_UNSIGNED = "bridge"


@routes("POST /bridges/<name>", raw=True)
def receive_from_platform(call: Call, name: str) -> Any:
    """Receive messages of a chat platform. Only the platform knows the secret that this needs."""
    bridge = call.state.bridges.bridges.get(name)
    webhook = bridge.connection.webhook if bridge is not None else None
    if bridge is None or webhook is None:
        raise NotFound
    address, now = address_key(request.remote_addr), clock.now()
    headers = dict(request.headers.items())
    if not webhook.admits(headers, now):
        raise _refused(call, address)
    body = read_body(request, MAX_BODY)
    if not webhook.verify(headers, body, now):
        raise _refused(call, address)
    received, answer = webhook.read(headers, body)
    for item in received:
        bridge.receiver.receive(item)
    response: Response = json_response(dict(answer))
    return response


def _refused(call: Call, address: str) -> Unauthorized:
    call.state.guesses.fail(address, _UNSIGNED)
    return Unauthorized("The signature is missing or wrong.")
