"""Tests files over HTTP: they are announced, uploaded, completed, sent in messages, downloaded and deleted."""

from __future__ import annotations

import contextlib
import errno
import http.client
import io
import json
import os
import re
import select
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unicodedata import normalize
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from PIL import Image
from sqlalchemy import text
from werkzeug.exceptions import NotFound as WerkzeugNotFound
from werkzeug.http import parse_options_header
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_pocketping import MessageRejected, PocketPing, signals
from flask_pocketping.errors import AttachmentNotFound, ConfigurationError, Forbidden, InvalidRequest, PayloadTooLarge
from flask_pocketping.files import thumbnails
from flask_pocketping.files.measure import MOST_SCANS
from flask_pocketping.files.storage import FolderStorage, Readable, Stored
from flask_pocketping.state import State
from flask_pocketping.web import uploads

from ..conftest import LOCAL, Serve
from ..support.bucket import ACCESS_KEY, SECRET_KEY, serving_bucket
from ..support.clients import Api, Visitor
from ..support.pictures import animated, drawn, jpeg_of_scans, packed, png_of, png_of_noise, png_with
from ..support.receiver import Receiver
from ..support.servers import KEY, gunicorn, make_app, wait_until
from ..support.travel import Travel

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(document.cookie)</script>"


def png(size: tuple[int, int] = (960, 480)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "teal").save(made, "PNG")
    return made.getvalue()


def code(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def announce(page: Visitor, filename: str = "note.txt", size: int = 5, **body: Any) -> requests.Response:
    body = {"sessionId": page.handle, "filename": filename, "mimeType": "text/plain", "size": size, **body}
    return page.request("POST", "/upload", body)


def expecting(page: Visitor, size: int = 5, filename: str = "note.txt") -> dict[str, Any]:
    """What an announcement answers."""
    answer = announce(page, filename, size)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def put(page: Visitor, upload: dict[str, Any], content: bytes, **headers: str) -> requests.Response:
    return requests.put(page.url + upload["uploadUrl"], data=content, headers=headers, timeout=30)


def complete(page: Visitor, upload: dict[str, Any], **body: Any) -> requests.Response:
    body = {"sessionId": page.handle, "attachmentId": upload["attachmentId"], **body}
    return page.request("POST", "/upload/complete", body)


def send_file(page: Visitor, content: bytes = b"Hello", filename: str = "note.txt") -> dict[str, Any]:
    """All of it; the file can go into a message then."""
    upload = expecting(page, len(content), filename)
    assert put(page, upload, content).status_code == 200
    answer = complete(page, upload)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def add(api: Api, session_id: str, content: bytes = b"Hello", filename: str = "note.txt") -> requests.Response:
    return api.request("POST", f"/sessions/{session_id}/attachments", params={"filename": filename}, data=content)


def say(page: Visitor, content: str = "", **body: Any) -> requests.Response:
    return page.request("POST", "/message", {"sessionId": page.handle, "content": content, **body})


def fetch(api: Api, path: str, **kwargs: Any) -> requests.Response:
    return requests.get(api.url + path, timeout=30, **kwargs)


def thumbnail(api: Api, file: dict[str, Any]) -> requests.Response:
    """The small picture of a file, when it is drawn."""
    found: list[requests.Response] = []

    def is_there() -> bool:
        found[:] = [fetch(api, file["thumbnailUrl"])]
        assert found[0].status_code == 200, found[0].text
        return found[0].headers["Content-Type"] == "image/webp"

    wait_until(is_there, "the thumbnail is drawn", 60)
    return found[0]


def on_disk(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "pocketping-uploads").rglob("*") if path.is_file())


def sweep(app: Flask) -> int:
    state: State = app.extensions["pocketping"]
    assert state.files is not None
    return state.files.sweep()


# --- There and back ---


def test_a_visitor_sends_a_file_to_the_back_office(any_api: Api, receiver: Receiver) -> None:
    api, content = any_api, png()
    api.ok("POST", "/webhooks", {"url": receiver.url, "events": ["message.created"]})
    page = api.visitor()
    upload = expecting(page, len(content), "Übersicht.png")
    assert upload["uploadUrl"].startswith(f"/upload/{upload['attachmentId']}/")
    answer = put(page, upload, content)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    file = complete(page, upload).json()
    assert file == {
        "id": upload["attachmentId"],
        "filename": "Übersicht.png",
        "mimeType": "image/png",
        "size": len(content),
        "url": file["url"],
        "thumbnailUrl": file["thumbnailUrl"],
        "status": "ready",
        "width": 960,
        "height": 480,
    }
    with api.socket() as office, page.stream() as stream:
        sent = page.say("", attachmentIds=[file["id"]])
        assert sent["attachments"] == [file]
        told = office.expect("message.created")["message"]
        shown = stream.expect("message")["data"]
    assert told["content"] == shown["content"] == ""
    assert told["attachments"] == shown["attachments"] == [file]
    assert receiver.wait(1)[0].json["data"]["message"]["attachments"] == [file]
    [listed] = api.ok("GET", f"/sessions/{page.session_id}/messages")["messages"]
    assert listed["attachments"] == [file]
    assert page.messages()[0]["attachments"] == [file]
    assert api.ok("GET", f"/sessions/{page.session_id}")["session"]["lastMessage"]["attachments"] == [file]
    assert fetch(api, file["url"]).content == content
    with Image.open(io.BytesIO(thumbnail(api, file).content)) as small:
        assert small.size == (480, 240)


def test_the_back_office_sends_a_file_to_a_visitor(any_api: Api) -> None:
    page = any_api.visitor()
    answer = add(any_api, page.session_id, b"%PDF-1.7\nprice list", "../prices.pdf")
    assert answer.status_code == 201, answer.text
    file = answer.json()["attachment"]
    assert (file["filename"], file["mimeType"], file["size"]) == ("prices.pdf", "application/pdf", 19)
    path = f"/sessions/{page.session_id}/messages"
    sent = any_api.ok("POST", path, {"content": "Here it is.", "attachmentIds": [file["id"]]})["message"]
    assert sent["attachments"] == [file]
    assert page.messages()[0]["attachments"] == [file]
    assert fetch(any_api, file["url"]).content == b"%PDF-1.7\nprice list"


