"""Tests a platform of the host's own: the documented bridge to Matrix, against a small homeserver."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_pocketping import ConfigurationError, PocketPing
from flask_pocketping.bridges.platform import Connection, IncomingFile, Refused

from ..conftest import Serve
from ..support.clients import Api, Visitor
from ..support.matrix import BOT, ROOM, TOKEN, Homeserver, Refusal, homeserver
from ..support.pages import DOCS
from ..support.servers import KEY, wait_until
from .test_conversation import talk_upload

SYNC = "/_matrix/client/v3/sync"
SOURCE = DOCS / "examples" / "matrix.py"


def matrix_of(homeserver: Homeserver, **names: Any) -> Connection:
    """The bridge of the page."""
    spec = importlib.util.spec_from_file_location("matrix_example", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.Matrix(homeserver.url, TOKEN, ROOM, [ip_network("127.0.0.0/8")])
    vars(made).update(names)
    return Connection(made, inbound=made)


@pytest.fixture
def matrix() -> Iterator[Homeserver]:
    with homeserver() as made:
        yield made


@pytest.fixture
def api(matrix: Homeserver, tmp_path: Path, serve: Serve) -> Api:
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="secret", POCKETPING_URL_PREFIX="", POCKETPING_API_KEY=KEY)
    app.config.update(POCKETPING_POLL_INTERVAL=0.1, POCKETPING_VISITOR_MESSAGE_LIMIT="off")
    PocketPing(app, bridges=[matrix_of(matrix)])
    return serve(app)


class Talk:
    """A conversation with a thread in the room."""

    def __init__(self, api: Api, matrix: Homeserver) -> None:
        self.api, self.matrix, self.visitor = api, matrix, Visitor(api.url, identity={"id": "7", "name": "Ada"})
        self.first = self.visitor.say("Is <this> & *that* there? @room")["messageId"]
        self.root = wait_until(matrix.roots, "a thread", 15)[0]["event_id"]
        matrix.wait_text(self.root, "Is <this>")
        wait_until(lambda: self.state(self.first) == "sent", "it is sent")
        wait_until(lambda: ("GET", SYNC) in matrix.requests, "somebody listens")

    def shown(self) -> list[str]:
        return [message["content"] for message in self.visitor.messages() if not message.get("metadata")]

    def wait_shown(self, *texts: str) -> None:
        wait_until(lambda: self.shown()[1:] == list(texts), str(texts), 15, self.shown)

    def state(self, message_id: str) -> str | None:
        path = f"/sessions/{self.visitor.session_id}/messages"
        found = next(one for one in self.api.ok("GET", path)["messages"] if one["id"] == message_id)
        return next((one["state"] for one in found.get("deliveries", [])), None)

    def send(self, text: str, **more: Any) -> str:
        sent: str = self.visitor.say(text, **more)["messageId"]
        wait_until(lambda: self.state(sent) == "sent", f"{text} is sent", 40)
        return sent


@pytest.fixture
def talk(api: Api, matrix: Homeserver) -> Talk:
    return Talk(api, matrix)


def test_the_module_is_short() -> None:
    assert len(SOURCE.read_text().splitlines()) < 150


def test_a_conversation_both_ways(talk: Talk, matrix: Homeserver) -> None:
    root = matrix.roots()[0]["content"]
    assert root["body"].startswith("Ada\n")
    [post] = matrix.thread(talk.root)
    assert post["content"]["formatted_body"] == "Is &lt;this&gt; &amp; *that* there? @room"
    assert post["content"]["m.mentions"] == {}
    answer = matrix.write(talk.root, "Yes, **it is**")
    talk.wait_shown("Yes, **it is**")
    assert talk.visitor.messages()[-1]["operatorName"] == "ana"
    matrix.edit(answer, "No")
    talk.wait_shown("No")
    replied = talk.visitor.messages()[-1]["id"]
    talk.send("A pity", replyTo=replied)
    place = matrix.wait_text(talk.root, "A pity")["content"]["m.relates_to"]
    assert (place["m.in_reply_to"], place["is_falling_back"]) == ({"event_id": answer}, False)
    matrix.redact(answer)
    wait_until(lambda: talk.visitor.messages()[-2].get("deletedAt"), "it is deleted")
    # Nothing came back, and nothing is there twice.
    assert [event["sender"] for event in matrix.events if event["type"] == "m.room.message"].count(BOT) == 3


def test_edits_and_deletions_of_the_visitor(talk: Talk, matrix: Homeserver) -> None:
    path, body = f"/message/{talk.first}", {"sessionId": talk.visitor.handle, "content": "Is it there?"}
    assert talk.visitor.request("PATCH", path, body).status_code == 200
    matrix.wait_text(talk.root, "Is it there?")
    second = talk.send("A mistake")
    talk.visitor.request("DELETE", f"/message/{second}", params={"sessionId": talk.visitor.handle})
    wait_until(lambda: matrix.texts(talk.root) == ["Is it there?"], "it is gone", 15, lambda: matrix.texts(talk.root))


def test_files_both_ways(talk: Talk, matrix: Homeserver) -> None:
    ids = [talk_upload(talk, f"{name}.txt", b"plain text") for name in ("one", "two")]  # type: ignore[arg-type]
    talk.send("Two files", attachmentIds=ids)
    files = [event["content"] for event in matrix.thread(talk.root)[1:]]
    assert [file["body"] for file in files] == ["Two files", "two.txt"]
    assert [matrix.media[file["url"].rpartition("/")[2]] for file in files] == [(b"plain text", "text/plain")] * 2
    url = matrix.upload(b"plain text")
    matrix.write(talk.root, "See this", msgtype="m.file", url=url, filename="a.txt", info={"mimetype": "text/plain"})
    talk.wait_shown("Two files", "See this")
    [file] = talk.visitor.messages()[-1]["attachments"]
    assert (file["filename"], file["size"]) == ("a.txt", 10)


@pytest.mark.parametrize("url", ["mxc://../account", "mxc://localhost/../x", "https://localhost/x", "mxc://a/b?c=d"])
def test_a_files_address_leads_nowhere_else(matrix: Homeserver, url: str) -> None:
    platform = matrix_of(matrix).platform
    with pytest.raises(Refused, match="no address"):
        platform.fetch(IncomingFile(url, "a.txt"), 100)
    assert matrix.requests == []


def test_close_and_reopen(talk: Talk, matrix: Homeserver) -> None:
    path = f"/sessions/{talk.visitor.session_id}"
    for _ in range(2):
        talk.api.ok("POST", f"{path}/close")
        wait_until(lambda: matrix.is_locked(talk.root), "it is locked")
        talk.api.ok("POST", f"{path}/reopen")
        wait_until(lambda: not matrix.is_locked(talk.root), "it is open")
    matrix.write(talk.root, "/close")
    wait_until(lambda: talk.api.ok("GET", path)["session"]["status"] == "closed", "it is closed")


def test_an_answer_that_is_lost_leads_to_no_second_post(talk: Talk, matrix: Homeserver) -> None:
    cuts = ["cut", "cut"]
    matrix.before = lambda method, path: cuts.pop() if cuts and "/send/" in path else None
    talk.send("Once")
    assert cuts == []
    assert matrix.texts(talk.root).count("Once") == 1


def test_a_busy_homeserver_is_waited_for(talk: Talk, matrix: Homeserver) -> None:
    refusals = [Refusal(429, "M_LIMIT_EXCEEDED", **{"Retry-After": "1"})]

    def before(method: str, path: str) -> None:
        if refusals and "/send/" in path:
            raise refusals.pop()

    matrix.before = before
    talk.send("Later")
    assert matrix.texts(talk.root).count("Later") == 1


def test_what_was_written_meanwhile_comes_in_once_and_in_order(talk: Talk, matrix: Homeserver) -> None:
    refused = []

    def away(method: str, path: str) -> None:
        if path.endswith("/sync"):
            refused.append(path)
            raise Refusal(503, "M_UNKNOWN")

    matrix.before = away
    wait_until(lambda: refused, "the bridge is cut off")
    # More than one page of the homeserver.
    texts = [f"Answer {number}" for number in range(8)]
    for text in texts:
        matrix.write(talk.root, text)
    matrix.add("m.room.message", "@eve:localhost", {"msgtype": "m.text", "body": 5, "m.relates_to": "nothing"})
    matrix.write("$unknown", "Not for the visitor")
    matrix.before = lambda method, path: None
    talk.wait_shown(*texts)


def test_a_deleted_thread_is_followed_by_a_new_one(talk: Talk, matrix: Homeserver) -> None:
    matrix.redact(talk.root)
    seen = len(matrix.requests)
    wait_until(lambda: [path for _, path in matrix.requests[seen:]].count(SYNC) > 2, "it has come in")
    talk.visitor.say("Still there?")
    wait_until(lambda: len(matrix.roots()) == 1 and matrix.roots()[0]["event_id"] != talk.root, "a new thread", 15)
    assert "Is <this>" in matrix.roots()[0]["content"]["body"]


def test_platforms_of_the_host_are_checked(matrix: Homeserver) -> None:
    given = matrix_of(matrix)
    for wrong in (given.platform, "matrix"):
        with pytest.raises(ConfigurationError, match="list of Connection objects"):
            PocketPing(bridges=[wrong])  # type: ignore[list-item]
    for name in ("Matrix", "m" * 21, "a b"):
        with pytest.raises(ConfigurationError, match="lowercase"):
            PocketPing(bridges=[matrix_of(matrix, name=name)])
    for taken in ([matrix_of(matrix, name="slack")], [given, given]):
        with pytest.raises(ConfigurationError, match="is taken"):
            PocketPing(bridges=taken)
