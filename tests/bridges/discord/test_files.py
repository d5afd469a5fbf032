"""Tests of fetching the files that operators post."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from flask_pocketping.bridges.discord.files import read_files
from flask_pocketping.bridges.discord.platform import DiscordPlatform
from flask_pocketping.bridges.platform import IncomingFile, Refused, Thread, Unreachable

from ...support.discord import FakeDiscord


@pytest.fixture
def thread(platform: DiscordPlatform) -> Thread:
    return platform.open_thread("Ada", "", None).thread


@pytest.fixture
def file(server: FakeDiscord, thread: Thread) -> IncomingFile:
    message = server.say(thread.id, "", files=[("a b.txt", b"content of the file", "text/plain; charset=utf-8")])
    return read_files(server.messages(thread.id)[-1], thread.id, message)[0]


def fetch(platform: DiscordPlatform, file: IncomingFile, limit: int = 1000) -> bytes:
    return b"".join(platform.fetch(file, limit))


def at(file: IncomingFile, url: str) -> IncomingFile:
    """The same file at another address."""
    return replace(file, reference=json.dumps([*json.loads(file.reference)[:3], url]))


def test_a_file_is_fetched_without_the_token(
    server: FakeDiscord, platform: DiscordPlatform, file: IncomingFile
) -> None:
    assert (file.name, file.mime_type, file.size) == ("a b.txt", "text/plain", 19)
    assert fetch(platform, file) == b"content of the file"
    assert all("Authorization" not in request.headers for request in server.file_requests)
    assert server.token not in file.reference
    assert "ex=" not in repr(file)


def test_an_expired_address_is_renewed(server: FakeDiscord, platform: DiscordPlatform, file: IncomingFile) -> None:
    server.world.travel(25 * 3600)
    assert fetch(platform, file) == b"content of the file"
    assert len(server.file_requests) == 2


def test_a_file_that_is_gone_is_refused(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread, file: IncomingFile
) -> None:
    server.world.travel(25 * 3600)
    server.delete(thread.id, json.loads(file.reference)[1])
    with pytest.raises(Refused):
        fetch(platform, file)


def test_only_discords_own_hosts_are_asked(server: FakeDiscord, platform: DiscordPlatform, file: IncomingFile) -> None:
    port = server.world.base.rpartition(":")[2]
    for url in (
        f"http://localhost:{port}/attachments/1/2/a",
        "http://127.0.0.1:1/attachments/1/2/a",
        f"https://127.0.0.1:{port}/a",
        "http://169.254.169.254/latest/meta-data",
        "http://cdn.discordapp.com/a",
        "https://cdn.discordapp.com:8443/a",
        "https://cdn.discordapp.com.example.com/a",
        "https://cdn.discordapp.com@example.com/a",
        "https://example.com/cdn.discordapp.com",
        "file:///etc/passwd",
        "",
    ):
        with pytest.raises(Refused, match="not on Discord's servers"):
            fetch(platform, at(file, url))
    assert server.file_requests == []
    assert platform.hosts.has_file("https://cdn.discordapp.com/attachments/1/2/a.png?ex=1")
    assert platform.hosts.has_file("https://media.discordapp.net/attachments/1/2/a.png")


def test_a_large_file_is_refused(platform: DiscordPlatform, file: IncomingFile) -> None:
    with pytest.raises(Refused, match="too large"):
        fetch(platform, file, limit=5)


def test_a_redirect_is_not_followed(server: FakeDiscord, platform: DiscordPlatform, file: IncomingFile) -> None:
    server.fail("GET /attachments", status=302, headers={"Location": "http://127.0.0.1:1/"})
    with pytest.raises(Refused, match="HTTP 302"):
        fetch(platform, file)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_trouble_of_the_file_server_is_no_end(
    server: FakeDiscord, platform: DiscordPlatform, file: IncomingFile, status: int
) -> None:
    server.fail("GET /attachments", status=status)
    with pytest.raises(Unreachable):
        fetch(platform, file)
    assert fetch(platform, file) == b"content of the file"
