"""Tests rate limits: of API keys in the back office, and of conversations and addresses in the visitor API."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from requests.adapters import HTTPAdapter
from sqlalchemy import select
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_pocketping import PocketPing
from flask_pocketping.chat import projects
from flask_pocketping.chat.log import events
from flask_pocketping.security.rate_limits import Limiter, address_key
from flask_pocketping.values import Operator

from ..conftest import Serve
from ..support.clients import BROWSER, Api, Socket, Visitor
from ..support.proxy import proxying
from ..support.servers import KEY, free_port, gunicorn, make_app, wait_until
from ..support.travel import Travel

HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def limited(response: requests.Response) -> dict[str, int]:
    """Check that an answer is a 429 of the contract, and return its headers."""
    assert response.status_code == 429, response.text
    body = response.json()
    assert body["error"] == "Too many requests"
    assert body["code"] == "RATE_LIMITED"
    assert body["message"]
    found = {name: int(response.headers[name]) for name in (*HEADERS, "Retry-After")}
    assert found["RateLimit-Remaining"] == 0
    assert found["Retry-After"] >= 1
    return found


def another_key(app: Flask) -> str:
    return str(projects.create_key(app.extensions["pocketping"].db, "another").key)


class From(HTTPAdapter):
    """Requests from another address of this machine."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, source_address=(self._address, 0))


@pytest.fixture
def elsewhere() -> Iterator[requests.Session]:
    """A client at another address."""
    with requests.Session() as session:
        session.mount("http://", From("127.0.0.2"))
        session.headers["User-Agent"] = BROWSER
        yield session


def test_by_default_a_key_is_not_limited(api: Api) -> None:
    for _ in range(30):
        answer = api.get("/sessions")
        assert answer.status_code == 200
    assert not set(HEADERS) & answer.headers.keys()


@pytest.mark.parametrize(
    ("rule", "amount"), [("free", 100), ("pro", 1000), ("team", 10000), ("50/second", 50), ("7 per 2 hour", 7)]
)
def test_the_headers_have_the_limit_of_a_plan_or_rule(tmp_path: Path, serve: Serve, rule: str, amount: int) -> None:
    answer = serve(make_app(tmp_path, rate_limit=rule)).get("/sessions")
    assert answer.headers["RateLimit-Limit"] == str(amount)
    assert answer.headers["RateLimit-Remaining"] == str(amount - 1)
    assert 1 <= int(answer.headers["RateLimit-Reset"]) <= 7200


def test_every_counted_response_has_the_remaining_requests(tmp_path: Path, serve: Serve) -> None:
    api = serve(make_app(tmp_path, rate_limit="20/hour"))
    session = api.post("/sessions")
    webhook = api.post("/webhooks", {"url": "https://example.com/", "events": ["*"]})
    headers = {"Idempotency-Key": "key"}
    answers = [
        session,
        webhook,
        api.get("/sessions"),
        api.get("/sessions/none"),
        api.get("/sessions?limit=0"),
        api.post("/webhooks", {}),
        api.post(f"/sessions/{session.json()['session']['id']}/messages", {"content": "x"}, headers=headers),
        api.post(f"/sessions/{session.json()['session']['id']}/messages", {"content": "x"}, headers=headers),
        api.post(f"/sessions/{session.json()['session']['id']}/messages", {"content": "y"}, headers=headers),
        api.request("POST", "/sessions", data=b"{", headers={"Content-Type": "application/json"}),
        api.delete(f"/webhooks/{webhook.json()['webhook']['id']}"),
        api.request("HEAD", "/sessions"),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 200, 404, 400, 400, 201, 201, 409, 400, 204, 200]
    for number, answer in enumerate(answers):
        assert answer.headers["RateLimit-Limit"] == "20"
        assert answer.headers["RateLimit-Remaining"] == str(19 - number)
        assert int(answer.headers["RateLimit-Reset"]) >= 1


def test_a_request_over_the_limit_is_refused_and_changes_nothing(tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, rate_limit="3/hour")
    api = serve(app)
    for _ in range(3):
        assert api.post("/sessions").status_code == 201
    found = limited(api.post("/sessions"))
    assert found["RateLimit-Limit"] == 3
    assert found["Retry-After"] <= 3600
    limited(api.get("/sessions"))
    assert len(api.with_key(another_key(app)).ok("GET", "/sessions")["sessions"]) == 3


