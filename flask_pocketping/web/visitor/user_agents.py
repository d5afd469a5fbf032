"""Reads a `User-Agent` header: device, browser, system, and whether it is a crawler."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

_PHONES = {"iPhone", "iPod"}
# HTTP clients and headless browsers, which programs on the API and tests use. Their names alone do not make them
# crawlers.
_TOOLS = re.compile(
    r"\b(?:curl|wget|httpie|python-(?:requests|httpx|urllib\d?)|aiohttp|axios|undici|node-fetch|go-http-client|okhttp"
    r"|postmanruntime|apache-httpclient|guzzlehttp|libwww-perl|faraday|ruby|java)\b[/\w.]*|\bheadless(?=chrome)",
    re.IGNORECASE,
)


#: How many characters are parsed. They include the names of browsers and crawlers, and matching more takes long.
LENGTH = 256


def describe(user_agent: str) -> dict[str, str]:
    """Return `device` (desktop, mobile or tablet), `browser` and `os`, if known."""
    return dict(_describe(user_agent[:LENGTH]))


def is_crawler(user_agent: str) -> bool:
    """Return whether the user agent is a known crawler."""
    return _is_crawler(user_agent[:LENGTH])


@lru_cache(maxsize=2048)
def _describe(user_agent: str) -> dict[str, str]:
    # The patterns take a while to load, so only the first visitor's request loads them.
    from ua_parser import parse

    found = parse(user_agent)
    described: dict[str, str] = {}
    if found.user_agent:
        described["browser"] = found.user_agent.family
    if found.os:
        described["os"] = found.os.family
    family = found.device.family if found.device else ""
    if "Tablet" in family or family == "iPad" or ("Android" in user_agent and "Mobile" not in user_agent):
        described["device"] = "tablet"
    elif "Mobi" in user_agent or family in _PHONES:
        described["device"] = "mobile"
    elif described:
        described["device"] = "desktop"
    return described


@lru_cache(maxsize=2048)
def _is_crawler(user_agent: str) -> bool:
    return bool(_crawlers().isCrawler(_TOOLS.sub("", user_agent)))


@cache
def _crawlers() -> Any:
    from crawlerdetect import CrawlerDetect

    return CrawlerDetect()
