"""Parsers of settings. Each one reads a value from code or from the environment.

`config.py` names a parser for each setting. The text of a `ValueError` continues "must be".
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

#: Requests a minute of the plans that `POCKETPING_RATE_LIMIT` may name.
PLANS = {"free": "100/minute", "pro": "1000/minute", "team": "10000/minute"}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class RateRule:
    """A number of requests per time.

    :ivar amount: the number of requests.
    :ivar multiples: the number of units of the time.
    :ivar unit: one of `UNITS`.
    """

    amount: int
    multiples: int
    unit: str

    @property
    def seconds(self) -> int:
        """The time in seconds."""
        return self.multiples * UNITS[self.unit]


Rules = tuple[RateRule, ...]

#: The units of time in a rule, in seconds.
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "month": 30 * 86400, "year": 360 * 86400}
_RULE = re.compile(rf"(\d{{1,9}})\s*(?:/|per)\s*(\d{{1,9}})?\s*({'|'.join(UNITS)})s?", re.ASCII)


def parse_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a string")
    return value


def parse_optional_text(value: Any) -> str | None:
    return None if value is None or value == "" else parse_text(value)


def parse_api_key(value: Any) -> str | None:
    text = parse_optional_text(value)
    if text is not None and not re.fullmatch(r"[!-~]+", text):
        raise ValueError("printable ASCII characters without spaces, or unset")
    return text


def parse_secret(value: Any) -> str | None:
    text = parse_optional_text(value)
    if text is not None and len(text) < 16:
        raise ValueError("at least 16 characters that nobody can guess, or unset")
    return text


def parse_boolean(value: Any) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    found = value if isinstance(value, bool) else words.get(str(value).strip().lower())
    if found is None:
        raise ValueError("true or false")
    return found


def parse_number(low: float, high: float, unit: str) -> Callable[[Any], float]:
    def parse(value: Any) -> float:
        wanted = f"a number of {unit} from {low:g} to {high:g}"
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ValueError(wanted) from None
        if isinstance(value, bool) or not low <= number <= high:
            raise ValueError(wanted)
        return number

    return parse


def parse_optional_number(low: float, high: float, unit: str) -> Callable[[Any], float | None]:
    number = parse_number(low, high, unit)

    def parse(value: Any) -> float | None:
        if value is None or value == "":
            return None
        try:
            return number(value)
        except ValueError as error:
            raise ValueError(f"{error}, or unset") from None

    return parse


def parse_whole_number(low: int, high: int, unit: str) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        wanted = f"a whole number of {unit} from {low} to {high}"
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise ValueError(wanted) from None
        if isinstance(value, bool | float) or not low <= number <= high:
            raise ValueError(wanted)
        return number

    return parse


def parse_choice(*words: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        text = str(value).strip().lower()
        if text not in words:
            raise ValueError(" or ".join(words))
        return text

    return parse


def parse_optional_choice(*words: str) -> Callable[[Any], str | None]:
    choice = parse_choice(*words)

    def parse(value: Any) -> str | None:
        try:
            return None if value is None or value == "" else choice(value)
        except ValueError as error:
            raise ValueError(f"{error}, or unset") from None

    return parse


def parse_budget(value: Any) -> int | None:
    """Read a number of tokens; 0 stands for no limit."""
    return parse_whole_number(0, 10**12, "tokens")(0 if value is None or value == "" else value) or None


def parse_avatar(value: Any) -> str | None:
    text = parse_optional_text(value)
    if text is not None and not re.fullmatch(r"(https://|/)[!-~]{1,2040}", text):
        raise ValueError('the https address of a picture, or a path such as "/static/ada.png", or unset')
    return text


def parse_color(value: Any) -> str | None:
    text = parse_optional_text(value)
    if text is not None and not re.fullmatch(r"#(?:[0-9A-Fa-f]{3}){1,2}", text):
        raise ValueError('a colour such as "#0a7cff", or unset')
    return text and text.lower()


def parse_background(value: Any) -> str | None:
    try:
        return value if value in {"whatsapp", "dots", "plain"} else parse_color(value)
    except (TypeError, ValueError):
        raise ValueError('a colour such as "#f4f6f8", or whatsapp, dots or plain, or unset') from None


def parse_language(value: Any) -> str | None:
    """Read a language tag such as `pt-BR`, a POSIX locale such as `pt_BR.UTF-8`, or a `Locale` of Babel.

    :return: a language tag (BCP 47), or `None` if the value is unset.
    :raises ValueError: with an example of a language.
    """
    # Recognize a Locale by its attributes, because Babel may not be installed. Its text is a POSIX locale.
    text = str(value) if hasattr(value, "language") and hasattr(value, "territory") else value
    if text is None or text == "":
        return None
    tag = re.split("[.@]", text)[0].replace("_", "-") if isinstance(text, str) else ""
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag):
        raise ValueError('a language such as "de" or "pt-BR", or unset')
    return tag


def version_numbers(version: str | None, otherwise: str) -> tuple[int, ...]:
    numbers = [int(part) for part in (version or otherwise).split(".")]
    return (*numbers, *(0 for _ in range(4 - len(numbers))))


def parse_version(value: Any) -> str | None:
    text = parse_optional_text(value)
    if text is not None and not re.fullmatch(r"\d{1,9}(\.\d{1,9}){0,3}", text):
        raise ValueError('a version such as "1.2.0", or unset')
    return text


def parse_items(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, Iterable):
        return [str(part) for part in value]
    raise ValueError("a list, or text with commas")


def parse_user_agents(value: Any) -> tuple[str, ...]:
    """Read parts of user agents, in upper or lower case."""
    try:
        parts = tuple(part.strip().lower() for part in parse_items(value))
    except ValueError:
        parts = ("",)
    # A shorter text would match almost every browser.
    if not all(re.fullmatch(r"[ -~]{3,100}", part) for part in parts):
        raise ValueError(
            'parts of user agents such as "UptimeRobot", of 3 to 100 ASCII characters, with commas between'
        )
    return parts


def parse_prefix(value: Any) -> str:
    text = parse_text(value).rstrip("/")
    if text and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", text):
        raise ValueError('a path such as "/pocketping", or "" for the root')
    return text


def parse_public_url(value: Any) -> str | None:
    text = parse_optional_text(value)
    if text is not None and not re.fullmatch(r"https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~/-]*)?", text):
        raise ValueError('an address such as "https://www.example.com", without the prefix, or unset')
    return text and text.rstrip("/")


def parse_uri(*schemes: str) -> Callable[[Any], str | None]:
    def parse(value: Any) -> str | None:
        text = parse_optional_text(value)
        if text is not None and not text.startswith(tuple(scheme + "://" for scheme in schemes)):
            raise ValueError("an address that starts with " + " or ".join(f"{s}://" for s in schemes))
        return text

    return parse


def parse_database_uri(value: Any) -> str | None:
    text = parse_optional_text(value)
    if text is not None and "://" not in text:
        raise ValueError("a SQLAlchemy database URL such as postgresql+psycopg://user@host/name")
    return text


def parse_uploads(value: Any) -> str | None:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    text = "off" if value is False else parse_optional_text(value)
    if text is None or text.lower() == "off":
        return text and text.lower()
    bucket = re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!._*'()/-]*)?", text)
    if "\0" in text or ("://" in text and not bucket):
        raise ValueError("the path of a folder, s3://bucket/prefix, off, or unset")
    return text


def parse_file(value: Any) -> str | None:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    text = parse_optional_text(value)
    if text is not None and not os.path.isfile(text):
        raise ValueError("the path of a file that is there, or unset")
    return text


def parse_folder(value: Any) -> str | None:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    text = parse_optional_text(value)
    if text is not None and "\0" in text:
        raise ValueError("the path of a folder, or unset")
    return text


TRANSPORTS = ("websocket", "sse", "poll")
#: The names of the bridges.
BRIDGES = ("telegram", "slack", "discord")


def parse_transports(value: Any) -> tuple[str, ...]:
    names = {item.lower() for item in parse_items(value)}
    if not names or not names <= set(TRANSPORTS):
        raise ValueError("some of websocket, sse and poll, with commas between")
    return tuple(name for name in TRANSPORTS if name in names)


def parse_process_limit(value: Any) -> int | None:
    return None if value is None or value == "" else parse_whole_number(1, 1_000_000, "connections")(value)


def parse_networks(value: Any) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(item) for item in parse_items(value))
    except ValueError:
        raise ValueError("networks such as 10.0.0.0/8 or fd00::/8, with commas between") from None


_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:]+\])(?::(?P<port>\d{1,5}))?")


def parse_base_url(value: Any) -> str:
    text = parse_text(value).rstrip("/")
    if not re.fullmatch(r"https?://[A-Za-z0-9._\[\]:-]+(/[A-Za-z0-9._~/-]*)?", text):
        raise ValueError("an address such as https://api.example.com")
    return text


def parse_optional_base_url(value: Any) -> str | None:
    try:
        return parse_base_url(value) if parse_optional_text(value) else None
    except ValueError as error:
        raise ValueError(f"{error}, or unset") from None


def parse_telegram_token(value: Any) -> str | None:
    text = parse_optional_text(value)
    if text is not None and not re.fullmatch(r"\d{1,20}:[A-Za-z0-9_-]{10,200}", text):
        raise ValueError("the token that @BotFather gave, such as 123456:ABC…, or unset")
    return text


def parse_telegram_chat(value: Any) -> str | None:
    text = parse_optional_text(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
    if text is not None and not re.fullmatch(r"-?\d{1,20}", text):
        raise ValueError("the number of a chat such as -1001234567890, or unset")
    return text


def parse_discord_token(value: Any) -> str | None:
    text = parse_optional_text(value)
    if text is not None and not re.fullmatch(r"[A-Za-z0-9_.-]{20,200}", text):
        raise ValueError("the token that the Developer Portal showed, without `Bot` before it, or unset")
    return text


def parse_discord_channel(value: Any) -> str | None:
    text = parse_optional_text(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
    if text is not None and not re.fullmatch(r"\d{15,20}", text):
        raise ValueError("the id of a channel such as 1200000000000000000, or unset")
    return text


def parse_webhook_secret(value: Any) -> str | None:
    text = parse_optional_text(value)
    if text is not None and not re.fullmatch(r"[A-Za-z0-9_-]{16,256}", text):
        raise ValueError("16 to 256 letters, digits, _ and - that nobody can guess, or unset")
    return text


def parse_slack_token(kind: str) -> Callable[[Any], str | None]:
    """Return the parser of a token of Slack.

    :param kind: what it begins with.
    """

    def parse(value: Any) -> str | None:
        text = parse_optional_text(value)
        if text is not None and not re.fullmatch(rf"{kind}-[A-Za-z0-9-]{{8,300}}", text):
            raise ValueError(f"a token that begins with {kind}-, or unset")
        return text

    return parse


def parse_slack_channel(value: Any) -> str | None:
    text = parse_optional_text(value)
    if text is not None and not re.fullmatch(r"[CG][A-Z0-9]{6,20}", text):
        raise ValueError("the ID of a channel such as C0123456789, not its name, or unset")
    return text


def parse_signing_secret(value: Any) -> str | None:
    text = parse_optional_text(value)
    if text is not None and not re.fullmatch(r"[!-~]{16,200}", text):
        raise ValueError("the signing secret of the app, or unset")
    return text


def parse_bridges(value: Any) -> tuple[str, ...]:
    names = {item.lower() for item in parse_items(value)}
    if not names <= set(BRIDGES):
        raise ValueError(f"some of {', '.join(BRIDGES)}, with commas between")
    return tuple(name for name in BRIDGES if name in names)


def parse_bot_ids(value: Any) -> tuple[str, ...]:
    found = tuple(parse_items(value))
    if not all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", item) for item in found):
        raise ValueError("ids of bots, with commas between")
    return found


def parse_origins(value: Any) -> tuple[str, ...]:
    origins = []
    for item in parse_items(value):
        match = _ORIGIN.fullmatch(item.strip().lower().rstrip("/"))
        if match is None or int(match["port"] or 1) > 65535:
            raise ValueError('origins such as "https://www.example.com", with commas between; "*" is not one')
        # A browser omits the default port of the scheme.
        usual = {"http": "80", "https": "443"}[match["scheme"]]
        port = "" if match["port"] in {None, usual} else f":{match['port']}"
        origins.append(f"{match['scheme']}://{match['host']}{port}")
    return tuple(origins)


def parse_rate_rules(value: Any) -> Rules:
    """Read `pro`, `50/second`, `5/second;100 per 2 minutes` or `off`."""
    text = "" if value is None else str(value).strip().lower()
    if text in {"", "off", "none"}:
        return ()
    found = [_RULE.fullmatch(part.strip()) for part in re.split("[,;|]", PLANS.get(text, text))]
    rules = [RateRule(int(match[1]), int(match[2] or 1), match[3]) for match in found if match]
    if len(rules) < len(found) or not all(rule.amount and rule.multiples for rule in rules):
        raise ValueError(f"a plan ({', '.join(PLANS)}), a rule such as 50/second, or off")
    return tuple(rules)


#: A time on a day of the week: the day (0 is Monday), and the minutes since midnight at which it begins and ends. The
#: end may be on the next day.
Hours = tuple[tuple[int, int, int], ...]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = "|".join(_DAYS)
_HOURS = re.compile(rf"(?:(?P<first>{_DAY})(?:-(?P<last>{_DAY}))?\s+)?(?P<start>\d\d?:\d\d)\s*-\s*(?P<end>\d\d?:\d\d)")


def parse_hours(value: Any) -> Hours:
    """Read hours such as `mon-fri 18:00-08:00, sat-sun 00:00-24:00`. Without days, they hold for each day."""
    found: list[tuple[int, int, int]] = []
    for item in parse_items("" if value is None else value):
        match = _HOURS.fullmatch(item.strip().lower())
        start, end = (_minutes(match[name]) if match else None for name in ("start", "end"))
        if match is None or start is None or end is None or start >= 1440 or start == end:
            raise ValueError('hours such as "mon-fri 18:00-08:00, sat-sun 00:00-24:00", with commas between')
        first = _DAYS.index(match["first"]) if match["first"] else 0
        last = _DAYS.index(match["last"] or match["first"]) if match["first"] else 6
        days = range(first, last + 1) if first <= last else [*range(first, 7), *range(last + 1)]
        found.extend((day, start, end if end > start else end + 1440) for day in days)
    return tuple(found)


def _minutes(text: str) -> int | None:
    hours, minutes = map(int, text.split(":"))
    total = hours * 60 + minutes
    return total if minutes < 60 and total <= 1440 else None


def parse_zone(value: Any) -> str:
    text = parse_text(value)
    try:
        ZoneInfo(text)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError('a time zone such as "Europe/Berlin"') from None
    return text


def parse_prompt(value: Any) -> str | None:
    """Read instructions: a text, or the path of a file that ends with .md or .txt."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    text = parse_optional_text(value)
    if text is None or "\n" in text or not text.lower().endswith((".md", ".txt")):
        return text
    try:
        with open(text, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError):
        raise ValueError("a text, or the path of a file (.md or .txt) that the app can read as UTF-8") from None


def parse_model(value: Any) -> str | None:
    text = parse_optional_text(value)
    if text is not None and not re.fullmatch(r"[!-~]{1,200}", text):
        raise ValueError("the name of a model, or unset")
    return text


def parse_hosts(value: Any) -> tuple[str, ...]:
    """Read hosts whose pages may be linked. A host that begins with a dot stands for its subdomains too."""
    hosts = tuple(item.strip().lower() for item in parse_items(value))
    if not all(re.fullmatch(r"\.?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?", host) for host in hosts):
        raise ValueError('hosts such as "www.example.com" or ".example.com", with commas between')
    return hosts
