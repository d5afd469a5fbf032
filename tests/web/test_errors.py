"""Tests every error of the contract over a real socket: one format, the right status and code, no internal details."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask, abort
from sqlalchemy import create_engine, text

from flask_pocketping import MessageRejected, PocketPing, signals
from flask_pocketping.values import MessageDraft

from ..conftest import Serve
from ..support.clients import Api, Visitor
from ..support.contract import Contract
from ..support.office import Office, office_on
from ..support.servers import KEY, free_port, make_app

PHRASES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Payload too large",
    415: "Unsupported media type",
    429: "Too many requests",
    500: "Internal server error",
    503: "Service unavailable",
}
MAX_BODY = 64 * 1024


def check(response: requests.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is an error of the contract, and return its body."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    # The tools that call the management API show `error` alone, so there it is the sentence.
    is_management = "/api/v1/" in response.url
    assert body["error"] == (body["message"] if is_management else PHRASES[status])
    assert isinstance(body["message"], str)
    assert body["message"]
    assert body.keys() <= {"error", "message", "code", "details"}
    for reasons in body.get("details", {}).values():
        assert reasons
        assert all(isinstance(reason, str) for reason in reasons)
    return body


def post(api: Api, path: str, body: bytes | Iterator[bytes] | str, **headers: str) -> requests.Response:
    """Post a body as it is written here."""
    data = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.request("POST", path, data=data, headers={"Content-Type": "application/json", **named})


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office_on("sqlite", tmp_path_factory.mktemp("errors")) as made:
        yield made


@pytest.fixture
def api(office: Office) -> Api:
    return Api(office.api.url, KEY)


CASES: dict[str, tuple[int, str, Callable[[Api], requests.Response]]] = {
    "a bad parameter": (400, "INVALID_REQUEST", lambda api: api.get("/sessions?limit=0")),
    "a bad field": (400, "INVALID_REQUEST", lambda api: api.post("/webhooks", {})),
    "no JSON": (400, "INVALID_JSON", lambda api: post(api, "/sessions", "{")),
    "no key": (401, "UNAUTHORIZED", lambda api: api.with_key(None).get("/sessions")),
    "a strange origin": (
        403,
        "FORBIDDEN",
        lambda api: upgrade(api, "/stream?sessionId=x", Origin="https://evil.example"),
    ),
    "no such address": (404, "NOT_FOUND", lambda api: api.get("/sessions/a/b/c/d")),
    "no such session": (404, "SESSION_NOT_FOUND", lambda api: api.get("/sessions/none")),
    "no such message": (
        404,
        "MESSAGE_NOT_FOUND",
        lambda api: api.delete(f"/sessions/{api.session()}/messages/none"),
    ),
    "no such webhook": (404, "WEBHOOK_NOT_FOUND", lambda api: api.get("/webhooks/none")),
    "no such delivery": (
        404,
        "DELIVERY_NOT_FOUND",
        lambda api: api.post(f"/webhooks/{made_webhook(api)}/deliveries/dlv_9/retry"),
    ),
    "no such attachment": (
        404,
        "ATTACHMENT_NOT_FOUND",
        lambda api: api.post(f"/sessions/{api.session()}/messages", {"content": "x", "attachmentIds": ["att_1"]}),
    ),
    "no such method": (405, "METHOD_NOT_ALLOWED", lambda api: api.delete("/sessions")),
    "a closed session": (
        409,
        "SESSION_CLOSED",
        lambda api: api.post(f"/sessions/{closed_session(api)}/messages", {"content": "x"}),
    ),
    "a key used before": (409, "IDEMPOTENCY_CONFLICT", lambda api: used_key(api)),
    "a large body": (413, "PAYLOAD_TOO_LARGE", lambda api: post(api, "/sessions", b" " * (MAX_BODY + 1))),
    "another type": (415, "UNSUPPORTED_MEDIA_TYPE", lambda api: post(api, "/sessions", "{}", Content_Type="text/json")),
}


def made_webhook(api: Api) -> str:
    return str(api.ok("POST", "/webhooks", {"url": "https://example.com/", "events": ["*"]})["webhook"]["id"])


def closed_session(api: Api) -> str:
    session_id = api.session()
    api.ok("POST", f"/sessions/{session_id}/close")
    return session_id


def used_key(api: Api) -> requests.Response:
    api.post("/sessions", {"visitorId": "one"}, headers={"Idempotency-Key": "the key"})
    return api.post("/sessions", {"visitorId": "two"}, headers={"Idempotency-Key": "the key"})


def upgrade(api: Api, path: str, **headers: str) -> requests.Response:
    """Ask for a WebSocket and read what is answered instead."""
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    return api.get(path, headers={**handshake, **headers})


@pytest.mark.parametrize("case", CASES)
def test_every_error_has_the_shape_of_the_contract(api: Api, case: str) -> None:
    status, code, call = CASES[case]
    body = check(call(api), status, code)
    assert ("details" in body) == (code == "INVALID_REQUEST")


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {KEY}", KEY, f"Bearer {KEY}x", "Bearer \xe9"]
)
def test_a_request_without_a_valid_key_is_told_how_to_send_one(api: Api, header: str | None) -> None:
    answer = api.with_key(None).get("/sessions", headers={"Authorization": header} if header is not None else {})
    check(answer, 401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", [f"Bearer {KEY}", f"bearer {KEY}", f"BEARER   {KEY} "])
def test_the_bearer_scheme_ignores_case(api: Api, header: str) -> None:
    assert api.with_key(None).get("/sessions", headers={"Authorization": header}).status_code == 200


def test_every_back_office_route_requires_a_key(office: Office) -> None:
    tried = 0
    for path, operations in office.api.contract.document["paths"].items():
        for method, operation in operations.items():
            if operation["security"]:
                answer = Api(office.api.url, None).request(method.upper(), path)
                check(answer, 401, "UNAUTHORIZED")
                tried += 1
    assert tried >= 20


@pytest.mark.parametrize(
    "path",
    [
        "/sessions/",
        "/sessions/x/",
        "/sessions/x/nothing",
        "/sessions/x/messages/y/z",
        "/webhooks/",
        "/webhooks/x/deliveries/y",
        "/health/now",
        "/messages/x/y",
        "/connect/",
        "/ws/x",
        "/stream/",
        "/openapi.json/",
    ],
)
def test_an_unknown_path_is_not_found_with_any_method(api: Api, path: str) -> None:
    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        check(api.request(method, path), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/sessions", "GET, HEAD, POST"),
        ("DELETE", "/sessions/x", "GET, HEAD"),
        ("GET", "/sessions/x/close", "POST"),
        ("HEAD", "/sessions/x/close", "POST"),
        ("PUT", "/sessions/x/messages/y", "DELETE, PATCH"),
        ("PUT", "/webhooks/x", "DELETE, GET, HEAD, PATCH"),
        ("POST", "/health", "GET, HEAD"),
        ("GET", "/connect", "POST"),
        ("TRACE", "/openapi.json", "GET, HEAD"),
        ("PROPFIND", "/webhooks", "GET, HEAD, POST"),
    ],
)
def test_a_wrong_method_gets_the_allowed_methods(api: Api, method: str, path: str, allowed: str) -> None:
    answer = api.request(method, path)
    assert answer.headers["Allow"] == allowed
    if method == "HEAD":
        assert (answer.status_code, answer.content) == (405, b"")
    else:
        check(answer, 405, "METHOD_NOT_ALLOWED")


def test_head_returns_the_headers_of_get(api: Api) -> None:
    for path, status in (("/sessions", 200), ("/health", 200), ("/sessions/none", 404), ("/sessions/a/b/c", 404)):
        answer = api.request("HEAD", path)
        assert (answer.status_code, answer.content) == (status, b"")
        assert answer.headers["Content-Type"] == "application/json"


def test_options_lists_the_methods(api: Api) -> None:
    answer = api.with_key(None).request("OPTIONS", "/sessions")
    assert answer.status_code == 200
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}
    assert "Access-Control-Allow-Origin" not in answer.headers
    nowhere = api.request("OPTIONS", "/sessions/a/b/c")
    check(nowhere, 404, "NOT_FOUND")
    assert "Allow" not in nowhere.headers


def test_websocket_routes_and_other_routes_do_not_mix(api: Api) -> None:
    check(api.get("/ws"), 400, "INVALID_REQUEST")
    check(api.get("/stream"), 400, "INVALID_REQUEST")
    check(upgrade(api, "/sessions"), 400, "INVALID_REQUEST")
    check(upgrade(api, "/sessions/a/b/c"), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "nonsense",
        '{"visitorId": "a"} {}',
        '{"visitorId": "a",}',
        "{'visitorId': 'a'}",
        '{"visitorId": "tab\there"}',
        "[]",
        '"text"',
        "5",
        "null",
        '[{"visitorId": "a"}]',
        '{"metadata": {"x": NaN}}',
        '{"metadata": {"x": Infinity}}',
        '{"metadata": {"x": -Infinity}}',
        '{"metadata": {"x": 1e999}}',
        f'{{"metadata": {{"x": {"9" * 5000}}}}}',
        "[" * 60_000,
        '{"a":' * 10_000,
        b"\xff\xfe\xfa",
        b'{"visitorId": "\xed\xa0\x80"}',
        b'{"visitorId": "\x80"}',
        b"\x00",
        '{"visitorId": "a"}'.encode("utf-16"),
        " ",
    ],
    ids=lambda body: ascii(body[:16]),
)
def test_a_body_that_is_not_a_json_object_is_refused(api: Api, body: str | bytes) -> None:
    check(post(api, "/sessions", body), 400, "INVALID_JSON")


@pytest.mark.parametrize("number", ["1e308", "-0.0", "0.1e-400", "9" * 300, "true", "1E+2"])
def test_all_json_numbers_are_stored_unchanged(api: Api, number: str) -> None:
    answer = post(api, "/sessions", f'{{"metadata": {{"x": {number}}}}}')
    assert answer.status_code == 201
    assert answer.json()["session"]["metadata"]["x"] == json.loads(number)


def test_an_unencodable_field_name_is_refused_and_shown_approximately(api: Api) -> None:
    body = check(post(api, "/sessions", r'{"\ud800": 1}'), 400, "INVALID_REQUEST")
    assert list(body["details"]) == ["?"]
    body = check(post(api, "/sessions", r'{"identity": {"a\udc00b": 1}}'), 400, "INVALID_REQUEST")
    assert list(body["details"]) == ["identity.a?b"]


def test_details_name_nested_fields_and_list_items(api: Api) -> None:
    body = {"identity": {"email": "x"}, "metadata": {"os": 1, "device": "d" * 33}}
    details = check(api.post("/sessions", body), 400, "INVALID_REQUEST")["details"]
    assert details.keys() == {"identity.email", "metadata.os", "metadata.device"}
    body = {"url": "https://example.com/", "events": ["*", "no", "session.closed", 5]}
    details = check(api.post("/webhooks", body), 400, "INVALID_REQUEST")["details"]
    assert details.keys() == {"events.1", "events.3"}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_needs_the_content_type_of_json(api: Api, kind: str) -> None:
    check(post(api, "/sessions", "{}", Content_Type=kind), 415, "UNSUPPORTED_MEDIA_TYPE")
    check(post(api, "/webhooks", "", Content_Type=kind), 415, "UNSUPPORTED_MEDIA_TYPE")


def test_the_content_type_may_have_a_charset(api: Api) -> None:
    assert post(api, "/sessions", "{}", Content_Type="Application/JSON; charset=utf-8").status_code == 201


def in_chunks(size: int) -> Iterator[bytes]:
    """A body of this size whose length is not told beforehand: JSON with much space in it."""
    yield b"{"
    left = size - 2
    while left > 0:
        yield b" " * min(left, 4096)
        left -= 4096
    yield b"}"


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_a_body_may_have_at_most_64_kb(api: Api, chunked: bool) -> None:
    def body(size: int) -> Iterator[bytes] | bytes:
        return in_chunks(size) if chunked else b"".join(in_chunks(size))

    assert post(api, "/sessions", body(MAX_BODY)).status_code == 201
    check(post(api, "/sessions", body(MAX_BODY + 1)), 413, "PAYLOAD_TOO_LARGE")
    check(post(api, "/sessions", body(MAX_BODY * 10)), 413, "PAYLOAD_TOO_LARGE")
    check(post(api.with_key(None), "/connect", body(MAX_BODY + 1)), 413, "PAYLOAD_TOO_LARGE")
    assert api.get("/health").status_code == 200


def test_a_false_content_length_does_not_block(api: Api) -> None:
    parts = urlsplit(api.url)
    lines = ["POST /sessions HTTP/1.1", "Host: x", f"Authorization: Bearer {KEY}", "Content-Type: application/json"]
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=10) as sock:
        sock.sendall("\r\n".join([*lines, "Content-Length: 9999999999", "", "{}"]).encode())
        assert b" 413 " in sock.recv(100)


def test_the_maximum_body_size_is_our_setting_and_not_the_hosts(tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, max_body_size=16 * 1024)
    app.config["MAX_CONTENT_LENGTH"] = 100
    api = serve(app)
    assert post(api, "/sessions", b"".join(in_chunks(16 * 1024))).status_code == 201
    check(post(api, "/sessions", b"".join(in_chunks(16 * 1024 + 1))), 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("mode", [{}, {"DEBUG": True}, {"TESTING": True}, {"PROPAGATE_EXCEPTIONS": True}])
def test_an_unexpected_error_is_logged_and_reveals_nothing(
    tmp_path: Path, serve: Serve, caplog: pytest.LogCaptureFixture, mode: dict[str, bool]
) -> None:
    def crash(app: Flask, draft: MessageDraft) -> None:
        raise RuntimeError("the password is swordfish")

    app = make_app(tmp_path)
    app.config.update(mode)
    api = serve(app)
    session_id = api.session()
    with signals.message_received.connected_to(crash, sender=app):
        answer = api.post(f"/sessions/{session_id}/messages", {"content": "x"})
    check(answer, 500, "INTERNAL_ERROR")
    shown = answer.text + str(answer.headers)
    assert not any(word in shown for word in ("swordfish", "RuntimeError", "Traceback", "crash", ".py"))
    (logged,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert f"POST /sessions/{session_id}/messages" in logged.getMessage()
    assert logged.exc_info
    assert "swordfish" in str(logged.exc_info[1])
    assert api.ok("GET", f"/sessions/{session_id}/messages")["messages"] == []
    assert api.post(f"/sessions/{session_id}/messages", {"content": "x"}).status_code == 201


def test_a_rejected_message_gives_the_reason(app: Flask, api: Api, serve: Serve) -> None:
    def reject(sender: Flask, draft: MessageDraft) -> None:
        raise MessageRejected("No shouting, please.")

    served = serve(app)
    session_id = served.session()
    with signals.message_received.connected_to(reject, sender=app):
        body = check(served.post(f"/sessions/{session_id}/messages", {"content": "HELLO"}), 400, "INVALID_REQUEST")
    assert body["message"] == "No shouting, please."


ADDRESSES = {
    "sqlite": "sqlite:////nowhere/at/all.db",
    "postgresql": "postgresql+psycopg://user:swordfish@127.0.0.1:{port}/x",
    "mariadb": "mysql+pymysql://user:swordfish@127.0.0.1:{port}/x",
}


@pytest.mark.parametrize("kind", ADDRESSES)
def test_a_database_that_is_down_is_unavailable(
    tmp_path: Path, serve: Serve, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(
        SECRET_KEY="x",
        POCKETPING_API_KEY=KEY,
        POCKETPING_URL_PREFIX="",
        POCKETPING_WORKER="off",
        POCKETPING_DATABASE_URI=ADDRESSES[kind].format(port=free_port()),
    )
    PocketPing(app)
    api = serve(app)
    answer = api.get("/sessions")
    check(answer, 503, "UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0
    check(api.post("/sessions"), 503, "UNAVAILABLE")
    check(api.with_key("pp_another-key-of-the-table").get("/sessions"), 503, "UNAVAILABLE")
    health = api.get("/health")
    assert (health.status_code, health.json()["failing"]) == (503, "database")
    assert {"error", "message", "code"} <= health.json().keys()
    Contract(api.get("/openapi.json").json()).check("GET", "/health", health)
    assert "swordfish" not in caplog.text


def test_a_database_that_comes_back_is_used_again(postgresql: str, tmp_path: Path, serve: Serve) -> None:
    api = serve(make_app(tmp_path, postgresql))
    session_id = api.session()
    engine = create_engine(postgresql, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = :name"
        connection.execute(text(end), {"name": engine.url.database})
    engine.dispose()
    assert api.get(f"/sessions/{session_id}").status_code == 200


def test_missing_tables_are_unavailable_and_the_log_names_the_command(
    any_empty_database: str, tmp_path: Path, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(
        SECRET_KEY="x",
        POCKETPING_API_KEY=KEY,
        POCKETPING_URL_PREFIX="",
        POCKETPING_WORKER="off",
        SQLALCHEMY_DATABASE_URI=any_empty_database,
    )
    PocketPing(app)
    api = serve(app)
    check(api.get("/sessions"), 503, "UNAVAILABLE")
    assert "flask pocketping init-db" in caplog.text
    check(api.post("/sessions"), 503, "UNAVAILABLE")
    check(api.with_key("pp_another-key-of-the-table").get("/sessions"), 503, "UNAVAILABLE")
    health = api.get("/health").json()
    assert health["failing"] == "database"
    assert "flask pocketping init-db" in health["message"]
    assert app.test_cli_runner().invoke(args=["pocketping", "init-db"]).exit_code == 0
    assert api.post("/sessions").status_code == 201
    assert api.get("/health").status_code == 200


@pytest.mark.parametrize("prefix", ["", "/chat", "/pocketping"])
def test_the_hosts_own_error_pages_do_not_reach_our_addresses(tmp_path: Path, serve: Serve, prefix: str) -> None:
    app = make_app(tmp_path, url_prefix=prefix)
    for code in (400, 401, 403, 404, 405, 413, 415, 429, 500):
        app.register_error_handler(code, lambda error: ("the host's page", 418))
    app.register_error_handler(Exception, lambda error: ("the host's page", 418))
    api = serve(app)
    check(api.get("/sessions?limit=0"), 400, "INVALID_REQUEST")
    check(api.with_key(None).get("/sessions"), 401, "UNAUTHORIZED")
    check(api.get("/sessions/a/b/c"), 404, "NOT_FOUND")
    check(api.delete("/sessions"), 405, "METHOD_NOT_ALLOWED")
    for size in (MAX_BODY + 1, MAX_BODY * 2):
        check(post(api, "/sessions", b" " * size), 413, "PAYLOAD_TOO_LARGE")
        check(post(api, "/sessions", in_chunks(size)), 413, "PAYLOAD_TOO_LARGE")
    check(post(api, "/sessions", "{}", Content_Type="text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE")

    def crash(sender: Flask, draft: MessageDraft) -> None:
        raise ZeroDivisionError

    session_id = api.session()
    with signals.message_received.connected_to(crash, sender=app):
        check(api.post(f"/sessions/{session_id}/messages", {"content": "x"}), 500, "INTERNAL_ERROR")
    root = api.url.removesuffix(prefix)
    assert requests.get(root + "/elsewhere", timeout=10).text == "the host's page"


def test_errors_of_a_hosts_before_request_have_our_format_under_our_prefix(tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, url_prefix="/chat")

    @app.before_request
    def gate() -> None:
        abort(403)

    api = serve(app)
    check(api.get("/sessions"), 403, "FORBIDDEN")
    outside = requests.get(api.url.removesuffix("/chat") + "/", timeout=10)
    assert (outside.status_code, outside.headers["Content-Type"]) == (403, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/connect", {"visitorId": "a b"}, "visitorId"),
        ("/connect", {"identity": "me"}, "identity"),
        ("/message", {"content": "x"}, "sessionId"),
        ("/message", {"sessionId": "x"}, "content"),
        ("/message", {"sessionId": "x", "content": "x", "sender": "operator"}, "sender"),
        ("/message", {"sessionId": "x", "content": "x", "clientId": "a\n"}, "clientId"),
    ],
)
def test_errors_of_visitor_routes_name_the_fields(api: Api, path: str, body: Any, field: str) -> None:
    answer = check(api.with_key(None).post(path, body), 400, "INVALID_REQUEST")
    assert list(answer["details"]) == [field]


@pytest.mark.parametrize("after", ["yesterday", "0001-01-01T00:00:00+14:00", "msg_none", "msg_\x00", "2024-13-01"])
def test_an_invalid_position_of_a_visitor_is_refused(api: Api, after: str) -> None:
    visitor = Visitor(api.url)
    answer = visitor.request("GET", "/messages", params={"sessionId": visitor.handle, "after": after})
    check(answer, 400, "INVALID_REQUEST")


def test_a_connection_survives_many_errors(api: Api) -> None:
    parts = urlsplit(api.url)
    for path, status in (("/nothing-of-ours", 404), ("/sessions", 401), ("/sessions/a/b/c", 404)):
        connection = HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        connection.request("POST" if status == 401 else "GET", path, body=b"{}" * 100)
        assert connection.getresponse().status == status
        connection.close()
