"""All operations of the API, in the order of the OpenAPI document."""

from __future__ import annotations

from . import bridges, service, uploads
from .backoffice import ai, messages, operators, saved_replies, sessions, stats, updates, webhooks
from .management import mcp
from .management import routes as management
from .operations import Operation
from .streams import sse
from .visitor import connect, identity, polling, prechat, presence
from .visitor import messages as visitor_messages

_MODULES = (
    *(sessions, messages, webhooks, operators, updates, saved_replies, stats, ai),
    *(connect, identity, visitor_messages, sse, polling, presence, uploads, prechat),
    *(management, mcp, bridges),
    service,
)


def all_operations() -> list[Operation]:
    """List the operations of all modules that have routes."""
    return [operation for module in _MODULES for operation in module.routes.operations]
