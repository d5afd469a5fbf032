"""Live chat for any Flask app: widget, operator inbox, REST API, WebSocket, webhooks and signals."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import signals
    from .delivery.target import Outcome, Pace, Target
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
    from .values import (
        Cancel,
        Deliver,
        DeliveryState,
        Event,
        Identity,
        KnowledgeDocument,
        Message,
        MessageDraft,
        Operator,
        Session,
    )

    __version__: str

__all__ = [
    "DEFAULT_PROJECT",
    "APIError",
    "Cancel",
    "ConfigurationError",
    "Deliver",
    "DeliveryState",
    "Event",
    "Identity",
    "KnowledgeDocument",
    "Message",
    "MessageDraft",
    "MessageRejected",
    "Operator",
    "Outcome",
    "Pace",
    "PocketPing",
    "PocketPingError",
    "SchemaError",
    "SchemaMissing",
    "SchemaOutdated",
    "SchemaTooNew",
    "Session",
    "SessionClosed",
    "SessionNotFound",
    "Target",
    "UncommittedChanges",
    "__version__",
    "signals",
]

# pytest loads our plugin, and with it this module, into every run: names are imported when they are first asked for.
_MODULES = ("errors", "values", "models", "extension", "delivery.target")


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = _version()
    elif name in {"errors", "values", "models", "extension", "clock", "signals"}:
        value = import_module(f".{name}", __name__)
    elif name in __all__:
        modules = (import_module(f".{module}", __name__) for module in _MODULES)
        value = next(vars(module)[name] for module in modules if name in vars(module))
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("flask-pocketping")
    except PackageNotFoundError:
        return "0.0.0"
