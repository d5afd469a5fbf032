"""The blueprint of one app: all routes under the prefix, JSON for whatever else is asked there, CORS, sockets."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Blueprint, Response, g, request
from flask.blueprints import BlueprintSetupState
from flask_sock import Sock
from simple_websocket import Server
from werkzeug.exceptions import MethodNotAllowed as WerkzeugMethodNotAllowed
from werkzeug.exceptions import NotFound as WerkzeugNotFound
from werkzeug.routing import Map, MapAdapter, Rule

from ..chat.sessions import get_session
from ..errors import APIError, Forbidden, InvalidRequest, MethodNotAllowed, NotFound
from .limiter import address_key
from .responses import error_response
from .routing import Operation
from .service import all_operations
from .socket import serve_back_office, serve_visitor
from .state import State

NAME = "pocketping"
SOCKETS = ("/ws", "/stream")
_CORS_HEADERS = "Content-Type, X-PocketPing-Version"
_CORS_EXPOSED = "Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"


def build_blueprint(state: State) -> Blueprint:
    """All that is served for one app."""
    blueprint = Blueprint(NAME, __name__, url_prefix=state.config.url_prefix or None)
    operations = all_operations()
    for operation in operations:
        blueprint.add_url_rule(operation.path, operation.name, _view(state, operation), methods=[operation.method])
    _add_sockets(state, blueprint)
    known = _add_fallback(state, blueprint, operations)
    visitor_endpoints = {f"{NAME}.{item.name}" for item in operations if item.caller == "visitor"}
    visitor_paths = {item.path for item in operations if item.caller == "visitor"}

    @blueprint.before_request
    def prepare() -> Response | None:
        state.ensure_running()
        if request.endpoint in {f"{NAME}.stream", f"{NAME}.ws"}:
            # No compression: it would cost each connection a hundred times what it saves.
            request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        if request.endpoint == f"{NAME}.stream":
            _admit_visitor(state)
        elif request.endpoint == f"{NAME}.ws":
            state.sockets.check_room(address_key(request.remote_addr))
        return None

    @blueprint.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(g.get("pocketping_headers", {}))
        path = request.path.removeprefix(state.config.url_prefix)
        if request.method == "OPTIONS":
            # Flask asks its map, in which our fallback takes every method.
            response.allow.update(known.allowed_methods(path))
        if request.endpoint in visitor_endpoints or path in visitor_paths:
            _add_cors(state, response)
        return response

    blueprint.register_error_handler(Exception, error_response)
    return blueprint


def _view(state: State, operation: Operation) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        return operation.serve(state, **path)

    return view


def _add_sockets(state: State, blueprint: Blueprint) -> None:
    sock = Sock()

    def ws(socket: Server) -> None:
        serve_back_office(state, socket)

    def stream(socket: Server) -> None:
        serve_visitor(state, socket)

    sock.route("/ws", bp=blueprint)(ws)
    sock.route("/stream", bp=blueprint)(stream)


def _admit_visitor(state: State) -> None:
    """Refuse a stream before the upgrade: with an error in HTTP, which a socket could not tell any more."""
    if not origin_allowed(state):
        raise Forbidden("Pages of this origin may not connect. See POCKETPING_CORS_ORIGINS.")
    state.limiter.hit(state.config.visitor_address_limit, "address", address_key(request.remote_addr))
    after = request.args.get("after", "")
    if after and not (after.isascii() and after.isdecimal() and len(after) <= 18):
        raise InvalidRequest.field("after", "Not a cursor that this server gave.")
    g.pocketping_session = get_session(state.db, state.handles.read(request.args.get("sessionId")))
    state.sockets.check_room(g.pocketping_session.id)


def _add_fallback(state: State, blueprint: Blueprint, operations: list[Operation]) -> MapAdapter:
    """Answer in JSON what no route takes. Routing's own 404 and 405 never reach a blueprint's error handlers.

    :return: which methods our addresses take.
    """
    rules = [Rule(item.path, methods=[item.method], endpoint=item.name) for item in operations]
    known = Map(rules, merge_slashes=False).bind("")

    def unknown(rest: str = "") -> Response:
        path = request.path.removeprefix(state.config.url_prefix)
        raise _why_not(known, path)

    def register(setup: BlueprintSetupState) -> None:
        setup.app.view_functions[f"{NAME}.unknown"] = unknown
        prefix = setup.url_prefix or ""
        # At the root only what begins like a route of ours is ours; the rest is the host's.
        tops = {""} if prefix else {"/" + item.path.split("/")[1] for item in operations} | set(SOCKETS)
        for top in sorted(tops):
            for rule in {f"{prefix}{top}", f"{prefix}{top}/<path:rest>", f"{prefix}{top}/"} - {"/"}:
                for websocket in (False, True):
                    setup.app.url_map.add(
                        Rule(rule, endpoint=f"{NAME}.unknown", methods=None, websocket=websocket, strict_slashes=True)
                    )

    blueprint.record(register)
    return known


def _why_not(known: MapAdapter, path: str) -> APIError:
    try:
        known.match(path, method=request.method)
    except WerkzeugMethodNotAllowed as error:
        return MethodNotAllowed(list(error.valid_methods or ()))
    except WerkzeugNotFound:
        if path in SOCKETS:
            return InvalidRequest("This address takes WebSocket connections.")
        return NotFound()
    return InvalidRequest("This address takes no WebSocket connections.")


def origin_allowed(state: State) -> bool:
    """Whether the page that asks may use the visitor's wire: its own site's pages, and those that are listed."""
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    # Behind a proxy that ends TLS the scheme may look different from inside; host and port may not.
    try:
        own = urlsplit(origin).netloc.lower() == request.host.lower()
    except ValueError:
        return False
    return own or origin.lower() in state.config.cors_origins


def _add_cors(state: State, response: Response) -> None:
    if not state.config.cors_origins:
        return
    response.vary.add("Origin")
    origin = request.headers.get("Origin", "")
    if origin.lower() not in state.config.cors_origins:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = _CORS_EXPOSED
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET, POST")
        response.headers["Access-Control-Allow-Headers"] = _CORS_HEADERS
        response.headers["Access-Control-Max-Age"] = "600"
