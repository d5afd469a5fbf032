"""Tests the parsing of `User-Agent` headers and the detection of crawlers."""

from __future__ import annotations

import pytest

from flask_pocketping.web.visitor.user_agents import describe, is_crawler

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
IPAD = IPHONE.replace("iPhone; CPU iPhone OS", "iPad; CPU OS").replace(" Mobile/15E148", "")
ANDROID_TABLET = (
    "Mozilla/5.0 (Linux; Android 14; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.mark.parametrize(
    ("user_agent", "told"),
    [
        (IPHONE, {"device": "mobile", "browser": "Mobile Safari", "os": "iOS"}),
        (FIREFOX, {"device": "desktop", "browser": "Firefox", "os": "Linux"}),
        ("", {}),
    ],
)
def test_a_browser_is_described(user_agent: str, told: dict[str, str]) -> None:
    assert describe(user_agent) == told


@pytest.mark.parametrize("user_agent", [IPAD, ANDROID_TABLET])
def test_a_tablet_is_not_a_phone(user_agent: str) -> None:
    assert describe(user_agent)["device"] == "tablet"


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    ],
)
def test_crawlers_are_detected_by_name(user_agent: str) -> None:
    assert is_crawler(user_agent)


@pytest.mark.parametrize(
    "user_agent",
    [
        FIREFOX,
        IPHONE,
        "",
        "curl/8.5.0",
        "Wget/1.21.4",
        "python-requests/2.32.3",
        "python-httpx/0.28.1",
        "Python-urllib/3.11",
        "Python/3.11 aiohttp/3.11.0",
        "axios/1.7.9",
        "node-fetch/1.0 (+https://npm.example/node-fetch)",
        "undici",
        "Go-http-client/1.1",
        "okhttp/4.12.0",
        "PostmanRuntime/7.43.0",
        "Java/21.0.5",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36",
    ],
)
def test_http_clients_are_not_crawlers(user_agent: str) -> None:
    assert not is_crawler(user_agent)
