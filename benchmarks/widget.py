"""What the widget weighs, how soon a chat can be used, how long a message takes from screen to screen, and what a
thousand open widgets cost the server. The screens are real ones, of Chromium.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask_pocketping.web.pages.assets import find_assets

from . import servers
from .fanout import quantile, weigh_pages
from .report import Report
from .servers import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = os.environ.get("POCKETPING_TEST_CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
#: Bytes that all files of the widget may have together, each gzipped.
TARGET = 20_000

# A text is on the screen once an element shows it; the widget's are in its shadow tree.
_WATCH = """() => {
    const seen = window.benchmarkSeen = new Map();
    const roots = [document.body, ...[...document.querySelectorAll('*')].map((e) => e.shadowRoot).filter(Boolean)];
    const look = (records) => {
        const now = performance.timeOrigin + performance.now();
        for (const record of records) {
            for (const found of record.target.textContent.matchAll(/text \\d+ (?:there|back)/g)) {
                if (!seen.has(found[0])) seen.set(found[0], now);
            }
        }
    };
    for (const root of roots) new MutationObserver(look).observe(root, {subtree: true, childList: true});
}"""
_SEND = """async (text) => {
    const began = performance.timeOrigin + performance.now();
    await PocketPing.sendMessage(text);
    return began;
}"""
_ANSWER = """async ([path, text, token]) => {
    const began = performance.timeOrigin + performance.now();
    const headers = {'Content-Type': 'application/json', 'Authorization': `Bearer ${token}`};
    await fetch(path, {method: 'POST', headers, body: JSON.stringify({content: text})});
    return began;
}"""


def measure(report: Report, folder: Path, *, quick: bool) -> None:
    """Measure all four, the last three under one gevent worker of gunicorn."""
    report.title("The widget")
    kept: dict[str, Any] = {"bytes": _weigh_files(report), "target": TARGET}
    for name in ("browser", "crowd"):
        (folder / name).mkdir()
    if find_spec("playwright") is None or shutil.which(CHROMIUM) is None:
        report.line("No Chromium here (or no playwright): nothing was looked at on a screen.")
    else:
        with _site(folder / "browser") as server, _chromium() as browser:
            kept["usable"] = _time_start(report, browser, server, 2 if quick else 20)
            kept["screens"] = _time_messages(report, browser, server, 3 if quick else 100)
    kept["kb_per_widget"] = _weigh_widgets(report, folder / "crowd", 20 if quick else 1000)
    report.keep("widget", kept)


def _weigh_files(report: Report) -> int:
    files = find_assets().files.items()
    sizes = {path: len(asset.zipped) for path, asset in files if path.startswith("widget/")}
    report.table(["gzipped", "bytes"], [*sizes.items(), ("all", sum(sizes.values()))])
    verdict = "met" if sum(sizes.values()) <= TARGET else "missed"
    report.line(f"The target is {TARGET:,} bytes or less: {verdict}.")
    return sum(sizes.values())


@contextmanager
def _site(folder: Path) -> Iterator[Server]:
    with servers.gunicorn("site", folder, POCKETPING_API_KEY=servers.KEY, **servers.HIGH_LIMITS) as server:
        yield server


@contextmanager
def _chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def _time_start(report: Report, browser: Browser, server: Server, rounds: int) -> dict[str, list[float]]:
    """From the start of the page's navigation until the conversation is connected and can be written in."""
    times: dict[str, list[float]] = {"first visit": [], "next page": []}
    for _ in range(rounds):
        context = browser.new_context()
        page = context.new_page()
        for name in times:
            page.goto(f"http://127.0.0.1:{server.port}/")
            times[name].append(page.evaluate(_CONNECTED))
        context.close()
    rows = [(name, quantile(values, 0.5), quantile(values, 0.99)) for name, values in times.items()]
    report.table(["usable after ms", "p50", "p99"], rows)
    return {name: [p50, p99] for name, p50, p99 in rows}


# Whoever listens after the fact is told at once by the state of the composer.
_CONNECTED = """() => new Promise((resolve) => {
    const look = () => {
        const field = document.querySelector('pocketping-chat')?.shadowRoot?.querySelector('textarea');
        if (field && !field.disabled && field.checkVisibility()) resolve(performance.now());
        else requestAnimationFrame(look);
    };
    look();
})"""


def _time_messages(report: Report, browser: Browser, server: Server, rounds: int) -> dict[str, list[float]]:
    """From sending to the other side's screen, both ways, one message after the other."""
    url = f"http://127.0.0.1:{server.port}"
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/")
    page.evaluate(_CONNECTED)
    page.evaluate(_SEND, "Hello")
    inbox = browser.new_context().new_page()
    inbox.goto(f"{url}/pocketping/inbox")
    inbox.get_by_text("Hello").first.click()
    inbox.get_by_text("Hello").nth(1).wait_for()
    token, session_id = inbox.evaluate(_TOKEN)
    for screen in (page, inbox):
        screen.evaluate(_WATCH)
    path = f"/pocketping/sessions/{session_id}/messages"
    times: dict[str, list[float]] = {"visitor to operator": [], "operator to visitor": []}
    for number in range(rounds):
        there, back = f"text {number} there", f"text {number} back"
        began = page.evaluate(_SEND, there)
        times["visitor to operator"].append(_arrival(inbox, there) - began)
        began = inbox.evaluate(_ANSWER, [path, back, token])
        times["operator to visitor"].append(_arrival(page, back) - began)
    rows = [(name, quantile(values, 0.5), quantile(values, 0.99)) for name, values in times.items()]
    report.table(["screen to screen ms", "p50", "p99"], rows)
    return {name: [p50, p99] for name, p50, p99 in rows}


_TOKEN = """async () => {
    const answer = await fetch('/pocketping/inbox/token', {method: 'POST'});
    const {token} = await answer.json();
    const headers = {'Authorization': `Bearer ${token}`};
    const {sessions} = await (await fetch('/pocketping/sessions?started=true', {headers})).json();
    return [token, sessions[0].id];
}"""


def _arrival(page: Page, text: str) -> float:
    handle = page.wait_for_function("text => window.benchmarkSeen.get(text)", arg=text, polling=5)
    return float(handle.json_value())


def _weigh_widgets(report: Report, folder: Path, count: int) -> float:
    pages = weigh_pages(folder, count)
    report.line(f"The server's memory for each of {count:,} open widgets: {pages.kb:.1f} kB.")
    return pages.kb
