"""A proxy that answers for the chat: the visitor reads what happened."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, Route, expect

from ..support.browsers import Faults
from ..support.servers import free_port, wait_until
from ..support.services import missing
from .chat import Chat
from .shop import Shop


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
        expect(chat.root.get_by_text("No connection")).to_have_count(0)
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
    expect(chat.root.get_by_text("Keine Verbindung")).to_have_count(0)
