"""Receives what operators write: by Socket Mode, or beside the Events API only what its requests have missed."""

from __future__ import annotations

import json
import logging
import queue
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..platform import (
    Inbound,
    Incoming,
    IncomingTyping,
    PlatformError,
    Receiver,
    Refused,
    Thread,
    Throttled,
    Unreachable,
)
from .catch_up import PAUSE, CatchUp, Stopped
from .client import SlackClient
from .events import EventReader
from .websocket import SlackSocket, open_socket

logger = logging.getLogger("flask_pocketping.bridges")

#: Seconds after which the open threads are read again, although nothing seems to be missing.
SWEEP = 300.0
#: Seconds without any event after which a WebSocket is replaced, because it may be dead although it answers.
IDLE = 300.0
#: Seconds after which a connection counts as stable. A later loss is mended at once.
STABLE = 30.0


class CatchUpInbound(Inbound):
    """Reads what the Events API has not delivered: at the start, and every few minutes.

    :param client: calls Slack.
    :param reader: converts messages.
    :param sweep: seconds between two times.
    :param pause: seconds after each thread that is read.
    """

    def __init__(self, client: SlackClient, reader: EventReader, *, sweep: float = SWEEP, pause: float = PAUSE) -> None:
        self._client = client
        self._reader = reader
        self._sweep = sweep
        self._pause = pause

    def run(self, receiver: Receiver, is_wanted: Callable[[float], bool]) -> None:
        """Read the open threads again and again.

        :raises Refused: if Slack does not accept the settings.
        """
        attempt = 0
        while is_wanted(0):
            try:
                catch_up = CatchUp(self._client, self._reader, receiver, is_wanted, self._pause)
                _finish(catch_up)
                catch_up.wait(self._sweep)
                attempt = 0
            except Stopped:
                return
            except Refused:
                raise
            except PlatformError as error:
                logger.warning("Slack can't be read now: %s", error)
                attempt += 1
                if not wait(is_wanted, delay_after(error, attempt)):
                    return


class SocketModeInbound(Inbound):
    """Receives events over a WebSocket, so that no public address is needed.

    An event is confirmed after it was taken in. Slack repeats what is not confirmed.

    :param client: calls Slack. It needs the app-level token.
    :param reader: converts events.
    :param idle: seconds without any event after which the connection is replaced.
    :param ping: seconds between pings. After four pings without an answer, the connection is replaced.
    :param sweep: seconds after which the threads are read again.
    :param pause: seconds after each thread that is read.
    """

    def __init__(
        self,
        client: SlackClient,
        reader: EventReader,
        *,
        idle: float = IDLE,
        ping: float = 5.0,
        sweep: float = SWEEP,
        pause: float = PAUSE,
    ) -> None:
        self._client = client
        self._reader = reader
        self._idle = idle
        self._ping = ping
        self._sweep = sweep
        self._pause = pause

    def run(self, receiver: Receiver, is_wanted: Callable[[float], bool]) -> None:
        """Receive events, and connect again whenever the connection is lost or silent.

        What a new connection has missed is read from the threads.

        :raises Refused: if Slack does not accept the settings.
        """
        attempt = 0
        while is_wanted(0):
            began = time.monotonic()
            error: PlatformError = Unreachable("The connection to Slack was lost.")
            try:
                with open_socket(self._client, self._ping) as socket:
                    self._serve(socket, receiver, is_wanted)
            except Stopped:
                return
            except Refused:
                raise
            except PlatformError as failure:
                error = failure
            if time.monotonic() - began > STABLE:
                attempt = 0
                continue
            attempt += 1
            logger.warning("The connection to Slack failed: %s", error)
            if not wait(is_wanted, delay_after(error, attempt)):
                return

    def _serve(self, socket: SlackSocket, receiver: Receiver, is_wanted: Callable[[float], bool]) -> None:
        """Take in events until the connection is lost or silent. First and now and then, read what has not come."""
        catch_up = CatchUp(self._client, self._reader, receiver, is_wanted, self._pause)
        is_behind = True
        goes_on_at = silent_since = swept_at = time.monotonic()
        while socket.is_connected:
            message = _next(socket.messages, 0.01 if is_behind and time.monotonic() >= goes_on_at else 0.5)
            if not is_wanted(0):
                raise Stopped
            try:
                if message is not None:
                    silent_since = time.monotonic()
                    self._take_in(socket, message, receiver, catch_up)
                elif is_behind and time.monotonic() >= goes_on_at:
                    is_behind = catch_up.step()
                elif time.monotonic() - silent_since > self._idle:
                    return
                elif time.monotonic() - swept_at > self._sweep:
                    catch_up = CatchUp(self._client, self._reader, receiver, is_wanted, self._pause)
                    is_behind, swept_at = True, time.monotonic()
            except Throttled as error:
                goes_on_at = time.monotonic() + error.after

    def _take_in(self, socket: SlackSocket, text: str, receiver: Receiver, catch_up: CatchUp) -> None:
        envelope = parse(text)
        envelope_id, payload = envelope.get("envelope_id"), envelope.get("payload")
        if not isinstance(envelope_id, str):
            return
        if envelope.get("type") == "events_api" and isinstance(payload, dict):
            for incoming in self._reader.read(payload):
                thread = thread_of(incoming)
                if thread is not None:
                    catch_up.read(thread)
                receiver.receive(incoming)
        socket.confirm(envelope_id)


def _next(messages: queue.Queue[str], timeout: float) -> str | None:
    try:
        return messages.get(timeout=timeout)
    except queue.Empty:
        return None


def _finish(catch_up: CatchUp) -> None:
    is_behind = True
    while is_behind:
        try:
            is_behind = catch_up.step()
        except Throttled as error:
            catch_up.wait(error.after)


def thread_of(incoming: Incoming) -> Thread | None:
    """Return the thread of something that came in, if it is known."""
    return None if isinstance(incoming, IncomingTyping) else getattr(incoming, "thread", None)


def parse(text: str) -> Mapping[str, Any]:
    """Return the JSON object of a frame, or an empty one for anything else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def delay_after(error: PlatformError, attempt: int) -> float:
    """Return how long to wait after a failure, in seconds: twice as long each time, and a minute at the most.

    :param attempt: the number of failures so far.
    """
    return error.after if isinstance(error, Throttled) else min(2.0 ** min(attempt, 6), 60.0)


def wait(is_wanted: Callable[[float], bool], seconds: float) -> bool:
    """Wait, and return whether to go on."""
    while seconds > 0:
        if not is_wanted(min(seconds, 4.0)):
            return False
        seconds -= 4.0
    return True