def test_several_files_keep_their_order(any_api: Api) -> None:
    page = any_api.visitor()
    files = [send_file(page, filename=f"{name}.txt") for name in "cab"]
    page.say("three", attachmentIds=[file["id"] for file in files])
    assert [file["filename"] for file in page.messages()[0]["attachments"]] == ["c.txt", "a.txt", "b.txt"]


def test_the_python_api_sends_files(app: Flask, api: Api) -> None:
    pocketping: PocketPing = app.extensions["test_pocketping"]
    page = api.visitor()
    with app.app_context():
        one = pocketping.add_attachment(page.session_id, "one.txt", b"1")
        two = pocketping.add_attachment(page.session_id, "two.txt", io.BytesIO(b"22"))
        theirs = pocketping.add_attachment(page.session_id, "three.txt", b"3", type="visitor")
        sent = pocketping.send_message(page.session_id, "", attachment_ids=[one.id, two.id])
        assert sent.attachments == (one, two)
        with pytest.raises(InvalidRequest):
            pocketping.send_message(page.session_id, "", attachment_ids=[theirs.id])
        with pytest.raises(InvalidRequest, match="nothing in the file"):
            pocketping.add_attachment(page.session_id, "empty.txt", b"")
        with pytest.raises(PayloadTooLarge):
            pocketping.add_attachment(page.session_id, "large.txt", bytes(10 * 1024 * 1024 + 1))
        with pytest.raises(AttachmentNotFound):
            pocketping.send_message(page.session_id, "", attachment_ids=["att_unknown"])
    assert fetch(api, two.url).content == b"22"
    assert len(on_disk(Path(app.instance_path))) == 3


def test_every_link_starts_with_the_public_url(serve: Serve) -> None:
    api = serve(public_url="https://www.example.com", url_prefix="/chat")
    page = api.visitor()
    upload = expecting(page)
    assert upload["uploadUrl"].startswith("https://www.example.com/chat/upload/att_")
    put(page, {"uploadUrl": upload["uploadUrl"].removeprefix("https://www.example.com/chat")}, b"Hello")
    assert complete(page, upload).json()["url"].startswith("https://www.example.com/chat/files/att_")


# --- Announcing and sending ---


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"size": 0}, (400, "INVALID_REQUEST")),
        ({"size": -1}, (400, "INVALID_REQUEST")),
        ({"size": "5"}, (400, "INVALID_REQUEST")),
        ({"size": 10 * 1024 * 1024 + 1}, (413, "PAYLOAD_TOO_LARGE")),
        ({"filename": ""}, (400, "INVALID_REQUEST")),
        ({"filename": "x" * 1001}, (400, "INVALID_REQUEST")),
        ({"filename": None}, (400, "INVALID_REQUEST")),
        ({"filename": "a\x00b"}, (400, "INVALID_REQUEST")),
        ({"sessionId": "sess_0"}, (404, "SESSION_NOT_FOUND")),
        ({"sessionId": None}, (400, "INVALID_REQUEST")),
    ],
)
def test_invalid_files_cannot_be_announced(shared: Api, body: dict[str, Any], wanted: tuple[int, str]) -> None:
    assert code(announce(shared.visitor(), **body)) == wanted


def test_more_bytes_than_announced_are_refused(app: Flask, api: Api) -> None:
    page = api.visitor()
    upload = expecting(page)
    assert code(put(page, upload, b"Hello!")) == (413, "PAYLOAD_TOO_LARGE")
    assert code(put(page, upload, bytes(3_000_000))) == (413, "PAYLOAD_TOO_LARGE")
    assert on_disk(Path(app.instance_path)) == []
    assert code(complete(page, upload)) == (400, "INVALID_REQUEST")
    assert put(page, upload, b"Hello").status_code == 200
    assert complete(page, upload).json()["size"] == 5


def test_more_bytes_than_announced_are_refused_without_a_length(app: Flask, api: Api) -> None:
    page = api.visitor()
    upload = expecting(page)
    answer = requests.put(api.url + upload["uploadUrl"], data=iter([b"Hel", b"lo", b"!"]), timeout=30)
    assert code(answer) == (413, "PAYLOAD_TOO_LARGE")
    assert on_disk(Path(app.instance_path)) == []
    assert requests.put(api.url + upload["uploadUrl"], data=iter([b"Hel", b"lo"]), timeout=30).status_code == 200


def test_fewer_bytes_than_announced_are_refused(app: Flask, api: Api) -> None:
    page = api.visitor()
    upload = expecting(page)
    assert code(complete(page, upload)) == (400, "INVALID_REQUEST")
    assert code(put(page, upload, b"Hell")) == (400, "INVALID_REQUEST")
    assert code(put(page, upload, b"")) == (400, "INVALID_REQUEST")
    assert code(complete(page, upload)) == (400, "INVALID_REQUEST")
    assert on_disk(Path(app.instance_path)) == []


def test_an_interrupted_upload_leaves_nothing_behind(app: Flask, api: Api) -> None:
    page = api.visitor()
    upload = expecting(page, 1_000_000)
    line = http.client.HTTPConnection(urlsplit(api.url).netloc, timeout=10)
    line.putrequest("PUT", upload["uploadUrl"])
    line.putheader("Content-Length", "1000000")
    line.endheaders(bytes(300_000))
    folder = Path(app.instance_path)
    wait_until(lambda: on_disk(folder), "the first bytes are written")
    line.close()
    wait_until(lambda: not on_disk(folder), "they are gone")
    assert put(page, upload, bytes(1_000_000)).status_code == 200
    assert complete(page, upload).status_code == 200


def test_an_upload_can_be_repeated_until_it_is_completed(app: Flask, api: Api) -> None:
    page = api.visitor()
    upload = expecting(page)
    for content in (b"first", b"again", b"Hello"):
        assert put(page, upload, content).status_code == 200
    assert len(on_disk(Path(app.instance_path))) == 1
    first = complete(page, upload)
    assert complete(page, upload).json() == first.json()
    assert code(put(page, upload, b"after")) == (404, "ATTACHMENT_NOT_FOUND")
    assert fetch(api, first.json()["url"]).content == b"Hello"
    assert len(on_disk(Path(app.instance_path))) == 1


