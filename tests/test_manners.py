"""Tests what the extension reveals in the host's log and in requests to other servers."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

import flask_pocketping
from flask_pocketping.testing import Visitor, api, deliver_all

from .conftest import LOCAL
from .support.receiver import Receiver
from .support.servers import make_app


def test_the_user_agent_names_the_project_and_its_version_only(tmp_path: Path, receiver: Receiver) -> None:
    app = make_app(tmp_path, worker="off", **LOCAL)
    api(app).post("/webhooks", json={"url": receiver.url, "events": ["session.created"]})
    Visitor(app)
    deliver_all(app)
    (hook,) = receiver.wait(1)
    assert hook.headers["User-Agent"] == f"Flask-PocketPing/{flask_pocketping.__version__}"


def test_other_origins_without_a_public_address_are_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_app(tmp_path / "one", cors_origins="https://www.example.com", public_url="https://chat.example.com")
    make_app(tmp_path / "two")
    assert caplog.records == []
    make_app(tmp_path / "three", cors_origins="https://www.example.com")
    (record,) = caplog.records
    assert (record.levelno, record.name) == (logging.WARNING, "flask_pocketping")
    assert "POCKETPING_PUBLIC_URL" in record.getMessage()
