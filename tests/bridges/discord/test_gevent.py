"""Tests that the Gateway's connection runs beside greenlets, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from ...support.discord import FakeDiscord
from ...support.servers import ROOT
from .conftest import platform_for

CODE = """
from gevent import monkey
monkey.patch_all()

import asyncio, sys, time
from ipaddress import ip_network
from flask_pocketping.bridges.discord.platform import DiscordPlatform
from flask_pocketping.bridges.platform import Thread
from tests.bridges.discord.listening import Kept, listening

url, token, channel, thread = sys.argv[1:]
networks = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
kept = Kept(Thread(channel, thread))

async def view():
    await asyncio.sleep(0.01)

with listening(DiscordPlatform(token, channel, url, allow_networks=networks), kept):
    deadline = time.monotonic() + 30
    while len(kept.texts()) < 3 and time.monotonic() < deadline:
        # An async view of the host.
        asyncio.run(view())
        print("ready" if kept.texts() else "waiting", flush=True)
print(kept.texts())
"""


def test_the_gateway_runs_beside_greenlets_and_async_views(server: FakeDiscord) -> None:
    # A name, so that it is looked up under gevent too.
    server.world.base = server.world.base.replace("127.0.0.1", "localhost")
    thread = platform_for(server).open_thread("Ada", "", None).thread
    command = [sys.executable, "-c", CODE, server.url, server.token, thread.channel, thread.id]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        # A new process imports first.
        server.wait_connected(timeout=60)
        server.say(thread.id, "one")
        assert process.stdout is not None
        assert any(line == "ready\n" for line in process.stdout)
        server.close_connections(4000)
        server.say(thread.id, "two")
        server.say(thread.id, "three")
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert output.splitlines()[-1:] == ["['one', 'two', 'three']"], errors
    assert "Traceback" not in errors
    assert server.gateway.opened == ["identify", "resume"]
