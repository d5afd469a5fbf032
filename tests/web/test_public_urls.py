"""Tests that the addresses of files follow the app's address, also in messages that were sent before it changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.engine import Engine

from flask_pocketping import MessageDraft, PocketPing, signals
from flask_pocketping.models import Event, table
from flask_pocketping.schemas.public_urls import PublicURLs
from flask_pocketping.values import Message, Session

from ..conftest import LOCAL, Serve
from ..support.clients import Api, Visitor
from ..support.events import EventSource
from ..support.hooks import Hook
from ..support.pictures import drawn
from ..support.receiver import Answer, Receiver
from ..support.servers import make_app, serving
from ..support.travel import Travel

OLD, NEW = "https://old.example", "https://new.example/chat"


def send_picture(api: Api, session_id: str) -> dict[str, Any]:
    """A message with a picture, which has two addresses."""
    file = api.ok("POST", f"/sessions/{session_id}/attachments", params={"filename": "ä b.png"}, data=drawn())[
        "attachment"
    ]
    body = {"content": "Look", "attachmentIds": [file["id"]]}
    return dict(api.ok("POST", f"/sessions/{session_id}/messages", body)["message"])


def addresses(found: Any) -> Iterator[str]:
    """All addresses of files in JSON."""
    if isinstance(found, dict):
        yield from (found[name] for name in ("url", "thumbnailUrl") if "/files/" in str(found.get(name)))
        found = list(found.values())
    if isinstance(found, list):
        for item in found:
            yield from addresses(item)


def check(found: Any, root: str, count: int) -> None:
    known = list(addresses(found))
    assert [known for known in known if not known.startswith(f"{root}/files/att_")] == []
    assert len(known) == count, found


def check_everywhere(api: Api, page: Visitor, root: str) -> None:
    """One message with a picture has two addresses, wherever it is read."""
    path = f"/sessions/{page.session_id}"
    check(api.ok("GET", path), root, 2)
    check(api.ok("GET", "/sessions"), root, 2)
    check(api.ok("GET", f"{path}/messages"), root, 2)
    check(page.messages(), root, 2)
    check(api.visitor(sessionId=page.handle).hello, root, 2)
    with api.socket(after="0") as office:
        frames = office.collect(lambda frames: frames[-1].get("type") == "session.updated")
        # The message itself, and the last message of the session whose page changed afterwards.
        check(frames, root, 4)
    check(api.ok("GET", "/updates", params={"after": "0"}), root, 4)
    with page.stream(after="0") as stream:
        check(stream.expect("message"), root, 2)
    with EventSource(page, after="0") as events:
        check(events.expect("message"), root, 2)
    polled = page.request("GET", "/events", params={"sessionId": page.handle, "after": "0"})
    check(polled.json(), root, 2)


def test_a_new_public_url_applies_to_earlier_files(tmp_path: Path, receiver: Receiver, travel: Travel) -> None:
    receiver.answer = lambda received: Answer(500)
    with serving(make_app(tmp_path, **LOCAL, public_url=OLD)) as api:
        hook = Hook(api, receiver.url, ["message.created"])
        page = api.visitor()
        check(send_picture(api, page.session_id), OLD, 2)
        api.visitor(sessionId=page.handle, metadata={"url": "https://shop.example/cart"})
        check_everywhere(api, page, OLD)
        hook.wait_for("pending", attempts=1)
        check(receiver.received[0].json, OLD, 2)
    receiver.answer = lambda received: Answer()
    travel.forward(seconds=7)
    with serving(make_app(tmp_path, **LOCAL, public_url=NEW)) as api:
        page.url = api.url
        check_everywhere(api, page, NEW)
        hook.api = api
        hook.wait_for("succeeded", attempts=2)
        check(receiver.received[1].json, NEW, 2)


def test_a_new_public_url_applies_to_events_of_earlier_versions(tmp_path: Path) -> None:
    """It has a whole address in the log."""
    app = make_app(tmp_path, **LOCAL, public_url=NEW)
    with serving(app) as api:
        page = api.visitor()
        send_picture(api, page.session_id)
        engine: Engine = app.extensions["pocketping"].db.engine
        events = table(Event)
        with engine.begin() as connection:
            [data] = connection.execute(select(events.c.data).where(events.c.type == "message.created")).scalars()
            assert data.count('":"/files/att_') == 2
            older = data.replace('":"/files/att_', f'":"{OLD}/pocketping/files/att_')
            connection.execute(text("UPDATE pocketping_event SET data = :data WHERE seq = 2"), {"data": older})
        with api.socket(after="0") as office:
            check(office.expect("message.created"), NEW, 2)
        with page.stream(after="0") as stream:
            check(stream.expect("message"), NEW, 2)


def test_the_python_api_returns_complete_addresses(serve: Serve, tmp_path: Path) -> None:
    app = make_app(tmp_path, **LOCAL, public_url=NEW)
    serve(app)
    pocketping: PocketPing = app.extensions["test_pocketping"]
    found: list[Any] = []
    logged: list[Any] = []

    def on_draft(sender: Any, draft: MessageDraft) -> None:
        found.append(draft.attachments[0])
        draft.content += "!"

    def on_message(sender: Any, message: Message, event: Any) -> None:
        found.append(message.attachments[0])
        logged.append(json.loads(event.data))

    def on_close(sender: Any, session: Session, event: Any) -> None:
        last = session.last_message
        found.append(last and last.attachments[0])

    with (
        signals.message_received.connected_to(on_draft, app),
        signals.message_created.connected_to(on_message, app),
        signals.session_closed.connected_to(on_close, app),
        app.app_context(),
    ):
        session_id = pocketping.open_session().id
        file = pocketping.add_attachment(session_id, "a.png", drawn())
        sent = pocketping.send_message(session_id, "Look", attachment_ids=[file.id])
        assert sent.content == "Look!"
        listed = pocketping.list_messages(session_id).messages[0]
        pocketping.edit_message(session_id, sent.id, "Look here")
        last = pocketping.get_session(session_id).last_message
        assert last is not None
        signals.message_created.disconnect(on_message, app)
        pocketping.close_session(session_id)
        found += [file, sent.attachments[0], listed.attachments[0], last.attachments[0]]
    [data] = logged
    check(data, NEW, 2)
    assert len(found) == 8
    for item in found:
        assert item.url.startswith(f"{NEW}/files/{file.id}/"), item
        assert item.thumbnail_url.startswith(f"{NEW}/files/{file.id}/"), item


def test_text_that_only_looks_like_attachments_is_sent_unchanged() -> None:
    urls = PublicURLs(NEW)
    for data in (
        r'{"sessionId":"sess_1","message":{"content":"\"attachments\":[{\"url\":\"/files/att_1/\"}]"}}',
        '{"sessionId":"sess_1","name":"x","data":{"attachments":[{"id":"att_1","url":"/files/att_1/key/a"}]}}',
    ):
        assert urls.complete_json(data) == data
