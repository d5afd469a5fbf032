"""Every `POCKETPING_*` setting once: name, type, default and help, read into one frozen object.

Values may be strings, as they come from the environment. Anything that can't be used stops the app with the
exact key and what it should be.
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .config_parsers import (
    TRANSPORTS,
    Network,
    Rules,
    parse_api_key,
    parse_avatar,
    parse_background,
    parse_boolean,
    parse_choice,
    parse_color,
    parse_database_uri,
    parse_language,
    parse_networks,
    parse_number,
    parse_optional_number,
    parse_optional_text,
    parse_origins,
    parse_prefix,
    parse_process_limit,
    parse_public_url,
    parse_rate_rules,
    parse_secret,
    parse_transports,
    parse_uploads,
    parse_uri,
    parse_user_agents,
    parse_version,
    parse_whole_number,
    version_numbers,
)
from .errors import ConfigurationError

PREFIX = "POCKETPING_"


def _setting(default: Any, parse: Callable[[Any], Any], help: str, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"parse": parse, "help": help})


@dataclass(frozen=True)
class Config:
    """The settings of one app. The key of each is its name in capitals behind `POCKETPING_`."""

    url_prefix: str = _setting("/pocketping", parse_prefix, "Path under which everything is served.")
    public_url: str | None = _setting(
        None,
        parse_public_url,
        "Where browsers find the app, such as `https://www.example.com`. Needed where files are linked from elsewhere: "
        "webhooks, bridges, pages of other origins.",
    )
    api_key: str | None = _setting(None, parse_api_key, "A fixed API key for the default project.", secret=True)
    secret: str | None = _setting(
        None, parse_secret, "Signs visitors' handles. Unset: the app's `SECRET_KEY`.", secret=True
    )
    database_uri: str | None = _setting(
        None,
        parse_database_uri,
        "Where the tables are. Unset: the app's `SQLALCHEMY_DATABASE_URI`, else a SQLite file in the instance folder.",
        secret=True,
    )
    redis_url: str | None = _setting(
        None,
        parse_uri("redis", "rediss", "unix"),
        "Redis for instant fan-out between processes and for shared rate limits.",
        secret=True,
    )
    uploads: str | None = _setting(
        None,
        parse_uploads,
        "Where files are kept: a folder, `s3://bucket/prefix`, or `off`. Unset: `pocketping-uploads` in the instance "
        "folder.",
    )
    s3_endpoint: str | None = _setting(
        None, parse_uri("http", "https"), "The server of the bucket, where it is not Amazon's."
    )
    rate_limit: Rules = _setting(
        (), parse_rate_rules, "Requests of one API key: `free`, `pro`, `team`, a rule such as `50/second`, or `off`."
    )
    failed_key_limit: Rules = _setting(
        parse_rate_rules("30/minute;200/hour"), parse_rate_rules, "Wrong API keys and tokens that one address may try."
    )
    visitor_message_limit: Rules = _setting(
        parse_rate_rules("30/minute"), parse_rate_rules, "Messages that one conversation may send."
    )
    visitor_address_limit: Rules = _setting(
        parse_rate_rules("1200/minute"), parse_rate_rules, "Requests that one address may make on the visitor's routes."
    )
    visitor_session_limit: Rules = _setting(
        parse_rate_rules("60/hour"),
        parse_rate_rules,
        "Conversations that one address may begin: each counts with the visitor's first message.",
    )
    visitor_silent_session_limit: Rules = _setting(
        parse_rate_rules("300/hour"),
        parse_rate_rules,
        "Conversations that one address may open, though nobody says anything in most of them.",
    )
    visitor_upload_limit: Rules = _setting(
        parse_rate_rules("20/minute"), parse_rate_rules, "Files that one conversation may send."
    )
    visitor_address_upload_limit: Rules = _setting(
        parse_rate_rules("200/hour"),
        parse_rate_rules,
        "Files that one address may send, in however many conversations.",
    )
    visitor_daily_bytes: int = _setting(
        500 * 1024 * 1024,
        parse_whole_number(0, 1024**5, "bytes"),
        "Bytes of messages, events and files that one address may send within a day; 0 for any number.",
    )
    cors_origins: tuple[str, ...] = _setting(
        (), parse_origins, "Other origins whose pages may use the visitor's routes. The same origin always may."
    )
    crawlers: tuple[str, ...] = _setting(
        (),
        parse_user_agents,
        "Parts of user agents that are crawlers too: they get an answer and leave no conversation.",
    )
    not_crawlers: tuple[str, ...] = _setting(
        (), parse_user_agents, "Parts of user agents that are no crawlers after all; this goes before everything else."
    )
    max_body_size: int = _setting(
        64 * 1024, parse_whole_number(8 * 1024, 1024 * 1024, "bytes"), "Largest request body, in bytes."
    )
    max_upload_size: int = _setting(
        10 * 1024 * 1024, parse_whole_number(1, 1024 * 1024 * 1024, "bytes"), "Largest file that may be sent, in bytes."
    )
    welcome_message: str | None = _setting(
        None, parse_optional_text, "First line that a visitor sees in an empty conversation."
    )
    operator_name: str | None = _setting(
        None, parse_optional_text, "Who answers, as visitors see it while no operator is there by name."
    )
    operator_avatar: str | None = _setting(None, parse_avatar, "A picture of them.")
    primary_color: str | None = _setting(None, parse_color, "The colour of the chat widget.")
    header_color: str | None = _setting(None, parse_color, "That of its header, where it is another.")
    footer_color: str | None = _setting(None, parse_color, "That of its footer.")
    chat_background: str | None = _setting(
        None, parse_background, "What is behind the messages: a colour or a pattern."
    )
    toggle_color: str | None = _setting(None, parse_color, "The colour of the button that opens the chat.")
    prechat: str = _setting(
        "off",
        parse_choice("off", "optional", "required"),
        "Whether visitors are asked how to reach them. `required`: they can't go on without.",
    )
    prechat_fields: str = _setting(
        "email-only",
        parse_choice("email-only", "phone-only", "email-or-phone", "email-and-phone"),
        "What they are asked for.",
    )
    prechat_timing: str = _setting(
        "before-first-message",
        parse_choice("before-first-message", "after-first-message"),
        "When they are asked.",
    )
    ai_enabled: bool = _setting(True, parse_boolean, "Whether the AI may answer in new conversations.")
    worker: str = _setting(
        "thread",
        parse_choice("thread", "off"),
        "`thread`: deliveries are made by a thread of each serving process. `off`: only by `flask pocketping worker`.",
    )
    worker_lease: float = _setting(
        60.0, parse_number(1, 3600, "seconds"), "Seconds after which a killed worker's deliveries are free again."
    )
    poll_interval: float = _setting(
        1.0,
        parse_number(0.05, 60, "seconds"),
        "Seconds between looks for what other processes wrote, for sockets and for the worker.",
    )
    webhook_allow_http: bool = _setting(False, parse_boolean, "Whether webhooks may go to http addresses.")
    webhook_allow_networks: tuple[Network, ...] = _setting(
        (), parse_networks, "Private networks that webhooks may reach all the same, such as `10.1.0.0/16`."
    )
    webhook_timeout: float = _setting(
        15.0, parse_number(0.1, 15, "seconds"), "Seconds that a receiver has for its whole answer."
    )
    webhook_limit: int = _setting(100, parse_whole_number(1, 10_000, "webhooks"), "Webhooks that one project may have.")
    delivery_retention: float = _setting(
        30.0, parse_number(1, 3650, "days"), "Days that finished deliveries can be looked at."
    )
    retention_days: float | None = _setting(
        None,
        parse_optional_number(0.01, 36500, "days"),
        "Days without activity after which a conversation is forgotten, with all that belongs to it. Unset: never.",
    )
    widget_theme: str = _setting(
        "auto", parse_choice("light", "dark", "auto"), "How the widget looks; `auto` follows the visitor's system."
    )
    widget_position: str = _setting(
        "bottom-right", parse_choice("bottom-right", "bottom-left"), "The corner in which the widget is."
    )
    widget_language: str | None = _setting(
        None, parse_language, "The widget's language, such as `de`. Unset: the page's own, else the browser's."
    )
    widget_min_version: str | None = _setting(
        None,
        parse_version,
        "The oldest version of PocketPing's public widget that is served; older ones are refused (426).",
    )
    widget_latest_version: str | None = _setting(
        None, parse_version, "Its newest version; pages with an older one are told so."
    )
    identity_lifetime: int = _setting(
        3600,
        parse_whole_number(1, 30 * 86400, "seconds"),
        "Seconds for which a page may say who is signed in; after that it asks anew.",
    )
    operator_token_lifetime: int = _setting(
        900,
        parse_whole_number(1, 86400, "seconds"),
        "Seconds for which the inbox of an operator works without asking the app again who they are.",
    )
    socket_queue: int = _setting(
        1000,
        parse_whole_number(10, 100_000, "frames"),
        "Frames that may wait for a slow socket before it is closed (1013).",
    )
    transports: tuple[str, ...] = _setting(
        TRANSPORTS,
        parse_transports,
        "How pages and the inbox get news: some of `websocket`, `sse` and `poll`. What is left out is refused.",
    )
    socket_limit: int = _setting(
        32,
        parse_whole_number(1, 100_000, "connections"),
        "WebSockets and event streams that one conversation may have open.",
    )
    address_socket_limit: int = _setting(
        128,
        parse_whole_number(1, 1_000_000, "connections"),
        "WebSockets and event streams that one address may have open in each process, and four times as many for its "
        "IPv6 network (/48). Clients that gave an API key or an operator's token do not count.",
    )
    process_socket_limit: int | None = _setting(
        None,
        parse_process_limit,
        "WebSockets and event streams that one process may hold open. Unset: three quarters of the files that the "
        "system lets it open (`ulimit -n`).",
    )
    disconnect_grace: float = _setting(
        30.0,
        parse_number(1, 3600, "seconds"),
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

        if version_numbers(self.widget_min_version, "0") > version_numbers(self.widget_latest_version, "999999999"):
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
