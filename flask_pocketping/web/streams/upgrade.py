"""Turns requests into WebSockets: flask-sock does the handshake, and then we take over the socket from the web server.

Only this module uses flask-sock. It and simple-websocket do the handshake with the socket that they find in the
request's environ, where we put one of ours. See `Takeover.lend`.
"""

from __future__ import annotations

from flask import Blueprint, Response, g, request
from flask_sock import Sock

from ...state import State
from .admission import address_bounds, admit, reserve_room
from .handshake import check_upgrade
from .takeover import SwitchedResponse, Takeover
from .transports import require_transport
from .websockets import serve_back_office, serve_visitor

#: The paths of WebSockets. Without the slash, each is its endpoint in the blueprint.
SOCKETS = ("/ws", "/stream")


def add_sockets(state: State, blueprint: Blueprint) -> None:
    """Register the routes of WebSockets."""
    sock = Sock()

    def ws(socket: object) -> None:
        serve_back_office(state)

    def stream(socket: object) -> None:
        serve_visitor(state)

    sock.route("/ws", bp=blueprint)(ws)
    sock.route("/stream", bp=blueprint)(stream)


def prepare_upgrade(state: State, *, visitor: bool) -> None:
    """Check the current request while an HTTP response can still refuse it, and borrow its socket.

    :param visitor: whether the request is for `/stream`.
    :raises APIError: if the request can't or must not become a WebSocket.
    """
    key = check_upgrade(request)
    require_transport(state, "websocket", request.environ)
    if visitor:
        g.pocketping_admission = admit(state)
    else:
        reserve_room(state, address_bounds(state.config, request.remote_addr))
    g.pocketping_takeover = takeover = Takeover(request.environ, state.sockets.held_threads)
    request.environ = takeover.lend(key)


def finish_upgrade() -> Response | None:
    """Restore the environ of the current request, which `prepare_upgrade` changed.

    :return: the response for the server, if the socket was taken over.
    """
    takeover: Takeover | None = g.get("pocketping_takeover")
    if takeover is None:
        return None
    request.environ = takeover.environ
    return SwitchedResponse(takeover) if takeover.taken else None


def give_back_socket() -> None:
    """Give the socket back to the server at the end of a request, unless it was taken over."""
    takeover: Takeover | None = g.pop("pocketping_takeover", None)
    if takeover is not None:
        takeover.give_back()
