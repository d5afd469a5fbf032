"""Live chat for any Flask app: widget, operator inbox, REST API, WebSocket, webhooks and signals."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("flask-pocketping")
except PackageNotFoundError:
    __version__ = "0.0.0"

from . import signals
from .errors import (
    APIError,
    ConfigurationError,
    MessageRejected,
    PocketPingError,
    SchemaError,
    SchemaMissing,
    SchemaOutdated,
    SchemaTooNew,
    SessionClosed,
    SessionNotFound,
    UncommittedChanges,
)
from .extension import PocketPing
from .models import DEFAULT_PROJECT
from .values import Identity, Message, MessageDraft, Operator, Session

__all__ = [
    "DEFAULT_PROJECT",
    "APIError",
    "ConfigurationError",
    "Identity",
    "Message",
    "MessageDraft",
    "MessageRejected",
    "Operator",
    "PocketPing",
    "PocketPingError",
    "SchemaError",
    "SchemaMissing",
    "SchemaOutdated",
    "SchemaTooNew",
    "Session",
    "SessionClosed",
    "SessionNotFound",
    "UncommittedChanges",
    "__version__",
    "signals",
]
