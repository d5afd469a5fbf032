"""Chromium and Firefox as the browser tests use them: how they are started, and what a page must never say."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, WebError

from .servers import ROOT, wait_until
from .services import missing

CHROMIUM = os.environ.get("POCKETPING_TEST_CHROMIUM", "/usr/bin/chromium")
#: The same without a browser's windows. A new page takes a fifth of the processor's time; there are no notifications.
SHELL = os.environ.get("POCKETPING_TEST_CHROMIUM_SHELL", "/usr/bin/chromium-headless-shell")
#: As it is released, not one that was built for tests.
FIREFOX = os.environ.get("POCKETPING_TEST_FIREFOX", "/usr/bin/firefox-esr")

#: Nothing but the pages that a test opens: no updates, no phoning home, no sandbox (a container has none).
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# A page reports each violation of its policy; what the browser itself logs of some of them is no promise.
_REPORT_VIOLATIONS = """
addEventListener('securitypolicyviolation', (event) => {
    console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile ?? ''}`);
});
"""


@contextmanager
def chromium(playwright: Playwright, *, windows: bool = False) -> Iterator[Browser]:
    """The browser of this machine; tests that need it are skipped where it is missing.

    :param windows: whether it must be the whole browser, and not its shell where that is installed.
    """
    program = SHELL if not windows and shutil.which(SHELL) else CHROMIUM
    if shutil.which(program) is None:
        missing(f"Chromium ({program})", FileNotFoundError())
    with playwright.chromium.launch(executable_path=program, args=FLAGS) as browser:
        yield browser


@contextmanager
def firefox(playwright: Playwright) -> Iterator[Browser]:
    """The Firefox of this machine, driven over WebDriver BiDi; tests that need it are skipped where it is missing."""
    if shutil.which(FIREFOX) is None:
        missing(f"Firefox ({FIREFOX})", FileNotFoundError())
    with TemporaryDirectory() as folder:
        program = Path(folder, "firefox")
        program.write_text(
            f'#!/bin/sh\ncd "{ROOT}" && exec "{sys.executable}" -m tests.support.bidi "{FIREFOX}" "$@"\n'
        )
        program.chmod(0o700)
        with playwright.firefox.launch(channel="moz-firefox", executable_path=program) as browser:
            yield browser


class Faults:
    """What went wrong in the pages of a test: errors on the console, uncaught ones, violations of the policy."""

    def __init__(self) -> None:
        self._seen: list[str] = []
        # A page that goes away while its socket is being opened says so, and nothing is wrong.
        self._allowed = [re.compile("WebSocket is closed before the connection is established")]

    def watch(self, context: BrowserContext) -> None:
        """Listen to all pages of a context, those that it opens later too."""
        context.add_init_script(_REPORT_VIOLATIONS)
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)

    def allow(self, *patterns: str) -> None:
        """Expect what these find, from now on and before.

        :param patterns: regular expressions, searched in `<text> @ <address>`.
        """
        self._allowed.extend(re.compile(pattern) for pattern in patterns)

    def allow_network(self) -> None:
        """Expect requests that fail, as they do while a network is cut or a server away."""
        self.allow(r"net::ERR_", r"WebSocket connection to .* failed", r"status of 5\d\d")

    def found(self) -> list[str]:
        """What nobody expected."""
        return [fault for fault in self._seen if not any(pattern.search(fault) for pattern in self._allowed)]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            self._seen.append(f"{message.type}: {message.text} @ {message.location.get('url', '')}")

    def _on_error(self, error: WebError) -> None:
        self._seen.append(f"uncaught: {error.error} @ {error.page.url if error.page else ''}")


def check_accessible(page: Page, *within: str, without: tuple[str, ...] = ()) -> None:
    """Fail if axe finds something in a page.

    :param within: CSS selectors of what to look at; the whole page if there are none.
    :param without: CSS selectors of what to leave out.
    """
    # Evaluated by the debugger, which no policy of the page stops.
    page.evaluate(_axe())
    context: dict[str, Any] = {"exclude": [[selector] for selector in without]} if without else {}
    context["include"] = [[selector] for selector in within or ("html",)]
    found = page.evaluate("context => axe.run(context, {resultTypes: ['violations']})", context)
    assert found["passes"], f"axe looked at nothing in {within}"
    faults = [
        f"{violation['id']} ({violation['help']}): {node['target']} {node['html'][:200]}\n  {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
    assert not faults, "\n".join(faults)


@cache
def _axe() -> str:
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text()


def settled(page: Page) -> None:
    """Wait until no animation runs, so that colours and places are those that stay."""
    page.wait_for_function(
        """() => {
            const roots = [document, ...[...document.querySelectorAll('*')].map((e) => e.shadowRoot).filter(Boolean)];
            const running = roots.flatMap((root) => root.getAnimations ? root.getAnimations() : []);
            return running.every((animation) => animation.playState !== 'running'
                || animation.effect.getTiming().iterations === Infinity);
        }"""
    )


def wait_for(
    page: Page,
    condition: Callable[[], Any],
    what: str,
    timeout: float = 10.0,
    seen: Callable[[], object] = lambda: "",
) -> Any:
    """As `wait_until`, and what the page does meanwhile reaches the test's own listeners."""

    def look() -> Any:
        page.wait_for_timeout(1)
        return condition()

    return wait_until(look, what, timeout, seen)