def test_an_upload_address_expires_after_15_minutes(api: Api, travel: Travel) -> None:
    page = api.visitor()
    upload = expecting(page)
    travel.forward(minutes=15, seconds=1)
    assert code(put(page, upload, b"Hello")) == (404, "ATTACHMENT_NOT_FOUND")


def test_a_guessed_address_is_not_found(shared: Api) -> None:
    page = shared.visitor()
    upload = expecting(page)
    head, _, key = upload["uploadUrl"].rpartition("/")
    for wrong in (f"{head}/{'0' * len(key)}", f"{head}/x", "/upload/att_unknown/" + key, f"{head}/%C3%A9"):
        assert code(put(page, {"uploadUrl": wrong}, b"Hello")) == (404, "ATTACHMENT_NOT_FOUND")
    assert code(fetch(shared, f"{head.replace('upload', 'files')}/{key}/note.txt")) == (404, "ATTACHMENT_NOT_FOUND")
    file = send_file(page)
    _, _, id, key, name = file["url"].split("/")
    for wrong in (f"/files/{id}/{'0' * len(key)}/{name}", f"/files/att_unknown/{key}/{name}", f"/files/{id}/é/{name}"):
        assert code(fetch(shared, wrong)) == (404, "ATTACHMENT_NOT_FOUND")
    assert code(fetch(shared, f"/files/{id}/{key}/thumbnail")) == (404, "ATTACHMENT_NOT_FOUND")
    assert fetch(shared, f"/files/{id}/{key}/whatever").content == b"Hello"


def test_an_app_below_another_path_has_right_file_links(tmp_path: Path, serve: Serve) -> None:
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="secret of a test", APPLICATION_ROOT="/shop/")
    PocketPing(app)
    app.wsgi_app = DispatcherMiddleware(WerkzeugNotFound(), {"/shop": app.wsgi_app})  # type: ignore[method-assign]
    host = serve(app).url
    page = Visitor(f"{host}/shop/pocketping")
    upload = expecting(page)
    assert requests.put(host + upload["uploadUrl"], data=b"Hello", timeout=30).status_code == 200
    assert requests.get(host + complete(page, upload).json()["url"], timeout=30).content == b"Hello"