def test_each_key_is_counted_separately(tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, rate_limit="2/hour")
    api = serve(app)
    one, other = api.with_key(another_key(app)), api.with_key(another_key(app))
    assert [one.get("/sessions").status_code for _ in range(3)] == [200, 200, 429]
    assert [other.get("/sessions").status_code for _ in range(3)] == [200, 200, 429]
    assert [api.get("/sessions").status_code for _ in range(3)] == [200, 200, 429]
    assert api.with_key("wrong-key-0123456789").get("/sessions").status_code == 401
    assert api.with_key(None).get("/health").status_code == 200


def test_the_strictest_of_several_rules_counts(tmp_path: Path, serve: Serve) -> None:
    api = serve(make_app(tmp_path, rate_limit="5/hour; 3/day"))
    answers = [api.get("/sessions") for _ in range(4)]
    assert [answer.headers["RateLimit-Limit"] for answer in answers] == ["3"] * 4
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    limited(answers[3])


def test_requests_are_allowed_again_after_the_window(tmp_path: Path, serve: Serve) -> None:
    api = serve(make_app(tmp_path, rate_limit="2/second"))
    wait_until(lambda: api.get("/sessions").status_code == 429, "the limit")
    wait_until(lambda: api.get("/sessions").status_code == 200, "room again")


def test_concurrent_requests_are_counted_exactly(tmp_path: Path, serve: Serve) -> None:
    api = serve(make_app(tmp_path, rate_limit="10/hour"))
    barrier = threading.Barrier(20)

    def get(number: int) -> int:
        barrier.wait()
        return api.get("/sessions").status_code

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(get, range(20)))
    assert (statuses.count(200), statuses.count(429)) == (10, 10)


def test_two_apps_with_one_redis_count_together(tmp_path: Path, serve: Serve, redis_url: str) -> None:
    one, other = (serve(make_app(tmp_path, rate_limit="4/hour", redis_url=redis_url)) for _ in range(2))
    statuses = [api.get("/sessions").status_code for api in (one, other, one, other, one, other)]
    assert statuses == [200, 200, 200, 200, 429, 429]
    assert int(limited(other.get("/sessions"))["RateLimit-Limit"]) == 4


def test_apps_of_different_sites_count_separately_in_one_redis(tmp_path: Path, serve: Serve, redis_url: str) -> None:
    for site in ("one", "other"):
        api = serve(make_app(tmp_path / site, rate_limit="1/hour", redis_url=redis_url))
        assert [api.get("/sessions").status_code for _ in range(2)] == [200, 429]


def test_the_processes_of_one_app_count_together(tmp_path: Path, sqlite: str, redis_url: str) -> None:
    make_app(tmp_path, sqlite).extensions["pocketping"].runtime.close()
    with gunicorn(tmp_path, database=sqlite, workers=2, rate_limit="20/hour", redis_url=redis_url) as (api, _):
        statuses = [api.get("/sessions").status_code for _ in range(30)]
    assert (statuses.count(200), statuses.count(429)) == (20, 10)


