"""The blueprint of one app: all routes under the prefix, JSON for whatever else is asked there, CORS, sockets."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from flask import Blueprint, Response, g, request
from flask.blueprints import BlueprintSetupState
from flask_sock import Sock
from simple_websocket import Server
from werkzeug.exceptions import MethodNotAllowed as WerkzeugMethodNotAllowed
from werkzeug.exceptions import NotFound as WerkzeugNotFound
from werkzeug.routing import Map, MapAdapter, Rule
from werkzeug.wrappers import Response as AnyResponse

from ..errors import APIError, InvalidRequest, MethodNotAllowed, NotFound
from ..state import State
from .context import current_globals, current_request
from .interception import explain_interception, note_reached
from .lazy_rules import late_rule
from .operations import Operation
from .origins import check_visitor_origin
from .pages.assets import find_assets
from .pages.inbox import serve_inbox
from .registry import all_operations
from .responses import error_response
from .streams.admission import address_bounds, admit, release_room, reserve_room
from .streams.handshake import check_upgrade
from .streams.sockets import serve_back_office, serve_visitor
from .streams.takeover import SwitchedResponse, Takeover
from .streams.transports import require_transport
from .visitor.versions import HEADER, version_status

NAME = "pocketping"
SOCKETS = ("/ws", "/stream")
#: What is no JSON, by its endpoint. The length keeps files of a host's own, beside us at the root, out of this.
PAGES = {
    "assets": ("/assets/<string(length=12):build>/<path:path>",),
    "inbox": ("/inbox", "/inbox/<path:rest>"),
}
#: What lists of an app's routes show for those of ours that take whatever comes.
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_CORS_HEADERS = f"Content-Type, {HEADER}"
_CORS_EXPOSED = ", ".join(
    (
        *("Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
        *("X-PocketPing-Version-Status", "X-PocketPing-Min-Version", "X-PocketPing-Latest-Version"),
        "X-PocketPing-Version-Message",
    )
)


def build_blueprint(state: State) -> Blueprint:
    """All that is served for one app."""
    blueprint = Blueprint(NAME, __name__, url_prefix=state.config.url_prefix or None, template_folder="../templates")
    operations = all_operations()
    for operation in operations:
        blueprint.add_url_rule(operation.path, operation.name, _view(state, operation), methods=[operation.method])
    _add_sockets(state, blueprint)
    _add_pages(state, blueprint)
    _add_fallback(state, blueprint, operations)
    visitor_endpoints = {f"{NAME}.stream", *(f"{NAME}.{item.name}" for item in operations if item.caller == "visitor")}
    socket_endpoints = {f"{NAME}.stream", f"{NAME}.ws"}
    shared_endpoints = {*visitor_endpoints, f"{NAME}.assets"}
    # What is asked there by a method that it does not take is answered elsewhere.
    beacons = {item.path for item in operations if item.any_type}

    @blueprint.before_request
    def prepare() -> Response | None:
        note_reached()
        state.runtime.ensure_running()
        asked = current_request()
        if asked.endpoint in visitor_endpoints:
            # Whatever CORS headers the host sets: they would only keep a page from reading the answer.
            check_visitor_origin(state.config.cors_origins, state.config.public_url)
        if asked.endpoint in socket_endpoints:
            key = check_upgrade(asked)
            require_transport(state, "websocket", asked.environ)
        if asked.endpoint in visitor_endpoints and asked.method != "OPTIONS":
            g.pocketping_version_status = status = version_status(state.config, asked.headers.get(HEADER))
            status.check()
        if asked.endpoint == f"{NAME}.stream":
            g.pocketping_admission = admit(state)
        elif asked.endpoint == f"{NAME}.ws":
            reserve_room(state, address_bounds(state.config, asked.remote_addr))
        if asked.endpoint in socket_endpoints:
            g.pocketping_takeover = Takeover(asked.environ, state.sockets.held_threads)
            asked.environ = g.pocketping_takeover.lend(key)
        return None

    @blueprint.after_request
    def add_headers(response: Response) -> Response:
        asked, kept = current_request(), current_globals()
        if asked.endpoint in socket_endpoints and "pocketping_takeover" in kept:
            asked.environ = kept.pocketping_takeover.environ
            if kept.pocketping_takeover.taken:
                return SwitchedResponse(kept.pocketping_takeover)
        if headers := kept.get("pocketping_headers"):
            response.headers.update(headers)
        if status := kept.get("pocketping_version_status"):
            response.headers.update(status.headers)
        path = asked.path.removeprefix(state.config.url_prefix)
        if asked.method == "OPTIONS":
            # Flask asks its map, in which our fallback takes every method.
            response.allow.update(_known().allowed_methods(path))
        if asked.endpoint in shared_endpoints or (asked.endpoint == f"{NAME}.unknown" and _visitor_paths().test(path)):
            _add_cors(state, response, beacon=path in beacons)
        return explain_interception(state, response)

    @blueprint.teardown_request
    def give_back(error: BaseException | None) -> None:
        if (takeover := g.pop("pocketping_takeover", None)) is not None:
            takeover.give_back()
        release_room(state)

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


def _add_pages(state: State, blueprint: Blueprint) -> None:
    def assets(build: str, path: str) -> Response:
        return find_assets().serve(build, path)

    def inbox(rest: str = "") -> AnyResponse:
        return serve_inbox(state)

    for view in (assets, inbox):
        for path in PAGES[view.__name__]:
            blueprint.add_url_rule(path, view.__name__, view)


def _add_fallback(state: State, blueprint: Blueprint, operations: list[Operation]) -> None:
    """Answer in JSON what no route takes. Routing's own 404 and 405 never reach a blueprint's error handlers."""

    def unknown(rest: str = "") -> Response:
        path = request.path.removeprefix(state.config.url_prefix)
        raise _why_not(_known(), path)

    def register(setup: BlueprintSetupState) -> None:
        setup.app.view_functions[f"{NAME}.unknown"] = unknown
        prefix = setup.url_prefix or ""
        # At the root only what begins like a route of ours is ours; the rest is the host's.
        tops = {""} if prefix else {"/" + item.path.split("/")[1] for item in operations} | {*SOCKETS, "/inbox"}
        for top in sorted(tops):
            for rule in {f"{prefix}{top}", f"{prefix}{top}/<path:rest>", f"{prefix}{top}/"} - {"/"}:
                for websocket in (False, True):
                    made = late_rule(Rule)(rule, endpoint=f"{NAME}.unknown", websocket=websocket, strict_slashes=True)
                    made.methods = _AllMethods(("GET", "HEAD") if websocket else _METHODS)
                    setup.app.url_map.add(made)

    blueprint.record(register)


# The two maps below serve errors and OPTIONS, so they are made when the first of these is asked for.


@cache
def _known() -> MapAdapter:
    """Which methods our addresses take."""
    rules = [Rule(item.path, methods=[item.method], endpoint=item.name) for item in all_operations()]
    rules += [Rule(path, methods=["GET"], endpoint=name) for name, paths in PAGES.items() for path in paths]
    return Map(rules, merge_slashes=False).bind("")


@cache
def _visitor_paths() -> MapAdapter:
    return Map([Rule(item.path) for item in all_operations() if item.caller == "visitor"]).bind("")


class _AllMethods(set[str]):
    """Methods of a rule that takes every method. It names the usual ones, as code that lists routes expects."""

    def __contains__(self, method: object) -> bool:
        return True


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


def _add_cors(state: State, response: Response, *, beacon: bool) -> None:
    if not state.config.cors_origins:
        return
    response.vary.add("Origin")
    origin = request.headers.get("Origin", "")
    if origin.lower() not in state.config.cors_origins:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = _CORS_EXPOSED
    if beacon:
        # Browsers send beacons with cookies, whether anybody wants them or not, and not at all without this.
        response.headers["Access-Control-Allow-Credentials"] = "true"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET, POST")
        response.headers["Access-Control-Allow-Headers"] = _CORS_HEADERS
        response.headers["Access-Control-Max-Age"] = "600"
