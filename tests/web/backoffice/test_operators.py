"""Tests operators: their tokens, what these allow, presence, and their sockets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, redirect, request

from flask_pocketping import clock, signals
from flask_pocketping.errors import InvalidRequest
from flask_pocketping.security.signing import Signed
from flask_pocketping.security.tokens import OperatorTokens
from flask_pocketping.state import state_of
from flask_pocketping.values import Identity, MessageDraft, Operator

from ...conftest import Serve
from ...support.clients import Api
from ...support.servers import make_app, wait_until
from ...support.travel import Travel

ANA = Operator("7", "Ana", "https://shop.example/ana.png")
TOM = Operator("8", "Tom")


def token_of(app: Flask, operator: Operator = ANA, project: str = "proj_default") -> str:
    return state_of(app).operator_tokens.make(operator, project)


def as_operator(api: Api, app: Flask, operator: Operator = ANA) -> Api:
    return api.with_key(token_of(app, operator))


def staffed(app: Flask) -> Flask:
    """Operators are known by a cookie, as the host's own session would tell."""

    @app.extensions["test_pocketping"].operator_loader  # type: ignore[untyped-decorator]
    def load() -> Any:
        name = request.cookies.get("name")
        if name == "Ana":
            return {"id": 7, "name": "Ana", "avatar": ""}
        return redirect("/login") if name is None else None

    return app


def test_the_hosts_cookies_give_a_token(app: Flask, serve: Serve) -> None:
    api = serve(staffed(app)).with_key(None)
    answer = api.post("/inbox/token", cookies={"name": "Ana"})
    assert answer.status_code == 200
    made = answer.json()
    assert made["operator"] == {"id": "7", "name": "Ana"}
    assert made["token"].startswith("ppo_")
    left = clock.parse_utc(made["expiresAt"]) - clock.now()
    assert timedelta(seconds=800) < left <= timedelta(seconds=900)
    assert answer.headers["Cache-Control"] == "no-store"
    assert api.with_key(made["token"]).get("/sessions").status_code == 200


@pytest.mark.parametrize(
    ("headers", "cookies", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, {"name": "Ana"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, {"name": "Ana"}, 403),
        ({"Origin": "https://evil.example"}, {"name": "Ana"}, 403),
        ({}, {"name": "Eve"}, 403),
        ({}, {}, 403),
    ],
)
def test_only_operators_get_a_token(
    app: Flask, serve: Serve, headers: dict[str, str], cookies: dict[str, str], status: int
) -> None:
    answer = serve(staffed(app)).with_key(None).post("/inbox/token", headers=headers, cookies=cookies)
    assert answer.status_code == status
    assert ("token" in answer.json()) == (status == 200)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_without_a_loader_there_are_no_operators(shared: Api) -> None:
    assert shared.post("/inbox/token").status_code == 404


def test_a_token_allows_conversations_but_not_webhooks(shared: Api, shared_app: Flask) -> None:
    operator = as_operator(shared, shared_app)
    session_id = operator.session()
    assert operator.get(f"/sessions/{session_id}").status_code == 200
    webhook = {"url": "http://127.0.0.1:9/", "events": ["*"]}
    hook = shared.ok("POST", "/webhooks", webhook)["webhook"]["id"]
    for method, path, body in (
        ("GET", "/webhooks", None),
        ("POST", "/webhooks", webhook),
        ("GET", f"/webhooks/{hook}", None),
        ("PATCH", f"/webhooks/{hook}", {"enabled": False}),
        ("DELETE", f"/webhooks/{hook}", None),
        ("POST", f"/webhooks/{hook}/test", None),
        ("POST", f"/webhooks/{hook}/rotate", None),
        ("GET", f"/webhooks/{hook}/deliveries", None),
        ("POST", f"/webhooks/{hook}/deliveries/dlv_1/retry", None),
    ):
        answer = operator.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN"), path
    shared.ok("DELETE", f"/webhooks/{hook}")


def test_an_operator_cannot_send_under_another_name(shared: Api, shared_app: Flask) -> None:
    operator = as_operator(shared, shared_app)
    path = f"/sessions/{operator.session()}/messages"
    said = operator.ok("POST", path, {"content": "Hello", "operatorName": "The boss"})["message"]
    assert (said["type"], said["operatorName"]) == ("operator", "Ana")
    for kind in ("visitor", "ai", "system"):
        answer = operator.post(path, {"content": "Hello", "type": kind})
        assert (answer.status_code, list(answer.json()["details"])) == (400, ["type"])


