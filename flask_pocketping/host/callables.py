"""The host's functions, receivers and loaders: their names for the log, and whether they can run here."""

from __future__ import annotations

import functools
import importlib.util
import inspect
from collections.abc import Callable
from typing import Any

from ..errors import ConfigurationError


def name_of(function: Any) -> str:
    """Return the module and name of a function, method, partial or callable object, as a log shows it."""
    while isinstance(function, functools.partial):
        function = function.func
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


def is_async(function: Callable[..., Any]) -> bool:
    """Return whether calling it makes a coroutine."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def as_sync(ensure_sync: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that is called without `await`.

    :param ensure_sync: `Flask.ensure_sync` of the app.
    :param function: an ordinary function, an `async def` one, or an object with either as its `__call__`.
    """
    if not is_async(function):
        return function
    # Flask recognizes async functions, but not objects with an async `__call__`.
    method = function if inspect.iscoroutinefunction(function) else function.__call__  # type: ignore[operator]
    made: Callable[..., Any] = ensure_sync(method)
    return made


def check_async(function: Callable[..., Any]) -> None:
    """Refuse an `async def` function if Flask can't run it.

    :raises ConfigurationError: if it is async and asgiref, which Flask needs for it, is not installed.
    """
    if is_async(function) and importlib.util.find_spec("asgiref") is None:
        raise ConfigurationError(
            f"{name_of(function)} is an async function, which Flask can't run without asgiref: "
            "pip install 'flask[async]', or make it an ordinary function."
        )
