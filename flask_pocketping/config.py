"""Every `POCKETPING_*` setting once: name, type, default and help, read into one frozen object.

Values may be strings, as they come from the environment. Anything that can't be used stops the app with the
exact key and what it should be.
"""

from __future__ import annotations

import difflib
import importlib.util
import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .errors import ConfigurationError

PREFIX = "POCKETPING_"

#: Requests a minute of the plans that `POCKETPING_RATE_LIMIT` may name.
PLANS = {"free": "100/minute", "pro": "1000/minute", "team": "10000/minute"}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class RateRule:
    """So many requests in so much time.

    :ivar amount: how many.
    :ivar multiples: how many of the units the time has.
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


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a string")
    return value


def _optional_text(value: Any) -> str | None:
    return None if value is None or value == "" else _text(value)


def _api_key(value: Any) -> str | None:
    text = _optional_text(value)
    if text is not None and not re.fullmatch(r"[!-~]+", text):
        raise ValueError("printable ASCII characters without spaces, or unset")
    return text


def _secret(value: Any) -> str | None:
    text = _optional_text(value)
    if text is not None and len(text) < 16:
        raise ValueError("at least 16 characters that nobody can guess, or unset")
    return text


def _flag(value: Any) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    found = value if isinstance(value, bool) else words.get(str(value).strip().lower())
    if found is None:
        raise ValueError("true or false")
    return found


def _number(low: float, high: float, unit: str) -> Callable[[Any], float]:
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


def _optional_number(low: float, high: float, unit: str) -> Callable[[Any], float | None]:
    number = _number(low, high, unit)

    def parse(value: Any) -> float | None:
        if value is None or value == "":
            return None
        try:
            return number(value)
        except ValueError as error:
            raise ValueError(f"{error}, or unset") from None

    return parse


def _whole(low: int, high: int, unit: str) -> Callable[[Any], int]:
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


def _choice(*words: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        text = str(value).strip().lower()
        if text not in words:
            raise ValueError(" or ".join(words))
        return text

    return parse


def _avatar(value: Any) -> str | None:
    text = _optional_text(value)
    if text is not None and not re.fullmatch(r"(https://|/)[!-~]{1,2040}", text):
        raise ValueError('the https address of a picture, or a path such as "/static/ada.png", or unset')
    return text


def _color(value: Any) -> str | None:
    text = _optional_text(value)
    if text is not None and not re.fullmatch(r"#(?:[0-9A-Fa-f]{3}){1,2}", text):
        raise ValueError('a colour such as "#0a7cff", or unset')
    return text and text.lower()


def _background(value: Any) -> str | None:
    try:
        return value if value in {"whatsapp", "dots", "plain"} else _color(value)
    except (TypeError, ValueError):
        raise ValueError('a colour such as "#f4f6f8", or whatsapp, dots or plain, or unset') from None


def parse_language(value: Any) -> str | None:
    """Read a language: a tag such as `pt-BR`, a POSIX locale such as `pt_BR.UTF-8`, or a `Locale` of Babel.

    :return: a language tag (BCP 47), or nothing where the value is unset.
    :raises ValueError: saying what a language looks like.
    """
    # A Locale is told by its parts, so that Babel need not be there; its text is a POSIX locale.
    text = str(value) if hasattr(value, "language") and hasattr(value, "territory") else value
    if text is None or text == "":
        return None
    tag = re.split("[.@]", text)[0].replace("_", "-") if isinstance(text, str) else ""
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag):
        raise ValueError('a language such as "de" or "pt-BR", or unset')
    return tag


def _numbers(version: str | None, otherwise: str) -> tuple[int, ...]:
    numbers = [int(part) for part in (version or otherwise).split(".")]
    return (*numbers, *(0 for _ in range(4 - len(numbers))))


def _version(value: Any) -> str | None:
    text = _optional_text(value)
    if text is not None and not re.fullmatch(r"\d{1,9}(\.\d{1,9}){0,3}", text):
        raise ValueError('a version such as "1.2.0", or unset')
    return text


def _items(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, Iterable):
        return [str(part) for part in value]
    raise ValueError("a list, or text with commas")


def _agents(value: Any) -> tuple[str, ...]:
    """Read parts of user agents; case does not matter."""
    try:
        parts = tuple(part.strip().lower() for part in _items(value))
    except ValueError:
        parts = ("",)
    # A shorter one would be a part of almost every browser's name.
    if not all(re.fullmatch(r"[ -~]{3,100}", part) for part in parts):
        raise ValueError(
            'parts of user agents such as "UptimeRobot", of 3 to 100 ASCII characters, with commas between'
        )
    return parts


def _prefix(value: Any) -> str:
    text = _text(value).rstrip("/")
    if text and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", text):
        raise ValueError('a path such as "/pocketping", or "" for the root')
    return text


def _public_url(value: Any) -> str | None:
    text = _optional_text(value)
    if text is not None and not re.fullmatch(r"https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~/-]*)?", text):
        raise ValueError('an address such as "https://www.example.com", without the prefix, or unset')
    return text and text.rstrip("/")


def _uri(*schemes: str) -> Callable[[Any], str | None]:
    def parse(value: Any) -> str | None:
        text = _optional_text(value)
        if text is not None and not text.startswith(tuple(scheme + "://" for scheme in schemes)):
            raise ValueError("an address that starts with " + " or ".join(f"{s}://" for s in schemes))
        return text

    return parse


def _database_uri(value: Any) -> str | None:
    text = _optional_text(value)
    if text is not None and "://" not in text:
        raise ValueError("a SQLAlchemy database URL such as postgresql+psycopg://user@host/name")
    return text


def _uploads(value: Any) -> str | None:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    text = "off" if value is False else _optional_text(value)
    if text is None or text.lower() == "off":
        return text and text.lower()
    bucket = re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!._*'()/-]*)?", text)
    if "\0" in text or ("://" in text and not bucket):
        raise ValueError("the path of a folder, s3://bucket/prefix, off, or unset")
    return text


TRANSPORTS = ("websocket", "sse", "poll")


def _transports(value: Any) -> tuple[str, ...]:
    names = {item.lower() for item in _items(value)}
    if not names or not names <= set(TRANSPORTS):
        raise ValueError("some of websocket, sse and poll, with commas between")
    return tuple(name for name in TRANSPORTS if name in names)


def _process_limit(value: Any) -> int | None:
    return None if value is None or value == "" else _whole(1, 1_000_000, "connections")(value)


def _networks(value: Any) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(item) for item in _items(value))
    except ValueError:
        raise ValueError("networks such as 10.0.0.0/8 or fd00::/8, with commas between") from None


_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:]+\])(?::(?P<port>\d{1,5}))?")


def _origins(value: Any) -> tuple[str, ...]:
    origins = []
    for item in _items(value):
        match = _ORIGIN.fullmatch(item.strip().lower().rstrip("/"))
        if match is None or int(match["port"] or 1) > 65535:
            raise ValueError('origins such as "https://www.example.com", with commas between; "*" is not one')
        # A browser leaves out the port that the scheme has anyway.
        usual = {"http": "80", "https": "443"}[match["scheme"]]
        port = "" if match["port"] in {None, usual} else f":{match['port']}"
        origins.append(f"{match['scheme']}://{match['host']}{port}")
    return tuple(origins)


def _rules(value: Any) -> Rules:
    """Read `pro`, `50/second`, `5/second;100 per 2 minutes` or `off`."""
    text = "" if value is None else str(value).strip().lower()
    if text in {"", "off", "none"}:
        return ()
    found = [_RULE.fullmatch(part.strip()) for part in re.split("[,;|]", PLANS.get(text, text))]
    rules = [RateRule(int(match[1]), int(match[2] or 1), match[3]) for match in found if match]
    if len(rules) < len(found) or not all(rule.amount and rule.multiples for rule in rules):
        raise ValueError(f"a plan ({', '.join(PLANS)}), a rule such as 50/second, or off")
    return tuple(rules)


def _setting(default: Any, parse: Callable[[Any], Any], help: str, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"parse": parse, "help": help})


@dataclass(frozen=True)
class Config:
    """The settings of one app. The key of each is its name in capitals behind `POCKETPING_`."""

    url_prefix: str = _setting("/pocketping", _prefix, "Path under which everything is served.")
    public_url: str | None = _setting(
        None,
        _public_url,
        "Where browsers find the app, such as `https://www.example.com`. Needed where files are linked from elsewhere: "
        "webhooks, bridges, pages of other origins.",
    )
    api_key: str | None = _setting(None, _api_key, "A fixed API key for the default project.", secret=True)
    secret: str | None = _setting(None, _secret, "Signs visitors' handles. Unset: the app's `SECRET_KEY`.", secret=True)
    database_uri: str | None = _setting(
        None,
        _database_uri,
        "Where the tables are. Unset: the app's `SQLALCHEMY_DATABASE_URI`, else a SQLite file in the instance folder.",
        secret=True,
    )
    redis_url: str | None = _setting(
        None,
        _uri("redis", "rediss", "unix"),
        "Redis for instant fan-out between processes and for shared rate limits.",
        secret=True,
    )
    uploads: str | None = _setting(
        None,
        _uploads,
        "Where files are kept: a folder, `s3://bucket/prefix`, or `off`. Unset: `pocketping-uploads` in the instance "
        "folder.",
    )
    s3_endpoint: str | None = _setting(
        None, _uri("http", "https"), "The server of the bucket, where it is not Amazon's."
    )
    rate_limit: Rules = _setting(
        (), _rules, "Requests of one API key: `free`, `pro`, `team`, a rule such as `50/second`, or `off`."
    )
    failed_key_limit: Rules = _setting(
        _rules("30/minute;200/hour"), _rules, "Wrong API keys and tokens that one address may try."
    )
    visitor_message_limit: Rules = _setting(_rules("30/minute"), _rules, "Messages that one conversation may send.")
    visitor_address_limit: Rules = _setting(
        _rules("1200/minute"), _rules, "Requests that one address may make on the visitor's routes."
    )
    visitor_session_limit: Rules = _setting(
        _rules("60/hour"),
        _rules,
        "Conversations that one address may begin: each counts with the visitor's first message.",
    )
    visitor_silent_session_limit: Rules = _setting(
        _rules("300/hour"),
        _rules,
        "Conversations that one address may open, though nobody says anything in most of them.",
    )
    visitor_upload_limit: Rules = _setting(_rules("20/minute"), _rules, "Files that one conversation may send.")
    visitor_address_upload_limit: Rules = _setting(
        _rules("200/hour"), _rules, "Files that one address may send, in however many conversations."
    )
    visitor_daily_bytes: int = _setting(
        500 * 1024 * 1024,
        _whole(0, 1024**5, "bytes"),
        "Bytes of messages, events and files that one address may send within a day; 0 for any number.",
    )
    cors_origins: tuple[str, ...] = _setting(
        (), _origins, "Other origins whose pages may use the visitor's routes. The same origin always may."
    )
    crawlers: tuple[str, ...] = _setting(
        (), _agents, "Parts of user agents that are crawlers too: they get an answer and leave no conversation."
    )
    not_crawlers: tuple[str, ...] = _setting(
        (), _agents, "Parts of user agents that are no crawlers after all; this goes before everything else."
    )
    max_body_size: int = _setting(64 * 1024, _whole(8 * 1024, 1024 * 1024, "bytes"), "Largest request body, in bytes.")
    max_upload_size: int = _setting(
        10 * 1024 * 1024, _whole(1, 1024 * 1024 * 1024, "bytes"), "Largest file that may be sent, in bytes."
    )
    welcome_message: str | None = _setting(
        None, _optional_text, "First line that a visitor sees in an empty conversation."
    )
    operator_name: str | None = _setting(
        None, _optional_text, "Who answers, as visitors see it while no operator is there by name."
    )
    operator_avatar: str | None = _setting(None, _avatar, "A picture of them.")
    primary_color: str | None = _setting(None, _color, "The colour of the chat widget.")
    header_color: str | None = _setting(None, _color, "That of its header, where it is another.")
    footer_color: str | None = _setting(None, _color, "That of its footer.")
    chat_background: str | None = _setting(None, _background, "What is behind the messages: a colour or a pattern.")
    toggle_color: str | None = _setting(None, _color, "The colour of the button that opens the chat.")
    prechat: str = _setting(
        "off",
        _choice("off", "optional", "required"),
        "Whether visitors are asked how to reach them. `required`: they can't go on without.",
    )
    prechat_fields: str = _setting(
        "email-only",
        _choice("email-only", "phone-only", "email-or-phone", "email-and-phone"),
        "What they are asked for.",
    )
    prechat_timing: str = _setting(
        "before-first-message",
        _choice("before-first-message", "after-first-message"),
        "When they are asked.",
    )
    ai_enabled: bool = _setting(True, _flag, "Whether the AI may answer in new conversations.")
    worker: str = _setting(
        "thread",
        _choice("thread", "off"),
        "`thread`: deliveries are made by a thread of each serving process. `off`: only by `flask pocketping worker`.",
    )
    worker_lease: float = _setting(
        60.0, _number(1, 3600, "seconds"), "Seconds after which a killed worker's deliveries are free again."
    )
    poll_interval: float = _setting(
        1.0,
        _number(0.05, 60, "seconds"),
        "Seconds between looks for what other processes wrote, for sockets and for the worker.",
    )
    webhook_allow_http: bool = _setting(False, _flag, "Whether webhooks may go to http addresses.")
    webhook_allow_networks: tuple[Network, ...] = _setting(
        (), _networks, "Private networks that webhooks may reach all the same, such as `10.1.0.0/16`."
    )
    webhook_timeout: float = _setting(
        15.0, _number(0.1, 15, "seconds"), "Seconds that a receiver has for its whole answer."
    )
    webhook_limit: int = _setting(100, _whole(1, 10_000, "webhooks"), "Webhooks that one project may have.")
    delivery_retention: float = _setting(
        30.0, _number(1, 3650, "days"), "Days that finished deliveries can be looked at."
    )
    retention_days: float | None = _setting(
        None,
        _optional_number(0.01, 36500, "days"),
        "Days without activity after which a conversation is forgotten, with all that belongs to it. Unset: never.",
    )
    widget_theme: str = _setting(
        "auto", _choice("light", "dark", "auto"), "How the widget looks; `auto` follows the visitor's system."
    )
    widget_position: str = _setting(
        "bottom-right", _choice("bottom-right", "bottom-left"), "The corner in which the widget is."
    )
    widget_language: str | None = _setting(
        None, parse_language, "The widget's language, such as `de`. Unset: the page's own, else the browser's."
    )
    widget_min_version: str | None = _setting(
        None, _version, "The oldest version of PocketPing's public widget that is served; older ones are refused (426)."
    )
    widget_latest_version: str | None = _setting(
        None, _version, "Its newest version; pages with an older one are told so."
    )
    identity_lifetime: int = _setting(
        3600,
        _whole(1, 30 * 86400, "seconds"),
        "Seconds for which a page may say who is signed in; after that it asks anew.",
    )
    operator_token_lifetime: int = _setting(
        900,
        _whole(1, 86400, "seconds"),
        "Seconds for which the inbox of an operator works without asking the app again who they are.",
    )
    socket_queue: int = _setting(
        1000, _whole(10, 100_000, "frames"), "Frames that may wait for a slow socket before it is closed (1013)."
    )
    transports: tuple[str, ...] = _setting(
        TRANSPORTS,
        _transports,
        "How pages and the inbox get news: some of `websocket`, `sse` and `poll`. What is left out is refused.",
    )
    socket_limit: int = _setting(
        32,
        _whole(1, 100_000, "connections"),
        "WebSockets and event streams that one conversation may have open.",
    )
    address_socket_limit: int = _setting(
        128,
        _whole(1, 1_000_000, "connections"),
        "WebSockets and event streams that one address may have open in each process, and four times as many for its "
        "IPv6 network (/48). Clients that gave an API key or an operator's token do not count.",
    )
    process_socket_limit: int | None = _setting(
        None,
        _process_limit,
        "WebSockets and event streams that one process may hold open. Unset: three quarters of the files that the "
        "system lets it open (`ulimit -n`).",
    )
    disconnect_grace: float = _setting(
        30.0,
        _number(1, 3600, "seconds"),
        "Seconds without a sign of the visitor after which they count as gone.",
    )

    def __post_init__(self) -> None:
        if self.worker_lease < self.webhook_timeout + 1:
            raise ConfigurationError(
                f"POCKETPING_WORKER_LEASE must be at least a second longer than POCKETPING_WEBHOOK_TIMEOUT "
                f"({self.webhook_timeout:g} s), not {self.worker_lease:g} s."
            )
        if self.redis_url and importlib.util.find_spec("redis") is None:
            raise ConfigurationError(
                "POCKETPING_REDIS_URL needs the redis client: pip install 'flask-pocketping[redis]'."
            )

        if _numbers(self.widget_min_version, "0") > _numbers(self.widget_latest_version, "999999999"):
            raise ConfigurationError(
                "POCKETPING_WIDGET_MIN_VERSION must not be newer than POCKETPING_WIDGET_LATEST_VERSION."
            )
        if both := set(self.crawlers) & set(self.not_crawlers):
            raise ConfigurationError(
                f"POCKETPING_CRAWLERS and POCKETPING_NOT_CRAWLERS must not both have {min(both)!r}."
            )
        on_s3 = (self.uploads or "").startswith("s3://")
        if on_s3 and importlib.util.find_spec("boto3") is None:
            raise ConfigurationError("POCKETPING_UPLOADS on S3 needs boto3: pip install 'flask-pocketping[s3]'.")
        if self.s3_endpoint and not on_s3:
            raise ConfigurationError("POCKETPING_S3_ENDPOINT is used only where POCKETPING_UPLOADS is s3://bucket.")

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any]) -> Config:
        """Read and check all settings.

        :param config: an app's config.
        :raises ConfigurationError: naming the key and what it should be. Secrets are not repeated in it.
        """
        settings = {key_of(item.name): item for item in fields(cls)}
        values = {}
        for key in sorted(config):
            if not key.startswith(PREFIX):
                continue
            if key not in settings:
                near = difflib.get_close_matches(key, settings, n=1, cutoff=0.5)
                hint = f" Did you mean {near[0]}?" if near else ""
                raise ConfigurationError(f"{key} is not a setting of Flask-PocketPing.{hint}")
            item = settings[key]
            try:
                values[item.name] = item.metadata["parse"](config[key])
            except ValueError as error:
                given = f", not {config[key]!r}" if item.repr else ""
                raise ConfigurationError(f"{key} must be {error}{given}.") from None
        return cls(**values)


def key_of(name: str) -> str:
    """The config key of a setting's name."""
    return PREFIX + name.upper()
