"""The Gateway of the fake Discord: version 10, JSON, with or without `zlib-stream`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import zlib
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from .world import MESSAGE_CONTENT, Json, World, hidden, is_thread

GUILDS, MESSAGES, TYPING, CONTENT = 1 << 0, 1 << 9, 1 << 11, 1 << 15
#: All intents that exist.
KNOWN_INTENTS = (1 << 26) - 1


class Closed(Exception):
    """The Gateway closes a connection with a code."""

    def __init__(self, code: int) -> None:
        self.code = code


@dataclass
class Session:
    """A session, which outlives its connections until it is forgotten."""

    id: str
    intents: int
    sequence: int = 0
    sent: list[Json] = field(default_factory=list)
    link: Link | None = None

    def add(self, event: str, data: Any) -> Json:
        """Number an event and keep it for a resume."""
        self.sequence += 1
        frame = {"op": 0, "t": event, "s": self.sequence, "d": data}
        self.sent.append(frame)
        return frame


class Link:
    """One connection."""

    def __init__(self, ws: web.WebSocketResponse, compress: str) -> None:
        self.ws = ws
        self.session: Session | None = None
        self.is_silent = False
        self._deflate = zlib.compressobj() if compress == "zlib-stream" else None
        self._lock = asyncio.Lock()

    async def send(self, *frames: Json) -> None:
        """Send frames together, unless the connection has gone silent or away."""
        async with self._lock:
            for frame in frames:
                if not self.is_silent and not self.ws.closed:
                    await self._send(frame)

    async def _send(self, frame: Json) -> None:
        text = json.dumps(frame)
        with contextlib.suppress(ConnectionError, RuntimeError):
            if self._deflate is None:
                await self.ws.send_str(text)
            else:
                await self.ws.send_bytes(self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH))


class Gateway:
    """All sessions and connections.

    :ivar heartbeat_ms: the interval that HELLO asks for.
    :ivar opened: what each connection began with: `identify` or `resume`.
    :ivar codes: the codes with which clients closed.
    :ivar acknowledges: whether heartbeats are acknowledged.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.heartbeat_ms = 41250
        self.opened: list[str] = []
        self.closed_with: list[int | None] = []
        self.heartbeats = 0
        self.acknowledges = True
        self.refuse_with: int | None = None
        self.sessions: dict[str, Session] = {}
        self.links: set[Link] = set()
        self._sending: set[asyncio.Future[None]] = set()

    def emit(self, event: str, data: Json) -> None:
        """Tell all sessions of an event that they want. Runs in the loop."""
        for session in list(self.sessions.values()):
            if not session.intents & _intent(event):
                continue
            shown = data
            if event.startswith("MESSAGE_") and "author" in data and _hides(session, self.world, data):
                shown = hidden(data)
            frame = session.add(event, shown)
            if session.link is not None:
                sending = asyncio.ensure_future(session.link.send(frame))
                self._sending.add(sending)
                sending.add_done_callback(self._sending.discard)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve a connection."""
        ws = web.WebSocketResponse(max_msg_size=4096, autoping=True)
        await ws.prepare(request)
        link = Link(ws, request.query.get("compress", ""))
        self.links.add(link)
        try:
            if request.query.get("v") != "10" or request.query.get("encoding") != "json":
                raise Closed(4012)
            await link.send({"op": 10, "d": {"heartbeat_interval": self.heartbeat_ms}, "s": None, "t": None})
            await self._listen(link)
        except Closed as closed:
            await ws.close(code=closed.code)
        finally:
            self.links.discard(link)
            if link.session is not None and link.session.link is link:
                link.session.link = None
            self.closed_with.append(ws.close_code)
        return ws

    async def _listen(self, link: Link) -> None:
        while True:
            try:
                message = await link.ws.receive(timeout=self.heartbeat_ms / 1000 * 1.5 + 0.5)
            except TimeoutError:
                raise Closed(4009) from None
            if message.type is not WSMsgType.TEXT:
                return
            try:
                frame = json.loads(message.data)
            except ValueError:
                raise Closed(4002) from None
            await self._take(link, frame)

    async def _take(self, link: Link, frame: Json) -> None:
        op, data = frame.get("op"), frame.get("d")
        if op == 1:
            self.heartbeats += 1
            if data is not None and link.session is not None and not 0 <= data <= link.session.sequence:
                raise Closed(4007)
            if self.acknowledges:
                await link.send({"op": 11, "d": None, "s": None, "t": None})
        elif op == 2:
            await self._identify(link, data or {})
        elif op == 6:
            await self._resume(link, data or {})
        elif link.session is None:
            raise Closed(4003)
        elif op not in {3, 4, 8}:
            raise Closed(4001)

    async def _identify(self, link: Link, data: Json) -> None:
        if link.session is not None:
            raise Closed(4005)
        self.opened.append("identify")
        world = self.world
        if data.get("token") != world.token:
            raise Closed(4004)
        if self.refuse_with is not None:
            raise Closed(self.refuse_with)
        intents = data.get("intents")
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            raise Closed(4013)
        if intents & CONTENT and not world.application_flags & MESSAGE_CONTENT:
            raise Closed(4014)
        if not isinstance(data.get("properties"), dict):
            raise Closed(4002)
        session = link.session = Session(secrets.token_hex(16), intents, link=link)
        with world.lock:
            ready = session.add("READY", self._ready(session))
            guild = session.add("GUILD_CREATE", self._guild())
            self.sessions[session.id] = session
        await link.send(ready, guild)

    async def _resume(self, link: Link, data: Json) -> None:
        if link.session is not None:
            raise Closed(4005)
        self.opened.append("resume")
        if data.get("token") != self.world.token:
            raise Closed(4004)
        session = self.sessions.get(str(data.get("session_id")))
        if session is None:
            await link.send({"op": 9, "d": False, "s": None, "t": None})
            return
        if not isinstance(data.get("seq"), int) or data["seq"] > session.sequence:
            raise Closed(4007)
        link.session, session.link = session, link
        missed = session.sent[data["seq"] :]
        await link.send(*missed, session.add("RESUMED", {}))

    def _ready(self, session: Session) -> Json:
        world = self.world
        return {
            **{"v": 10, "user": world.bot, "session_id": session.id, "shard": [0, 1], "private_channels": []},
            "resume_gateway_url": f"{world.base.replace('http', 'ws', 1)}/gateway-resume/",
            "guilds": [{"id": world.guild, "unavailable": True}],
            "application": {"id": world.application, "flags": world.application_flags},
        }

    def _guild(self) -> Json:
        world = self.world
        channels = list(world.channels.values())
        return {
            **{"id": world.guild, "name": "Shop", "owner_id": world.bot["id"], "roles": world.roles, "large": False},
            **{"emojis": [], "features": [], "voice_states": [], "stage_instances": [], "guild_scheduled_events": []},
            **{"stickers": [], "presences": [], "unavailable": False, "member_count": len(world.users)},
            **{"soundboard_sounds": [], "verification_level": 0, "default_message_notifications": 0, "nsfw_level": 0},
            **{"explicit_content_filter": 0, "mfa_level": 0, "premium_tier": 0, "preferred_locale": "en-US"},
            **{"afk_timeout": 300, "system_channel_flags": 0, "premium_progress_bar_enabled": False},
            "members": [{"user": world.bot, "roles": [world.bot_role], "joined_at": world.stamp(), "flags": 0}],
            "channels": [each for each in channels if not is_thread(each)],
            "threads": world.active_threads(),
        }


def _intent(event: str) -> int:
    if event.startswith("MESSAGE_"):
        return MESSAGES
    return TYPING if event == "TYPING_START" else GUILDS


def _hides(session: Session, world: World, data: Json) -> bool:
    mine = data["author"]["id"] == world.bot["id"]
    return not mine and not session.intents & CONTENT
