"""The objects behind Flask's proxies, for code that uses one several times: a proxy looks up its object each time."""

from __future__ import annotations

from typing import cast

from flask import Request, g, request
from flask.ctx import _AppCtxGlobals


def current_request() -> Request:
    """Return the request of the active context."""
    return cast(Request, request._get_current_object())  # type: ignore[attr-defined]


def current_globals() -> _AppCtxGlobals:
    """Return the `g` of the active context."""
    return cast(_AppCtxGlobals, g._get_current_object())
