"""JSON responses for unknown routes. Flask's 404 and 405 of routing do not reach a blueprint's error handlers."""

from __future__ import annotations

from functools import cache

from flask import Blueprint, Response, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import MethodNotAllowed as WerkzeugMethodNotAllowed
from werkzeug.exceptions import NotFound as WerkzeugNotFound
from werkzeug.routing import Map, MapAdapter, Rule

from ..errors import APIError, InvalidRequest, MethodNotAllowed, NotFound
from ..state import State
from .lazy_rules import late_rule
from .pages.routes import PAGES
from .registry import all_operations
from .streams.upgrade import SOCKETS

#: The endpoint within the blueprint.
ENDPOINT = "unknown"

#: The methods that lists of an app's routes show for our routes that accept every method.
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def add_fallback(state: State, blueprint: Blueprint) -> None:
    """Register a route for all unknown paths under the prefix."""

    def unknown(rest: str = "") -> Response:
        raise _why_not(request.path.removeprefix(state.config.url_prefix))

    def register(setup: BlueprintSetupState) -> None:
        endpoint = f"{blueprint.name}.{ENDPOINT}"
        setup.app.view_functions[endpoint] = unknown
        for rule in _rules(setup.url_prefix or ""):
            for websocket in (False, True):
                made = late_rule(Rule)(rule, endpoint=endpoint, websocket=websocket, strict_slashes=True)
                made.methods = _AllMethods(("GET", "HEAD") if websocket else _METHODS)
                setup.app.url_map.add(made)

    blueprint.record(register)


def allowed_methods(path: str) -> set[str]:
    """Return the methods that one of our paths accepts.

    :param path: the path without the prefix.
    """
    return set(_known().allowed_methods(path))


def is_visitor_path(path: str) -> bool:
    """Return whether a path belongs to a visitor route with any method.

    :param path: the path without the prefix.
    """
    return _visitor_paths().test(path)


def _rules(prefix: str) -> list[str]:
    # At the root only what begins like a route of ours is ours; the rest is the host's.
    ours = {_top(path) for path in (*(item.path for item in all_operations()), *SOCKETS, "/inbox")}
    tops = {""} if prefix else ours
    return [
        rule
        for top in sorted(tops)
        for rule in {f"{prefix}{top}", f"{prefix}{top}/<path:rest>", f"{prefix}{top}/"} - {"/"}
    ]


def _top(path: str) -> str:
    """How a path of ours begins. A host may well have an API of its own, so more than `/api` is looked at."""
    parts = path.split("/")
    return "/".join(parts[: 3 if parts[1] == "api" else 2])


def _why_not(path: str) -> APIError:
    try:
        _known().match(path, method=request.method)
    except WerkzeugMethodNotAllowed as error:
        return MethodNotAllowed(list(error.valid_methods or ()))
    except WerkzeugNotFound:
        if path in SOCKETS:
            return InvalidRequest("This address takes WebSocket connections.")
        return NotFound()
    return InvalidRequest("This address takes no WebSocket connections.")


# The two maps below are only needed for errors and OPTIONS, so the first of these requests creates them.


@cache
def _known() -> MapAdapter:
    rules = [Rule(item.path, methods=[item.method], endpoint=item.name) for item in all_operations()]
    rules += [Rule(path, methods=["GET"], endpoint=name) for name, paths in PAGES.items() for path in paths]
    return Map(rules, merge_slashes=False).bind("")


@cache
def _visitor_paths() -> MapAdapter:
    return Map([Rule(item.path) for item in all_operations() if item.caller == "visitor"]).bind("")


class _AllMethods(set[str]):
    """The methods of a rule that accepts every method. Iteration gives the usual ones, for code that lists routes.

    Werkzeug evaluates `method not in rule.methods` to choose a rule, and does not copy the methods before.
    """

    def __contains__(self, method: object) -> bool:
        return True
