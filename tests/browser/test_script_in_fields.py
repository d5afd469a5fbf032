"""A visitor's or operator's text never runs as script, wherever it is shown."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from flask_pocketping.chat import ai_actions, ai_answers, ai_drafts, ai_turns
from flask_pocketping.host.loaders import Loaders
from flask_pocketping.values import AISource, Identity, Operator

from ..support.browsers import Faults, wait_for
from .chat import Chat
from .inbox import Inbox
from .shop import ANA, Shop, only_session

#: Runs where it is taken for markup, for an attribute, or for an address.
EVIL = "\"'><img src=x onerror=window.ran=1><svg onload=window.ran=1><script>window.ran=1</script>{{7*7}}"
EVIL_URL = "javascript:window.ran=1"


@pytest.fixture
def context(context: BrowserContext) -> BrowserContext:
    context.add_init_script("window.ran = 0")
    return context


@pytest.fixture
def loaders(shop: Shop) -> Loaders:
    """What the shop tells of its people. All its apps share it, so a test puts back what it changes."""
    found: Loaders = shop.app.extensions["pocketping"].loaders
    return found


def expect_harmless(page: Page) -> None:
    """Nothing ran, no element came out of a text, and no link leads to a script."""
    assert page.evaluate("window.ran") == 0
    found = page.evaluate(
        """() => {
            const roots = [document, ...[...document.querySelectorAll('*')].flatMap((e) => e.shadowRoot ?? [])];
            return roots.flatMap((root) => [...root.querySelectorAll(
                'img[src="x"], [onerror], [onload], a[href^="javascript:" i], main script, aside script')])
                .map((element) => element.outerHTML);
        }"""
    )
    assert found == []


def test_operator_messages_are_plain_text_in_the_widget(shop: Shop, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(shop.plain(query={"title": EVIL}, texts={"team": EVIL, "placeholder": "Write a message…"}))
    chat = Chat(page).open()
    chat.tell(EVIL)
    session = only_session(shop.api)
    uploaded = shop.api.ok("POST", f"/sessions/{session}/attachments", params={"filename": EVIL}, data=b"Some text")
    body = {
        "content": f"{EVIL} {EVIL_URL}",
        "operatorName": EVIL,
        "attachmentIds": [uploaded["attachment"]["id"]],
        "replyTo": shop.api.ok("GET", f"/sessions/{session}/messages")["messages"][0]["id"],
    }
    shop.api.ok("POST", f"/sessions/{session}/messages", body)
    shop.api.ok("POST", f"/sessions/{session}/messages", {"content": EVIL, "type": "system"})
    wait_for(page, lambda: len(chat.said()) == 3, "all is shown", seen=chat.said)
    expect(chat.panel.get_by_role("heading", name=EVIL)).to_be_visible()
    with shop.api.socket() as office:
        office.send({"type": "typing", "sessionId": session, "isTyping": True})
        expect(chat.root.get_by_text("is typing…")).to_be_visible()
    chat.message("onerror").first.hover()
    expect_harmless(page)


def test_visitor_messages_are_plain_text_in_the_inbox(
    shop: Shop, context: BrowserContext, loaders: Loaders, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {EVIL: EVIL, "Leads to": (EVIL, EVIL_URL), "Is": True}
    monkeypatch.setattr(loaders, "context", lambda session: facts)
    visitor = shop.api.visitor(
        metadata={"url": EVIL_URL, "pageTitle": EVIL, "referrer": EVIL_URL, "timezone": EVIL, "language": EVIL},
        identity={"id": EVIL, "name": EVIL, "email": f"{EVIL[:60]}@example.com", "plan": EVIL, "phone": EVIL},
    )
    visitor.say(f"{EVIL} {EVIL_URL} https://example.com/{EVIL}")
    visitor.request("POST", "/connect", {"sessionId": visitor.handle, "metadata": {"url": f"{EVIL_URL}/2"}})
    visitor.request("POST", "/events", {"sessionId": visitor.handle, "name": EVIL[:60], "data": {EVIL: EVIL}})
    shop.api.ok("POST", f"/sessions/{visitor.session_id}/csat")
    visitor.request("POST", "/csat", {"sessionId": visitor.handle, "score": 1, "comment": EVIL})
    upload = {"sessionId": visitor.handle, "filename": EVIL, "mimeType": EVIL, "size": 4}
    announced = visitor.request("POST", "/upload", upload).json()
    visitor.request("PUT", announced["uploadUrl"], headers={}, body=1234)
    finished = {"sessionId": visitor.handle, "attachmentId": announced["attachmentId"]}
    assert visitor.request("POST", "/upload/complete", finished).status_code == 200
    visitor.say("And a file", attachmentIds=[announced["attachmentId"]])
    shop.api.ok("POST", "/saved-replies", {"shortcut": "evil", "content": EVIL})

    shop.sign_in(context, ANA)
    inbox = Inbox(context.new_page(), shop.url).visit(visitor.session_id)
    wait_for(inbox.page, lambda: len(inbox.said()) == 2, "both messages are shown", seen=inbox.said)
    assert EVIL in inbox.said()[0]
    expect(inbox.details.get_by_text(EVIL).first).to_be_visible()
    with visitor.stream() as line:
        line.send({"type": "event", "data": {"name": "typed", "data": EVIL}})
        visitor.request("POST", "/typing", {"sessionId": visitor.handle, "sender": "visitor", "isTyping": True})
        expect(inbox.page.get_by_text("is typing").first).to_be_attached()
    inbox.field.press_sequentially("/ev")
    expect(inbox.page.get_by_role("option").filter(has_text="/evil")).to_be_visible()
    inbox.page.keyboard.press("Escape")
    inbox.search.fill(EVIL)
    expect(inbox.rows).to_have_count(1)
    expect_harmless(inbox.page)


def test_an_operator_name_is_plain_text(
    shop: Shop, context: BrowserContext, faults: Faults, loaders: Loaders, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A picture's address runs nothing; the shop's policy does not even load it.
    faults.allow(r"img-src")
    monkeypatch.setattr(loaders, "operator", lambda: Operator("evil", EVIL, EVIL_URL))
    visitor = shop.api.visitor()
    visitor.say("Hello")
    inbox = Inbox(context.new_page(), shop.url).visit(visitor.session_id)
    inbox.say("Hello to you")
    inbox.expect_said("visitor: Hello", "operator: Hello to you")
    inbox.page.get_by_role("button", name="Preferences").click()
    expect_harmless(inbox.page)
    reader = context.new_page()
    reader.goto(shop.url)
    chat = Chat(reader).open()
    chat.tell("Who is there?")
    shop.api.ok("GET", "/operators")
    expect_harmless(reader)


def test_a_customer_name_is_plain_text_in_the_widget(
    shop: Shop, context: BrowserContext, loaders: Loaders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaders, "identity", lambda: Identity(EVIL, name=EVIL, metadata={"x": EVIL}))
    page = context.new_page()
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("Hello")
    expect_harmless(page)


def test_what_a_model_writes_is_plain_text_in_the_inbox(shop: Shop, context: BrowserContext) -> None:
    """Its drafts, calls, reasons and sources, and its own name."""
    state = shop.app.extensions["pocketping"]
    state.ai = SimpleNamespace(name=EVIL)
    visitor = shop.api.visitor()
    visitor.say("Hello")
    session = visitor.session_id
    said = shop.api.ok("POST", f"/sessions/{session}/messages", {"content": EVIL, "type": "ai"})["message"]
    visitor.say("Hello?")
    project = shop.api.ok("GET", f"/sessions/{session}")["session"]["projectId"]
    sources = [AISource(EVIL, EVIL, EVIL, EVIL_URL), AISource("b", "1", EVIL, f"https://x.example/{EVIL}")]
    passages = ai_answers.passage_rows(sources)
    with state.db.transaction() as tx:
        calls = [{"name": EVIL[:64], "ok": False}]
        ai_answers.record(tx, project, session, "answered", message_id=said["id"], passages=passages, calls=calls)
        ai_answers.record(tx, project, session, "failed", reason=EVIL)
        ai_actions.ask(tx, session, EVIL[:64], {EVIL: EVIL, "list": [EVIL, {EVIL: EVIL_URL}]}, EVIL, "operator")
    with state.db.read() as connection:
        seen = ai_turns.read_position(connection, session)
    ai_drafts.write_draft(
        *(state.db, session, f"{EVIL} [x]({EVIL_URL}) **{EVIL}**"),
        sources=sources,
        seen=seen,
        confirm=lambda tx: None,
        stored=lambda tx, draft_id: None,
        hand_over=EVIL,
    )

    shop.sign_in(context, ANA)
    inbox = Inbox(context.new_page(), shop.url).visit(session)
    page = inbox.page
    draft = page.get_by_role("region", name="AI draft")
    expect(draft).to_contain_text("<script>window.ran=1</script>")
    request = page.get_by_role("region", name="AI action")
    expect(request.get_by_role("definition")).to_have_count(3)
    expect(request).to_contain_text("<script>window.ran=1</script>")
    for shown in page.locator("summary").all():
        shown.click()
    expect(inbox.messages.get_by_role("link", name=EVIL)).to_have_count(1)
    expect(inbox.details.get_by_text(EVIL, exact=True).first).to_be_visible()
    expect_harmless(page)
    draft.get_by_role("button", name="Edit").click()
    expect_harmless(page)