def test_a_message_keeps_the_id_of_its_operator_and_visitors_do_not_get_it(shared: Api, shared_app: Flask) -> None:
    visitor = shared.visitor()
    operator = as_operator(shared, shared_app)
    path = f"/sessions/{visitor.session_id}/messages"
    with shared.socket() as program, visitor.stream() as page:
        said = operator.ok("POST", path, {"content": "Hello"})["message"]
        assert said["operatorId"] == "7"
        assert program.expect("message.created")["message"] == said
        assert page.expect("message")["data"]["content"] == "Hello"
        operator.ok("PATCH", f"{path}/{said['id']}", {"content": "Hello!"})
        assert program.expect("message.updated")["message"]["operatorId"] == "7"
        assert "operatorId" not in page.expect("message_edited")["data"]
    assert operator.ok("GET", path)["messages"][-1]["operatorId"] == "7"
    again = visitor.request("POST", "/connect", {"metadata": {}, "sessionId": visitor.handle}).json()
    for shown in (visitor.messages()[-1], again["messages"][-1]):
        assert (shown["operatorName"], "operatorId" in shown) == ("Ana", False)
    assert "operatorId" not in shared.ok("POST", path, {"content": "Hi", "operatorName": "Ana"})["message"]


def test_the_hosts_code_may_say_which_operator_wrote(shared: Api, shared_app: Flask) -> None:
    session_id = shared.session()
    with shared_app.app_context():
        pocketping = shared_app.extensions["test_pocketping"]
        sent = pocketping.send_message(session_id, "Hi", operator_id="7", operator_name="Ana")
        assert sent.operator_id == "7"
        with pytest.raises(InvalidRequest, match="operatorId"):
            pocketping.send_message(session_id, "Hi", operator_id="7" * 256)
    edited = as_operator(shared, shared_app).patch(f"/sessions/{session_id}/messages/{sent.id}", {"content": "Hi!"})
    assert edited.status_code == 200


def test_operators_change_their_own_messages_only(tmp_path: Any, serve: Serve) -> None:
    app = make_app(tmp_path)
    api = serve(app)
    visitor = api.visitor()
    path = f"/sessions/{visitor.session_id}/messages"
    # Another operator has the same name.
    ana, other = as_operator(api, app), as_operator(api, app, Operator("8", "Ana"))
    own = ana.ok("POST", path, {"content": "Mine"})["message"]["id"]
    others = {
        "theirs": other.ok("POST", path, {"content": "Theirs"})["message"]["id"],
        "program": api.ok("POST", path, {"content": "Ours", "operatorName": "Ana"})["message"]["id"],
        "ai": api.ok("POST", path, {"content": "Beep", "type": "ai"})["message"]["id"],
        "visitor": visitor.say("Hello")["messageId"],
    }
    for whose, message_id in others.items():
        for refused in (ana.patch(f"{path}/{message_id}", {"content": "x"}), ana.delete(f"{path}/{message_id}")):
            assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN"), whose
    assert [message["content"] for message in api.ok("GET", path)["messages"]] == [
        "Mine",
        "Theirs",
        "Ours",
        "Beep",
        "Hello",
    ]
    assert ana.ok("PATCH", f"{path}/{own}", {"content": "Mine!"})["message"]["content"] == "Mine!"
    assert "deletedAt" in ana.ok("DELETE", f"{path}/{own}")["message"]
    # A program may change all.
    for message_id in others.values():
        assert api.ok("PATCH", f"{path}/{message_id}", {"content": "Changed"})["message"]["content"] == "Changed"


def test_operators_may_change_all_messages_of_the_team_where_the_host_allows_it(tmp_path: Any, serve: Serve) -> None:
    app = make_app(tmp_path, operators_edit="all")
    api = serve(app)
    visitor = api.visitor()
    path = f"/sessions/{visitor.session_id}/messages"
    ana, tom = as_operator(api, app), as_operator(api, app, TOM)
    for message_id in (
        tom.ok("POST", path, {"content": "Theirs"})["message"]["id"],
        api.ok("POST", path, {"content": "Beep", "type": "ai"})["message"]["id"],
    ):
        ana.ok("PATCH", f"{path}/{message_id}", {"content": "x"})
        ana.ok("DELETE", f"{path}/{message_id}")
    said = visitor.say("Hello")["messageId"]
    for refused in (ana.patch(f"{path}/{said}", {"content": "x"}), ana.delete(f"{path}/{said}")):
        assert refused.status_code == 403
    assert visitor.messages()[-1]["content"] == "Hello"


