"""Reads a `User-Agent` header: device, browser, system, and whether it is a crawler."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

_PHONES = {"iPhone", "iPod"}
# HTTP clients and headless browsers say nothing of who uses them: a program on the API, a test. They are not
# crawlers by their name alone.
_TOOLS = re.compile(
    r"\b(?:curl|wget|httpie|python-(?:requests|httpx|urllib\d?)|aiohttp|axios|undici|node-fetch|go-http-client|okhttp"
    r"|postmanruntime|apache-httpclient|guzzlehttp|libwww-perl|faraday|ruby|java)\b[/\w.]*|\bheadless(?=chrome)",
    re.IGNORECASE,
)


#: What is looked at: browsers and crawlers have named themselves by then, and the patterns take long over more.
LENGTH = 256


def describe(user_agent: str) -> dict[str, str]:
    """Return `device` (desktop, mobile or tablet), `browser` and `os`, if known."""
    return dict(_describe(user_agent[:LENGTH]))


def is_crawler(user_agent: str) -> bool:
    """Return whether the user agent is a known crawler."""
    return _is_crawler(user_agent[:LENGTH])


@lru_cache(maxsize=2048)
def _describe(user_agent: str) -> dict[str, str]:
    # Its patterns take a while to load, which hosts without visitors need not wait for.
    from ua_parser import parse

    found = parse(user_agent)
    told: dict[str, str] = {}
    if found.user_agent:
        told["browser"] = found.user_agent.family
    if found.os:
        told["os"] = found.os.family
    family = found.device.family if found.device else ""
    if "Tablet" in family or family == "iPad" or ("Android" in user_agent and "Mobile" not in user_agent):
        told["device"] = "tablet"
    elif "Mobi" in user_agent or family in _PHONES:
        told["device"] = "mobile"
    elif told:
        told["device"] = "desktop"
    return told


@lru_cache(maxsize=2048)
def _is_crawler(user_agent: str) -> bool:
    return bool(_crawlers().isCrawler(_TOOLS.sub("", user_agent)))


@cache
def _crawlers() -> Any:
    from crawlerdetect import CrawlerDetect

    return CrawlerDetect()
