"""The long-lived parts of one app that routes use; built and wired by `extension.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app

from ..chat import presence
from ..chat.presence import Attendance
from ..config import Config
from ..db import Database
from ..files.store import Files
from ..realtime.bus import Bus
from ..realtime.frames import Frame
from ..realtime.hub import Encoder, Hub, Subscriber, Topic
from ..realtime.sockets import Sockets
from ..shapes import PresentOperatorShape
from ..values import MessageDraft, Operator, PresentOperator
from .assets import Assets, find_assets
from .frames import Frames, operator_frame
from .guesses import Guesses
from .handles import Handles
from .hosts import Loaders
from .limiter import Limiter
from .takeover import Holds
from .tokens import Identities, OperatorTokens

EXTENSION = "pocketping"


_PRESENT = PresentOperatorShape()


@dataclass
class State:
    """What `app.extensions["pocketping"]` holds."""

    config: Config
    db: Database
    hub: Hub
    bus: Bus
    limiter: Limiter
    guesses: Guesses
    handles: Handles
    frames: Frames
    default_project: str
    api_key_hash: str | None
    #: Sends `message_received`.
    before_message: Callable[[MessageDraft], None]
    #: Checks the address of a webhook.
    check_url: Callable[[str], None]
    #: Starts what runs beside the requests, once in each process.
    ensure_running: Callable[[], None]
    #: Tells the worker that there is something to deliver.
    wake_worker: Callable[[], None]
    #: Ends it.
    close: Callable[[], None]
    #: Delivers in this thread until `close` is called, and says when it can be; for the worker's own process.
    work: Callable[[Callable[[], None]], None]
    #: Delivers in this thread what is due now, and counts the attempts.
    deliver_due: Callable[[], int]
    sockets: Sockets
    identities: Identities
    operator_tokens: OperatorTokens
    loaders: Loaders
    #: None where uploads are off.
    files: Files | None
    #: Threads of the server that wait for sockets.
    holds: Holds = field(default_factory=Holds)
    #: Whether the log says already why there are no live connections.
    transport_warned: bool = False
    #: Whether the log says already why there is no inbox.
    inbox_warned: bool = False
    #: Whether the log says already that the host answers requests of the chat's.
    interception_warned: bool = False
    #: Seconds after which the AI answers in place of an operator; nothing if it never does.
    ai_after: float | None = None

    @property
    def assets(self) -> Assets:
        """The files of the widget and the inbox."""
        return find_assets()

    def hear(self, message: dict[str, Any]) -> None:
        """What another process says: look into the log, somebody types, somebody is there."""
        if "typing" in message:
            self.show_typing(message["project"], message["typing"])
            return
        if "online" in message:
            self.show_presence(
                message["project"], message["online"], message["operators"], visitors=message["visitors"]
            )
            return
        self.hub.wake()
        if message.get("deliveries"):
            self.wake_worker()

    def presence(
        self,
        project_id: str,
        online: bool,
        operators: Sequence[PresentOperator],
        *,
        visitors: bool,
        but: Subscriber | None = None,
    ) -> None:
        """Tell a project's operators who of them is there, in every process.

        :param online: whether anyone is there for visitors.
        :param visitors: whether that is news, so that the visitors learn of it too.
        """
        known = [_PRESENT.dump(operator) for operator in operators]
        self.show_presence(project_id, online, known, visitors=visitors, but=but)
        self.bus.publish({"online": online, "operators": known, "visitors": visitors, "project": project_id})

    def attendance_changed(self, project_id: str, before: Attendance, now: Attendance) -> None:
        """As `presence`, if there is any news."""
        if now != before:
            self.presence(project_id, now.online, now.operators, visitors=now.online != before.online)

    def operators_vanished(self, project_id: str) -> None:
        """Tell who is there after clients of the back office went away without a word."""
        now = presence.attendance(self.db, project_id)
        self.presence(project_id, now.online, now.operators, visitors=not now.online)

    def show_presence(
        self,
        project_id: str,
        online: bool,
        operators: list[dict[str, Any]],
        *,
        visitors: bool,
        but: Subscriber | None = None,
    ) -> None:
        """As `presence`, in this process only."""
        made: dict[Encoder, Frame] = {
            self.frames.operator: operator_frame("presence", online=online, operators=operators)
        }
        if visitors:
            made |= self.frames.for_visitors("presence", online=online)
        self.hub.whisper([Topic("project", project_id), Topic("visitors", project_id)], made.get, but=but)

    def typing(
        self,
        project_id: str,
        session_id: str,
        sender: str,
        is_typing: bool,
        *,
        operator: Operator | None = None,
        but: Subscriber | None = None,
    ) -> None:
        """Tell all who listen to a session that somebody types, in every process.

        :param operator: who, where it is one who is known.
        """
        facts: dict[str, Any] = {"sessionId": session_id, "sender": sender, "isTyping": is_typing}
        if operator is not None:
            facts["operator"] = {"id": operator.id, "name": operator.name}
        self.show_typing(project_id, facts, but=but)
        self.bus.publish({"typing": facts, "project": project_id})

    def show_typing(self, project_id: str, facts: dict[str, Any], *, but: Subscriber | None = None) -> None:
        """As `typing`, in this process only."""
        session_id = facts["sessionId"]
        made: dict[Encoder, Frame] = {
            self.frames.operator: operator_frame("typing", session_id, **facts),
        }
        if facts["sender"] != "visitor":
            made |= self.frames.for_visitors("typing", **_typing_for_visitor(facts))
        self.hub.whisper([Topic("project", project_id), Topic("session", session_id)], made.get, but=but)


def _typing_for_visitor(facts: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"sender": facts["sender"], "isTyping": facts["isTyping"]}
    return {**shown, "operatorName": facts["operator"]["name"]} if "operator" in facts else shown


def current_state() -> State:
    """The state of the app whose context is active.

    :raises RuntimeError: if the extension was not initialised for it.
    """
    return state_of(current_app)


def state_of(app: Flask) -> State:
    """As `current_state`, for an app that is given."""
    state = app.extensions.get(EXTENSION)
    if state is None:
        raise RuntimeError("Flask-PocketPing is not set up for this app: call PocketPing(app) or init_app(app).")
    assert isinstance(state, State)
    return state
