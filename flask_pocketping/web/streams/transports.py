"""Which live connections are available: those in the settings that the web server supports."""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING

from ...errors import TransportUnsupported
from ...state import State
from .takeover import find_socket, threads_to_hold

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger("flask_pocketping")


def transports(state: State, environ: WSGIEnvironment) -> list[str]:
    """Return the transports that a page may use, the best one first.

    :param environ: the WSGI environ of a request, which identifies the server.
    :return: some of `websocket`, `sse` and `poll`.
    """
    wanted = state.config.transports
    reason = _why_not(environ)
    # Flask's test client names no server, and needs no warning.
    if reason and set(wanted) - {"poll"} and environ.get("SERVER_SOFTWARE"):
        _warn(state, reason)
    return [name for name in wanted if name == "poll" or not reason]


def require_transport(state: State, name: str, environ: WSGIEnvironment) -> None:
    """Refuse an unavailable transport.

    :param name: `websocket`, `sse` or `poll`.
    :raises TransportUnsupported: if it is switched off or the server does not support it.
    """
    if name not in state.config.transports:
        raise TransportUnsupported("POCKETPING_TRANSPORTS leaves out connections of this kind.")
    if name != "poll" and (reason := _why_not(environ)):
        _warn(state, reason)
        raise TransportUnsupported


def _warn(state: State, reason: str) -> None:
    """Log once per process that there are no live connections."""
    if state.warn_once("transport"):
        logger.warning(
            "Live connections are off and pages poll every few seconds, because %s. Serve the app with gunicorn, "
            "with any worker class, for live updates.",
            reason,
        )


def _why_not(environ: WSGIEnvironment) -> str:
    """Return why the server does not support live connections, if it does not."""
    sock = find_socket(environ)
    if sock is None:
        name = environ.get("SERVER_SOFTWARE") or "unknown"
        return f"the web server ({name}) does not lend its sockets"
    if isinstance(sock, ssl.SSLSocket) and not threads_to_hold(environ):
        return "the web server does TLS itself and has no threads to spare"
    return ""
