"""JSON for requests that no route takes. Routing's own 404 and 405 never reach a blueprint's error handlers."""

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

#: What lists of an app's routes show for those of ours that take every method.
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def add_fallback(state: State, blueprint: Blueprint) -> None:
    """Answer what comes under the prefix and is no route of ours."""

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
    """The methods that one of our paths takes.

    :param path: without the prefix.
    """
    return set(_known().allowed_methods(path))


def is_visitor_path(path: str) -> bool:
    """Whether a path is that of a visitor's route, if perhaps with another method.

    :param path: without the prefix.
    """
    return _visitor_paths().test(path)


def _rules(prefix: str) -> list[str]:
    # At the root only what begins like a route of ours is ours; the rest is the host's.
    ours = {"/" + path.split("/")[1] for path in (*(item.path for item in all_operations()), *SOCKETS, "/inbox")}
    tops = {""} if prefix else ours
    return [
        rule
        for top in sorted(tops)
        for rule in {f"{prefix}{top}", f"{prefix}{top}/<path:rest>", f"{prefix}{top}/"} - {"/"}
    ]


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


# The two maps below serve errors and OPTIONS, so they are made when the first of these is asked for.


@cache
def _known() -> MapAdapter:
    rules = [Rule(item.path, methods=[item.method], endpoint=item.name) for item in all_operations()]
    rules += [Rule(path, methods=["GET"], endpoint=name) for name, paths in PAGES.items() for path in paths]
    return Map(rules, merge_slashes=False).bind("")


@cache
def _visitor_paths() -> MapAdapter:
    return Map([Rule(item.path) for item in all_operations() if item.caller == "visitor"]).bind("")


class _AllMethods(set[str]):
    """Methods of a rule that takes every method. It names the usual ones, as code that lists routes expects.

    Werkzeug asks `method not in rule.methods` to choose a rule, and copies no rule's methods before.
    """

    def __contains__(self, method: object) -> bool:
        return True