def test_an_address_has_a_limit_of_files_across_conversations(serve: Serve) -> None:
    api = serve(visitor_address_upload_limit="3/hour")
    answers = [announce(api.visitor()) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert code(answers[-1]) == (429, "RATE_LIMITED")


def test_an_endless_body_is_not_read_to_its_end(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "SPARE", 100_000)
    api = serve()
    parts = urlsplit(api.url)
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    sent = 0
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as line:
        line.sendall(b"PUT /upload/att_1/key HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while sent < 50_000_000 and not select.select([line], [], [], 0)[0]:
                line.sendall(chunk)
                sent += len(chunk)
    assert sent < 50_000_000


def test_the_files_of_a_conversation_are_limited(serve: Serve) -> None:
    api = serve(visitor_upload_limit="2/minute")
    page, other = api.visitor(), api.visitor()
    expecting(page)
    expecting(page)
    answer = announce(page)
    assert code(answer) == (429, "RATE_LIMITED")
    assert int(answer.headers["Retry-After"]) > 0
    expecting(other)


def test_the_maximum_file_size_is_separate_from_that_of_other_bodies(serve: Serve, tmp_path: Path) -> None:
    app = make_app(tmp_path, max_upload_size=200_000, max_body_size=8192, **LOCAL)
    app.config["MAX_CONTENT_LENGTH"] = 100_000
    api = serve(app)
    page = api.visitor()
    assert send_file(page, bytes(200_000))["size"] == 200_000
    assert code(announce(page, size=200_001)) == (413, "PAYLOAD_TOO_LARGE")
    assert announce(page, size=200_001).json()["message"] == "Files can be up to 195.3 kB."
    assert add(api, page.session_id, bytes(200_000)).status_code == 201
    for content in (bytes(200_001), iter([bytes(200_001)])):
        assert code(add(api, page.session_id, content)) == (413, "PAYLOAD_TOO_LARGE")  # type: ignore[arg-type]
    assert len(on_disk(tmp_path)) == 2


def test_the_back_office_needs_a_key_and_a_session_of_its_project(app: Flask, api: Api) -> None:
    page = api.visitor()
    assert code(add(api.with_key(None), page.session_id)) == (401, "UNAUTHORIZED")
    assert code(add(api, "sess_unknown")) == (404, "SESSION_NOT_FOUND")
    assert code(add(api, page.session_id, b"")) == (400, "INVALID_REQUEST")
    assert code(api.request("POST", f"/sessions/{page.session_id}/attachments", data=b"x")) == (400, "INVALID_REQUEST")
    assert on_disk(Path(app.instance_path)) == []
    state: State = app.extensions["pocketping"]
    with state.db.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM pocketping_attachment")).scalar_one() == 0


def test_pages_of_listed_origins_may_upload_and_download(serve: Serve) -> None:
    api = serve(cors_origins="https://shop.example")
    page = api.visitor()
    upload = expecting(page)
    listed, other = {"Origin": "https://shop.example"}, {"Origin": "https://evil.example"}
    asked = {**listed, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    ready = requests.options(api.url + upload["uploadUrl"], headers=asked, timeout=30)
    assert ready.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "PUT" in ready.headers["Access-Control-Allow-Methods"].replace(" ", "").split(",")
    assert "Content-Type" in ready.headers["Access-Control-Allow-Headers"]
    sent = put(page, upload, b"Hello", **listed)
    assert sent.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    url = complete(page, upload).json()["url"]
    assert fetch(api, url, headers=listed).headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Access-Control-Allow-Origin" not in fetch(api, url, headers=other).headers
    assert fetch(api, url).headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize("worker_class", ["gevent", "gthread"])
def test_files_work_with_real_web_servers(tmp_path: Path, sqlite: str, worker_class: str) -> None:
    folder = str(tmp_path / "files")
    make_app(tmp_path, sqlite).extensions["pocketping"].runtime.close()
    with gunicorn(tmp_path, database=sqlite, worker_class=worker_class, uploads=folder) as (api, _):
        page = api.visitor()
        content = bytes(range(256)) * 20_000
        file = send_file(page, content)
        assert fetch(api, file["url"]).content == content
        assert fetch(api, file["url"], headers={"Range": "bytes=-3"}).content == b"\xfd\xfe\xff"
        assert add(api, page.session_id, content).status_code == 201
        # A browser sends to the end before it listens, so it must be let.
        line = http.client.HTTPConnection(urlsplit(api.url).netloc, timeout=30)
        line.request("PUT", expecting(page)["uploadUrl"], body=bytes(20_000_000))
        answer = line.getresponse()
        assert (answer.status, json.loads(answer.read())["code"]) == (413, "PAYLOAD_TOO_LARGE")
        line.close()


# --- Files stay in their conversation, and run nowhere ---


def test_a_file_of_another_conversation_cannot_be_sent(any_shared: Api) -> None:
    page, stranger = any_shared.visitor(), any_shared.visitor()
    file = send_file(page)
    answer = say(stranger, "Look", attachmentIds=[file["id"]])
    assert code(answer) == (400, "INVALID_REQUEST")
    assert answer.json()["details"].keys() == {"attachmentIds"}
    path = f"/sessions/{stranger.session_id}/messages"
    assert code(any_shared.post(path, {"content": "Look", "attachmentIds": [file["id"]]})) == (400, "INVALID_REQUEST")
    assert code(complete(stranger, {"attachmentId": file["id"]})) == (404, "ATTACHMENT_NOT_FOUND")
    assert say(page, "Look", attachmentIds=[file["id"]]).status_code == 200


def test_neither_side_can_send_a_file_that_the_other_uploaded(shared: Api) -> None:
    page = shared.visitor()
    theirs, ours = send_file(page), add(shared, page.session_id).json()["attachment"]
    assert code(say(page, "Look", attachmentIds=[ours["id"]])) == (400, "INVALID_REQUEST")
    assert code(complete(page, {"attachmentId": ours["id"]})) == (404, "ATTACHMENT_NOT_FOUND")
    path = f"/sessions/{page.session_id}/messages"
    assert code(shared.post(path, {"content": "", "attachmentIds": [theirs["id"]]})) == (400, "INVALID_REQUEST")
    assert page.messages() == []


@pytest.mark.parametrize("filename", ["page.html", "photo.png", "drawing.svg"])
@pytest.mark.parametrize("content", [HTML, SVG, b"alert(1)", b"GIF89a<script>alert(1)</script>"])
def test_active_content_is_never_shown_and_declared_types_are_ignored(
    shared: Api, filename: str, content: bytes
) -> None:
    page = shared.visitor()
    answer = announce(page, filename, len(content), mimeType="image/png")
    assert put(page, answer.json(), content, **{"Content-Type": "text/html"}).status_code == 200
    file = complete(page, answer.json()).json()
    assert file["mimeType"] in {"text/plain", "application/octet-stream"}
    assert "thumbnailUrl" not in file
    got = fetch(shared, file["url"])
    assert got.content == content
    assert got.headers["Content-Type"] in {"text/plain; charset=utf-8", "application/octet-stream"}
    assert got.headers["Content-Disposition"].startswith("attachment; ")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_the_bytes_that_were_inspected_are_the_bytes_that_are_served(shared: Api) -> None:
    """Bytes that come while the file is completed, or later, never take the place of those that were looked at."""
    page = shared.visitor()
    harmless, harmful = png(), HTML.ljust(len(png()))
    upload = expecting(page, len(harmless), "photo.png")
    with ThreadPoolExecutor(6) as pool:
        put(page, upload, harmless)
        puts = [pool.submit(put, page, upload, content) for content in (harmful, harmless, harmful)]
        completed = [pool.submit(complete, page, upload) for _ in range(3)]
        assert {found.result().status_code for found in puts} <= {200, 404}
        assert {found.result().status_code for found in completed} <= {200, 400}
    answer = complete(page, upload)
    if answer.status_code == 400:
        put(page, upload, harmless)
        answer = complete(page, upload)
    file = answer.json()
    wanted = harmless if file["mimeType"] == "image/png" else harmful
    assert fetch(shared, file["url"]).content == wanted
    assert ("thumbnailUrl" in file) == (wanted == harmless)


# --- Pictures that are made to do harm ---


BOMBS = {
    "scans.jpg": lambda: jpeg_of_scans(4000, (64, 64)),
    "pixels.png": lambda: png_of(100_000, 100_000),
    "packed.png": lambda: png_with((b"iCCP", b"x\0\0" + packed(20_000_000))),
    "frames.gif": lambda: animated("GIF", 2000),
    "frames.webp": lambda: animated("WEBP", 2000),
    "short.jpg": lambda: drawn("JPEG")[:-500],
}


@pytest.mark.parametrize("filename", BOMBS)
def test_a_decompression_bomb_is_served_without_a_thumbnail(shared: Api, filename: str) -> None:
    page, content = shared.visitor(), BOMBS[filename]()
    file = send_file(page, content, filename)
    assert (file["mimeType"], file["status"]) == ("application/octet-stream", "ready")
    assert file.keys().isdisjoint({"thumbnailUrl", "width", "height"})
    got = fetch(shared, file["url"])
    assert got.content == content
    assert got.headers["Content-Disposition"].startswith("attachment; ")
    _, _, id, key, _ = file["url"].split("/")
    assert code(fetch(shared, f"/files/{id}/{key}/thumbnail")) == (404, "ATTACHMENT_NOT_FOUND")


def test_the_image_is_served_until_its_thumbnail_is_ready(
    shared: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "waits.py").write_text("import time; time.sleep(600)")
    with monkeypatch.context() as patched:
        patched.setattr(thumbnails, "_SCRIPT", tmp_path / "waits.py")
        patched.setattr(thumbnails, "MOST_WAIT", 0.5)
        file = send_file(shared.visitor(), png(), "photo.png")
        shown = fetch(shared, file["thumbnailUrl"])
        assert (shown.status_code, shown.content) == (200, png())
        assert shown.headers["Content-Type"] == "image/png"
        assert shown.headers["Cache-Control"] == "no-store"
        assert shown.headers["Content-Disposition"].startswith("inline; ")
        assert shown.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_an_image_that_cannot_be_decoded_becomes_a_plain_file(shared: Api) -> None:
    page = shared.visitor()
    file = send_file(page, png_of_noise(), "noise.png")
    assert (file["mimeType"], file["width"], file["height"]) == ("image/png", 64, 48)
    page.say("", attachmentIds=[file["id"]])
    wait_until(lambda: fetch(shared, file["thumbnailUrl"]).status_code == 404, "it is given up")
    [told] = page.messages()[0]["attachments"]
    assert told["mimeType"] == "application/octet-stream"
    assert told.keys().isdisjoint({"thumbnailUrl", "width", "height"})
    assert fetch(shared, file["url"]).headers["Content-Disposition"].startswith("attachment; ")


def decoding_time(content: bytes) -> float:
    """Seconds that a picture takes to decode, by the clock and with what else this machine does now."""
    start = time.monotonic()
    with Image.open(io.BytesIO(content)) as image:
        image.load()
    return time.monotonic() - start


@pytest.mark.parametrize("worker_class", ["gevent", "sync"])
def test_expensive_images_delay_no_other_request(tmp_path: Path, sqlite: str, worker_class: str) -> None:
    """One worker that does one thing at a time: what holds it is seen in everybody's answers."""
    costly = jpeg_of_scans(MOST_SCANS, (3900, 3900))
    whole = decoding_time(costly)
    make_app(tmp_path, sqlite).extensions["pocketping"].runtime.close()
    with gunicorn(tmp_path, database=sqlite, worker_class=worker_class, uploads=str(tmp_path / "files")) as (api, _):
        page = api.visitor()
        done = threading.Event()
        slowest = 0.0

        def watch() -> None:
            nonlocal slowest
            while not done.is_set():
                start = time.monotonic()
                assert requests.get(api.url + "/health", timeout=30).status_code == 200
                slowest = max(slowest, time.monotonic() - start)

        with ThreadPoolExecutor(1) as pool:
            watched = pool.submit(watch)
            try:
                files = [send_file(page, costly, "costly.jpg") for _ in range(3)]
                files += [send_file(page, jpeg_of_scans(4000, (2000, 2000)), "scans.jpg") for _ in range(2)]
                shown = fetch(api, files[0]["thumbnailUrl"])
            finally:
                done.set()
            watched.result()
        assert shown.status_code == 200
        assert [file["mimeType"] for file in files] == ["image/jpeg"] * 3 + ["application/octet-stream"] * 2
        assert slowest < max(0.3, whole * 2 / 3), f"{slowest:.2f} s beside pictures of {whole:.1f} s"


# --- In messages ---


def test_a_message_may_be_empty_only_with_a_file(shared: Api) -> None:
    page = shared.visitor()
    assert code(say(page, "", attachmentIds=[])) == (400, "INVALID_REQUEST")
    assert code(say(page, "", attachmentIds=["att_unknown"])) == (404, "ATTACHMENT_NOT_FOUND")
    pending = expecting(page)
    assert code(say(page, "", attachmentIds=[pending["attachmentId"]])) == (400, "INVALID_REQUEST")
    file = send_file(page)
    assert code(say(page, "", attachmentIds=[file["id"]] * 2)) == (400, "INVALID_REQUEST")
    assert code(say(page, "", attachmentIds=[str(number) for number in range(11)])) == (400, "INVALID_REQUEST")
    assert page.messages() == []
    assert say(page, "", attachmentIds=[file["id"]]).status_code == 200


def test_only_one_of_many_messages_gets_a_file(any_api: Api) -> None:
    page = any_api.visitor()
    file = send_file(page)
    start = threading.Barrier(8)

    def send(number: int) -> int:
        start.wait()
        return say(page, f"mine {number}", attachmentIds=[file["id"]]).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(send, range(8)))
    assert answers == [200] + [400] * 7
    [message] = page.messages()
    assert message["attachments"] == [file]
    assert code(say(page, "again", attachmentIds=[file["id"]])) == (400, "INVALID_REQUEST")


def test_a_repeated_message_with_files_gets_the_first_response(any_api: Api) -> None:
    page = any_api.visitor()
    file = send_file(page)
    first = page.say("", clientId="c1", attachmentIds=[file["id"]])
    assert page.say("", clientId="c1", attachmentIds=[file["id"]]) == first
    other = send_file(page)
    start = threading.Barrier(6)

    def send(number: int) -> Any:
        start.wait()
        return page.say("", clientId="c2", attachmentIds=[other["id"]])

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(6)))
    assert answers == [answers[0]] * 6
    assert [message["attachments"] for message in page.messages()] == [[file], [other]]


