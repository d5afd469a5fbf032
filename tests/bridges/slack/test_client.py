"""Tests of what becomes of Slack's answers, and that no error shows a token."""

from __future__ import annotations

import threading

import pytest

from flask_pocketping.bridges.platform import PlatformError, Refused, Throttled, Unanswered, Unreachable
from flask_pocketping.bridges.slack.client import SlackClient
from flask_pocketping.bridges.slack.errors import DEFAULT_WAIT, SlackRefused
from tests.support.servers import free_port
from tests.support.slack import FakeSlack
from tests.support.slack.server import Fault
from tests.support.slack.workspace import APP_TOKEN, BOT_TOKEN

from .conftest import connect


def test_an_error_with_200_is_refused_in_plain_words(slack: FakeSlack, client: SlackClient) -> None:
    slack.workspace.support.members.clear()
    with pytest.raises(SlackRefused, match="Invite it there") as caught:
        client.post(slack.channel, "hello")
    assert caught.value.code == "not_in_channel"


def test_a_missing_scope_is_named(slack: FakeSlack, client: SlackClient) -> None:
    slack.workspace.scopes.discard("users:read")
    with pytest.raises(SlackRefused, match="missing scope users:read"):
        client.user("U0ANA")


@pytest.mark.parametrize("method", ["chat.postMessage", "conversations.replies"])
def test_too_many_requests_are_obeyed_though_the_body_is_no_json(
    slack: FakeSlack, client: SlackClient, method: str
) -> None:
    slack.throttle(method, 17)
    with pytest.raises(Throttled) as caught:
        _ = client.post(slack.channel, "x") if method == "chat.postMessage" else list(client.replies("C1", "1.1"))
    assert caught.value.after == 17
    assert caught.value.everywhere


def test_a_429_without_a_time_and_a_rate_limit_with_200_wait_too(slack: FakeSlack, client: SlackClient) -> None:
    slack.fail("chat.postMessage", Fault(429))
    slack.refuse("chat.postMessage", "ratelimited")
    for _ in range(2):
        with pytest.raises(Throttled) as caught:
            client.post(slack.channel, "x")
        assert caught.value.after == DEFAULT_WAIT


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(cut=True), Unanswered),
        (Fault(cut=True, after=True), Unanswered),
        (Fault(502, b"<html>bad gateway</html>"), Unanswered),
        (Fault(200, b"<html>maintenance</html>"), Unanswered),
        (Fault(200, b"[" * 100_000), Unanswered),
        (Fault(200, b'{"ok": "yes"}'), SlackRefused),
        (Fault(404, b"not found"), Refused),
    ],
)
def test_an_answer_that_is_none_leaves_open_what_happened(
    slack: FakeSlack, client: SlackClient, fault: Fault, error: type[PlatformError]
) -> None:
    slack.fail("chat.postMessage", fault)
    with pytest.raises(error):
        client.post(slack.channel, "x")


@pytest.mark.parametrize(
    ("code", "error"),
    [("fatal_error", Unanswered), ("internal_error", Unanswered), ("service_unavailable", Unreachable)],
)
def test_slack_says_whether_something_may_have_been_done(
    slack: FakeSlack, client: SlackClient, code: str, error: type[PlatformError]
) -> None:
    slack.refuse("chat.postMessage", code)
    with pytest.raises(error):
        client.post(slack.channel, "x")


def test_nobody_listening_means_that_nothing_was_posted(slack: FakeSlack, client: SlackClient) -> None:
    client.api_url = f"http://127.0.0.1:{free_port()}/api"
    with pytest.raises(Unreachable):
        client.post(slack.channel, "x")


def test_a_silent_server_is_left_after_the_timeout(slack: FakeSlack) -> None:
    hold = threading.Event()
    slack.fail("chat.postMessage", Fault(hold=hold))
    impatient = connect(slack, timeout=0.3)
    with pytest.raises(Unanswered, match="Timeout"):
        impatient.post(slack.channel, "x")
    hold.set()
    impatient.http.close()


def test_private_addresses_are_refused(slack: FakeSlack) -> None:
    from flask_pocketping.delivery.http.client import GuardedClient

    http = GuardedClient(allow_http=True, allow_networks=[])
    with pytest.raises(Refused, match="not public"):
        SlackClient(http, BOT_TOKEN, api_url=slack.api_url).post(slack.channel, "x")


def test_tokens_are_only_in_one_header(slack: FakeSlack, client: SlackClient) -> None:
    """Neither an address nor a body contains a token, and no error shows one or the address of the API."""
    client.post(slack.channel, "hello")
    client.user("U0ANA")
    client.open_connection()
    for method, path, headers in slack.requests:
        sent = f"{method} {path} {[value for name, value in headers.items() if name != 'Authorization']}"
        assert BOT_TOKEN not in sent
        assert APP_TOKEN not in sent
    assert not any("token" in call.args for call in slack.calls)
    faults = [Fault(cut=True), Fault(502), Fault(404), Fault(429), Fault(200, f'{{"error": "{BOT_TOKEN}"}}'.encode())]
    for fault in [*faults, Fault(200, f'{{"ok": false, "error": "missing_scope", "needed": "{BOT_TOKEN}"}}'.encode())]:
        slack.fail("chat.postMessage", fault)
        with pytest.raises(PlatformError) as caught:
            client.post(slack.channel, "x")
        shown = f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
        assert BOT_TOKEN not in shown
        assert "/api" not in shown


def test_long_threads_are_read_in_pages(slack: FakeSlack, client: SlackClient) -> None:
    root = slack.workspace.write(slack.channel, None, "root")
    for number in range(450):
        slack.workspace.write(slack.channel, root, str(number))
    texts = [message["text"] for message in client.replies(slack.channel, root)]
    assert texts == ["root", *map(str, range(450))]
    assert len(slack.called("conversations.replies")) == 3
