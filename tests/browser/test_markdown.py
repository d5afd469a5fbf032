"""What operators and the AI write is shown with its Markdown, what visitors write as it is, and nothing runs."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from ..support.browsers import check_accessible, settled
from .chat import Chat
from .conftest import NewContext
from .inbox import Inbox
from .shop import ANA, Shop, answer, only_session
from .test_page import PHONE
from .test_script_in_fields import expect_harmless

TEXT = """\
**Yes**, it ships *today*, ~~not tomorrow~~:

1. Open [your orders](https://shop.example/orders_of_mine)
2. Choose `Ship_to_me`
   - in `Settings`
   - or on https://shop.example/snake_case_page
3. Wait for *our* mail

```sh
curl https://shop.example/a
  # 2*3*4
```
Anything else?"""

HOSTILE = """\
[a](javascript:window.ran=1) [b](data:text/html,<script>window.ran=1</script>) [c](https://x.example"onclick=window.ran=1)
**<img src=x onerror=window.ran=1>** `<svg onload=window.ran=1>` **unclosed *marks ~~stay
- <script>window.ran=1</script>"""

#: The nodes of a text in short.
_TREE = """
function tree(element) {
    return [...element.childNodes].map((node) => node.nodeType === 3 ? node.data
        : `<${node.localName}${node.href ? ' ' + node.getAttribute('href') : ''}:${tree(node)}>`).join('');
}
"""

SHOWN = (
    "<strong:Yes>, it ships <em:today>, <s:not tomorrow>:"
    "<ol:<li:Open <a https://shop.example/orders_of_mine:your orders>>"
    "<li:Choose <code:Ship_to_me><ul:<li:in <code:Settings>>"
    "<li:or on <a https://shop.example/snake_case_page:https://shop.example/snake_case_page>>>>"
    "<li:Wait for <em:our> mail>>"
    "<pre:<code:curl https://shop.example/a\n  # 2*3*4>>"
    "Anything else?"
)


def tree(content: Locator) -> str:
    """The elements and texts in a message."""
    found: str = content.evaluate(f"(element) => {{ {_TREE} return tree(element); }}")
    return found


def of_widget(chat: Chat, text: str) -> Locator:
    return chat.message(text).locator(".bubble > [dir=auto]:not(.excerpt)").last


@pytest.fixture
def context(context: BrowserContext) -> BrowserContext:
    context.add_init_script("window.ran = 0")
    return context


def test_the_widget_shows_markdown_of_operators_only(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("**Mine** and [this](https://a.example) and https://b.example/c_d_e")
    answer(shop.api, TEXT)
    expect(chat.message("Anything else?")).to_be_visible()
    assert tree(of_widget(chat, "Anything else?")) == SHOWN
    assert tree(of_widget(chat, "Mine")) == (
        "**Mine** and [this](<a https://a.example:https://a.example>) and <a https://b.example/c_d_e:https://b.example/c_d_e>"
    )
    link = chat.message("Anything else?").get_by_role("link", name="your orders")
    assert (link.get_attribute("target"), link.get_attribute("rel")) == ("_blank", "noopener noreferrer")
    numbers = chat.message("Anything else?").locator("ol > li").evaluate_all("items => items.map(({value}) => value)")
    assert numbers == [1, 2, 3]


def test_a_reply_in_the_widget_quotes_without_marks(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("**Is** it there?")
    answer(shop.api, "**Yes**, `now`")
    chat.message("Yes").hover()
    chat.message("Yes").get_by_role("button", name="Reply").click()
    expect(chat.root.get_by_text("Reply: Yes, now", exact=True)).to_be_visible()
    chat.tell("Good")
    expect(chat.message("Good").locator(".excerpt")).to_have_text("Yes, now")


@pytest.mark.parametrize("direction", ["widget", "inbox"])
def test_hostile_markdown_runs_nothing(shop: Shop, context: BrowserContext, direction: str) -> None:
    visitor = shop.api.visitor()
    visitor.say("Hello")
    page = context.new_page()
    if direction == "widget":
        page.goto(shop.plain())
        chat = Chat(page).open()
        chat.tell("Hello again")
        (session,) = [
            one["id"] for one in shop.api.ok("GET", "/sessions")["sessions"] if one["id"] != visitor.session_id
        ]
        shop.api.ok("POST", f"/sessions/{session}/messages", {"content": HOSTILE})
        found = chat.message("unclosed")
    else:
        shop.api.ok("POST", f"/sessions/{visitor.session_id}/messages", {"content": HOSTILE})
        shop.sign_in(context, ANA)
        found = Inbox(page, shop.url).visit(visitor.session_id).message("unclosed")
    expect(found).to_contain_text("[a](javascript:window.ran=1)")
    expect(found).to_contain_text("**unclosed *marks ~~stay")
    expect(found).to_contain_text("<script>window.ran=1</script>")
    expect(found.locator("strong")).to_have_text("<img src=x onerror=window.ran=1>")
    expect_harmless(page)


def test_the_inbox_shows_markdown_and_plain_excerpts(shop: Shop, context: BrowserContext) -> None:
    visitor = shop.api.visitor(identity={"id": "g", "name": "Grace"})
    visitor.say("**Mine**")
    path = f"/sessions/{visitor.session_id}/messages"
    made = shop.api.ok("POST", path, {"content": TEXT})["message"]
    shop.api.ok("POST", path, {"content": "See **above**", "type": "ai", "replyTo": made["id"]})
    shop.sign_in(context, ANA)
    inbox = Inbox(context.new_page(), shop.url).visit(visitor.session_id)
    expect(inbox.message("See above")).to_be_visible()
    assert tree(inbox.message("Anything else?").first.locator(".content")) == SHOWN
    assert tree(inbox.message("Mine").locator(".content")) == "**Mine**"
    expect(inbox.row("Grace")).to_contain_text("See above")
    quote = inbox.message("See above").locator(".quote")
    expect(quote).to_contain_text("Yes, it ships today, not tomorrow: 1. Open your orders")
    expect(inbox.message("See above").locator(".ai-badge")).to_have_text("AI")
    inbox.search.fill("ships today")
    inbox.search.fill("settings")
    expect(inbox.message("Anything else?").first.locator("mark")).to_have_text("Settings")
    # What is edited is what was written.
    inbox.search.fill("")
    inbox.say("One **more**")
    inbox.message("One more").hover()
    inbox.message("One more").get_by_role("button", name="Edit").click()
    expect(inbox.page.get_by_role("textbox", name="Edit message")).to_have_value("One **more**")


@pytest.mark.parametrize(("device", "scheme"), list(product(("desktop", "phone"), ("light", "dark"))))
def test_axe_finds_nothing_in_markdown(
    shop: Shop, new_context: NewContext, tmp_path: Path, device: str, scheme: str
) -> None:
    options = {"color_scheme": scheme, **(PHONE if device == "phone" else {})}
    folder = Path(os.environ.get("POCKETPING_TEST_SHOTS", tmp_path))
    page = new_context(**options).new_page()
    rtl = scheme == "dark"
    page.goto(shop.plain(query={"lang": "ar" if rtl else "en"}))
    chat = Chat(page)
    if rtl:
        chat.launcher = chat.root.locator(".launcher")
        chat.field = chat.root.locator("textarea")
    chat.open()
    chat.say("متى؟" if rtl else "When?")
    session = only_session(shop.api)
    path = f"/sessions/{session}/messages"
    text = TEXT.replace("**Yes**, it ships *today*", "**نعم**، تُشحن *اليوم*") if rtl else TEXT
    shop.api.ok("POST", path, {"content": text, "operatorName": "Ana"})
    shop.api.ok("POST", path, {"content": "Is that **all**?", "type": "ai", "operatorName": "Robin"})
    expect(chat.message("Is that all?").locator(".tag")).to_be_visible()
    settled(page)
    (folder / f"widget-{device}-{scheme}.png").write_bytes(page.screenshot())
    check_accessible(page, "pocketping-chat")
    context = new_context(**options)
    shop.sign_in(context, ANA)
    inbox = Inbox(context.new_page(), shop.url).visit(session)
    expect(inbox.message("Is that all?")).to_be_visible()
    settled(inbox.page)
    (folder / f"inbox-{device}-{scheme}.png").write_bytes(inbox.page.screenshot())
    check_accessible(inbox.page)


def test_more_than_ten_files_are_refused_before_the_upload(shop: Shop, page: Page) -> None:
    uploads: list[str] = []
    page.on("request", lambda request: uploads.append(request.url) if request.url.endswith("/upload") else None)
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Some files")
    files = [{"name": f"{n}.txt", "mimeType": "text/plain", "buffer": b"x"} for n in range(12)]
    chooser = chat.root.locator("input[type=file]")
    chooser.set_input_files(files)  # type: ignore[arg-type]
    alert = chat.root.get_by_role("alert").filter(has_text="Up to 10 files per message. The rest weren't added.")
    expect(alert).to_be_visible()
    expect(chat.root.get_by_role("button", name="Delete 9.txt")).to_be_visible()
    expect(chat.root.get_by_role("button", name="Delete 10.txt")).to_have_count(0)
    expect(chat.root.locator("progress")).to_have_count(0)
    assert len(uploads) == 10
    # One that is taken out makes room for another.
    chat.root.get_by_role("button", name="Delete 0.txt").click()
    expect(alert).to_have_count(0)
    chooser.set_input_files(files[10:])  # type: ignore[arg-type]
    expect(alert).to_be_visible()
    expect(chat.root.get_by_role("button", name="Delete 10.txt")).to_be_visible()
    chat.say("Here they are")
    expect(alert).to_have_count(0)
    chat.expect_status("Here they are", "Sent")
    expect(chat.message("Here they are").locator(".file")).to_have_count(10)
