"""Tests the example shop: who can sign in, what the chat knows about customers, and that an old shop still works."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import requests
from flask import Flask
from markupsafe import escape

import example_app
from example_app.__main__ import greeting
from example_app.demo_ai import DISCLOSURE, LABEL, ai_settings, demo_model
from example_app.help_pages import FOLDER, help_pages
from example_app.mail import mail_target
from example_app.seed import CUSTOMERS, EMPLOYEES, PASSWORD
from flask_pocketping.knowledge.folder import read_folder

from .conftest import Serve
from .support import telegram as telegram_tokens
from .support.clients import BROWSER, Api, Visitor
from .support.discord import discord_server
from .support.servers import KEY, ROOT, Process, free_port, wait_until
from .support.slack import slack_server
from .support.slack import workspace as slack_tokens
from .support.telegram import telegram_server

(_, ADA), (_, BEN) = CUSTOMERS
(_, ANA), (_, TOM) = EMPLOYEES


@pytest.fixture
def open_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Flask]:
    monkeypatch.setenv("EXAMPLE_INSTANCE", str(tmp_path))
    return lambda: example_app.create_app({"POCKETPING_API_KEY": KEY, "POCKETPING_WORKER": "off"})


@pytest.fixture
def shop(open_app: Callable[[], Flask], serve: Serve) -> Api:
    return serve(open_app())


class Browser(requests.Session):
    """Somebody at the shop's pages."""

    def __init__(self, shop: Api) -> None:
        super().__init__()
        self.headers["User-Agent"] = BROWSER
        self.shop = shop

    def open(self, path: str) -> requests.Response:
        return self.get(self.shop.url + path, timeout=30)

    def submit(self, page: str, path: str, **fields: str) -> requests.Response:
        """Send a form of a page."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.open(page).text)
        assert token
        return self.post(self.shop.url + path, data={"csrf_token": token[1], **fields}, timeout=30)

    def sign_in(self, email: str) -> requests.Response:
        return self.submit("/sign-in", "/sign-in", email=email, password=PASSWORD)


def test_customers_and_employees_use_the_same_sign_in_form(shop: Api) -> None:
    for email, landed, shown in ((ADA, "/account", "River Teapot"), (ANA, "/staff", "Open the inbox")):
        browser = Browser(shop)
        assert "Sign in" in browser.open("/").text
        answer = browser.sign_in(email)
        assert answer.status_code == 200
        assert answer.url == shop.url + landed
        assert shown in answer.text
        assert ("/inbox" in browser.open("/").text) == (email == ANA)
        assert browser.submit(landed, "/sign-out").url == shop.url + "/"
        assert browser.open(landed).url == shop.url + "/sign-in"


def test_a_wrong_password_is_refused(shop: Api) -> None:
    for email in (ADA, ANA, "nobody@example.com"):
        browser = Browser(shop)
        assert browser.submit("/sign-in", "/sign-in", email=email, password="coffee").status_code == 400
        assert browser.open("/staff").url == shop.url + "/sign-in"


def test_the_inbox_is_for_employees(shop: Api) -> None:
    nobody, customer, employee = Browser(shop), Browser(shop), Browser(shop)
    customer.sign_in(ADA)
    employee.sign_in(ANA)
    assert nobody.open("/inbox").url == shop.url + "/sign-in?next=/inbox"
    refused = customer.open("/inbox")
    assert (refused.status_code, refused.url) == (403, shop.url + "/inbox")
    assert "No access" in refused.text
    assert 'href="/sign-in?next=/inbox"' in refused.text
    assert employee.open("/inbox").url == shop.url + "/inbox"
    page = "/sign-in?next=/inbox"
    assert nobody.submit(page, "/sign-in", email=ANA, password=PASSWORD, next="/inbox").url == shop.url + "/inbox"


@pytest.mark.parametrize(
    "address", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "inbox"]
)
def test_signing_in_does_not_redirect_to_other_sites(shop: Api, address: str) -> None:
    answer = Browser(shop).submit("/sign-in", "/sign-in", email=ADA, password=PASSWORD, next=address)
    assert answer.url == shop.url + "/account"


def test_employees_get_no_chat_widget(shop: Api) -> None:
    customer, employee = Browser(shop), Browser(shop)
    customer.sign_in(ADA)
    employee.sign_in(ANA)
    assert "widget.js" in customer.open("/").text
    assert "widget.js" not in employee.open("/").text


def test_the_inbox_shows_what_a_customer_bought(shop: Api) -> None:
    browser = Browser(shop)
    browser.sign_in(ADA)
    token = browser.open("/identity").json()["identityToken"]
    ada = shop.visitor(identityToken=token)
    assert shop.ok("GET", f"/sessions/{ada.session_id}/context")["context"] == [
        {"label": "Orders", "value": 2},
        {"label": "Spent", "value": "€83.00"},
        {"label": "Last bought", "value": "River Teapot", "url": f"{shop.url}/products/river-teapot"},
    ]
    pretender = shop.visitor(identity={"id": "1", "email": ADA})
    assert shop.ok("GET", f"/sessions/{pretender.session_id}/context")["context"] == []


@pytest.mark.parametrize("customer_id", ["cus_Nf3x", "1 ", "\u0661", "-1", "9" * 30, "0"])
def test_an_unknown_customer_id_shows_no_customer(shop: Api, customer_id: str) -> None:
    session_id = shop.session(identity={"customerId": customer_id, "email": ADA})
    answer = shop.get(f"/sessions/{session_id}/context")
    assert (answer.status_code, answer.json()) == (200, {"context": []})


def test_only_signed_in_customers_are_marked_as_having_chatted(shop: Api, tmp_path: Path) -> None:
    stranger = shop.visitor(identity={"id": "1", "email": ADA})
    assert stranger.request("POST", "/prechat", {"sessionId": stranger.handle, "email": ADA}).status_code == 200
    stranger.request("POST", "/identify", {"sessionId": stranger.handle, "identity": {"id": "1", "email": ADA}})
    shop.ok("POST", f"/sessions/{shop.session()}/identify", {"customerId": "cus_Nf3x", "email": ADA})
    assert customers_who_chatted(tmp_path) == []
    browser = Browser(shop)
    browser.sign_in(BEN)
    shop.visitor(identityToken=browser.open("/identity").json()["identityToken"])
    assert customers_who_chatted(tmp_path) == [BEN]


def customers_who_chatted(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "shop.sqlite3")) as database:
        return [email for (email,) in database.execute("SELECT email FROM customers WHERE has_chatted")]


def test_an_old_shop_keeps_its_data_and_gets_employees(
    open_app: Callable[[], Flask], tmp_path: Path, serve: Serve
) -> None:
    open_app()
    with closing(sqlite3.connect(tmp_path / "shop.sqlite3")) as database:
        database.execute("DROP TABLE employees")
        database.execute("DELETE FROM orders")
        database.execute("UPDATE customers SET name = 'Ada Brook' WHERE email = ?", (ADA,))
        database.commit()
    shop = serve(open_app())
    assert "Hello, Ada Brook" in Browser(shop).sign_in(ADA).text
    assert "Nothing yet." in Browser(shop).sign_in(ADA).text
    assert Browser(shop).sign_in(TOM).url == shop.url + "/staff"


def test_the_start_message_lists_addresses_and_accounts(open_app: Callable[[], Flask]) -> None:
    shown = greeting(open_app(), "127.0.0.1", 3001)
    for said in ("http://localhost:3001/inbox", ADA, ANA, PASSWORD, KEY):
        assert said in shown


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"SHOP_DEMO_AI": "1"}, "A scripted demo without a model answers after 15 s. SHOP_DEMO_AI= turns it off."),
        ({"SHOP_DEMO_AI": "1", "POCKETPING_AI_PROVIDER": "gemini"}, "gemini answers when nobody does."),
        ({"SHOP_DEMO_AI": ""}, "none"),
    ],
)
def test_the_start_message_says_whether_an_ai_answers(
    open_app: Callable[[], Flask], monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], said: str
) -> None:
    app = open_app()
    monkeypatch.delenv("POCKETPING_AI_PROVIDER", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert f"AI          {said}\n" in greeting(app, "127.0.0.1", 3001)


def test_make_run_creates_the_tables_in_any_database(any_empty_database: str, tmp_path: Path) -> None:
    settings = {
        "PORT": "0",
        "EXAMPLE_INSTANCE": str(tmp_path),
        "POCKETPING_DATABASE_URI": any_empty_database,
        "PYTHONUNBUFFERED": "1",
    }
    server = Process([sys.executable, "-m", "example_app"], settings, tmp_path / "example.log")
    try:
        shown = wait_until(
            lambda: re.search(r"Shop +(http://localhost:\d+)/\n(?s:.*)API key +(\S+)", server.log.read_text()),
            "the shop is served",
            60,
            server.log.read_text,
        )
        Api(shown[1], shown[2]).session()
    finally:
        server.stop()


def test_make_run_with_the_tokens_in_the_environment_is_all_that_bridges_need(tmp_path: Path) -> None:
    with telegram_server() as telegram, slack_server() as slack, discord_server() as discord:
        slack.uses_sockets = True
        settings = {
            "TELEGRAM_API_URL": telegram.url,
            "TELEGRAM_BOT_TOKEN": telegram_tokens.TOKEN,
            "TELEGRAM_CHAT_ID": str(telegram_tokens.GROUP),
            "SLACK_BOT_TOKEN": slack_tokens.BOT_TOKEN,
            "SLACK_APP_TOKEN": slack_tokens.APP_TOKEN,
            "SLACK_CHANNEL_ID": slack.channel,
            "SLACK_API_URL": slack.api_url,
            "DISCORD_BOT_TOKEN": discord.token,
            "DISCORD_CHANNEL_ID": discord.channel,
            "DISCORD_API_URL": discord.url,
            "POCKETPING_BRIDGE_ALLOW_NETWORKS": "127.0.0.0/8",
        }
        given = {"PORT": "0", "HOST": "127.0.0.1", "EXAMPLE_INSTANCE": str(tmp_path), "PYTHONUNBUFFERED": "1"}
        server = Process([sys.executable, "-m", "example_app"], {**settings, **given}, tmp_path / "example.log")
        try:
            log = server.log.read_text
            found = wait_until(lambda: re.search(r"Shop +(http://\S+:\d+)/", log()), "the shop is served", 60, log)
            Visitor(found[1]).say("Is anybody there?")
            topic = telegram.wait_topic(timeout=30)
            telegram.wait_text("Is anybody there?", topic)
            wait_until(lambda: slack.workspace.roots(slack.channel), "a thread in Slack", 30)
            [root] = slack.workspace.roots(slack.channel)
            assert root["text"].endswith("Is anybody there?")
            wait_until(discord.threads, "a thread in Discord", 30)

            def texts() -> list[str]:
                return list(discord.texts(discord.threads()[0]["id"]))

            wait_until(lambda: texts() and texts()[-1].endswith("Is anybody there?"), "the message", 30, texts)
            for secret in (telegram_tokens.TOKEN, slack_tokens.BOT_TOKEN, slack_tokens.APP_TOKEN, discord.token):
                assert secret not in log()
        finally:
            server.stop()


def test_make_run_reports_an_unreachable_database_in_one_line(tmp_path: Path) -> None:
    settings = {
        **os.environ,
        "EXAMPLE_INSTANCE": str(tmp_path),
        "POCKETPING_DATABASE_URI": f"postgresql+psycopg://user:swordfish@127.0.0.1:{free_port()}/x",
    }
    done = subprocess.run(
        [sys.executable, "-m", "example_app"], env=settings, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.startswith("The chat's database can't be used: ")
    assert "swordfish" not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_shop_sends_mail_where_the_environment_names_a_server() -> None:
    assert mail_target({}) == []
    [target] = mail_target({"SMTP_HOST": "mail.example", "SMTP_PORT": "2525", "SMTP_SECURITY": "none"})
    assert target.name == "email"


# --- Help pages and the demo of an AI ---


def test_help_pages_are_served_and_linked(shop: Api) -> None:
    browser = Browser(shop)
    assert 'href="/help"' in browser.open("/").text
    overview = browser.open("/help").text
    for name, page in help_pages().items():
        assert f'href="/help/{name}"' in overview
        shown = browser.open(f"/help/{name}")
        assert shown.status_code == 200
        assert f"<h1>{escape(page.title)}</h1>" in shown.text
        # All of the text is there, without marks of Markdown.
        assert not re.search(
            r"^\s*(#|- |\d\. )|\*\*|---", shown.text.partition("<h1>")[2].partition("</article>")[0], re.M
        )
    assert "<li>Norway and the rest of Europe: 5 to 8 days</li>" in browser.open("/help/shipping").text
    for path in ("/help/nothing", "/help/..%2fseed.py", "/help/shipping.md"):
        assert browser.open(path).status_code == 404


def test_each_help_text_names_its_own_page(open_app: Callable[[], Flask]) -> None:
    """So that answers link to a page that exists."""
    app = open_app()
    texts = read_folder(FOLDER)
    assert texts.skipped == []
    assert {text.url for text in texts.documents} == {f"/help/{name}" for name in help_pages()}
    pages = app.test_client()
    assert all(pages.get(str(text.url)).status_code == 200 for text in texts.documents)


def test_the_demo_answers_takes_over_and_looks_up_orders(tmp_path: Path) -> None:
    """In a process of its own, because the extension object of the shop is made at import."""
    code = """
