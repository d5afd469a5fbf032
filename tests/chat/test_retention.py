"""Tests the deletion of conversations that have been inactive for long: what is deleted and what stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from flask_pocketping.models import Base, IdempotencyKey, Project, WebhookEndpoint, table

from ..conftest import LOCAL, Serve
from ..support.clients import Api, Visitor
from ..support.hooks import Hook
from ..support.receiver import Receiver
from ..support.servers import make_app, wait_until
from ..support.travel import Travel

KEPT = {table(model).name for model in (Project, WebhookEndpoint, IdempotencyKey)}


def a_conversation(api: Api) -> Visitor:
    """One with something in each table."""
    visitor = api.visitor(metadata={"url": "https://shop.example/"})
    path = f"/sessions/{visitor.session_id}"
    attachment = api.ok("POST", f"{path}/attachments?filename=a.txt", None, data=b"text")["attachment"]
    api.ok("POST", f"{path}/messages", {"content": "Look", "attachmentIds": [attachment["id"]]})
    visitor.say("Hello")
    visitor.request("POST", "/csat", {"sessionId": visitor.handle, "score": 5})
    return visitor


def test_an_inactive_conversation_is_deleted_with_its_data(
    any_database: str, tmp_path: Path, serve: Serve, receiver: Receiver, travel: Travel
) -> None:
    settings = {**LOCAL, "retention_days": "30", "uploads": tmp_path / "uploads"}
    app = make_app(tmp_path, any_database, **settings)
    api = serve(app)
    hook = Hook(api, receiver.url, ["message.created"])
    quiet = a_conversation(api)
    hook.wait_for("succeeded", "succeeded", attempts=1)
    files = [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]
    assert files
    travel.forward(days=29)
    lively = api.visitor()
    lively.say("I am new here")
    hook.wait_for("succeeded", "succeeded", "succeeded", attempts=1)
    app.extensions["pocketping"].runtime.close()
    assert api.get(f"/sessions/{quiet.session_id}").status_code == 200
    app.extensions["pocketping"].runtime.close()

    travel.forward(days=2)
    api.get("/health")
    wait_until(lambda: api.get(f"/sessions/{quiet.session_id}").status_code == 404, "it is forgotten", 20)
    assert [session["id"] for session in api.ok("GET", "/sessions")["sessions"]] == [lively.session_id]
    assert quiet.request("GET", "/messages", params={"sessionId": quiet.handle}).status_code == 404
    assert lively.messages()[0]["content"] == "I am new here"
    assert not any(path.exists() for path in files)
    assert len(hook.deliveries()) == 1
    # Of each table only what belongs to the other one is left.
    with app.extensions["pocketping"].db.read() as connection:
        for model in Base.metadata.sorted_tables:
            if "session_id" in model.c:
                query = select(func.count()).where(model.c.session_id == quiet.session_id)
                assert connection.execute(query).scalar() == 0, model.name


def test_by_default_nothing_is_deleted(tmp_path: Path, serve: Serve, travel: Travel) -> None:
    app = make_app(tmp_path, **LOCAL)
    api = serve(app)
    visitor = a_conversation(api)
    travel.forward(days=3000)
    app.extensions["pocketping"].runtime.close()
    app.extensions["pocketping"].runtime.deliver_due()
    assert api.get(f"/sessions/{visitor.session_id}").status_code == 200


def test_a_conversation_whose_files_cannot_be_removed_is_kept(
    tmp_path: Path, serve: Serve, travel: Travel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(tmp_path, **LOCAL, retention_days=1)
    api = serve(app)
    visitor = a_conversation(api)
    app.extensions["pocketping"].runtime.close()
    travel.forward(days=2)

    def refuse(path: str) -> None:
        raise OSError("the disk is read-only")

    with monkeypatch.context() as patch:
        patch.setattr(app.extensions["pocketping"].files._storage, "delete", refuse)
        api.get("/health")
        wait_until(lambda: "Files of old conversations" in caplog.text, "the warning", 20)
        assert api.get(f"/sessions/{visitor.session_id}").status_code == 200
        app.extensions["pocketping"].runtime.close()
    api.get("/health")
    wait_until(lambda: api.get(f"/sessions/{visitor.session_id}").status_code == 404, "it is forgotten", 20)