def test_without_redis_each_process_counts_separately(
    tmp_path: Path, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    redis_url = f"redis://:swordfish@127.0.0.1:{free_port()}/0"
    api = serve(make_app(tmp_path, rate_limit="3/hour", visitor_message_limit="1/hour", redis_url=redis_url))
    assert [api.get("/sessions").status_code for _ in range(4)] == [200, 200, 200, 429]
    visitor = api.visitor()
    visitor.say("Hello")
    limited(visitor.request("POST", "/message", {"sessionId": visitor.handle, "content": "Hello"}))
    assert "Redis is unavailable" in caplog.text
    assert "swordfish" not in caplog.text


def test_counting_returns_to_redis_when_it_comes_back(
    tmp_path: Path, serve: Serve, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Limiter, "RETRY", 0.0)
    parts = urlsplit(redis_url)
    with proxying(parts.hostname or "127.0.0.1", parts.port or 6379) as proxy:
        away = f"redis://127.0.0.1:{proxy.port}{parts.path}"
        one = serve(make_app(tmp_path, rate_limit="2/hour", redis_url=away))
        other = serve(make_app(tmp_path, rate_limit="2/hour", redis_url=redis_url))
        proxy.down()
        assert one.get("/sessions").status_code == 200
        assert [other.get("/sessions").status_code for _ in range(3)] == [200, 200, 429]
        proxy.up()
        assert one.get("/sessions").status_code == 429


def test_the_messages_of_a_conversation_are_limited(tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, visitor_message_limit="3/hour")
    api = serve(app)
    one, other = api.visitor(), api.visitor()
    for number in range(3):
        one.say(f"No. {number}")
    refused = one.request("POST", "/message", {"sessionId": one.handle, "content": "No. 4"})
    assert limited(refused)["RateLimit-Limit"] == 3
    other.say("I am somebody else")
    assert len(one.messages()) == 3
    api.ok("POST", f"/sessions/{one.session_id}/messages", {"content": "The office may always answer"})


def test_the_requests_of_an_address_are_limited(tmp_path: Path, serve: Serve, elsewhere: requests.Session) -> None:
    api = serve(make_app(tmp_path, visitor_address_limit="4/hour"))
    visitor = api.visitor()
    for _ in range(3):
        visitor.messages()
    limited(visitor.request("GET", "/messages", params={"sessionId": visitor.handle}))
    limited(visitor.request("POST", "/connect", {"metadata": {}}))
    assert elsewhere.post(api.url + "/connect", json={"metadata": {}}, timeout=10).status_code == 200
    assert api.get("/sessions").status_code == 200


def test_the_sessions_that_an_address_opens_are_limited(
    tmp_path: Path, serve: Serve, elsewhere: requests.Session
) -> None:
    api = serve(make_app(tmp_path, visitor_silent_session_limit="2/hour", visitor_session_limit="1/hour"))
    first = api.visitor()
    api.visitor()
    limited(first.request("POST", "/connect", {"metadata": {}}))
    again = first.request("POST", "/connect", {"sessionId": first.handle, "metadata": {}})
    assert (again.status_code, again.json()["sessionId"]) == (200, first.handle)
    assert elsewhere.post(api.url + "/connect", json={"metadata": {}}, timeout=10).status_code == 200
    assert len(api.ok("GET", "/sessions")["sessions"]) == 3
    assert api.post("/sessions").status_code == 201


def test_the_conversations_that_an_address_starts_are_limited(
    any_database: str, tmp_path: Path, serve: Serve, elsewhere: requests.Session
) -> None:
    """An office behind one address may look at as many pages as it likes."""
    api = serve(make_app(tmp_path, any_database, visitor_session_limit="2/hour"))
    first, second, third, *others = [api.visitor() for _ in range(6)]
    for page in (first, second):
        page.say("Hello", clientId="one")
    refused = third.request("POST", "/message", {"sessionId": third.handle, "content": "Hello", "clientId": "one"})
    assert limited(refused)["RateLimit-Limit"] == 2
    assert third.messages() == []
    assert first.say("Hello", clientId="one") == first.say("Hello", clientId="one"), "a repeat begins none"
    for page in (first, second):
        page.say("And another thing")
    api.ok("POST", f"/sessions/{third.session_id}/messages", {"content": "Can I help you?"})
    limited(third.request("POST", "/message", {"sessionId": third.handle, "content": "Yes"}))
    wanted = {"sessionId": others[0].handle, "content": "Hello"}
    assert elsewhere.post(api.url + "/message", json=wanted, timeout=10).status_code == 200
    assert [found["status"] for found in api.ok("GET", "/sessions")["sessions"]] == ["active"] * 6


def test_concurrent_first_messages_are_counted_once_each(any_database: str, tmp_path: Path, serve: Serve) -> None:
    api = serve(make_app(tmp_path, any_database, visitor_session_limit="3/hour"))
    pages = [api.visitor() for _ in range(6)]
    barrier = threading.Barrier(12)

    def speak(page: Visitor) -> int:
        barrier.wait()
        return page.request("POST", "/message", {"sessionId": page.handle, "content": "Hello"}).status_code

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(speak, pages * 2))
    assert sorted(statuses) == [200] * 6 + [429] * 6
    assert sorted(len(page.messages()) for page in pages) == [0, 0, 0, 2, 2, 2]


