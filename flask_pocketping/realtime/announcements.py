"""Announces typing and presence. These are not in the log, and reach the sockets of all processes immediately."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..chat import presence
from ..chat.bridge_posts import states_of
from ..chat.presence import Attendance
from ..chat.sessions import project_of
from ..db import Database
from ..schemas.values import BridgeDeliverySchema, PresentOperatorSchema
from ..values import Operator, PresentOperator
from .bus import Bus
from .encoders import Frames, operator_frame
from .framing import Frame
from .hub import Encoder, Hub, Subscriber, Topic

_PRESENT = PresentOperatorSchema()
_DELIVERY = BridgeDeliverySchema()


class Announcer:
    """Announces typing and presence to the sockets of this process and, over the bus, of all other processes."""

    def __init__(self, db: Database, hub: Hub, bus: Bus, frames: Frames) -> None:
        self._db = db
        self._hub = hub
        self._bus = bus
        self._frames = frames
        #: Called with the id of a conversation while its visitor is typing.
        self.on_visitor_typing: Callable[[str], None] = lambda session_id: None
        #: The same for operators.
        self.on_operator_typing: Callable[[str], None] = lambda session_id: None

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
        elif "aiStream" in message:
            self._show_stream(message["project"], message["session"], message["aiStream"])
        elif "aiChange" in message:
            self._show_ai_change(message["project"], message["session"], message["aiChange"])
        elif "messageDeliveries" in message:
            self._show_deliveries(message["project"], message["session"], message["messageDeliveries"])
        else:
            return False
        return True

    def deliveries_changed(self, session_id: str, message_ids: Sequence[str]) -> None:
        """Announce to operators what became of messages on bridges."""
        with self._db.read() as connection:
            project_id = project_of(connection, session_id)
            states = states_of(connection, message_ids)
        if project_id is None:
            return
        made = {message_id: [_DELIVERY.dump(one) for one in found] for message_id, found in states.items()}
        self._show_deliveries(project_id, session_id, made)
        self._bus.publish({"messageDeliveries": made, "project": project_id, "session": session_id})

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
        if sender == "visitor" and is_typing:
            self.on_visitor_typing(session_id)
        if sender == "operator" and is_typing:
            self.on_operator_typing(session_id)
        self._bus.publish({"typing": data, "project": project_id})

    def stream(self, project_id: str, session_id: str, stream_id: str, text: str, done: bool) -> None:
        """Announce the growing text of an answer of the AI. The answer is stored as a message when it is complete.

        :param stream_id: names the answer while it grows.
        :param text: the whole text so far.
        :param done: whether it has ended: the message is there, or there is none.
        """
        made = {"streamId": stream_id, "text": text, "done": done}
        self._show_stream(project_id, session_id, made)
        self._bus.publish({"aiStream": made, "project": project_id, "session": session_id})

    def draft_changed(self, project_id: str, session_id: str) -> None:
        """Announce to operators that the AI has written a draft, or that one was sent or dropped."""
        self._announce_ai_change(project_id, session_id, "ai_draft")

    def action_changed(self, project_id: str, session_id: str) -> None:
        """Announce to operators that a call of the AI waits for a yes, or that one was decided on or made."""
        self._announce_ai_change(project_id, session_id, "ai_action")

    def _announce_ai_change(self, project_id: str, session_id: str, type: str) -> None:
        self._show_ai_change(project_id, session_id, type)
        self._bus.publish({"aiChange": type, "project": project_id, "session": session_id})

    def _show_stream(self, project_id: str, session_id: str, made: Mapping[str, Any]) -> None:
        operators = operator_frame("message_stream", session_id, sessionId=session_id, **made)
        frames: dict[Encoder, Frame] = {
            self._frames.operator: operators,
            **self._frames.for_visitors("message_stream", **made),
        }
        self._hub.broadcast([Topic("project", project_id), Topic("session", session_id)], frames.get)

    def _show_ai_change(self, project_id: str, session_id: str, type: str) -> None:
        frames: dict[Encoder, Frame] = {self._frames.operator: operator_frame(type, session_id, sessionId=session_id)}
        self._hub.broadcast([Topic("project", project_id)], frames.get)

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

    def _show_deliveries(self, project_id: str, session_id: str, made: Mapping[str, Any]) -> None:
        for message_id, deliveries in made.items():
            frame = operator_frame(
                "deliveries", session_id, sessionId=session_id, messageId=message_id, deliveries=deliveries
            )
            frames: dict[Encoder, Frame] = {self._frames.operator: frame}
            self._hub.broadcast([Topic("project", project_id)], frames.get)

    def _show_typing(self, project_id: str, data: Mapping[str, Any], *, exclude: Subscriber | None = None) -> None:
        session_id = data["sessionId"]
        made: dict[Encoder, Frame] = {self._frames.operator: operator_frame("typing", session_id, **data)}
        if data["sender"] != "visitor":
            made |= self._frames.for_visitors("typing", **_typing_for_visitor(data))
        self._hub.broadcast([Topic("project", project_id), Topic("session", session_id)], made.get, exclude=exclude)


def _typing_for_visitor(data: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"sender": data["sender"], "isTyping": data["isTyping"]}
    return {**shown, "operatorName": data["operator"]["name"]} if "operator" in data else shown
