"""Tests customers of the host app: their signed identity, which conversation they continue, and logging out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import flask_login
import pytest
import requests
from flask import Flask, render_template_string, request

from flask_pocketping import PocketPing
from flask_pocketping.chat import sessions as chat_sessions
from flask_pocketping.chat.sessions import UnderWay
from flask_pocketping.security.signing import Signed
from flask_pocketping.security.tokens import Identities
from flask_pocketping.state import State, state_of
from flask_pocketping.values import Identity, Operator

from ...conftest import Serve
from ...support.clients import BROWSER, Api
from ...support.servers import make_app
from ...support.travel import Travel

ADA = Identity("7", "ada@example.com", "Ada", {"plan": "pro"}, verified=True)
BOB = Identity("8", name="Bob", verified=True)


def token_of(app: Flask, identity: Identity) -> str:
    return state_of(app).identities.make(identity)


def connect(api: Api, **body: Any) -> requests.Response:
    return requests.post(api.url + "/connect", json=body, headers={"User-Agent": BROWSER}, timeout=30)


def details_of(answer: requests.Response) -> Any:
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")
    return answer.json()["details"]["identityToken"]


def test_a_signed_identity_is_verified(shared: Api, shared_app: Flask) -> None:
    visitor = shared.visitor(identityToken=token_of(shared_app, ADA), identity={"id": "9", "email": "eve@example.com"})
    known = shared.ok("GET", f"/sessions/{visitor.session_id}")["session"]["identity"]
    assert known == {
        "customerId": "7",
        "email": "ada@example.com",
        "name": "Ada",
        "metadata": {"plan": "pro"},
        "verified": True,
    }
    # What the host noted beside is not for the page.
    assert visitor.hello["identity"] == {"id": "7", "email": "ada@example.com", "name": "Ada", "verified": True}


def test_another_device_finds_the_open_conversation(app: Flask, api: Api) -> None:
    phone = api.visitor(identityToken=token_of(app, ADA))
    phone.say("Where is my order?")
    laptop = api.visitor(identityToken=token_of(app, ADA))
    assert laptop.handle == phone.handle
    assert [message["content"] for message in laptop.hello["messages"]] == ["Where is my order?"]
    api.ok("POST", f"/sessions/{phone.session_id}/close")
    assert api.visitor(identityToken=token_of(app, ADA)).handle != phone.handle


def test_an_anonymous_conversation_becomes_that_of_the_signed_in_user(app: Flask, api: Api) -> None:
    visitor = api.visitor(identity={"id": "someone", "email": "typed@example.com", "note": "said by the page"})
    visitor.say("Hello?")
    with api.socket() as office:
        again = api.visitor(sessionId=visitor.handle, identityToken=token_of(app, BOB))
        told = office.expect("visitor.identified")
    assert again.handle == visitor.handle
    assert told["identity"] == {"customerId": "8", "name": "Bob", "verified": True}
    events = len(api.ok("GET", f"/sessions/{visitor.session_id}/messages")["messages"])
    with api.socket() as office:
        api.visitor(sessionId=visitor.handle, identityToken=token_of(app, BOB))
        # That the first one has left may be told only now.
        office.silent(0.3, besides={"presence"})
    assert events == 1


def test_the_open_conversation_of_a_customer_replaces_an_empty_one(app: Flask, api: Api) -> None:
    under_way = api.visitor(identityToken=token_of(app, ADA))
    under_way.say("I asked this at home.")
    silent, spoken = api.visitor(), api.visitor()
    spoken.say("I ask this here.")
    assert api.visitor(sessionId=silent.handle, identityToken=token_of(app, ADA)).handle == under_way.handle
    assert api.visitor(sessionId=spoken.handle, identityToken=token_of(app, ADA)).handle == spoken.handle


def test_after_logging_out_the_next_user_gets_their_own_conversation(app: Flask, api: Api) -> None:
    ada = api.visitor(identityToken=token_of(app, ADA))
    ada.say("My address is Hill Lane 4.")
    # The browser keeps the handle; nobody is signed in any more.
    nobody = api.visitor(sessionId=ada.handle)
    assert nobody.handle != ada.handle
    assert nobody.hello["messages"] == []
    assert "identity" not in nobody.hello
    asked = connect(api, sessionId=ada.handle, create=False).json()
    assert (asked["sessionId"], asked["messages"]) == (None, [])
    # Another signs in on the same browser.
    bob = api.visitor(sessionId=ada.handle, identityToken=token_of(app, BOB))
    assert bob.handle not in {ada.handle, nobody.handle}
    assert bob.hello["messages"] == []
    assert api.ok("GET", f"/sessions/{ada.session_id}")["session"]["identity"]["customerId"] == "7"
    # And Ada finds hers again.
    assert api.visitor(identityToken=token_of(app, ADA)).handle == ada.handle


def test_public_ids_resume_no_conversation_of_a_customer(shared: Api, shared_app: Flask) -> None:
    ada = shared.visitor(identityToken=token_of(shared_app, Identity("resume-1", verified=True)))
    for known in (ada.session_id, ada.session_id + ".", ada.handle[:-1]):
        answer = connect(shared, sessionId=known, visitorId=ada.hello["visitorId"]).json()
        assert answer["sessionId"] != ada.handle
        assert answer["messages"] == []
    assert connect(shared, visitorId=ada.hello["visitorId"], create=False).json()["sessionId"] is None


def test_an_unsigned_identity_never_overwrites_a_signed_one(shared: Api, shared_app: Flask) -> None:
    token = token_of(shared_app, Identity("overwrite-3", "ada@example.com", verified=True))
    ada = shared.visitor(identityToken=token)
    shared.visitor(sessionId=ada.handle, identityToken=token, identity={"id": "evil", "email": "evil@example.com"})
    ada.request("POST", "/identify", {"sessionId": ada.handle, "identity": {"id": "evil", "email": "evil@example.com"}})
    known = shared.ok("GET", f"/sessions/{ada.session_id}")["session"]["identity"]
    assert known == {"customerId": "overwrite-3", "email": "ada@example.com", "verified": True}
    # Nor does saying a customer's id open what is theirs.
    assert shared.visitor(identity={"id": "overwrite-3"}).handle != ada.handle


def test_an_identity_verified_by_the_back_office_is_not_taken_over(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    api.ok("POST", f"/sessions/{visitor.session_id}/identify", {"customerId": "7", "email": "ada@example.com"})
    assert api.visitor(sessionId=visitor.handle, identityToken=token_of(app, BOB)).handle != visitor.handle
    assert api.visitor(sessionId=visitor.handle, identityToken=token_of(app, ADA)).handle == visitor.handle


def test_an_expired_identity_is_refused(app: Flask, api: Api, travel: Travel) -> None:
    token = token_of(app, ADA)
    travel.forward(seconds=3590)
    assert connect(api, identityToken=token).status_code == 200
    travel.forward(seconds=20)
    assert details_of(connect(api, identityToken=token)) == ["expired"]


@pytest.mark.parametrize(("ahead", "status"), [(1, 200), (58, 200), (62, 400), (3600, 400)])
def test_a_signature_up_to_a_minute_in_the_future_is_valid(
    app: Flask, api: Api, travel: Travel, ahead: int, status: int
) -> None:
    travel.forward(seconds=ahead)
    identity = token_of(app, ADA)
    operator = state_of(app).operator_tokens.make(Operator("7", "Ana"), "proj_default")
    travel.forward(seconds=-ahead)
    assert connect(api, identityToken=identity).status_code == status
    assert api.with_key(operator).get("/sessions").status_code == {200: 200, 400: 401}[status]
    travel.forward(seconds=ahead + 3605)
    assert details_of(connect(api, identityToken=identity)) == ["expired"]


@pytest.mark.parametrize(
    "make",
    [
        lambda app: token_of(app, ADA)[:-2] + "xx",
        lambda app: "x" + token_of(app, ADA),
        lambda app: Signed([b"another app's secret"], "identity", 60).sign({"id": "7"}),
        lambda app: state_of(app).operator_tokens.make(Operator("7", "Ana"), "proj_default").removeprefix("ppo_"),
        lambda app: state_of(app).handles.sign("sess_1"),
        lambda app: "",
        lambda app: 7,
        lambda app: ["7"],
        lambda app: "é" * 10,
        lambda app: "x" * 30_000,
    ],
)
def test_identities_not_signed_by_this_app_are_refused(
    shared: Api, shared_app: Flask, make: Callable[[Flask], Any]
) -> None:
    assert details_of(connect(shared, identityToken=make(shared_app))) == ["invalid"]


def test_a_fallback_secret_still_validates_identities(tmp_path: Path, serve: Serve) -> None:
    before, app = make_app(tmp_path / "a"), make_app(tmp_path / "b")
    rotated = Flask("host", instance_path=str(tmp_path / "c"))
    rotated.config.update(
        SECRET_KEY="the new one of them", SECRET_KEY_FALLBACKS=[before.secret_key], POCKETPING_URL_PREFIX=""
    )
    PocketPing(rotated)
    token = token_of(before, ADA)
    assert connect(serve(rotated), identityToken=token).json()["identity"]["id"] == "7"
    assert details_of(connect(serve(app), identityToken=token)) == ["invalid"]


def test_create_false_opens_nothing_and_returns_the_settings_of_the_chat(serve: Serve) -> None:
    api = serve(welcome_message="Hi!")
    answer = connect(api, visitorId="vis_1", create=False, metadata={"url": "https://shop.example/"}).json()
    assert answer["sessionId"] is None
    assert (answer["visitorId"], answer["welcomeMessage"], answer["cursor"]) == ("vis_1", "Hi!", "0")
    assert (answer["messages"], answer["hasMore"]) == ([], False)
    assert api.ok("GET", "/sessions")["sessions"] == []
    visitor = api.visitor()
    assert connect(api, sessionId=visitor.handle, create=False).json()["sessionId"] == visitor.handle


def test_the_response_says_if_there_are_older_messages(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    with app.app_context():
        for number in range(51):
            app.extensions["test_pocketping"].send_message(visitor.session_id, str(number), type="visitor")
    hello = api.visitor(sessionId=visitor.handle).hello
    assert hello["hasMore"] is True
    assert [message["content"] for message in hello["messages"]] == [str(number) for number in range(1, 51)]


def test_viewed_pages_are_recorded_once(api: Api) -> None:
    page = {"url": "https://shop.example/a", "pageTitle": "A"}
    visitor = api.visitor(metadata=page)
    for url in ("https://shop.example/a", "https://shop.example/b", "https://shop.example/b"):
        api.visitor(sessionId=visitor.handle, metadata={"url": url, "pageTitle": url[-1].upper()})
    pages = api.ok("GET", f"/sessions/{visitor.session_id}/pages")["pages"]
    assert [(page["url"][-1], page["title"]) for page in pages] == [("b", "B"), ("a", "A")]


def test_a_page_that_connects_too_often_is_admitted_but_not_recorded(serve: Serve) -> None:
    api = serve(visitor_message_limit="2/minute")
    visitor = api.visitor(metadata={"url": "https://shop.example/0"})
    for number in range(1, 5):
        metadata = {"url": f"https://shop.example/{number}"}
        again = api.visitor(sessionId=visitor.handle, metadata=metadata, identity={"id": str(number)})
        assert again.handle == visitor.handle
    pages = api.ok("GET", f"/sessions/{visitor.session_id}/pages")["pages"]
    assert [page["url"][-1] for page in pages] == ["2", "1", "0"]
    assert again.hello["identity"] == {"id": "2", "verified": False}


def test_customers_are_bound_to_conversations_on_every_database(any_api: Api, tmp_path: Path) -> None:
    # The secret is the one that `make_app` gives the app behind `any_api`.
    identities = Identities([f"secret of {tmp_path}".encode()], 60)
    first = any_api.visitor(identityToken=identities.make(ADA))
    first.say("One")
    assert any_api.visitor(identityToken=identities.make(ADA)).handle == first.handle
    assert any_api.visitor(identityToken=identities.make(BOB)).handle != first.handle
    assert any_api.visitor(sessionId=first.handle).handle != first.handle


def test_customers_with_ids_that_differ_by_a_space_are_different(any_api: Api, tmp_path: Path) -> None:
    identities = Identities([f"secret of {tmp_path}".encode()], 60)
    one, other = (
        any_api.visitor(identityToken=identities.make(Identity(customer_id, name="Ada"))) for customer_id in ("7", "7 ")
    )
    assert one.handle != other.handle
    again = any_api.visitor(identityToken=identities.make(Identity("7 ", name="Ada")))
    assert again.handle == other.handle


def test_connecting_gives_up_after_repeated_conflicts(app: Flask, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def under_way(*args: Any) -> None:
        tries.append(args)
        raise UnderWay

    monkeypatch.setattr(chat_sessions, "_check_none_open", under_way)
    answer = connect(api, identityToken=token_of(app, ADA))
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
    assert len(tries) == 3


def test_two_concurrent_tabs_of_a_user_share_a_conversation(any_api: Api, tmp_path: Path) -> None:
    identities = Identities([f"secret of {tmp_path}".encode()], 60)
    for number in range(5):
        token = identities.make(Identity(f"customer-{number}", verified=True))
        with ThreadPoolExecutor(6) as pool:
            handles = pool.map(lambda token: any_api.visitor(identityToken=token).handle, [token] * 6)
        assert len(set(handles)) == 1


def test_a_page_gets_the_name_of_its_user(api: Api, app: Flask) -> None:
    name = state_of(app).identities.name_of(ADA)
    hello = connect(api, identityToken=token_of(app, ADA)).json()
    assert hello["user"] == name
    unopened = connect(api, identityToken=token_of(app, BOB), create=False).json()
    assert (unopened["sessionId"], unopened["user"]) == (None, state_of(app).identities.name_of(BOB))
    assert "user" not in connect(api, identity={"id": "7"}).json()


def test_the_python_api_signs_identities_for_other_pages(app: Flask, api: Api) -> None:
    pocketping: PocketPing = app.extensions["test_pocketping"]
    with app.app_context():
        tokens = [pocketping.identity_token(one) for one in (Identity("7", name="Ada"), {"id": 7, "name": "Ada"})]
    for token in tokens:
        assert connect(api, identityToken=token).json()["identity"] == {"id": "7", "name": "Ada", "verified": True}
    pocketping.identity_loader(lambda: request.cookies.get("customer") and {"id": request.cookies["customer"]})
    with app.test_request_context(headers={"Cookie": "customer=8"}):
        assert state_of(app).identities.read(pocketping.identity_token()) == Identity("8", verified=True)
    with app.test_request_context():
        assert pocketping.identity_token() is None
    for wrong in ({"name": "no id"}, Identity(email="a@example.com"), "7", {"id": "x" * 300}):
        with app.app_context(), pytest.raises(TypeError, match="identity_token"):
            pocketping.identity_token(wrong)  # type: ignore[arg-type]


def signed_in_app(app: Flask) -> PocketPing:
    pocketping: PocketPing = app.extensions["test_pocketping"]

    @pocketping.identity_loader
    def load() -> Any:
        customer = request.cookies.get("customer")
        return {"id": customer, "name": "Ada"} if customer else None

    return pocketping


def test_the_hosts_cookies_give_a_new_identity(app: Flask, serve: Serve) -> None:
    signed_in_app(app)
    api = serve(app)
    nobody = requests.get(api.url + "/identity", timeout=30)
    assert nobody.json() == {"identityToken": None, "user": None}
    answer = requests.get(api.url + "/identity", cookies={"customer": "7"}, timeout=30)
    state: State = state_of(app)
    assert state.identities.read(answer.json()["identityToken"]) == Identity("7", name="Ada", verified=True)
    assert answer.json()["user"] == state.identities.name_of(Identity("7"))
    for one in (nobody, answer, requests.get(api.url + "/identity", headers={"Origin": "null"}, timeout=30)):
        assert one.headers["Cache-Control"] == "no-store"
        assert one.headers["Vary"] == "Cookie"
        assert one.headers["X-Content-Type-Options"] == "nosniff"
        assert one.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert one.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://listed.example"}, 403),
        ({"Origin": "http://[broken"}, 403),
    ],
)
def test_only_pages_of_the_same_origin_get_an_identity(serve: Serve, tmp_path: Path, headers: Any, status: int) -> None:
    app = make_app(tmp_path, cors_origins="https://listed.example")
    signed_in_app(app)
    answer = requests.get(serve(app).url + "/identity", headers=headers, cookies={"customer": "7"}, timeout=30)
    assert answer.status_code == status
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert ("identityToken" in answer.text) == (status == 200)


@pytest.mark.parametrize("found", ["7", {"name": "no id"}, Identity(email="a@example.com"), {"id": "x" * 300}, 1 / 3])
def test_an_invalid_return_value_of_a_loader_is_an_error(
    app: Flask, serve: Serve, found: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app.extensions["test_pocketping"].identity_loader(lambda: found)
    with caplog.at_level(logging.ERROR, "flask_pocketping"):
        answer = requests.get(serve(app).url + "/identity", timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert "identity_loader" in caplog.text


@pytest.mark.parametrize("extra", [{"since": datetime(2026, 1, 1)}, {"note": "x" * 9000}, {"ratio": float("nan")}])
def test_an_identity_too_large_for_a_token_does_not_break_the_page(
    tmp_path: Path, serve: Serve, extra: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(tmp_path)
    app.extensions["test_pocketping"].identity_loader(lambda: {"id": 7, **extra})
    app.add_url_rule("/page", view_func=lambda: render_template_string("<p>Shop</p>{{ pocketping_widget() }}"))
    api = serve(app)
    page = requests.get(api.url + "/page", timeout=30)
    assert page.status_code == 200
    assert "<p>Shop</p><script" in page.text
    assert requests.get(api.url + "/identity", timeout=30).status_code == 500
    assert "identity_loader: " in caplog.text


def test_a_user_may_have_only_an_id(app: Flask, serve: Serve) -> None:
    app.extensions["test_pocketping"].identity_loader(lambda: {"id": 7, "email": "", "name": ""})
    token = requests.get(serve(app).url + "/identity", timeout=30).json()["identityToken"]
    assert state_of(app).identities.read(token) == Identity("7", verified=True)


def test_the_user_of_flask_login_is_used_without_a_loader(app: Flask, serve: Serve) -> None:
    class User(flask_login.UserMixin):  # type: ignore[misc]
        id = 7
        email = "ada@example.com"
        name = None

    manager = flask_login.LoginManager(app)
    manager.request_loader(lambda request: User() if request.cookies.get("user") else None)
    api = serve(app)
    assert requests.get(api.url + "/identity", timeout=30).json()["user"] is None
    answer = requests.get(api.url + "/identity", cookies={"user": "1"}, timeout=30).json()
    assert state_of(app).identities.read(answer["identityToken"]) == Identity("7", "ada@example.com", verified=True)