def test_a_repeated_idempotency_key_with_files_gets_the_first_response(any_api: Api) -> None:
    page = any_api.visitor()
    file = add(any_api, page.session_id).json()["attachment"]
    start = threading.Barrier(6)

    def send(number: int) -> requests.Response:
        start.wait()
        path, body = f"/sessions/{page.session_id}/messages", {"content": "", "attachmentIds": [file["id"]]}
        return any_api.post(path, body, headers={"Idempotency-Key": "k1"})

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(6)))
    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.text for answer in answers}) == 1
    assert len(page.messages()) == 1


def test_a_hook_sees_the_files_and_may_reject_the_message(app: Flask, api: Api) -> None:
    seen: list[str] = []

    @signals.message_received.connect_via(app)
    def check(sender: Flask, draft: Any) -> None:
        seen.extend(file.filename for file in draft.attachments)
        if "no" in draft.content:
            raise MessageRejected("Not that.")

    page = api.visitor()
    file = send_file(page)
    assert code(say(page, "no", attachmentIds=[file["id"]])) == (400, "INVALID_REQUEST")
    assert say(page, "yes", attachmentIds=[file["id"]]).status_code == 200
    assert seen == ["note.txt", "note.txt"]


# --- Fetching ---


def test_images_are_shown_and_other_files_are_downloaded(shared: Api) -> None:
    page = shared.visitor()
    image = send_file(page, png((40, 30)), 'Über "uns".png')
    got = fetch(shared, image["url"])
    assert got.headers["Content-Type"] == "image/png"
    assert got.headers["Content-Disposition"] == (
        'inline; filename="Uber \\"uns\\".png"; filename*=UTF-8\'\'%C3%9Cber%20%22uns%22.png'
    )
    assert got.headers["Cache-Control"] == "private, max-age=86400, immutable"
    assert got.headers["Cross-Origin-Resource-Policy"] == "same-site"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    saved = fetch(shared, image["url"] + "?download")
    assert saved.headers["Content-Disposition"].startswith("attachment; ")
    small = thumbnail(shared, image)
    assert small.headers["Cache-Control"] == "private, max-age=86400, immutable"
    assert small.headers["Content-Disposition"].startswith("inline; ")
    pdf = send_file(page, b"%PDF-1.7\nx", "offer.pdf")
    got = fetch(shared, pdf["url"])
    assert got.headers["Content-Type"] == "application/pdf"
    assert got.headers["Content-Disposition"] == "attachment; filename=offer.pdf"


