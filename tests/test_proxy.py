"""Tests Debian's nginx in front of gunicorn, both with the files that docs/deploying.md shows."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from .support.clients import BROWSER, Api, Visitor
from .support.events import EventSource
from .support.pages import DOCS, blocks, write_files
from .support.scripts import environment, replaced
from .support.servers import KEY, Process, answers, free_port, wait_until
from .support.services import missing

NGINX = Path("/usr/sbin/nginx")
PAGE = DOCS / "deploying.md"

#: What Debian's own nginx.conf has around the files in conf.d, in a folder of the test's.
MAIN = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 200; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/shop.conf;
}}
"""


class Site(NamedTuple):
    """The shop as browsers reach it."""

    api: Api
    folder: Path

    def log(self) -> str:
        """The access log of nginx."""
        return (self.folder / "access.log").read_text()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if not NGINX.exists():
        missing("nginx", FileNotFoundError())
    folder = tmp_path_factory.mktemp("proxy")
    behind, before = free_port(), free_port()
    write_files(DOCS / "embedding.md", folder)
    write_files(PAGE, folder)
    configuration = folder / "gunicorn.conf.py"
    configuration.write_text(replaced(configuration.read_text(), {"127.0.0.1:8000": f"127.0.0.1:{behind}"}))
    (nginx_file,) = blocks(PAGE, "nginx")
    assert nginx_file.name == "/etc/nginx/conf.d/shop.conf"
    paths = {
        "listen 80;": f"listen 127.0.0.1:{before};",
        "127.0.0.1:8000": f"127.0.0.1:{behind}",
        "/var/log/nginx/shop.log": str(folder / "access.log"),
    }
    (folder / "shop.conf").write_text(replaced(nginx_file.text, paths))
    # As root, nginx would leave the work to somebody who may not write into the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user))
    settings = environment(
        FLASK_SECRET_KEY="a secret of the shop",
        FLASK_POCKETPING_API_KEY=KEY,
        FLASK_POCKETPING_VISITOR_ADDRESS_LIMIT="60/hour",
        FLASK_POCKETPING_DATABASE_URI=f"sqlite:///{folder}/chat.db",
        FLASK_SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder}/shop.db",
    )
    init = ["flask", "--app", "wsgi", "pocketping", "init-db"]
    subprocess.run(init, env=settings, cwd=folder, check=True, capture_output=True, timeout=60)
    server = Process(["gunicorn", "--no-control-socket", "wsgi:app"], settings, folder / "gunicorn.log", folder)
    proxy = Process([str(NGINX), "-p", str(folder), "-c", "nginx.conf"], {}, folder / "nginx.log", folder)
    try:
        api = Api(f"http://127.0.0.1:{before}/pocketping", KEY)
        wait_until(lambda: answers(api), "the shop answers", 30, lambda: server.log.read_text() + proxy.log.read_text())
        yield Site(api, folder)
    finally:
        for process in (proxy, server):
            if process.popen.poll() is None:
                process.stop()


def test_a_websocket_gets_through(site: Site) -> None:
    visitor = site.api.visitor()
    # The client says its Origin, as browsers do: nginx has to pass on the host with its port.
    with visitor.stream() as stream, site.api.socket() as office:
        visitor.say("Hello")
        assert office.expect("message.created")["message"]["content"] == "Hello"
        site.api.ok("POST", f"/sessions/{visitor.session_id}/messages", {"content": "Hi!"})
        found = stream.collect(lambda frames: frames[-1].get("data", {}).get("content") == "Hi!")
    assert found[-1]["type"] == "message"


def test_server_sent_events_are_not_buffered(site: Site) -> None:
    visitor = site.api.visitor()
    with EventSource(visitor) as stream:
        visitor.say("Hello")
        assert stream.receive()["data"]["content"] == "Hello"


def upload(visitor: Visitor, size: int) -> requests.Response:
    body = {"sessionId": visitor.handle, "filename": "photo.bin", "mimeType": "application/octet-stream", "size": size}
    announced = visitor.request("POST", "/upload", body).json()
    return requests.put(urljoin(visitor.url, announced["uploadUrl"]), data=b"x" * size, timeout=30)


def test_a_file_of_the_maximum_size_gets_through(site: Site) -> None:
    visitor = site.api.visitor()
    assert upload(visitor, 10 * 1024 * 1024).status_code == 200
    too_large = requests.put(visitor.url + "/upload/att_1/key", data=b"x" * (12 * 1024 * 1024), timeout=30)
    assert too_large.status_code == 413


def test_the_log_has_no_secrets_of_visitors(site: Site) -> None:
    visitor = site.api.visitor()
    upload(visitor, 10)
    with visitor.stream():
        pass
    visitor.messages()
    # A line is written when the request is over.
    wait_until(lambda: "GET /pocketping/messages" in site.log(), "the log has the request", seen=site.log)
    wait_until(lambda: "GET /pocketping/stream" in site.log(), "the log has the stream", seen=site.log)
    log = site.log()
    assert visitor.handle not in log
    assert "sessionId" not in log
    assert "?" not in log
    puts = [line.split('"')[1] for line in log.splitlines() if "PUT /pocketping/upload/" in line]
    assert puts
    assert all(line.split()[1].endswith("/***") for line in puts)


def test_rate_limits_use_the_address_that_nginx_saw(site: Site) -> None:
    with requests.Session() as browser:
        browser.headers["User-Agent"] = BROWSER

        def ask(last: int) -> int:
            # A new address with each request, as it says itself, is the same one all the same.
            headers = {"X-Forwarded-For": f"203.0.113.{last}"}
            return browser.get(site.api.url + "/presence", headers=headers, timeout=30).status_code

        # Each of the two processes counts for itself.
        assert 429 in (ask(last) for last in range(2 * 60 + 1))


def test_the_tested_files_are_those_of_the_page() -> None:
    page = PAGE.read_text()
    assert "$ gunicorn wsgi:app\n" in page
    assert "ExecStart=/srv/shop/.venv/bin/gunicorn wsgi:app\n" in page
    (wsgi,) = [block for block in blocks(PAGE, "python") if block.name == "wsgi.py"]
    assert "ProxyFix(app.wsgi_app, x_for=1" in wsgi.text
    assert urlsplit("http://127.0.0.1:8000").netloc in blocks(PAGE, "nginx")[0].text
