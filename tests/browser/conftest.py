"""The example shop, served to a real browser, and fresh pages that say when something in them is wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from ..conftest import LOCAL
from ..support.browsers import Faults, chromium
from ..support.clients import Api
from ..support.servers import serving, wait_until
from .shop import Shop, make_shop

expect.set_options(timeout=10_000)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """The driver of browsers; its threads live longer than a test."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One browser for all tests of a worker."""
    with chromium(playwright) as browser:
        yield browser


@pytest.fixture(scope="session")
def whole_browser(playwright: Playwright) -> Iterator[Browser]:
    """The one for what only a browser with windows has."""
    with chromium(playwright, windows=True) as browser:
        yield browser


OpenShop = Callable[..., Shop]


@pytest.fixture
def open_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenShop]:
    """Serve the example shop with settings of `POCKETPING_…`, named in small letters without the prefix."""
    monkeypatch.setenv("EXAMPLE_INSTANCE", str(tmp_path))
    with ExitStack() as stack:

        def start(**settings: Any) -> Shop:
            app = make_shop(**LOCAL, **settings)
            stack.callback(end, app)
            return Shop(app, stack.enter_context(serving(app)))

        yield start


def has_started(thread: threading.Thread) -> bool:
    return thread.ident is not None


def end(app: Flask) -> None:
    """What pages say as they go may come after the server's end has begun, and start the chat's threads anew."""
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            wait_until(partial(has_started, thread), "the thread has started")
            thread.join(5)
    app.extensions["pocketping"].runtime.close()


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """The example shop as `make run` serves it."""
    return open_shop()


@pytest.fixture
def api(shop: Shop) -> Api:
    """The back office of `shop`."""
    return shop.api


@pytest.fixture
def faults() -> Iterator[Faults]:
    """What the pages complain about; a test that expects some of it says so."""
    faults = Faults()
    yield faults
    found = faults.found()
    if found:
        pytest.fail("the pages complained:\n" + "\n".join(found))


NewContext = Callable[..., BrowserContext]


@pytest.fixture
def new_context(
    browser: Browser, faults: Faults, open_shop: OpenShop, request: pytest.FixtureRequest
) -> Iterator[NewContext]:
    """Another visitor's or operator's browser: storage and cookies of its own. With `whole=True` it has windows.

    It is closed before the server stops, which `open_shop` sees to by being asked for here.
    """
    with ExitStack() as stack:

        def start(*, whole: bool = False, **options: Any) -> BrowserContext:
            chosen: Browser = request.getfixturevalue("whole_browser") if whole else browser
            context = stack.enter_context(chosen.new_context(**{"locale": "en-GB", **options}))
            context.set_default_timeout(10_000)
            # A page of many modules, whose first request also starts the chat, on a machine that does much else.
            context.set_default_navigation_timeout(30_000)
            faults.watch(context)
            return context

        yield start


@pytest.fixture
def context(new_context: NewContext) -> BrowserContext:
    return new_context()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