def test_a_refused_change_calls_no_receiver(app: Flask, api: Api) -> None:
    session_id = api.session()
    path = f"/sessions/{session_id}/messages"
    theirs = as_operator(api, app, TOM).ok("POST", path, {"content": "Theirs"})["message"]["id"]
    seen: list[str] = []

    def receive(sender: Flask, draft: MessageDraft, **extra: object) -> None:
        seen.append(draft.content)

    with signals.message_received.connected_to(receive, sender=app):
        assert as_operator(api, app).patch(f"{path}/{theirs}", {"content": "x"}).status_code == 403
        assert seen == []
        as_operator(api, app, TOM).ok("PATCH", f"{path}/{theirs}", {"content": "y"})
        assert seen == ["y"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"ai": False, "editOthers": False, "maxUploadSize": 10 * 1024 * 1024, "bridges": []}),
        ({"operators_edit": "all", "uploads": "off"}, {"ai": False, "editOthers": True, "bridges": []}),
        # An AI that only writes drafts is one, too.
        (
            {"ai_provider": "openai", "ai_model": "m", "ai_api_key": "k" * 20, "ai_mode": "draft", "uploads": "off"},
            {"ai": True, "editOthers": False, "bridges": []},
        ),
    ],
)
def test_the_inbox_learns_what_the_server_can_do(
    tmp_path: Any, serve: Serve, settings: dict[str, Any], expected: dict[str, Any]
) -> None:
    app = make_app(tmp_path, **settings)
    api = serve(staffed(app)).with_key(None)
    assert api.ok("POST", "/inbox/token", cookies={"name": "Ana"})["capabilities"] == expected


@pytest.mark.parametrize(
    "spoil",
    [
        lambda app: token_of(app)[:-1],
        lambda app: token_of(app)[4:],
        lambda app: "ppo_",
        lambda app: "ppo_" + state_of(app).identities.make(Identity("7")),
        lambda app: "ppo_" + Signed([b"another app's secret"], "operator", 60).sign({"id": "7"}),
        lambda app: "ppo_" + "x" * 30_000,
    ],
)
def test_a_forged_token_is_refused(shared: Api, shared_app: Flask, spoil: Any) -> None:
    answer = shared.with_key(spoil(shared_app)).get("/sessions")
    # A header of that length is refused by servers before it comes to us.
    assert answer.status_code in {401, 431} if len(spoil(shared_app)) > 20_000 else answer.status_code == 401


def test_a_token_expires(app: Flask, api: Api, travel: Travel) -> None:
    operator = as_operator(api, app)
    travel.forward(seconds=890)
    assert operator.get("/sessions").status_code == 200
    travel.forward(seconds=20)
    answer = operator.get("/sessions")
    assert (answer.status_code, answer.json()["message"]) == (401, "The operator's token has expired.")


def test_a_token_allows_only_its_project(shared: Api, shared_app: Flask) -> None:
    session_id = shared.session()
    other = shared.with_key(token_of(shared_app, project="proj_other"))
    assert other.get(f"/sessions/{session_id}").status_code == 404
    assert other.ok("GET", "/sessions")["sessions"] == []


def test_each_operator_has_their_own_rate_limit(tmp_path: Any, serve: Serve) -> None:
    app = make_app(tmp_path, rate_limit="2/hour")
    api = serve(app)
    ana, tom = as_operator(api, app), as_operator(api, app, TOM)
    assert [ana.get("/sessions").status_code for _ in range(3)] == [200, 200, 429]
    # A fresh token is no fresh start.
    assert as_operator(api, app, Operator("7", "Ana B.")).get("/sessions").status_code == 429
    assert tom.get("/sessions").headers["RateLimit-Remaining"] == "1"


