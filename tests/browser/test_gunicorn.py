"""The shop on gunicorn, with no option at all and with other workers: visitor and operator talk live in two windows."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from ..support.clients import Api
from ..support.servers import KEY, ROOT, Process, answers, free_port, wait_until
from .chat import Chat
from .conftest import NewContext
from .inbox import Inbox
from .shop import ANA, Shop


@contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[Shop, Process]]:
    """The shop under gunicorn."""
    (folder / "app.py").write_text("from example_app import create_app\n\napp = create_app()\n")
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "app:app", *options]
    environment = {
        "PORT": str(port),
        "EXAMPLE_INSTANCE": str(folder),
        "PYTHONPATH": str(ROOT),
        "POCKETPING_API_KEY": KEY,
        # Another test may have gunicorn's own port, and its control socket. And with threads, gunicorn's stop waits for
        # idle connections of the browser, as it does for any app.
        "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port} --no-control-socket --log-level warning --graceful-timeout 5",
    }
    process = Process(command, environment, folder / "gunicorn.log", folder)
    try:
        api = Api(f"http://127.0.0.1:{port}", KEY)
        wait_until(lambda: answers(api), "gunicorn answers", 60, lambda: process.log.read_text()[-3000:])
        yield Shop(Flask("elsewhere"), api), process
    finally:
        process.stop()


@pytest.mark.parametrize("options", [(), ("--threads", "4"), ("--worker-class", "gevent")], ids=" ".join)
def test_two_windows_talk_live(tmp_path: Path, new_context: NewContext, page: Page, options: tuple[str, ...]) -> None:
    with served(tmp_path, *options) as (shop, process):
        operator = new_context()
        shop.sign_in(operator, ANA)
        inbox = Inbox(operator.new_page(), shop.url).visit()
        page.goto(f"{shop.url}/about")
        chat = Chat(page).open()
        chat.tell("Is the teapot back?")
        inbox.open("Is the teapot back?")
        chat.expect_status("Is the teapot back?", "Read")
        inbox.field.press_sequentially("Since")
        expect(chat.root.get_by_text("Ana Duarte is typing…")).to_be_visible()
        inbox.say("Since this morning.")
        chat.expect_said("visitor: Is the teapot back?", "operator: Since this morning.")
        expect(inbox.page.get_by_text(re.compile("Connection lost"))).to_be_hidden()
        assert "Traceback" not in process.log.read_text()
        for window in (page, inbox.page):
            window.close()
