"""Tests of files that operators post: only from Slack's hosts, with the token for nobody else, and limited in size."""

from __future__ import annotations

import pytest

from flask_pocketping.bridges.platform import IncomingFile, Refused, Unanswered, Unreachable
from flask_pocketping.bridges.slack.client import SlackClient
from flask_pocketping.bridges.slack.platform import SlackPlatform
from tests.support.receiver import Receiver
from tests.support.slack import FakeSlack
from tests.support.slack.server import Fault
from tests.support.slack.workspace import BOT_TOKEN


def fetched(platform: SlackPlatform, file_id: str, limit: int = 1000) -> bytes:
    return b"".join(platform.fetch(IncomingFile(file_id, "a.txt"), limit))


def test_a_file_is_fetched_with_the_bots_token(slack: FakeSlack, platform: SlackPlatform) -> None:
    file = slack.workspace.add_file("a.txt", "text/plain", b"hello")
    assert fetched(platform, file["id"]) == b"hello"
    assert slack.requests[-1][2]["Authorization"] == f"Bearer {BOT_TOKEN}"


def test_a_web_page_that_somebody_posted_is_a_file_too(slack: FakeSlack, platform: SlackPlatform) -> None:
    file = slack.workspace.add_file("a.html", "text/html", b"<html></html>")
    assert fetched(platform, file["id"]) == b"<html></html>"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(302, headers={"Location": "https://fake.slack.com/?redir=1"}),
        Fault(200, b"<!DOCTYPE html><title>Sign in</title>", {"Content-Type": "text/html; charset=utf-8"}),
        Fault(403, b"forbidden"),
    ],
)
def test_a_page_to_sign_in_means_a_missing_scope(slack: FakeSlack, platform: SlackPlatform, fault: Fault) -> None:
    file = slack.workspace.add_file("a.txt", "text/plain", b"hello")
    slack.fail("download", fault)
    with pytest.raises(Refused, match="missing scope files:read"):
        fetched(platform, file["id"])


def test_without_the_scope_the_file_is_not_even_found(slack: FakeSlack, platform: SlackPlatform) -> None:
    file = slack.workspace.add_file("a.txt", "text/plain", b"hello")
    slack.workspace.scopes.discard("files:read")
    with pytest.raises(Refused, match="missing scope files:read"):
        fetched(platform, file["id"])


@pytest.mark.parametrize(
    "address",
    [
        "http://files.slack.com/files-pri/T1-F1/a.txt",
        "https://files.slack.com:8443/a.txt",
        "https://files.slack.com.evil.example/a.txt",
        "https://evilslack.com/a.txt",
        "https://evil.example/files.slack.com",
        "https://files.slack.com@evil.example/a.txt",
        "https://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/a.txt",
        "file:///etc/passwd",
        "https://files.slack.com\\@evil.example/",
        "//files.slack.com/a.txt",
        "",
    ],
)
def test_other_hosts_get_neither_request_nor_token(slack: FakeSlack, platform: SlackPlatform, address: str) -> None:
    file = slack.workspace.add_file("a.txt", "text/plain", b"hello")
    slack.workspace.files[file["id"]]["address"] = address or None
    slack.workspace.files[file["id"]]["about"]["url_private"] = address
    if not address:
        del slack.workspace.files[file["id"]]["data"]
    with pytest.raises(Refused) as caught:
        fetched(platform, file["id"])
    assert "evil" not in str(caught.value)


def test_a_server_beside_the_api_gets_no_token(slack: FakeSlack, platform: SlackPlatform, receiver: Receiver) -> None:
    """The same host with another port is somebody else."""
    file = slack.workspace.add_file("a.txt", "text/plain", b"hello")
    slack.workspace.files[file["id"]]["address"] = receiver.url
    with pytest.raises(Refused, match="does not belong to Slack"):
        fetched(platform, file["id"])
    assert receiver.received == []


@pytest.mark.parametrize("host", ["files.slack.com", "slack.com", "files-edge.slack.com", "slack-files.com"])
def test_slacks_own_hosts_are_known(client: SlackClient, host: str) -> None:
    from flask_pocketping.bridges.slack.uploading import _check_host

    _check_host(client, f"https://{host}/files-pri/T1-F1/download/a.txt")


@pytest.mark.parametrize("reference", ["", "../users.info", "https://evil.example/a.txt", "F1&user=U1", "f1", "F" * 99])
def test_a_reference_is_an_id_and_nothing_else(slack: FakeSlack, platform: SlackPlatform, reference: str) -> None:
    with pytest.raises(Refused, match="no id"):
        fetched(platform, reference)
    assert slack.calls == []


def test_a_file_that_is_too_large_is_refused(slack: FakeSlack, platform: SlackPlatform) -> None:
    file = slack.workspace.add_file("a.txt", "text/plain", b"x" * 2000)
    with pytest.raises(Refused, match="2000 bytes"):
        fetched(platform, file["id"])
    assert not any("files-pri" in path for _, path, _ in slack.requests)
    # Slack may also tell a wrong size.
    slack.workspace.files[file["id"]]["about"]["size"] = 5
    with pytest.raises(Refused, match="more than the 1000 bytes"):
        fetched(platform, file["id"])


def test_failures_are_told_apart(slack: FakeSlack, platform: SlackPlatform) -> None:
    file = slack.workspace.add_file("a.txt", "text/plain", b"hello")
    slack.fail("download", Fault(503))
    with pytest.raises(Unreachable):
        fetched(platform, file["id"])
    slack.fail("download", Fault(404))
    with pytest.raises(Refused):
        fetched(platform, file["id"])
    slack.fail("download", Fault(200, b"half", {"Content-Length": "100", "Connection": "close"}))
    with pytest.raises((Unanswered, Unreachable)):
        fetched(platform, file["id"])
    with pytest.raises(Refused, match="does not exist"):
        fetched(platform, "F00000000")
