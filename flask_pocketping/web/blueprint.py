"""The blueprint of an app: all routes under the prefix, and the code that runs before and after each view."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Request, Response

from ..state import State
from . import fallback
from .context import current_globals, current_request
from .cors import add_cors_headers
from .fallback import add_fallback
from .interception import explain_interception, has_reached, note_reached
from .management.routes import PREFIX as MANAGEMENT
from .operations import Operation
from .origins import check_visitor_origin
from .pages.routes import add_pages
from .registry import all_operations
from .responses import error_response, management_error_response
from .streams.admission import release_room
from .streams.upgrade import add_sockets, finish_upgrade, give_back_socket, prepare_upgrade
from .visitor.origin import check_origin_of
from .visitor.versions import HEADER, version_status

NAME = "pocketping"


def build_blueprint(state: State) -> Blueprint:
    """Build the blueprint with all routes of an app."""
    blueprint = Blueprint(NAME, __name__, url_prefix=state.config.url_prefix or None, template_folder="../templates")
    operations = all_operations()
    for operation in operations:
        blueprint.add_url_rule(operation.path, operation.name, _view(state, operation), methods=[operation.method])
    add_sockets(state, blueprint)
    add_pages(state, blueprint)
    add_fallback(state, blueprint)
    requests = _Requests(state, operations)
    blueprint.before_request(requests.before)
    blueprint.after_request(requests.after)
    blueprint.teardown_request(requests.teardown)
    blueprint.register_error_handler(Exception, requests.answer_error)
    return blueprint


def _view(state: State, operation: Operation) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        return operation.serve(state, **path)

    return view


class _Requests:
    """Runs before and after each view of an app."""

    def __init__(self, state: State, operations: list[Operation]) -> None:
        self.state = state
        self.stream, self.ws = f"{NAME}.stream", f"{NAME}.ws"
        self.visitor = {self.stream, *(f"{NAME}.{item.name}" for item in operations if item.caller == "visitor")}
        self.sockets = {self.stream, self.ws}
        #: Operators fetch files too, and whoever has an address of one was given it.
        self.files = {f"{NAME}.get_file", f"{NAME}.get_thumbnail"}
        #: What pages of other origins may read.
        self.shared = {*self.visitor, f"{NAME}.assets"}
        self.beacons = {item.path for item in operations if item.any_type}

    def before(self) -> None:
        state, asked, kept = self.state, current_request(), current_globals()
        note_reached(kept)
        state.runtime.ensure_running()
        if asked.endpoint in self.visitor:
            # The host's CORS headers are no protection: they only stop a page from reading the response.
            check_visitor_origin(asked, state.config.cors_origins, state.config.public_url)
            if asked.method != "OPTIONS":
                if asked.endpoint not in self.files:
                    check_origin_of(state, asked)
                kept.pocketping_version_status = status = version_status(state.config, asked.headers.get(HEADER))
                status.check()
        if asked.endpoint in self.sockets:
            prepare_upgrade(state, visitor=asked.endpoint == self.stream)

    def after(self, response: Response) -> Response:
        asked, kept = current_request(), current_globals()
        if asked.endpoint in self.sockets and (switched := finish_upgrade()) is not None:
            return switched
        if headers := kept.get("pocketping_headers"):
            response.headers.update(headers)
        if (status := kept.get("pocketping_version_status")) is not None:
            response.headers.update(status.headers)
        path = self._path(asked)
        if asked.method == "OPTIONS":
            # Flask's own list would have every method, because our fallback accepts all of them.
            response.allow.update(fallback.allowed_methods(path))
        # The fallback responds to methods that a path does not accept, including preflight requests.
        unknown = asked.endpoint == f"{NAME}.{fallback.ENDPOINT}"
        if asked.endpoint in self.shared or (unknown and fallback.is_visitor_path(path)):
            add_cors_headers(self.state.config, asked, response, beacon=path in self.beacons)
        return response if has_reached(kept) else explain_interception(self.state, response)

    def answer_error(self, error: Exception) -> Response:
        is_management = f"{self._path(current_request())}/".startswith(f"{MANAGEMENT}/")
        return management_error_response(error) if is_management else error_response(error)

    def teardown(self, error: BaseException | None) -> None:
        give_back_socket()
        release_room(self.state)

    def _path(self, asked: Request) -> str:
        return asked.path.removeprefix(self.state.config.url_prefix)