def test_forwarded_headers_of_a_client_are_ignored(tmp_path: Path, serve: Serve) -> None:
    api = serve(make_app(tmp_path, visitor_silent_session_limit="2/hour"))
    statuses = []
    for number in range(4):
        address = f"203.0.113.{number}"
        headers = {
            "User-Agent": BROWSER,
            "X-Forwarded-For": f"{address}, 10.0.0.1",
            "X-Real-IP": address,
            "Forwarded": f"for={address}",
            "CF-Connecting-IP": address,
        }
        statuses.append(requests.post(api.url + "/connect", json={}, headers=headers, timeout=10).status_code)
    assert statuses == [200, 200, 429, 429]


def test_forwarded_headers_of_a_trusted_proxy_are_used(tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, visitor_silent_session_limit="2/hour")
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)  # type: ignore[method-assign]
    api = serve(app)

    def connect(forwarded: str) -> int:
        headers = {"User-Agent": BROWSER, "X-Forwarded-For": forwarded}
        return requests.post(api.url + "/connect", json={}, headers=headers, timeout=10).status_code

    assert [connect("203.0.113.1") for _ in range(3)] == [200, 200, 429]
    assert connect("203.0.113.2") == 200
    assert [connect(f"198.51.100.{number}, 203.0.113.3") for number in range(3)] == [200, 200, 429]
    home = [connect(f"2001:db8:1:2::{number}") for number in range(3)]
    assert home == [200, 200, 429]
    assert connect("2001:db8:1:3::1") == 200


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::2%eth1"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::1"),
        (None, ""),
        ("unix:", "nonsense"),
    ],
)
def test_addresses_that_count_as_one(one: str | None, other: str | None) -> None:
    assert address_key(one) == address_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("192.0.2.1", "192.0.2.2"), ("2001:db8:1:2::1", "2001:db8:1:3::1"), ("::ffff:192.0.2.1", "::ffff:192.0.2.2")],
)
def test_addresses_that_count_separately(one: str, other: str) -> None:
    assert address_key(one) != address_key(other)


