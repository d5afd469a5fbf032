"""The management API, asked as PocketPing's public command line and MCP server ask it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from flask_pocketping import clock
from flask_pocketping.chat import messages
from flask_pocketping.chat.projects import create_key, create_project, project_of_key
from flask_pocketping.errors import Unauthorized
from flask_pocketping.values import PROJECT_SWITCHES

from ...conftest import LOCAL, Serve
from ...support.contract import CheckedApi
from ...support.office import Office
from ...support.servers import make_app


@pytest.fixture
def api(any_office: Office) -> CheckedApi:
    return any_office.new_project()


def ask(api: CheckedApi, path: str, method: str = "GET", body: str | None = None, **params: Any) -> requests.Response:
    """Ask as the tools do: with a JSON content type on everything, and nothing more."""
    headers = {"User-Agent": "node", "Content-Type": "application/json"}
    return api.request(method, f"/api/v1{path}", headers=headers, data=body, params=params)


def project_id(any_office: Office, api: CheckedApi) -> str:
    found = project_of_key(any_office.db, str(api.key))
    assert found is not None
    return found


def test_a_key_says_whose_it_is(any_office: Office, api: CheckedApi) -> None:
    own = project_id(any_office, api)
    told = ask(api, "/me").json()
    assert told["project"] == {"id": own, "name": "A test"}
    assert told["organization"]["id"]
    api.session()
    (listed,) = ask(api, "/projects").json()["projects"]
    assert listed == {"id": own, "name": "A test", "domain": "127.0.0.1", "sessionCount": 1}


def test_switches_are_kept(any_office: Office, api: CheckedApi) -> None:
    path = f"/projects/{quote(project_id(any_office, api), safe='')}"
    before = ask(api, path).json()["project"]
    assert {name: before[name] for name in PROJECT_SWITCHES} == PROJECT_SWITCHES
    assert ask(api, path, "PATCH", "{}").json()["project"] == before
    ask(api, path, "PATCH", '{"csatEnabled": false, "slackNotifyPresence": true}')
    ask(api, path, "PATCH", '{"slackNotifyPresence": false}')
    assert ask(api, path).json()["project"] == {**before, "csatEnabled": False}
    refused = ask(api, path, "PATCH", '{"csatEnabled": "no"}')
    assert (refused.status_code, refused.json()["error"]) == (400, "csatEnabled: Not a valid boolean.")
    assert ask(api, path, "PATCH", '{"name": "Mine"}').status_code == 400


def test_ratings_can_be_switched_off(any_office: Office, api: CheckedApi) -> None:
    path = f"/projects/{project_id(any_office, api)}"
    session_id = api.session()
    ask(api, path, "PATCH", '{"csatEnabled": false}')
    refused = api.post(f"/sessions/{session_id}/csat")
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    assert "csatRequestedAt" not in api.ok("GET", f"/sessions/{session_id}")["session"]
    ask(api, path, "PATCH", '{"csatEnabled": true}')
    assert api.post(f"/sessions/{session_id}/csat").status_code == 202


def test_crawlers_can_be_let_in(any_office: Office, api: CheckedApi) -> None:
    own = project_id(any_office, api)
    body = {"metadata": {}, "project": own}
    counts = []
    for switch in ("true", "false"):
        ask(api, f"/projects/{own}", "PATCH", f'{{"botHeuristicsEnabled": {switch}}}')
        headers = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
        assert requests.post(f"{api.url}/connect", json=body, headers=headers, timeout=30).status_code == 200
        counts.append(len(ask(api, "/sessions").json()["sessions"]))
    assert counts == [0, 1]


def test_nothing_of_another_project_is_found(any_office: Office, api: CheckedApi) -> None:
    other = any_office.new_project()
    session_id = other.session()
    theirs = project_id(any_office, other)
    for answer in (
        ask(api, f"/projects/{theirs}"),
        ask(api, f"/projects/{theirs}", "PATCH", '{"csatEnabled": false}'),
        ask(api, "/sessions", projectId=theirs),
        ask(api, "/stats", projectId=theirs),
    ):
        assert (answer.status_code, answer.json()["error"]) == (404, "Project not found")
    for answer in (
        ask(api, f"/sessions/{session_id}"),
        ask(api, f"/sessions/{session_id}/reply", "POST", '{"content": "Hi"}'),
    ):
        assert (answer.status_code, answer.json()["error"]) == (404, "Session not found")
    assert ask(api, "/sessions").json() == {"sessions": [], "nextCursor": None}
    assert messages.list_messages(any_office.db, session_id).messages == []
    assert ask(other, f"/projects/{theirs}").json()["project"]["csatEnabled"] is True


def test_conversations_are_listed_and_read_whole(api: CheckedApi) -> None:
    waiting, closed = (api.session(identity={"name": name}) for name in ("Ana", "Bo"))
    for number in range(130):
        api.ok("POST", f"/sessions/{waiting}/messages", {"content": f"Message {number}", "type": "visitor"})
    api.ok("POST", f"/sessions/{closed}/close")
    for query, expected in (
        ({}, [waiting, closed]),
        ({"status": "active"}, [waiting]),
        ({"status": "closed"}, [closed]),
        ({"status": "archived"}, []),
        ({"unanswered": "true"}, [waiting]),
        ({"q": "Bo"}, [closed]),
        ({"q": "message 12", "unanswered": "true"}, [waiting]),
        ({"limit": "1", "newer": "parameter"}, [waiting]),
    ):
        found = ask(api, "/sessions", **query).json()["sessions"]
        assert [session["id"] for session in found] == expected, query
    cursor = ask(api, "/sessions", limit=1).json()["nextCursor"]
    assert [session["id"] for session in ask(api, "/sessions", cursor=cursor).json()["sessions"]] == [closed]
    told = ask(api, f"/sessions/{waiting}").json()
    assert [message["content"] for message in told["messages"]] == [f"Message {number}" for number in range(130)]
    assert told["session"]["identity"]["name"] == "Ana"
    assert told["session"]["csat"] is None
    assert ask(api, "/sessions", limit="101").json()["error"].startswith("limit: ")


def test_a_rating_is_told(any_office: Office) -> None:
    # Visitors' pages belong to the default project.
    api = any_office.api
    visitor = api.visitor()
    visitor.say("Hello")
    visitor.request("POST", "/csat", {"sessionId": visitor.handle, "score": 4, "comment": "Good"})
    rating = ask(api, f"/sessions/{visitor.session_id}").json()["session"]["csat"]
    assert (rating.pop("at")[-1], rating) == ("Z", {"score": 4, "comment": "Good"})


def test_a_reply_reaches_the_visitor_once(any_office: Office) -> None:
    api = any_office.api
    visitor = api.visitor()
    visitor.say("Hello")
    path = f"/api/v1/sessions/{visitor.session_id}/reply"
    body = {"content": "Hi there", "operatorName": "Ana"}
    answers = [api.post(path, body, headers={"Idempotency-Key": visitor.session_id}) for _ in range(2)]
    assert [answer.json() for answer in answers] == [answers[0].json()] * 2
    assert answers[0].json()["ok"] is True
    assert answers[0].json()["message"]["type"] == "operator"
    shown = [(item["content"], item["sender"]) for item in visitor.messages()]
    assert shown == [("Hello", "visitor"), ("Hi there", "operator")]
    assert api.post(path, {"content": "x" * 4001}).json()["error"] == "content: Must be up to 4000 characters."
    api.ok("POST", f"/sessions/{visitor.session_id}/close")
    late = api.post(path, body)
    assert (late.status_code, late.json()["error"]) == (409, "The session is closed. Reopen it first.")


def test_figures_of_a_period(any_office: Office, api: CheckedApi) -> None:
    empty = ask(api, "/stats", period="7d").json()
    assert empty["csat"] == {"percent": None, "average": None, "responses": 0}
    assert (empty["responseRate"], empty["medianFirstResponseSeconds"]) == (0.0, None)
    answered, _ = (api.session() for _ in range(2))
    waiting = api.session()
    for session_id in (answered, waiting):
        api.ok("POST", f"/sessions/{session_id}/messages", {"content": "Hello", "type": "visitor"})
    api.ok("POST", f"/sessions/{answered}/messages", {"content": "Hi"})
    api.ok("POST", f"/sessions/{answered}/close")
    told = ask(api, "/stats").json()
    assert (told["period"], told["conversations"], told["conversationsSparkline"]) == ("7d", 2, [0, 0, 0, 0, 0, 0, 2])
    assert (told["messages"], told["responseRate"], told["unansweredNow"], told["truncated"]) == (3, 0.5, 1, False)
    assert 0 <= told["medianFirstResponseSeconds"] < 60
    assert told["byProject"] == [{"projectName": "A test", "conversations": 2, "csatPercent": None}]
    own = ask(api, "/stats", period="30d", projectId=project_id(any_office, api)).json()
    assert (len(own["conversationsSparkline"]), "byProject" in own) == (30, False)


def test_figures_from_one_moment_to_another(api: CheckedApi) -> None:
    session_id = api.session()
    message = api.ok("POST", f"/sessions/{session_id}/messages", {"content": "Hello", "type": "visitor"})["message"]
    began = clock.parse_utc(message["createdAt"])
    hour, instant = timedelta(hours=1), timedelta(microseconds=1)
    for since, until, count in (
        (began - hour, began + instant, 1),
        (began, began + hour, 1),
        (began - hour, began, 0),
        (began + instant, began + hour, 0),
    ):
        found = ask(api, "/stats", **{"from": clock.format_utc(since), "to": until.isoformat()}).json()
        assert (found["period"], found["conversations"], found["messages"]) == ("custom", count, count)
        assert (found["from"], found["to"]) == (clock.format_utc(since), clock.format_utc(until))
        assert sum(found["conversationsSparkline"]) == count
    now = clock.now()
    for query in (
        {"from": now.isoformat()},
        {"to": now.isoformat()},
        {"from": "yesterday", "to": now.isoformat()},
        {"from": now.isoformat(), "to": now.isoformat()},
        {"from": (now - timedelta(days=367)).isoformat(), "to": now.isoformat()},
        {"period": "1y"},
    ):
        assert ask(api, "/stats", **query).status_code == 400, query


def test_only_keys_open_it_and_errors_are_sentences(api: CheckedApi) -> None:
    nobody = ask(api.with_key(None), "/stats")
    assert (nobody.status_code, nobody.headers["WWW-Authenticate"][:6]) == (401, "Bearer")
    assert nobody.json()["error"] == nobody.json()["message"] == Unauthorized.default_message
    assert ask(api.with_key("pp_guessed"), "/me").json()["error"] == "The API key is not valid."
    for path, status, code in (("/nothing", 404, "NOT_FOUND"), ("/me", 405, "METHOD_NOT_ALLOWED")):
        answer = requests.delete(f"{api.url}/api/v1{path}", timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.json()["error"] == answer.json()["message"]
    # Elsewhere the reference's shape stands.
    assert requests.get(f"{api.url}/sessions", timeout=30).json()["error"] == "Unauthorized"


def test_an_operators_token_does_not_open_it(tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, **LOCAL)
    app.extensions["test_pocketping"].operator_loader(lambda: {"id": "1", "name": "Ana"})
    api = serve(app)
    token = requests.post(f"{api.url}/inbox/token", timeout=30).json()["token"]
    answer = api.with_key(token).get("/api/v1/me")
    assert answer.status_code == 403
    assert api.with_key(token).get("/sessions").status_code == 200


def test_its_requests_count_for_the_key(tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, **LOCAL, rate_limit="3/minute", url_prefix="/chat")
    api = serve(app)
    key = create_key(app.extensions["pocketping"].db, "Mine", create_project(app.extensions["pocketping"].db, "P").id)
    own = api.with_key(key.key)
    answers = [requests.get(f"{api.url}/api/v1/me", headers={"Authorization": f"Bearer {own.key}"}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["error"].startswith("Too many requests")
    assert answers[-1].headers["Retry-After"]


def test_a_host_at_the_same_root_keeps_its_own_api(tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, **LOCAL)
    app.add_url_rule("/api/orders", view_func=lambda: "orders", endpoint="orders")
    api = serve(app)
    assert requests.get(f"{api.url}/api/orders", timeout=30).text == "orders"
    assert requests.get(f"{api.url}/api/nothing", timeout=30).headers["Content-Type"].startswith("text/html")
