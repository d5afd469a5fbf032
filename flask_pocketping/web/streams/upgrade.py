"""Requests that become WebSockets: flask-sock shakes hands, and the socket is taken over from the web server.

Nothing else knows flask-sock and simple-websocket, which shake hands with whatever socket they find in the request's
environ. There they are given one of ours, see `Takeover.lend`.
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
    """Check the current request while an answer of HTTP can still refuse it, and borrow its socket.

    :param visitor: whether it is for `/stream`.
    :raises APIError: if it can't become a WebSocket, or may not.
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
    """Undo to the current request what `prepare_upgrade` did.

    :return: what the server gets in place of the response, if the socket was taken.
    """
    takeover: Takeover | None = g.get("pocketping_takeover")
    if takeover is None:
        return None
    request.environ = takeover.environ
    return SwitchedResponse(takeover) if takeover.taken else None


def give_back_socket() -> None:
    """Note at the end of a request that its socket is the server's again, unless it was taken."""
    takeover: Takeover | None = g.pop("pocketping_takeover", None)
    if takeover is not None:
        takeover.give_back()