def test_visitors_are_rate_limited_by_default(tmp_path: Path, serve: Serve) -> None:
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="x", POCKETPING_URL_PREFIX="")
    PocketPing(app)
    api = serve(app)
    visitor = Visitor(api.url)
    statuses = [
        visitor.request("POST", "/message", {"sessionId": visitor.handle, "content": "x"}).status_code
        for _ in range(40)
    ]
    assert 20 <= statuses.count(200) < 40
    assert set(statuses) == {200, 429}
    pages = [Visitor(api.url) for _ in range(70)]
    begun = [page.request("POST", "/message", {"sessionId": page.handle, "content": "x"}).status_code for page in pages]
    assert 50 <= begun.count(200) < 70
    assert set(begun) == {200, 429}
    opened = [visitor.request("POST", "/connect", {}).status_code for _ in range(250)]
    assert 200 <= opened.count(200) < 250
    assert set(opened) == {200, 429}
    large = visitor.request("POST", "/connect", {"visitorId": "x" * 70_000})
    assert (large.status_code, large.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")


def test_an_unlisted_origin_gets_no_cors_headers(api: Api) -> None:
    for method, path in (("POST", "/connect"), ("OPTIONS", "/connect"), ("OPTIONS", "/message"), ("GET", "/sessions")):
        answer = api.request(method, path, headers={"Origin": "https://evil.example"})
        assert not any(name.lower().startswith("access-control") for name in answer.headers)


def test_without_a_key_the_back_office_is_closed(tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, api_key=None)
    api = serve(app)
    for key in (None, "", "None", KEY, "null", "undefined"):
        assert api.with_key(key).get("/sessions").status_code == 401
        assert api.with_key(key).post("/webhooks", {"url": "https://example.com/", "events": ["*"]}).status_code == 401
    assert api.with_key(another_key(app)).get("/sessions").status_code == 200


def test_wrong_keys_are_limited_per_address_on_all_transports(
    tmp_path: Path, serve: Serve, elsewhere: requests.Session
) -> None:
    app = make_app(tmp_path, failed_key_limit="5/hour")
    api = serve(app)
    fresh = another_key(app)
    assert api.get("/sessions").status_code == 200
    for number in range(4):
        assert api.with_key(f"guess-{number}").get("/sessions").status_code == 401
    with Socket(api.url + "/ws") as socket:
        socket.send({"type": "auth", "apiKey": "ppo_guess"})
        assert socket.close_code() == 4401
    limited(api.with_key("guess-6").get("/sessions"))
    limited(api.with_key("ppo_guess").post("/webhooks", {}))
    # A right guess is told from a wrong one no more.
    limited(api.with_key(fresh).get("/sessions"))
    for key in ("guess-7", fresh):
        with Socket(api.url + "/ws") as socket:
            socket.send({"type": "auth", "apiKey": key})
            assert socket.close_code() == 4429
    # Who worked there before goes on, and so does everyone elsewhere.
    assert api.get("/sessions").status_code == 200
    with api.socket() as socket:
        socket.send({"type": "ping"})
        assert socket.expect("pong")
    headers = {"Authorization": f"Bearer {fresh}"}
    assert elsewhere.get(api.url + "/sessions", headers=headers, timeout=30).status_code == 200


def test_a_revoked_key_counts_as_a_guess(tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, failed_key_limit="3/hour")
    api = serve(app)
    made = projects.create_key(app.extensions["pocketping"].db, "another")
    assert made.key is not None
    client = api.with_key(made.key)
    assert client.get("/sessions").status_code == 200
    projects.revoke_key(app.extensions["pocketping"].db, made.id)
    assert [client.get("/sessions").status_code for _ in range(4)] == [401, 401, 401, 429]


def test_requests_without_a_guess_are_not_counted(tmp_path: Path, serve: Serve, travel: Travel) -> None:
    """A request without a key tries none, and a token that ran out was good once."""
    app = make_app(tmp_path, failed_key_limit="2/hour", operator_token_lifetime=60)
    api = serve(app)
    token = app.extensions["pocketping"].operator_tokens.make(Operator("7", "Ana"), "proj_default")
    travel.forward(seconds=120)
    for _ in range(5):
        assert api.with_key(None).get("/sessions").status_code == 401
        assert api.with_key(token).get("/sessions").status_code == 401
    assert api.get("/sessions").status_code == 200


def test_wrong_keys_are_counted_in_redis_by_all_processes(tmp_path: Path, serve: Serve, redis_url: str) -> None:
    one, other = (serve(make_app(tmp_path, failed_key_limit="4/hour", redis_url=redis_url)) for _ in range(2))
    statuses = [api.with_key("guess").get("/sessions").status_code for api in (one, other) * 3]
    assert statuses == [401, 401, 401, 401, 429, 429]


def test_the_daily_bytes_of_an_address_are_limited_on_all_transports(
    tmp_path: Path, serve: Serve, elsewhere: requests.Session
) -> None:
    limits: dict[str, Any] = {"visitor_daily_bytes": 100_000, "visitor_message_limit": "off"}
    app = make_app(tmp_path, **limits)
    api = serve(app)
    visitor = api.visitor()
    event = {"name": "clicked", "data": "x" * 9000}
    announced = {"sessionId": visitor.handle, "filename": "a.txt", "mimeType": "text/plain", "size": 60_000}
    with visitor.stream() as page:
        visitor.say("y" * 4000)
        page.send({"type": "event", "data": event})
        wait_until(lambda: events_of(app, visitor.session_id) == 1, "the event")
        assert visitor.request("POST", "/events", {"sessionId": visitor.handle, **event}).status_code == 200
        assert visitor.request("POST", "/upload", announced).status_code == 200
        limited(visitor.request("POST", "/upload", announced))
        statuses = [
            visitor.request("POST", "/events", {"sessionId": visitor.handle, **event}).status_code for _ in range(3)
        ]
        assert statuses == [200, 429, 429]
        page.send({"type": "event", "data": event})
        assert page.close_code() == 4429
    # Other addresses go on, and so does the back office.
    body = {"sessionId": visitor.handle, "content": "Hello"}
    assert elsewhere.post(api.url + "/message", json=body, timeout=30).status_code == 200
    assert api.post(f"/sessions/{visitor.session_id}/messages", {"content": "z" * 4000}).status_code == 201


def events_of(app: Flask, session_id: str) -> int:
    query = select(events.c.id).where(events.c.session_id == session_id, events.c.type == "event.received")
    with app.extensions["pocketping"].db.read() as connection:
        return len(connection.execute(query).all())