def test_a_broken_image_is_a_plain_file(shared: Api) -> None:
    page = shared.visitor()
    file = send_file(page, png()[:60], "photo.png")
    assert (file["mimeType"], file["status"]) == ("application/octet-stream", "ready")
    assert file.keys().isdisjoint({"thumbnailUrl", "width", "height"})
    assert fetch(shared, file["url"]).headers["Content-Disposition"].startswith("attachment; ")


def test_a_range_of_a_file_can_be_downloaded(shared: Api) -> None:
    url = send_file(shared.visitor(), bytes(range(256)) * 1000)["url"]
    part = fetch(shared, url, headers={"Range": "bytes=256-259"})
    assert (part.status_code, part.content) == (206, b"\x00\x01\x02\x03")
    assert part.headers["Content-Range"] == "bytes 256-259/256000"
    end = fetch(shared, url, headers={"Range": "bytes=255999-400000"})
    assert (end.status_code, end.headers["Content-Range"]) == (206, "bytes 255999-255999/256000")
    for beyond in ("bytes=256000-", "bytes=300000-300010"):
        refused = fetch(shared, url, headers={"Range": beyond})
        assert code(refused) == (416, "INVALID_REQUEST")
        assert refused.headers["Content-Range"] == "bytes */256000"
    head = requests.head(shared.url + url, timeout=30)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "256000", b"")


@pytest.mark.parametrize(
    "asked",
    [
        *("bytes=0-1,5-9", "bytes=0-0, -1", "bytes=0-,0-,0-,0-", "lines=1-2", "none"),
        *("bytes=5-2", "bytes=", "bytes=-", "bytes=x-y", "bytes 0-1", ""),
    ],
)
def test_an_unsupported_range_gives_the_whole_file(shared: Api, asked: str) -> None:
    url = send_file(shared.visitor(), b"0123456789")["url"]
    got = fetch(shared, url, headers={"Range": asked})
    assert (got.status_code, got.content) == (200, b"0123456789")
    assert got.headers["Accept-Ranges"] == "bytes"
    assert "Content-Range" not in got.headers


def test_an_outdated_range_gives_the_whole_file(shared: Api) -> None:
    """What a download was of is not there any more, or is not known to be the same."""
    url = send_file(shared.visitor(), b"0123456789")["url"]
    got = fetch(shared, url, headers={"Range": "bytes=2-3", "If-Range": '"other"'})
    assert (got.status_code, got.content) == (200, b"0123456789")


# --- Names ---

TRICKS = [
    "\uff0e\uff0e\uff0f\uff0e\uff0e\uff0f.bashrc",
    "\uff0e\uff0e\uff3c\uff0e\uff0e\uff3cevil.bat",
    "..\u2215..\u2215.ssh\u2215authorized_keys",
    "℀\uff0fa",
    "\u2024\u2024/x",
    "C\uff1aevil.exe",
    "photo\u202egnp.exe",
    "a\r\nSet-Cookie: x=1.txt",
    "aux.txt",
    "\uff23\uff2f\uff2e",
    ".\u3000.\u3000.",
    "...",
    "x" * 900 + ".pdf",
    "😀" * 300 + ".png",
]


@pytest.mark.parametrize("filename", TRICKS)
def test_a_served_filename_contains_no_path(shared: Api, filename: str) -> None:
    file = send_file(shared.visitor(), filename=filename)
    header = fetch(shared, file["url"]).headers["Content-Disposition"]
    how, options = parse_options_header(header)
    assert how == "attachment"
    assert re.fullmatch(r"[ -~]+", header)
    for name in (
        file["filename"],
        options["filename"],
        parse_options_header(header.split("filename*")[0])[1]["filename"],
    ):
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            made = normalize(form, name)
            assert not re.search(r"[/\\:\0-\x1f\u202a-\u202e]", made)
            assert made == made.strip(" .")
            assert not re.fullmatch(r"(?i)(con|aux|nul|prn)(\..*)?", made)
        assert 0 < len(name.encode()) <= 255


def test_a_stored_filename_is_cleaned_when_it_is_served(app: Flask, api: Api) -> None:
    file = send_file(api.visitor())
    with app.extensions["pocketping"].db.transaction() as tx:
        tx.execute(text("UPDATE pocketping_attachment SET filename = '\uff0e\uff0e\uff0f.bashrc'"))
    got = fetch(api, file["url"])
    assert got.headers["Content-Disposition"] == "attachment; filename=bashrc"


def test_a_file_missing_from_storage_is_not_found(app: Flask, api: Api) -> None:
    file = send_file(api.visitor())
    [path] = on_disk(Path(app.instance_path))
    path.unlink()
    assert code(fetch(api, file["url"])) == (404, "ATTACHMENT_NOT_FOUND")


# --- Forgetting ---


def test_files_of_a_deleted_message_are_inaccessible_at_once_and_removed_soon(any_api: Api, tmp_path: Path) -> None:
    page = any_api.visitor()
    file = send_file(page, png((40, 30)), "photo.png")
    kept = send_file(page)
    sent = page.say("Look", attachmentIds=[file["id"]])
    page.say("And", attachmentIds=[kept["id"]])
    deleted = any_api.ok("DELETE", f"/sessions/{page.session_id}/messages/{sent['messageId']}")["message"]
    assert "attachments" not in deleted
    assert code(fetch(any_api, file["url"])) == (404, "ATTACHMENT_NOT_FOUND")
    assert code(fetch(any_api, file["thumbnailUrl"])) == (404, "ATTACHMENT_NOT_FOUND")
    assert [message.get("attachments") for message in page.messages()] == [None, [kept]]
    assert fetch(any_api, kept["url"]).content == b"Hello"


