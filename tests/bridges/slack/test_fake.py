"""Tests of the local Slack by Slack's own library, before anything of ours meets it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from tests.support.receiver import Answer, Receiver
from tests.support.servers import wait_until
from tests.support.slack import FakeSlack
from tests.support.slack.server import Fault
from tests.support.slack.workspace import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET


@pytest.fixture
def web(slack: FakeSlack) -> WebClient:
    return WebClient(token=BOT_TOKEN, base_url=f"{slack.api_url}/", retry_handlers=[])


def test_a_thread_is_posted_read_changed_and_deleted(slack: FakeSlack, web: WebClient) -> None:
    metadata = {"event_type": "test", "event_payload": {"key": "1"}}
    root = web.chat_postMessage(channel=slack.channel, text="root", username="Vera", metadata=metadata)["ts"]
    reply = web.chat_postMessage(channel=slack.channel, text="one &lt;two&gt;", thread_ts=root)
    assert reply["message"]["thread_ts"] == root
    found = web.conversations_replies(channel=slack.channel, ts=root, include_all_metadata=True)
    assert [message["text"] for message in found["messages"]] == ["root", "one &lt;two&gt;"]
    assert found["messages"][0]["metadata"] == metadata
    assert found["messages"][0]["username"] == "Vera"
    later = web.conversations_replies(channel=slack.channel, ts=root, oldest=reply["ts"])
    assert [message["text"] for message in later["messages"]] == ["root"]
    assert "metadata" not in later["messages"][0]
    web.chat_update(channel=slack.channel, ts=reply["ts"], text="three")
    assert slack.workspace.texts(slack.channel, root) == ["root", "three"]
    assert web.chat_getPermalink(channel=slack.channel, message_ts=root)["permalink"].startswith("https://")
    web.chat_delete(channel=slack.channel, ts=root)
    assert web.conversations_history(channel=slack.channel)["messages"][0]["subtype"] == "tombstone"
    assert web.auth_test().headers["x-oauth-scopes"].startswith("channels:history,")


def test_a_post_to_a_dead_thread_stands_in_the_channel(slack: FakeSlack, web: WebClient) -> None:
    answer = web.chat_postMessage(channel=slack.channel, text="lost", thread_ts="1700000000.000001")
    assert answer["ok"]
    assert "thread_ts" not in answer["message"]
    with pytest.raises(SlackApiError, match="thread_not_found"):
        web.conversations_replies(channel=slack.channel, ts="1700000000.000001")


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda web, channel: web.chat_postMessage(channel="C0NOWHERE", text="x"), "channel_not_found"),
        (lambda web, channel: web.chat_postMessage(channel=channel, text="x" * 4001), "msg_too_long"),
        (lambda web, channel: web.chat_postMessage(channel=channel, text="x", metadata={"a": 1}), "invalid_metadata"),
        (
            lambda web, channel: web.chat_postMessage(channel=channel, text="x", blocks=[{"type": "rich_text"}]),
            "invalid_blocks",
        ),
        (lambda web, channel: web.chat_delete(channel=channel, ts="1.1"), "message_not_found"),
        (lambda web, channel: web.users_info(user="U0NOBODY"), "user_not_found"),
        (lambda web, channel: web.apps_connections_open(app_token=BOT_TOKEN), "not_allowed_token_type"),
        (lambda web, channel: web.chat_postMessage(channel=channel, text="x", token="xoxb-wrong"), "invalid_auth"),
    ],
)
def test_errors_are_answered_with_200(slack: FakeSlack, web: WebClient, call: Any, error: str) -> None:
    with pytest.raises(SlackApiError, match=error) as caught:
        call(web, slack.channel)
    assert caught.value.response.status_code == 200


def test_a_missing_scope_is_named(slack: FakeSlack, web: WebClient) -> None:
    slack.workspace.scopes.discard("files:read")
    with pytest.raises(SlackApiError) as caught:
        web.files_info(file="F1")
    assert caught.value.response["needed"] == "files:read"


def test_too_many_requests_are_answered_with_no_json(slack: FakeSlack, web: WebClient) -> None:
    slack.throttle("chat.postMessage", 7)
    answer = requests.post(
        f"{slack.api_url}/chat.postMessage", headers={"Authorization": f"Bearer {BOT_TOKEN}"}, timeout=5
    )
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    with pytest.raises(ValueError):  # noqa: PT011 (that of any JSON decoder)
        answer.json()


def test_a_connection_ends_after_the_message_was_taken(slack: FakeSlack, web: WebClient) -> None:
    slack.fail("chat.postMessage", Fault(cut=True, after=True))
    with pytest.raises(Exception, match=r"closed|reset|disconnected|Remote"):
        web.chat_postMessage(channel=slack.channel, text="once")
    assert [message["text"] for message in slack.workspace.roots(slack.channel)] == ["once"]


def test_an_upload_appears_late(slack: FakeSlack, web: WebClient) -> None:
    root = web.chat_postMessage(channel=slack.channel, text="root")["ts"]
    done = web.files_upload_v2(channel=slack.channel, thread_ts=root, filename="a.txt", content="hello", title="A")
    file_id = done["files"][0]["id"]
    assert not done["files"][0]["shares"]
    assert slack.workspace.texts(slack.channel, root) == ["root"]
    assert not web.files_info(file=file_id)["file"]["shares"]
    shares = web.files_info(file=file_id)["file"]["shares"]["public"][slack.channel]
    assert shares[0]["thread_ts"] == root
    assert slack.workspace.thread(slack.channel, root)[1]["files"][0]["title"] == "A"


def test_a_download_without_scope_redirects_to_a_page(slack: FakeSlack) -> None:
    file = slack.workspace.add_file("a.txt", "text/plain", b"secret")
    address = f"{slack.url}/files-pri/{file['id']}/download/a.txt"
    headers = {"Authorization": f"Bearer {BOT_TOKEN}"}
    assert requests.get(address, headers=headers, timeout=5).content == b"secret"
    for wrong in ({}, {"Authorization": "Bearer xoxb-wrong"}):
        answer = requests.get(address, headers=wrong, timeout=5)
        assert answer.history[0].status_code == 302
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/html")


def test_events_are_signed_repeated_and_switched_off(slack: FakeSlack, receiver: Receiver) -> None:
    slack.events.url = receiver.url
    slack.events.delays = (0.0, 0.0, 0.0)
    receiver.answers = [Answer(status=500)]
    slack.workspace.write(slack.channel, None, "hello")
    first, second = receiver.wait(2)
    verifier = SignatureVerifier(SIGNING_SECRET)
    assert verifier.is_valid_request(first.body, first.headers)
    assert not verifier.is_valid_request(first.body + b" ", first.headers)
    assert first.json["event_id"] == second.json["event_id"]
    assert second.headers["X-Slack-Retry-Num"] == "1"
    assert second.headers["X-Slack-Retry-Reason"] == "http_error"
    receiver.answer = lambda received: Answer(status=500)
    for _ in range(6):
        slack.workspace.write(slack.channel, None, "hello")
    wait_until(lambda: not slack.events.enabled, "events are off", 10, lambda: slack.events.attempts)


@pytest.fixture
def socket_client(slack: FakeSlack) -> Iterator[SocketModeClient]:
    slack.uses_sockets = True
    web = WebClient(base_url=f"{slack.api_url}/", retry_handlers=[])
    made = SocketModeClient(app_token=APP_TOKEN, web_client=web, ping_interval=0.2)
    yield made
    made.close()


def test_socket_mode_sends_events_until_they_are_confirmed(slack: FakeSlack, socket_client: SocketModeClient) -> None:
    seen: list[SocketModeRequest] = []
    confirms = threading.Event()

    def take(client: Any, request: SocketModeRequest) -> None:
        seen.append(request)
        if confirms.is_set():
            client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    socket_client.socket_mode_request_listeners.append(take)
    socket_client.connect()
    slack.sockets.confirm_within = 0.3
    slack.workspace.write(slack.channel, None, "hello")
    wait_until(lambda: seen, "the event")
    confirms.set()
    wait_until(lambda: slack.sockets.confirmed, "the confirmation")
    assert seen[0].payload["event"]["text"] == "hello"
    # The client hands them to threads, so they may come in any order.
    attempts = [one.retry_attempt or 0 for one in seen]
    assert len(set(attempts)) == len(attempts)
    assert max(attempts) > 0
    assert not slack.sockets.waiting


def test_socket_mode_can_ask_for_a_new_connection(slack: FakeSlack, socket_client: SocketModeClient) -> None:
    socket_client.connect()
    wait_until(lambda: slack.sockets.opened == 1, "a connection")
    slack.sockets.refresh()
    wait_until(lambda: slack.sockets.opened == 2, "a second connection")
    slack.sockets.cut()
    wait_until(lambda: slack.sockets.opened >= 3, "a third connection", 15)
