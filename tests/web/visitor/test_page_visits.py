"""Tests the pages that a visitor viewed: they are recorded in order, and only the newest ones are kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from flask_pocketping.chat import pages

from ...conftest import LOCAL
from ...support.clients import Api
from ...support.office import office_on


def urls(api: Api, session_id: str, **query: Any) -> list[str]:
    return [item["url"] for item in api.ok("GET", f"/sessions/{session_id}/pages", params=query)["pages"]]


def test_viewed_pages_are_listed_newest_first(any_shared: Api) -> None:
    visitor = any_shared.visitor(metadata={"url": "https://shop.example/", "pageTitle": "Shop"})
    for path in ("boots", "boots", "cart", "boots"):
        body = {"sessionId": visitor.handle, "metadata": {"url": f"https://shop.example/{path}", "pageTitle": path}}
        visitor.request("POST", "/connect", body)
    found = any_shared.ok("GET", f"/sessions/{visitor.session_id}/pages")["pages"]
    assert [(item["url"].rpartition("/")[2], item.get("title")) for item in found] == [
        ("boots", "boots"),
        ("cart", "cart"),
        ("boots", "boots"),
        ("", "Shop"),
    ]
    moments = [item["visitedAt"] for item in found]
    assert moments == sorted(moments, reverse=True)
    assert urls(any_shared, visitor.session_id, limit=1) == ["https://shop.example/boots"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_the_newest_50_of_each_conversation_are_kept(kind: str, tmp_path: Any) -> None:
    with office_on(kind, tmp_path, **LOCAL, VISITOR_MESSAGE_LIMIT="1000/minute") as office:
        long = office.api.visitor()
        short = office.api.visitor(metadata={"url": "https://shop.example/"})
        walked = [f"https://shop.example/{number}" for number in range(pages.KEPT + 3)]
        for url in walked:
            office.api.visitor(sessionId=long.handle, metadata={"url": url})
        assert urls(office.api, long.session_id, limit=100) == walked[:2:-1]
        assert urls(office.api, short.session_id) == ["https://shop.example/"]


def test_two_tabs_that_open_a_page_at_once_count_as_one_visit(any_shared: Api) -> None:
    visitor = any_shared.visitor()
    body = {"sessionId": visitor.handle, "metadata": {"url": "https://shop.example/"}}
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: visitor.request("POST", "/connect", body).status_code, range(8)))
    assert set(found) == {200}
    assert urls(any_shared, visitor.session_id) == ["https://shop.example/"]


def test_a_page_may_have_no_title_or_one_in_any_script(any_shared: Api) -> None:
    visitor = any_shared.visitor(metadata={"url": "https://shop.example/a", "pageTitle": ""})
    long = {"url": "https://shop.example/" + "😀" * 2027, "pageTitle": "😀" * 500}
    any_shared.visitor(sessionId=visitor.handle, metadata=long)
    found = any_shared.ok("GET", f"/sessions/{visitor.session_id}/pages")["pages"]
    assert (found[0]["url"], found[0]["title"]) == (long["url"], long["pageTitle"])
    assert "title" not in found[1]


def test_invalid_parts_of_a_visit_are_dropped(any_shared: Api) -> None:
    too_long = {"url": "https://shop.example/".ljust(2049, "x"), "pageTitle": "y" * 501}
    visitor = any_shared.visitor(metadata=too_long)
    any_shared.visitor(sessionId=visitor.handle, metadata={"url": "https://shop.example/\0cart", "pageTitle": "\0"})
    any_shared.visitor(sessionId=visitor.handle, metadata={"url": ""})
    cart, long = any_shared.ok("GET", f"/sessions/{visitor.session_id}/pages")["pages"]
    assert (cart["url"], cart.get("title")) == ("https://shop.example/cart", None)
    assert (long["url"], long["title"]) == (too_long["url"][:2048], too_long["pageTitle"][:500])


def test_pages_belong_to_a_session_of_the_project(shared: Api) -> None:
    assert shared.get("/sessions/sess_none/pages").json()["code"] == "SESSION_NOT_FOUND"
    for limit in (0, 101, "x"):
        assert shared.get(f"/sessions/{shared.session()}/pages", params={"limit": limit}).status_code == 400