def test_the_periodic_task_removes_only_files_without_a_message(
    any_database: str, tmp_path: Path, serve: Serve, travel: Travel
) -> None:
    app, folder = make_app(tmp_path, any_database, **LOCAL), tmp_path
    api = serve(app)
    page = api.visitor()
    sent = send_file(page, png((40, 30)), "sent.png")
    page.say("Look", attachmentIds=[sent["id"]])
    deleted = send_file(page, png((40, 30)), "deleted.png")
    for file in (sent, deleted):
        thumbnail(api, file)
    gone = page.say("Look", attachmentIds=[deleted["id"]])
    api.ok("DELETE", f"/sessions/{page.session_id}/messages/{gone['messageId']}")
    unsent = send_file(page)
    put(page, expecting(page), b"Hello")
    expecting(page)
    assert len(on_disk(folder)) == 6
    assert sweep(app) == 1
    assert len(on_disk(folder)) == 4
    travel.forward(hours=23)
    new = send_file(page, filename="new.txt")
    travel.forward(hours=1, seconds=1)
    assert code(say(page, "", attachmentIds=["att_unknown"])) == (404, "ATTACHMENT_NOT_FOUND")
    assert sweep(app) == 3
    assert sweep(app) == 0
    assert len(on_disk(folder)) == 3
    assert fetch(api, sent["url"]).status_code == 200
    assert code(fetch(api, unsent["url"])) == (404, "ATTACHMENT_NOT_FOUND")
    assert code(say(page, "", attachmentIds=[unsent["id"]])) == (404, "ATTACHMENT_NOT_FOUND")
    page.say("", attachmentIds=[new["id"]])


class Stubborn(FolderStorage):
    """Can't delete for a while."""

    stuck = True

    def delete(self, path: str) -> None:
        if self.stuck:
            raise OSError("busy")
        super().delete(path)


def test_an_interrupted_periodic_task_continues_the_next_time(tmp_path: Path, serve: Serve, travel: Travel) -> None:
    storage = Stubborn(tmp_path / "pocketping-uploads")
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="secret of a test", POCKETPING_URL_PREFIX="")
    PocketPing(app, storage=storage)
    api = serve(app)
    file = send_file(api.visitor())
    travel.forward(days=2)
    with pytest.raises(OSError, match="busy"):
        sweep(app)
    assert code(fetch(api, file["url"])) == (404, "ATTACHMENT_NOT_FOUND")
    assert len(on_disk(tmp_path)) == 1
    storage.stuck = False
    assert sweep(app) == 1
    assert on_disk(tmp_path) == []


def test_a_file_that_cannot_be_removed_does_not_affect_others(tmp_path: Path, serve: Serve, travel: Travel) -> None:
    class OneStuck(FolderStorage):
        def delete(self, path: str) -> None:
            if path == stuck:
                raise OSError("busy")
            super().delete(path)

    app = app_with(tmp_path, OneStuck(tmp_path / "pocketping-uploads"))
    page = serve(app).visitor()
    send_file(page)
    stuck = str(on_disk(tmp_path)[0].relative_to(tmp_path / "pocketping-uploads"))
    for _ in range(3):
        send_file(page)
    travel.forward(days=2)
    with pytest.raises(OSError, match="busy"):
        sweep(app)
    assert len(on_disk(tmp_path)) == 1


def test_the_worker_runs_the_periodic_task(tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_pocketping.maintenance.FILES", 0.05)
    api = serve()
    page = api.visitor()
    sent = page.say("Look", attachmentIds=[send_file(page)["id"]])
    assert len(on_disk(tmp_path)) == 1
    api.ok("DELETE", f"/sessions/{page.session_id}/messages/{sent['messageId']}")
    wait_until(lambda: on_disk(tmp_path) == [], "the file is removed")


# --- Where they are kept ---


class InMemory:
    """A storage of the host's own."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    def write(self, path: str, stream: Readable) -> None:
        content = b""
        while part := stream.read(1000):
            content += part
        self.held[path] = content

    def open(self, path: str) -> Stored:
        if path not in self.held:
            raise FileNotFoundError(path)
        return io.BytesIO(self.held[path])

    def delete(self, path: str) -> None:
        self.held.pop(path, None)


def app_with(folder: Path, storage: Any = None, **settings: Any) -> Flask:
    app = Flask("host", instance_path=str(folder))
    app.config.update(SECRET_KEY="secret of a test", POCKETPING_URL_PREFIX="")
    app.config.update({f"POCKETPING_{name.upper()}": value for name, value in settings.items()})
    PocketPing(app, storage=storage)
    return app


def test_the_host_can_provide_its_own_storage(tmp_path: Path, serve: Serve) -> None:
    storage = InMemory()
    api = serve(app_with(tmp_path, storage))
    file = send_file(api.visitor(), png())
    assert fetch(api, file["url"]).content == png()
    thumbnail(api, file)
    assert len(storage.held) == 2
    assert not (tmp_path / "pocketping-uploads").exists()


class Broken(InMemory):
    """One that fails in a way that nobody foresaw."""

    def write(self, path: str, stream: Readable) -> None:
        raise RuntimeError("out of order")

    def open(self, path: str) -> Stored:
        raise RuntimeError("out of order")


def test_the_secret_of_a_file_is_never_logged(tmp_path: Path, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    app = app_with(tmp_path, Broken())
    page = serve(app).visitor()
    upload = expecting(page)
    _, _, id, key = upload["uploadUrl"].split("/")
    assert code(put(page, upload, b"Hello")) == (500, "INTERNAL_ERROR")
    with app.extensions["pocketping"].db.transaction() as tx:
        tx.execute(text("UPDATE pocketping_attachment SET status = 'ready'"))
    name = "x%0AERROR%20Nothing%20happened"
    assert requests.get(f"{page.url}/files/{id}/{key}/{name}", timeout=30).status_code == 500
    logged = [record.getMessage() for record in caplog.records if record.name == "flask_pocketping"]
    assert logged == [f"PUT /upload/{id}/*** failed.", f"GET /files/{id}/***/x\\nERROR Nothing happened failed."]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], capture_output=True)
    if made.returncode:
        pytest.skip("takes root to mount a disk")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_full_disk_is_reported_and_leaves_nothing_behind(tmp_path: Path, small_disk: Path, serve: Serve) -> None:
    app = app_with(tmp_path, uploads=str(small_disk), api_key=KEY)
    api = serve(app)
    page = api.visitor()
    first = send_file(page, bytes(100_000))

    def left() -> list[int]:
        return [path.stat().st_size for path in small_disk.rglob("*") if path.is_file()]

    upload = expecting(page, 200_000)
    for _ in range(3):
        refused = put(page, upload, bytes(200_000))
        assert code(refused) == (503, "UNAVAILABLE")
        assert int(refused.headers["Retry-After"]) > 0
        assert code(add(api, page.session_id, bytes(200_000))) == (503, "UNAVAILABLE")
        assert left() == [100_000]
    assert code(complete(page, upload)) == (400, "INVALID_REQUEST")
    assert fetch(api, first["url"]).content == bytes(100_000)
    page.say("The text goes on.")
    with app.extensions["pocketping"].db.read() as connection:
        found = connection.execute(text("SELECT size FROM pocketping_attachment ORDER BY size")).scalars().all()
    assert found == [100_000, 200_000], "the one that is there, and the one that may be sent again"
    with app.extensions["pocketping"].db.transaction() as tx:
        tx.execute(text("UPDATE pocketping_attachment SET created_at = '2020-01-01 00:00:00'"))
    sweep(app)
    assert left() == []
    again = expecting(page, 200_000)
    assert put(page, again, bytes(200_000)).status_code == 200


def test_a_full_database_disk_is_reported_and_the_message_can_be_sent_later(
    tmp_path: Path, small_disk: Path, serve: Serve
) -> None:
    subprocess.run(["mount", "-o", "remount,size=2m", small_disk], check=True)
    app = app_with(tmp_path, database_uri=f"sqlite:///{small_disk / 'chat.db'}", api_key=KEY)
    app.extensions["pocketping"].db.create_tables()
    page = serve(app).visitor()
    with (small_disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(bytes(4096)):
            pass
    answers = [say(page, "x" * 4000, clientId="m1") for _ in range(3)]
    assert {code(answer) for answer in answers} == {(503, "UNAVAILABLE")}
    (small_disk / "filler").unlink()
    assert say(page, "x" * 4000, clientId="m1").status_code == 200
    assert [len(message["content"]) for message in page.messages()] == [4000]


class Failing(InMemory):
    """Fails as a disk does."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.failing = True

    def write(self, path: str, stream: Readable) -> None:
        if self.failing:
            stream.read(1)
            raise OSError(self.number, os.strerror(self.number))
        super().write(path, stream)

    def open(self, path: str) -> Stored:
        if self.failing:
            raise OSError(self.number, os.strerror(self.number))
        return super().open(path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EMFILE])
