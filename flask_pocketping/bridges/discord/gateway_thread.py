"""Runs the Gateway's connection in a thread with an event loop, for `inbound.py`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ...delivery.http.client import default_tls
from ...host.servers import is_gevent_patched
from .platform import DiscordPlatform

#: The event that asks for the address of the Gateway. See `GatewayThread.give_address`.
ADDRESS_WANTED = "ADDRESS_WANTED"
#: An event with what it has, or the error that ended the connection for good.
Item = tuple[str, Mapping[str, Any]] | Exception


class GatewayThread:
    """The thread with the event loop of the Gateway.

    Under gevent it is a real thread, not a greenlet: a loop in a greenlet marks the whole system thread as running one,
    which breaks async views of the host.

    :param put: gets each event, `ADDRESS_WANTED`, and the error that ended the connection for good.
    :param silence: seconds without a frame after which the connection counts as dead.
    """

    def __init__(self, platform: DiscordPlatform, put: Callable[[Item], None], silence: float) -> None:
        self._platform = platform
        self._put = put
        self._silence = silence
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._address: asyncio.Future[str] | None = None
        self._wait: Callable[[], object] = lambda: None

    def start(self) -> None:
        """Start it."""
        if is_gevent_patched():
            from gevent.threadpool import ThreadPoolExecutor

            executor = ThreadPoolExecutor(1)
            ended = executor.submit(self._run)
            self._wait = lambda: (ended.result(), executor.shutdown())
            return
        thread = threading.Thread(target=self._run, name="pocketping-discord", daemon=True)
        thread.start()
        self._wait = thread.join

    def stop(self) -> None:
        """Close the connection and end the thread."""
        self._stopping = True
        loop, task = self._loop, self._task
        if loop is not None and task is not None:
            # Unless it has ended by itself.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)
        self._wait()

    def give_address(self, url: str) -> None:
        """Answer `ADDRESS_WANTED`.

        :param url: the address of the Gateway.
        """
        loop, address = self._loop, self._address

        def give() -> None:
            if address is not None and not address.done():
                address.set_result(url)

        if loop is not None:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(give)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except asyncio.CancelledError:
            pass
        except Exception as error:
            self._put(error)

    async def _main(self) -> None:
        from .gateway import Gateway

        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        if self._stopping:
            return
        client = self._platform.client
        gateway = Gateway(
            client.token,
            client.user_agent,
            self._find_address,
            self._platform.hosts.has_gateway,
            lambda event, data: self._put((event, data)),
            default_tls,
            self._silence,
        )
        await gateway.run()

    async def _find_address(self) -> str:
        # The other thread asks, because under gevent the two can't share connections.
        self._address = asyncio.get_running_loop().create_future()
        self._put((ADDRESS_WANTED, {}))
        return await self._address
