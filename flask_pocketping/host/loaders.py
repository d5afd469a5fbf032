"""What the host app tells us of its people: its loaders, called within its own requests, and their answers checked."""

from __future__ import annotations

import math
import reprlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Flask, current_app
from werkzeug.wrappers import Response

from ..bounds import (
    MAX_CUSTOMER_ID,
    MAX_EMAIL,
    MAX_NAME,
    MAX_OBJECT_BYTES,
    MAX_OPERATOR_PROJECTS,
    MAX_URL,
    check_identity,
    check_line,
)
from ..errors import InvalidRequest
from ..schemas.compact_json import to_json
from ..values import Identity, Operator, Session
from .callables import as_sync

Loader = Callable[..., Any]


@dataclass
class Loaders:
    """The functions that the host registered with `PocketPing`; its apps share them."""

    identity: Loader | None = None
    operator: Loader | None = None
    context: Loader | None = None
    visitor_filter: Loader | None = None
    commands: dict[str, Loader] = field(default_factory=dict)


class HostCommands(Mapping[str, Loader]):
    """The host's commands for bridges, as ordinary functions. The host may register more later."""

    def __init__(self, app: Flask, loaders: Loaders) -> None:
        self._app = app
        self._loaders = loaders

    def __getitem__(self, name: str) -> Loader:
        return as_sync(self._app.ensure_sync, self._loaders.commands[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaders.commands)

    def __len__(self) -> int:
        return len(self._loaders.commands)


def current_identity(loaders: Loaders) -> Identity | None:
    """Return the verified identity of the customer who is signed in to the host app.

    :raises TypeError: if the loader returned something else.
    """
    found = current_app.ensure_sync(loaders.identity)() if loaders.identity else _flask_login_user()
    if found is None:
        return None
    identity = _identity_of(found) if isinstance(found, Mapping) else found
    if not isinstance(identity, Identity) or not identity.customer_id:
        raise TypeError(
            "identity_loader must return an Identity with a customer_id, a dict with an id, or None, "
            f"not {description(found)}."
        )
    return _vouched_for("identity_loader" if loaders.identity else "Flask-Login's current_user", identity)


def given_identity(given: Identity | Mapping[str, Any]) -> Identity:
    """Return a verified identity that the host's own code passes in.

    :raises TypeError: if it is something else or too large for a token.
    """
    identity = _identity_of(given) if isinstance(given, Mapping) else given
    if not isinstance(identity, Identity) or not identity.customer_id:
        raise TypeError(
            f"identity_token() takes an Identity with a customer_id or a dict with an id, not {description(given)}."
        )
    return _vouched_for("identity_token", identity)


def _vouched_for(source: str, identity: Identity) -> Identity:
    _check(source, lambda: _check_identity(identity))
    return replace(identity, verified=True)


def current_operator(loaders: Loaders) -> Operator | Response | None:
    """Return the operator of this request, or the host's response for others.

    :raises TypeError: if the loader returned something else, or there is no loader.
    """
    if loaders.operator is None:
        raise TypeError("No operator_loader is set.")
    found = current_app.ensure_sync(loaders.operator)()
    if found is None or isinstance(found, Response):
        return found
    operator = _operator_of(found) if isinstance(found, Mapping) else found
    if not isinstance(operator, Operator):
        raise TypeError(
            "operator_loader must return an Operator, a dict with id and name, a response, or None, "
            f"not {description(found)}."
        )
    _check("operator_loader", lambda: _check_operator(operator))
    return operator


def given_operator(given: Operator | Mapping[str, Any]) -> Operator:
    """An operator of whom the host's own code tells.

    :raises TypeError: if it is something else, or says more than can be kept.
    """
    operator = _operator_of(given) if isinstance(given, Mapping) else given
    if not isinstance(operator, Operator):
        raise TypeError(f"operator must be an Operator or a dict with id and name, not {description(given)}.")
    _check("operator", lambda: _check_operator(operator))
    return operator


def facts_of(loaders: Loaders, session: Session) -> list[dict[str, Any]]:
    """Return what the host app knows of a conversation's visitor.

    :return: facts with `label` and `value`, and optionally `url`.
    :raises TypeError: if the function returned no mapping.
    """
    if loaders.context is None:
        return []
    found = current_app.ensure_sync(loaders.context)(session)
    if not isinstance(found, Mapping | None):
        raise TypeError(
            f"The context function must return a mapping of labels to values, or None, not {description(found)}."
        )
    return [_fact(str(label), value) for label, value in (found or {}).items()]


def description(found: Any) -> str:
    """Describe what a loader returned, for an error. What may be private, values and attributes, is not shown."""
    kind = f"{type(found).__module__}.{type(found).__qualname__}".removeprefix("builtins.")
    if isinstance(found, Mapping):
        keys = reprlib.repr(sorted(str(key) for key in found))
        return f"a {kind} with the keys {keys}"
    if isinstance(found, str):
        # Long enough to see that it is an address or a name, too short to give away a token.
        return f"the text {found if len(found) <= 20 else found[:16] + '…'!r}"
    if isinstance(found, bool | int | float):
        return f"the {kind} {found!r:.20}"
    if isinstance(found, list | tuple | set | frozenset):
        return f"a {kind} of {len(found)}"
    return f"an object of {kind}"


def _fact(label: str, value: Any) -> dict[str, Any]:
    shown, url = value if isinstance(value, tuple) and len(value) == 2 else (value, None)
    as_it_is = isinstance(shown, str | int | None) or (isinstance(shown, float) and math.isfinite(shown))
    fact: dict[str, Any] = {"label": label, "value": shown if as_it_is else str(shown)}
    # An operator may follow it, so it must be an address and no script.
    if isinstance(url, str) and url.startswith(("https://", "http://", "/")):
        fact["url"] = url
    return fact


def _identity_of(found: Mapping[str, Any]) -> Identity:
    number = found.get("id")
    rest = {key: value for key, value in found.items() if key not in {"id", "email", "name"} and value is not None}
    customer_id = None if number is None else str(number)
    # Many a table has empty text where nothing is known.
    return Identity(customer_id, found.get("email") or None, found.get("name") or None, rest or None)


def _operator_of(found: Mapping[str, Any]) -> Operator | None:
    number, name = found.get("id"), found.get("name")
    if number is None or name is None:
        return None
    projects = found.get("projects") or ()
    # A single text is a mistake that the check below reports.
    listed = tuple(projects) if isinstance(projects, list | tuple | set | frozenset) else projects
    return Operator(str(number), name, found.get("avatar") or None, listed)


def _check_identity(identity: Identity) -> None:
    check_identity(identity)
    try:
        size = len(to_json(identity.metadata or {}).encode())
    except (TypeError, ValueError) as error:
        raise InvalidRequest.field("metadata", f"Must be JSON: {error}") from None
    # It travels to the page and back, in a body that is bounded.
    if size > MAX_OBJECT_BYTES:
        raise InvalidRequest.field("metadata", f"Longer than {MAX_OBJECT_BYTES} bytes of JSON.")


def _check_operator(operator: Operator) -> None:
    for name, value, size in (("id", operator.id, MAX_CUSTOMER_ID), ("name", operator.name, MAX_NAME)):
        if not isinstance(value, str) or not value:
            raise InvalidRequest.field(name, "Must be text, and not empty.")
        check_line(name, value, size)
    check_line("avatar", operator.avatar, MAX_URL)
    projects = operator.projects
    if not isinstance(projects, tuple) or not all(isinstance(item, str) and item for item in projects):
        raise InvalidRequest.field("projects", "Must be ids of projects.")
    if len(projects) > MAX_OPERATOR_PROJECTS:
        raise InvalidRequest.field("projects", f"Must be up to {MAX_OPERATOR_PROJECTS} ids.")


def _check(loader: str, check: Callable[[], None]) -> None:
    try:
        check()
    except InvalidRequest as error:
        # The caller of the route can't help it: it is a fault of the host's.
        raise TypeError(f"{loader}: {error.message}") from None


def _flask_login_user() -> Identity | None:
    """The user of Flask-Login. A class of users need have no more than `get_id`."""
    manager: Any = getattr(current_app, "login_manager", None)
    if manager is None or "flask_login" not in sys.modules:
        return None
    user: Any = sys.modules["flask_login"].current_user
    authenticated = getattr(user, "is_authenticated", True)
    if not (authenticated() if callable(authenticated) else authenticated):
        return None
    number = getattr(user, getattr(manager, "id_attribute", "get_id"))()
    if number is None:
        return None
    return Identity(
        customer_id=str(number),
        email=_line_of(user, MAX_EMAIL, "email"),
        name=_line_of(user, MAX_NAME, "name", "username"),
    )


def _line_of(user: Any, size: int, *names: str) -> str | None:
    """The first of these attributes that is a text of at most `size` characters that can be stored."""
    for name in names:
        value = getattr(user, name, None)
        try:
            check_line(name, value if isinstance(value, str) else None, size)
        except InvalidRequest:
            continue
        if isinstance(value, str):
            return value
    return None