def test_a_socket_gets_its_operator_and_the_connected_ones(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    with api.socket() as program, visitor.stream() as page, as_operator(api, app).socket() as ana:
        assert ana.hello["operator"] == {"id": "7", "name": "Ana", "avatar": "https://shop.example/ana.png"}
        assert "operator" not in program.hello
        present = {**ana.hello["operator"], "available": True}
        assert program.expect("presence") == {"type": "presence", "online": True, "operators": [present]}
        assert api.ok("GET", "/operators") == {"operators": [present]}
        with as_operator(api, app, TOM).socket() as tom:
            assert [found["name"] for found in ana.expect("presence")["operators"]] == ["Ana", "Tom"]
            tom.send({"type": "typing", "sessionId": visitor.session_id, "isTyping": True})
            assert ana.expect("typing")["operator"] == {"id": "8", "name": "Tom"}
            assert page.expect("typing")["data"] == {"sender": "operator", "isTyping": True, "operatorName": "Tom"}
        assert [found["name"] for found in ana.expect("presence")["operators"]] == ["Ana"]


def test_an_unavailable_operator_is_connected_but_not_online(any_api: Api, tmp_path: Any) -> None:
    token = OperatorTokens([f"secret of {tmp_path}".encode()], 60).make(ANA, "proj_default")
    visitor = any_api.visitor()
    with any_api.with_key(token).socket() as ana, visitor.stream() as page:
        assert any_api.visitor().hello["operatorOnline"] is True
        ana.send({"type": "available", "available": False})
        told = ana.expect("presence")
        assert (told["online"], told["operators"][0]["available"]) == (False, False)
        assert page.expect("presence")["data"] == {"online": False}
        assert any_api.ok("GET", "/operators")["operators"][0]["available"] is False
        assert any_api.visitor().hello["operatorOnline"] is False
        ana.send({"type": "available", "available": True})
        assert page.expect("presence")["data"] == {"online": True}
        with any_api.with_key(token).socket(available=False), any_api.socket(available=False):
            ana.send({"type": "available", "available": False})
            assert page.expect("presence")["data"] == {"online": False}, "the others never counted"
        ana.send({"type": "available", "available": "yes"})
        assert ana.expect("error")["details"].keys() == {"available"}
    wait_until(lambda: any_api.ok("GET", "/operators") == {"operators": []}, "nobody is there")


def test_a_socket_with_an_expired_token_is_4401(tmp_path: Any, serve: Serve) -> None:
    app = make_app(tmp_path, operator_token_lifetime=3)
    with as_operator(serve(app), app).socket() as ana:
        assert ana.close_code() == 4401


def test_another_token_of_the_same_operator_renews_a_socket(app: Flask, api: Api, travel: Travel) -> None:
    operator = as_operator(api, app)
    travel.forward(seconds=800)
    with operator.socket() as ana:
        connection = next(iter(state_of(app).sockets.all()))
        ends_at = connection.expires_at
        assert ends_at is not None
        for refused in (token_of(app, TOM), token_of(app, ANA, "proj_other"), api.key):
            ana.send({"type": "auth", "apiKey": refused})
            assert ana.expect("error")["code"] == "FORBIDDEN"
        ana.send({"type": "auth", "apiKey": "ppo_forged"})
        assert ana.expect("error")["code"] == "UNAUTHORIZED"
        assert connection.expires_at == ends_at
        ana.send({"type": "auth", "apiKey": token_of(app)})
        renewed = ana.expect("auth.ok")
        assert renewed["operator"]["id"] == "7"
        assert connection.expires_at is not None
        assert connection.expires_at > ends_at + 700


def test_facts_with_infinite_numbers_are_shown_as_text(app: Flask, api: Api) -> None:
    app.extensions["test_pocketping"].context(lambda session: {"Spent": float("nan"), "Rank": float("inf")})
    found = api.ok("GET", f"/sessions/{api.session()}/context")["context"]
    assert found == [{"label": "Spent", "value": "nan"}, {"label": "Rank", "value": "inf"}]


def test_the_hosts_facts_about_a_visitor_are_shown(app: Flask, api: Api) -> None:
    operator = as_operator(api, app)
    session_id = api.session(identity={"customerId": "c7"})
    assert operator.ok("GET", f"/sessions/{session_id}/context") == {"context": []}

    @app.extensions["test_pocketping"].context  # type: ignore[untyped-decorator]
    def facts(session: Any) -> dict[str, Any]:
        return {
            "Customer": session.identity.customer_id,
            "Orders": 3,
            "Newsletter": True,
            "Phone": None,
            "Last order": ("#1042", "/admin/orders/1042"),
            "Since": clock.now().date(),
            "Evil": ("click me", "javascript:alert(1)"),
        }

    found = operator.ok("GET", f"/sessions/{session_id}/context")["context"]
    assert found == [
        {"label": "Customer", "value": "c7"},
        {"label": "Orders", "value": 3},
        {"label": "Newsletter", "value": True},
        {"label": "Phone", "value": None},
        {"label": "Last order", "value": "#1042", "url": "/admin/orders/1042"},
        {"label": "Since", "value": str(clock.now().date())},
        {"label": "Evil", "value": "click me"},
    ]
    assert operator.get("/sessions/sess_none/context").status_code == 404
    app.extensions["test_pocketping"].context(lambda session: ["no mapping"])
    assert operator.get(f"/sessions/{session_id}/context").status_code == 500
