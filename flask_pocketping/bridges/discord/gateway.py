"""The connection to Discord's Gateway, through discord.py: raw events only, with a loop in a thread.

Only this module uses the inside of discord.py. Its public client asks the real Discord for the Gateway's address, keeps
everything it sees in memory, logs each lost connection as an error, and connects again at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import ssl
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import aiohttp
import yarl

from ..platform import Refused
from .checks import INTENT_MISSING

with warnings.catch_warnings():
    # Its voice part imports a module that is deprecated in Python 3.12.
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord
    from discord.gateway import DiscordClientWebSocketResponse, DiscordWebSocket, ReconnectWebSocket
    from discord.http import HTTPClient

logger = logging.getLogger("flask_pocketping")

#: Called with the name of each event and what it has. It must not block.
OnEvent = Callable[[str, Mapping[str, Any]], None]
#: Returns the address of the Gateway.
FindAddress = Callable[[], Awaitable[str]]

EVENTS = (
    *("READY", "RESUMED", "GUILD_CREATE", "GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE", "CHANNEL_CREATE", "CHANNEL_UPDATE"),
    *("THREAD_CREATE", "THREAD_UPDATE", "THREAD_DELETE", "THREAD_LIST_SYNC", "MESSAGE_CREATE", "MESSAGE_UPDATE"),
    *("MESSAGE_DELETE", "MESSAGE_DELETE_BULK", "TYPING_START"),
)
INTENTS = discord.Intents(guilds=True, guild_messages=True, guild_typing=True, message_content=True)
#: The maximum size of a frame in bytes.
MAX_FRAME = 64 * 1024 * 1024
#: Seconds for connecting until the session has begun.
CONNECT_TIMEOUT = 60.0
#: The first and the longest wait in seconds after a failure, or after a connection that has not lasted.
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
#: Seconds after which a connection counts as lasting.
LASTING = 10.0
#: Seconds until a new session after Discord ended the last one. Discord asks for a random wait of 1 to 5.
NEW_SESSION_WAIT = (1.0, 5.0)

# https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
FINAL = {
    4004: "Discord refused the bot token. Create a new one in the Developer Portal (Bot, Reset Token) and set "
    "POCKETPING_DISCORD_BOT_TOKEN.",
    4010: "Discord refused the connection to the Gateway: its shard is not valid.",
    4011: "The bot is in too many servers for one connection to the Gateway. Use a bot of its own for the chat.",
    4012: "Discord no longer supports this version of the Gateway. Update discord.py and Flask-PocketPing.",
    4013: "Discord does not know what the bot wants to receive. Update discord.py and Flask-PocketPing.",
    4014: INTENT_MISSING,
}


class Gateway:
    """Stays connected until it is cancelled.

    :param token: the bot's token.
    :param user_agent: the `User-Agent` of the handshake.
    :param find_address: returns the address. Called for each new session.
    :param allows: returns whether a host may get the token.
    :param on_event: gets each of `EVENTS`.
    :param tls: returns the TLS settings.
    :param silence: seconds without a frame after which the connection counts as dead.
    """

    def __init__(
        self,
        token: str,
        user_agent: str,
        find_address: FindAddress,
        allows: Callable[[str], bool],
        on_event: OnEvent,
        tls: Callable[[], ssl.SSLContext],
        silence: float = 60.0,
    ) -> None:
        self._token = token
        self._user_agent = user_agent
        self._find_address = find_address
        self._allows = allows
        self._on_event = on_event
        self._tls = tls
        self._silence = silence
        self._socket: DiscordWebSocket | None = None
        self._wait = FIRST_WAIT
        self._opened_at: float | None = None

    async def run(self) -> None:
        """Connect, and connect again whenever the connection is lost.

        :raises PlatformError: if Discord refuses the connection for good.
        """
        resumes: dict[str, Any] = {}
        async with (
            aiohttp.ClientSession(
                ws_response_class=DiscordClientWebSocketResponse, cookie_jar=aiohttp.DummyCookieJar()
            ) as session,
            self._client(session) as client,
        ):
            try:
                while True:
                    resumes = await self._connection(client, resumes)
            finally:
                await self._close()

    async def _connection(self, client: discord.Client, resumes: dict[str, Any]) -> dict[str, Any]:
        """Keep one connection and return how to resume its session, if possible."""
        try:
            await self._open(client, resumes)
            while True:
                assert self._socket is not None
                await self._socket.poll_event()
        except ReconnectWebSocket as reason:
            if reason.resume and (found := self._resume()):
                await self._pause()
                return found
            await self._pause(random.uniform(*NEW_SESSION_WAIT))
            return {}
        except discord.ConnectionClosed as closed:
            if closed.code in FINAL:
                raise Refused(FINAL[closed.code]) from None
            logger.info("The connection to Discord's Gateway was closed with %s.", closed.code)
        except Refused:
            raise
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            logger.warning("Discord's Gateway can't be reached: %s.", type(error).__name__)
        except Exception:
            logger.exception("The connection to Discord's Gateway failed.")
        await self._pause()
        return self._resume()

    async def _open(self, client: discord.Client, resumes: dict[str, Any]) -> None:
        await self._close()
        self._opened_at = None
        address = resumes.get("gateway") or yarl.URL(await self._find_address())
        if not self._allows(str(address)):
            raise Refused("Discord named an address for the Gateway that is not Discord's.")
        opening = DiscordWebSocket.from_client(client, initial=not resumes, **{**resumes, "gateway": address})
        self._socket = await asyncio.wait_for(opening, CONNECT_TIMEOUT)
        self._opened_at = time.monotonic()

    def _resume(self) -> dict[str, Any]:
        socket = self._socket
        if socket is None or socket.session_id is None or not self._allows(str(socket.gateway)):
            return {}
        return {
            "resume": True,
            "session": socket.session_id,
            "sequence": socket.sequence,
            "gateway": socket.gateway,
        }

    async def _pause(self, at_least: float = 0.0) -> None:
        """Wait before the next attempt: not at all after a connection that has lasted, else more and more."""
        seconds = 0.0
        if self._opened_at is not None and time.monotonic() - self._opened_at > LASTING:
            self._wait = FIRST_WAIT
        else:
            seconds, self._wait = self._wait, min(self._wait * 2, LONGEST_WAIT)
        await asyncio.sleep(max(seconds, at_least) * random.uniform(0.8, 1.2))

    async def _close(self) -> None:
        if self._socket is not None and self._socket.open:
            await self._socket.close(code=1000)

    def _client(self, session: aiohttp.ClientSession) -> discord.Client:
        with _no_voice_warnings():
            client = discord.Client(
                intents=INTENTS,
                max_messages=None,
                member_cache_flags=discord.MemberCacheFlags.none(),
                chunk_guilds_at_startup=False,
                heartbeat_timeout=self._silence,
            )
        client.http = Handshakes(session, self._token, self._user_agent, self._tls)
        # Without its parsers, discord.py keeps nothing, and nothing new from Discord can break it.
        client._connection.parsers = {event: self._parser(event) for event in EVENTS}
        return client

    def _parser(self, event: str) -> Callable[[Any], None]:
        def parse(data: Any) -> None:
            if isinstance(data, dict):
                self._on_event(event, data)

        return parse


@contextlib.contextmanager
def _no_voice_warnings() -> Iterator[None]:
    """Keep discord.py from logging that packages for voice are missing, without changing it for a bot of the host."""
    names = [name for name in ("warn_nacl", "warn_dave") if hasattr(discord.VoiceClient, name)]
    before = {name: getattr(discord.VoiceClient, name) for name in names}
    for name in names:
        setattr(discord.VoiceClient, name, False)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(discord.VoiceClient, name, value)


class Handshakes(HTTPClient):
    """Opens WebSockets for discord.py, which makes no other requests here."""

    def __init__(
        self, session: aiohttp.ClientSession, token: str, user_agent: str, tls: Callable[[], ssl.SSLContext]
    ) -> None:
        super().__init__(asyncio.get_running_loop())
        self.token = token
        self.user_agent = user_agent
        self._session = session
        self._tls = tls

    async def ws_connect(self, url: str, *, compress: int = 0) -> aiohttp.ClientWebSocketResponse:
        """Open a WebSocket."""
        return await self._session.ws_connect(
            url,
            max_msg_size=MAX_FRAME,
            timeout=aiohttp.ClientWSTimeout(ws_close=5.0),
            autoclose=False,
            headers={"User-Agent": self.user_agent},
            compress=compress,
            ssl=self._tls() if url.startswith("wss:") else True,
        )

    async def close(self) -> None:
        """Do nothing, because the session is closed by whoever opened it."""
