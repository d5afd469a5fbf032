"""Announces typing and presence. These are not in the log, and reach the sockets of all processes immediately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..chat import presence
from ..chat.presence import Attendance
from ..db import Database
from ..schemas.values import PresentOperatorSchema
from ..values import Operator, PresentOperator
from .bus import Bus
from .encoders import Frames, operator_frame
from .framing import Frame
from .hub import Encoder, Hub, Subscriber, Topic

_PRESENT = PresentOperatorSchema()


class Announcer:
    """Announces typing and presence to the sockets of this process and, over the bus, of all other processes."""

    def __init__(self, db: Database, hub: Hub, bus: Bus, frames: Frames) -> None:
        self._db = db
        self._hub = hub
        self._bus = bus
        self._frames = frames

    def on_bus_message(self, message: Mapping[str, Any]) -> bool:
        """Send an announcement of another process to the sockets of this one.

        :return: whether the message was an announcement.
        """
        if "typing" in message:
            self._show_typing(message["project"], message["typing"])
        elif "online" in message:
            self._show_presence(
                message["project"], message["online"], message["operators"], visitors=message["visitors"]
            )
        else:
            return False
        return True

    def presence(
        self,
        project_id: str,
        online: bool,
        operators: Sequence[PresentOperator],
        *,
        visitors: bool,
        exclude: Subscriber | None = None,
    ) -> None:
        """Announce which operators of a project are connected.

        :param online: whether visitors see the team as online.
        :param operators: all connected operators.
        :param visitors: whether to send it to visitors too, because `online` has changed.
        :param exclude: a connection that does not get the announcement.
        """
        known = [_PRESENT.dump(operator) for operator in operators]
        self._show_presence(project_id, online, known, visitors=visitors, exclude=exclude)
        self._bus.publish({"online": online, "operators": known, "visitors": visitors, "project": project_id})

    def attendance_changed(self, project_id: str, before: Attendance, now: Attendance) -> None:
        """Announce presence if it has changed."""
        if now != before:
            self.presence(project_id, now.online, now.operators, visitors=now.online != before.online)

    def operators_vanished(self, project_id: str) -> None:
        """Announce presence after clients of the back office disappeared without closing their connection."""
        now = presence.attendance(self._db, project_id)
        self.presence(project_id, now.online, now.operators, visitors=not now.online)

    def typing(
        self,
        project_id: str,
        session_id: str,
        sender: str,
        is_typing: bool,
        *,
        operator: Operator | None = None,
        exclude: Subscriber | None = None,
    ) -> None:
        """Announce that somebody in a session is typing or has stopped.

        :param sender: `visitor`, `operator` or `ai`.
        :param operator: the operator who is typing, if known.
        :param exclude: a connection that does not get the announcement.
        """
        data: dict[str, Any] = {"sessionId": session_id, "sender": sender, "isTyping": is_typing}
        if operator is not None:
            data["operator"] = {"id": operator.id, "name": operator.name}
        self._show_typing(project_id, data, exclude=exclude)
        self._bus.publish({"typing": data, "project": project_id})

    def _show_presence(
        self,
        project_id: str,
        online: bool,
        operators: list[dict[str, Any]],
        *,
        visitors: bool,
        exclude: Subscriber | None = None,
    ) -> None:
        made: dict[Encoder, Frame] = {
            self._frames.operator: operator_frame("presence", online=online, operators=operators)
        }
        if visitors:
            made |= self._frames.for_visitors("presence", online=online)
        self._hub.broadcast([Topic("project", project_id), Topic("visitors", project_id)], made.get, exclude=exclude)

    def _show_typing(self, project_id: str, data: Mapping[str, Any], *, exclude: Subscriber | None = None) -> None:
        session_id = data["sessionId"]
        made: dict[Encoder, Frame] = {self._frames.operator: operator_frame("typing", session_id, **data)}
        if data["sender"] != "visitor":
            made |= self._frames.for_visitors("typing", **_typing_for_visitor(data))
        self._hub.broadcast([Topic("project", project_id), Topic("session", session_id)], made.get, exclude=exclude)


def _typing_for_visitor(data: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"sender": data["sender"], "isTyping": data["isTyping"]}
    return {**shown, "operatorName": data["operator"]["name"]} if "operator" in data else shown
