"""`discord_server` runs the fake Discord in a thread. A test sets faults, acts as operators, and reads what came."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from ..servers import wait_until
from .gateway import Gateway
from .limits import Limits
from .people import People
from .rest import Rest
from .world import ApiError, Json, World

API = "/api/v10"


@dataclass
class Request:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Fault:
    """What happens to the next request of a route.

    :ivar carries_out: whether the request is carried out first.
    :ivar cuts: whether the connection is cut without an answer.
    :ivar hold: the answer waits until this is set.
    """

    route: str
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    carries_out: bool = False
    cuts: bool = False
    hold: threading.Event | None = None


def json_response(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A response with JSON, and a media type without a charset as Discord has it."""
    content = json.dumps(body).encode()
    return web.Response(body=content, status=status, headers={"Content-Type": "application/json", **(headers or {})})


class FakeDiscord(People):
    """The server, for tests."""

    def __init__(self) -> None:
        super().__init__(World())
        self.limits = Limits()
        self.gateway = Gateway(self.world)
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.refused = 0
        self.file_requests: list[Request] = []
        self._rest = Rest(self.world)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.world.emit = self._emit

    @property
    def url(self) -> str:
        """The address of the API."""
        return self.world.base + API

    def routes(self) -> list[str]:
        """Method and path of each request, without ids of messages."""
        return [f"{request.method} {request.path}" for request in list(self.requests)]

    def fail(self, route: str, **fault: Any) -> Fault:
        """Let something happen to the next request of a route, such as `POST /channels/1/messages`."""
        made = Fault(route, **fault)
        self.faults.append(made)
        return made

    def in_loop(self, action: Callable[[], Awaitable[Any]]) -> Any:
        """Run a coroutine in the server's loop and wait for it."""
        assert self._loop is not None

        async def run() -> Any:
            return await action()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def wait_connected(self, count: int = 1, timeout: float = 15.0) -> None:
        """Wait until so many sessions are connected."""

        def connected() -> list[Any]:
            return [each for each in list(self.gateway.sessions.values()) if each.link is not None]

        wait_until(lambda: len(connected()) >= count, f"{count} sessions", timeout, connected)

    def close_connections(self, code: int) -> None:
        """Close all connections of the Gateway with a code."""
        for link in list(self.gateway.links):
            self.in_loop(lambda: link.ws.close(code=code))  # noqa: B023

    def send_to_all(self, op: int, data: Any = None) -> None:
        """Send a frame that is no event to all connections, such as op 7."""
        for link in list(self.gateway.links):
            self.in_loop(lambda: link.send({"op": op, "d": data, "s": None, "t": None}))  # noqa: B023

    def cut_connections(self) -> None:
        """Cut all connections of the Gateway without a word."""
        for link in list(self.gateway.links):
            transport = link.ws._req.transport if link.ws._req is not None else None
            if transport is not None and self._loop is not None:
                self._loop.call_soon_threadsafe(transport.abort)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        path = request.path
        if path in {"/gateway/", "/gateway-resume/"}:
            return await self.gateway.handle(request)
        if path.startswith("/attachments/"):
            return self._file(request)
        if not path.startswith(API):
            return web.Response(status=404, text="<html>404</html>", content_type="text/html")
        return await self._api(request, path.removeprefix(API))

    async def _api(self, request: web.Request, path: str) -> web.StreamResponse:
        self.requests.append(Request(request.method, path, dict(request.headers)))
        fault = next((each for each in self.faults if each.route == f"{request.method} {path}"), None)
        if fault is not None:
            self.faults.remove(fault)
            if not fault.carries_out:
                return await self._fail(request, fault)
        answer = await self._carry_out(request, path)
        if answer.status in {401, 403, 429}:
            self.refused += 1
        return answer if fault is None else await self._fail(request, fault, answer)

    async def _carry_out(self, request: web.Request, path: str) -> web.Response:
        if not request.headers.get("User-Agent", "").startswith("DiscordBot ("):
            # The network in front of Discord refuses other programs.
            return web.Response(status=403, text="error code: 1010")
        if request.headers.get("Authorization") != f"Bot {self.world.token}":
            return json_response({"message": "401: Unauthorized", "code": 0}, status=401)
        verdict = self.limits.count(request.method, path)
        if verdict.retry_after is not None:
            message = "You are being rate limited."
            body: Json = {"message": message, "retry_after": verdict.retry_after, "global": verdict.everywhere}
            return json_response(body, status=429, headers=verdict.headers)
        try:
            status, found = await self._rest.answer(request, path)
        except ApiError as error:
            return json_response(error.body, status=error.status, headers=verdict.headers)
        if status == 204:
            return web.Response(status=204, headers=verdict.headers)
        return json_response(found, status=status, headers=verdict.headers)

    async def _fail(self, request: web.Request, fault: Fault, answer: web.Response | None = None) -> web.StreamResponse:
        while fault.hold is not None and not fault.hold.is_set():
            await asyncio.sleep(0.02)
        if fault.cuts:
            assert request.transport is not None
            request.transport.abort()
        if answer is not None:
            return answer
        if isinstance(fault.body, str):
            return web.Response(status=fault.status, text=fault.body, headers=fault.headers)
        return json_response(fault.body, status=fault.status, headers=fault.headers)

    def _file(self, request: web.Request) -> web.Response:
        self.file_requests.append(Request(request.method, request.path_qs, dict(request.headers)))
        fault = next((each for each in self.faults if each.route == "GET /attachments"), None)
        if fault is not None:
            self.faults.remove(fault)
            return web.Response(status=fault.status, headers=fault.headers)
        with self.world.lock:
            file = self.world.files.get(request.path.split("/")[3])
            if file is None or int(request.query.get("ex", "0"), 16) < self.world.now():
                return web.Response(status=404, text="This content is no longer available.")
            return web.Response(body=file.content, headers={"Content-Type": file.mime_type})

    def _emit(self, event: str, data: Json) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self.gateway.emit, event, {**data})


@contextmanager
def discord_server() -> Iterator[FakeDiscord]:
    """A fake Discord on a free port."""
    discord = FakeDiscord()
    started = threading.Event()
    stopping: list[Callable[[], object]] = []

    async def serve() -> None:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{tail:.*}", discord.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        discord.world.base = f"http://127.0.0.1:{port}"
        loop = discord._loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        stopping.append(lambda: loop.call_soon_threadsafe(stop.set))
        started.set()
        await stop.wait()
        await site.stop()
        for link in list(discord.gateway.links):
            await link.ws.close(code=1001)
        await runner.cleanup()
        # Connections that were cut are closed in the next rounds of the loop.
        await asyncio.sleep(0.05)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="fake-discord")
    thread.start()
    started.wait(10)
    try:
        yield discord
    finally:
        stopping[0]()
        thread.join()
