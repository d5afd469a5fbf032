"""A Firefox that Playwright can drive although it is older than Playwright's driver: `python -m tests.support.bidi`.

It starts the Firefox of its first argument with the others, and passes WebDriver BiDi on between the two. The driver
sends some commands that no test needs to every browser, and stops if one is unknown. It gets a success instead.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from asyncio.subprocess import PIPE

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

_LISTENING = "WebDriver BiDi listening on "


async def run(command: list[str]) -> int:
    """Run Firefox and say on the standard error where to reach it, as it does itself.

    :param command: the program and its arguments.
    :return: its exit code.
    """
    firefox = await asyncio.create_subprocess_exec(*command, stderr=PIPE)
    assert firefox.stderr
    async for line in firefox.stderr:
        found = re.search(rb"^" + _LISTENING.encode() + rb"(ws://\S+)", line)
        if found is None:
            sys.stderr.buffer.write(line)
            continue
        address = found[1].decode()

        async def pass_on(driver: ServerConnection, address: str = address) -> None:
            async with connect(f"{address}/session", max_size=None, compression=None) as browser:
                await asyncio.gather(pump(driver, browser), answer(browser, driver))

        async with serve(pass_on, "127.0.0.1", 0, max_size=None, compression=None) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            print(f"{_LISTENING}ws://127.0.0.1:{port}", file=sys.stderr, flush=True)
            async for line in firefox.stderr:
                sys.stderr.buffer.write(line)
            return await firefox.wait()
    return await firefox.wait()


async def pump(driver: ServerConnection, browser: ClientConnection) -> None:
    """Pass the driver's commands on."""
    async for message in driver:
        await browser.send(message)
    await browser.close()


async def answer(browser: ClientConnection, driver: ServerConnection) -> None:
    """Pass the browser's answers and events on; a command that emulates what it does not know counts as done."""
    async for message in browser:
        text = str(message)
        if '"unknown command"' in text:
            told = json.loads(text)
            if told.get("error") == "unknown command" and "emulation." in told.get("message", ""):
                text = json.dumps({"type": "success", "id": told["id"], "result": {}})
        await driver.send(text)
    await driver.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(run(sys.argv[1:])))
