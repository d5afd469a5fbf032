"""The frames that clients send over a socket, as `web/streams/websockets.py` reads them."""

from __future__ import annotations

from marshmallow import fields

from ..bounds import MAX_EVENT_NAME, MAX_EVENT_TYPES
from .base import VisitorRequest
from .fields import FreeValue, StrictBoolean, Text, count, length


class ClientFrame(VisitorRequest):
    """A frame of a client, which may have more in it than we know."""


class SubscribeFrame(ClientFrame):
    events = fields.List(fields.String(), allow_none=True, validate=count(MAX_EVENT_TYPES))
    sessionId = fields.String(allow_none=True)


class AuthFrame(SubscribeFrame):
    apiKey = fields.String(required=True)
    after = fields.String(allow_none=True, load_default=None)
    available = StrictBoolean(load_default=True)


class TypingFrame(ClientFrame):
    sessionId = Text(required=True)
    isTyping = StrictBoolean(required=True)


class AvailableFrame(ClientFrame):
    available = StrictBoolean(required=True)


class EventFrame(ClientFrame):
    name = Text(required=True, validate=length(MAX_EVENT_NAME, least=1))
    data = FreeValue(allow_none=True, load_default=None)