import os, example_app
from example_app.demo_ai import LABEL
from flask_pocketping import Identity
app = example_app.create_app({"POCKETPING_WORKER": "off", "POCKETPING_AI_DELAY": 0})
example_app.pocketping.create_tables(app)
from datetime import UTC, datetime, timedelta
from flask_pocketping import clock
chat, state = example_app.pocketping, app.extensions["pocketping"]
state.folder_indexer.index()
def ask(content, verified=True):
    with app.app_context():
        session_id = chat.open_session(identity=Identity(customer_id="1", name="Ada", verified=verified)).id
        chat.send_message(session_id, content, type="visitor")
        clock.set_clock(lambda: datetime.now(UTC) + timedelta(seconds=5))
        state.runtime.deliver_due()
        clock.set_clock(None)
        said = [one.content for one in chat.list_messages(session_id).messages if one.type == "ai"]
        assert len(said) == 1 and said[0].startswith(LABEL), said
        print(said[0].replace("\\n", " "))
ask("Do you ship to Norway?"); ask("Where is order 1?"); ask("I want a person"); ask("Hm")
ask("Where is order 1?", verified=False)
chat.close(app)
"""
    environment = {**os.environ, "EXAMPLE_INSTANCE": str(tmp_path), "SHOP_DEMO_AI": "1", "PYTHONPATH": str(ROOT)}
    shown = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=90, cwd=ROOT
    )
    assert shown.returncode == 0, shown.stderr
    shipping, order, person, other, anonymous = shown.stdout.splitlines()
    assert "[Shipping](/help/shipping)" in shipping
    assert "Norway and the rest of Europe: 5 to 8 days" in shipping
    assert "Order 1:" in order
    assert "A person" in person
    assert "Ask me" in other
    assert "Please sign in" in anonymous


def test_a_real_model_takes_the_place_of_the_demo() -> None:
    assert demo_model({}) is None
    assert demo_model({"SHOP_DEMO_AI": "1", "POCKETPING_AI_PROVIDER": "openai"}) is None
    assert demo_model({"SHOP_DEMO_AI": "1"}) is not None
    assert ai_settings({}) == {}
    assert ai_settings({"SHOP_DEMO_AI": "1", "POCKETPING_AI_PROVIDER": "openai"}) == {"POCKETPING_AI_KNOWLEDGE": "help"}


def test_make_run_shows_all_of_the_ai_without_a_key(tmp_path: Path) -> None:
    """Taking over, an answer from a help page, the look-up of an order, and handing over."""
    given = {"PORT": "0", "HOST": "127.0.0.1", "EXAMPLE_INSTANCE": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    settings = {"SHOP_DEMO_AI": "1", "POCKETPING_AI_DELAY": "0", **given}
    server = Process([sys.executable, "-m", "example_app"], settings, tmp_path / "example.log")
    try:
        log = server.log.read_text
        found = wait_until(
            lambda: re.search(r"Shop +(http://\S+:\d+)/\n(?s:.*)API key +(\S+)", log()), "a shop", 60, log
        )
        shop = Api(found[1], found[2])
        browser = Browser(shop)
        browser.sign_in(ADA)
        ada = shop.visitor(identityToken=browser.open("/identity").json()["identityToken"])
        wait_until(lambda: "Indexed" in log(), "the help pages are indexed", 30, log)

        def ask(question: str) -> str:
            before = len(answers())
            ada.say(question)
            wait_until(lambda: len(answers()) > before, f"an answer to {question}", 30, log)
            assert answers()[-1].startswith(LABEL)
            return answers()[-1]

        def answers() -> list[str]:
            return [one["content"] for one in ada.messages() if one["sender"] == "ai"]

        linked = re.search(r"\[Gift cards\]\((/help/[a-z-]+)\)", ask("How long is a gift card valid?"))
        assert linked
        assert "Three years" in browser.open(linked[1]).text
        assert "Order 1: 2 of Morning Assam" in ask("Where is order 1?")
        assert "no such order" in ask("And order 3?"), "which is Ben's"
        assert "A person" in ask("I want a person, please")
        session = shop.ok("GET", f"/sessions/{ada.session_id}")["session"]
        assert (session["aiActive"], session["unanswered"]) == (False, True)
        told = [one["content"] for one in shop.ok("GET", f"/sessions/{ada.session_id}/messages")["messages"]]
        assert DISCLOSURE in told
        assert "The AI hands over to you: The visitor asks for a person." in told
    finally:
        server.stop()
