"""A host or a proxy that answers for the chat: the console says what is wrong, and the visitor reads what happened."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, redirect, render_template_string, request
from playwright.sync_api import Page, Route, expect

from ..support.browsers import Faults, wait_for
from ..support.servers import free_port, make_app, serving, wait_until
from ..support.services import missing
from .chat import Chat
from .conftest import end
from .shop import Shop

_PAGE = """\
<!doctype html>
<html lang="en"><title>Tea</title><link rel="icon" href="data:,"><h1>Tea</h1>{{ pocketping_widget() }}</html>
"""
ADVICE = 'let its blueprint "pocketping" through'


def guarded_app(folder: Path, is_open: Callable[[], bool]) -> Flask:
    """An app that sends everybody to its sign-in page, but from one page of its own and where `is_open` says so."""
    app = make_app(folder)

    @app.before_request
    def check() -> Any:
        return None if request.endpoint in {"tea", "sign_in"} or is_open() else redirect("/sign-in")

    app.add_url_rule("/tea", "tea", lambda: render_template_string(_PAGE))
    app.add_url_rule("/sign-in", "sign_in", lambda: "<!doctype html><title>Sign in</title><h1>Sign in</h1>")
    return app


@contextmanager
def console(page: Page) -> Iterator[list[str]]:
    """What the page writes there as an error."""
    lines: list[str] = []
    page.on("console", lambda message: lines.append(message.text) if message.type == "error" else None)
    yield lines


@pytest.fixture
def serve_guarded(tmp_path: Path) -> Iterator[Callable[[Callable[[], bool]], str]]:
    """Serve it, until its pages are closed."""
    started: list[Any] = []

    def start(is_open: Callable[[], bool]) -> str:
        app = guarded_app(tmp_path, is_open)
        server = serving(app)
        started.append((app, server))
        return server.__enter__().url

    yield start
    for app, server in started:
        server.__exit__(None, None, None)
        end(app)


def test_the_console_says_that_the_script_was_answered_by_the_host(
    serve_guarded: Any, page: Page, faults: Faults
) -> None:
    faults.allow("PocketPing:")
    with console(page) as lines:
        page.goto(serve_guarded(lambda: False) + "/tea")
        wait_for(page, lambda: lines, "the console says something")
    (line,) = lines
    assert line.startswith("PocketPing: the chat's script /assets/")
    assert "was answered by a redirect" in line
    assert ADVICE in line


def test_the_console_says_that_the_connection_was_answered_by_a_page(
    serve_guarded: Any, page: Page, faults: Faults
) -> None:
    faults.allow("PocketPing:")
    url = serve_guarded(lambda: request.endpoint == "pocketping.assets")
    with console(page) as lines:
        page.goto(url + "/tea")
        Chat(page).open()
        wait_for(page, lambda: lines, "the console says something")
        # The chat asks again and again, and says it once.
        for _ in range(2):
            page.wait_for_event("response", lambda response: "/sign-in" in response.url)
    (line,) = lines
    assert line.startswith(f"PocketPing: GET {url}/identity was")
    assert f"was answered by the HTML page {url}/sign-in instead of the chat" in line
    assert ADVICE in line


def test_a_host_that_lets_the_chat_through_has_it(serve_guarded: Any, page: Page) -> None:
    page.goto(serve_guarded(lambda: request.blueprint == "pocketping") + "/tea")
    Chat(page).open().tell("Hello")


# --- What is too large ---


@contextmanager
def nginx(folder: Path, target: str, size: str) -> Iterator[str]:
    """Debian's nginx in front of a server, which takes bodies up to a size. Its address."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        missing("nginx", FileNotFoundError())
    port = free_port()
    places = "".join(f"{name}_temp_path {folder}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = folder / "nginx.conf"
    config.write_text(
        f"""
        {"user root;" if os.geteuid() == 0 else ""}
        daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
        events {{}}
        http {{
            access_log off; {places}
            server {{
                listen 127.0.0.1:{port};
                client_max_body_size {size};
                location / {{
                    proxy_pass {target};
                    proxy_set_header Host $http_host;
                }}
            }}
        }}
        """
    )
    started = subprocess.Popen([str(program), "-c", str(config)], stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _is_up(url), "nginx answers", seen=(folder / "nginx.log").read_text)
        yield url
    finally:
        started.terminate()
        started.wait(10)


def _is_up(url: str) -> bool:
    try:
        return requests.get(url + "/health", timeout=5).ok
    except requests.ConnectionError:
        return False


def test_what_nginx_finds_too_large_is_said_to_be_too_large(
    shop: Shop, page: Page, faults: Faults, tmp_path: Path
) -> None:
    # No sockets go through it, which does not matter here.
    faults.allow(r"status of 413", r"WebSocket connection to .* failed")
    with nginx(tmp_path, shop.url, "50k") as url:
        page.goto(url)
        chat = Chat(page).open()
        chat.tell("Hello")
        with page.expect_response(lambda response: response.status == 413) as refused:
            chat.attach("large.txt", "text/plain", b"x" * 60_000)
        assert "text/html" in refused.value.headers["content-type"]
        expect(chat.root.get_by_text("This file is too large")).to_be_visible()
        expect(chat.root.get_by_text("You're offline")).to_have_count(0)
        chat.root.get_by_role("button", name="Delete large.txt").click()
        chat.attach("small.txt", "text/plain", b"small")
        chat.tell("Here")
        expect(chat.message("Here").get_by_role("link", name="small.txt")).to_be_visible()
        page.close()


@pytest.mark.parametrize("kind", ["application/json", "text/html"])
def test_a_message_that_is_too_large_is_said_to_be_too_large(shop: Shop, page: Page, faults: Faults, kind: str) -> None:
    faults.allow(r"status of 413")
    body = '{"error": "Payload too large", "message": "The body is too large.", "code": "PAYLOAD_TOO_LARGE"}'

    def refuse(route: Route) -> None:
        route.fulfill(status=413, content_type=kind, body=body if kind == "application/json" else "<h1>413</h1>")

    page.goto(shop.plain(language="de"))
    page.route("**/message", refuse)
    chat = Chat(page)
    chat.root.get_by_role("button", name="Chat öffnen").click()
    chat.field = chat.root.get_by_role("textbox", name="Nachricht schreiben …")
    chat.say("Guten Tag")
    expect(chat.message("Guten Tag")).to_contain_text("Diese Datei ist zu groß")
    expect(chat.root.get_by_text("Sie sind offline")).to_have_count(0)