def test_a_failing_storage_is_unavailable_until_it_works_again(
    tmp_path: Path, serve: Serve, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    storage = Failing(number)
    api = serve(app_with(tmp_path, storage, api_key=KEY))
    page = api.visitor()
    upload = expecting(page)
    assert code(put(page, upload, b"Hello")) == (503, "UNAVAILABLE")
    assert code(add(api, page.session_id)) == (503, "UNAVAILABLE")
    assert os.strerror(number) in caplog.text
    storage.failing = False
    assert put(page, upload, b"Hello").status_code == 200
    storage.failing = True
    assert code(complete(page, upload)) == (503, "UNAVAILABLE")
    storage.failing = False
    file = complete(page, upload).json()
    storage.failing = True
    assert code(fetch(api, file["url"])) == (503, "UNAVAILABLE")
    storage.failing = False
    assert fetch(api, file["url"]).content == b"Hello"


@pytest.mark.parametrize("given", ["elsewhere", Path("elsewhere"), None])
def test_the_upload_folder_is_a_setting(tmp_path: Path, serve: Serve, given: Any) -> None:
    wanted = tmp_path / ("elsewhere" if given else "pocketping-uploads")
    api = serve(app_with(tmp_path, uploads=given))
    assert not wanted.exists(), "made with the first file"
    send_file(api.visitor())
    assert [path.read_bytes() for path in wanted.rglob("*") if path.is_file()] == [b"Hello"]


def test_files_can_be_stored_in_a_bucket(tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    with serving_bucket() as bucket:
        api = serve(app_with(tmp_path, uploads="s3://uploads/chat/", s3_endpoint=bucket.url))
        assert bucket.requests == []
        page = api.visitor()
        file = send_file(page, png(), "photo.png")
        assert fetch(api, file["url"]).content == png()
        part = fetch(api, file["url"], headers={"Range": "bytes=1-3"})
        assert (part.status_code, part.content) == (206, b"PNG")
        assert thumbnail(api, file).status_code == 200
        assert {path.rsplit("/", 2)[0] for path in bucket.objects} == {"/uploads/chat"}
        upload = expecting(page)
        bucket.broken = True
        assert code(put(page, upload, b"Hello")) == (503, "UNAVAILABLE")
        bucket.broken = False
        assert put(page, upload, b"Hello").status_code == 200


def test_uploads_can_be_switched_off(tmp_path: Path, serve: Serve) -> None:
    app = app_with(tmp_path, InMemory(), uploads="off")
    api = serve(app)
    page = api.visitor()
    assert code(announce(page)) == (403, "FORBIDDEN")
    assert code(fetch(api, "/files/att_1/key/name")) == (403, "FORBIDDEN")
    with app.app_context(), pytest.raises(Forbidden):
        PocketPing().add_attachment(page.session_id, "a.txt", b"a")
    page.say("Words still do.")


def test_invalid_upload_settings_stop_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ConfigurationError, match="POCKETPING_UPLOADS must be a folder"):
        app_with(tmp_path, uploads="file")
    with pytest.raises(ConfigurationError, match="storage="):
        app_with(tmp_path, object())
    with pytest.raises(ConfigurationError, match="POCKETPING_S3_ENDPOINT"):
        app_with(tmp_path, s3_endpoint="http://127.0.0.1:9000")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"POCKETPING_UPLOADS.*flask-pocketping\[s3\]"):
        app_with(tmp_path, uploads="s3://bucket")
