"""Every `POCKETPING_*` setting with its name, type, default and help, read into one frozen object.

Values may be strings, as in the environment. An invalid value raises an error that names the key and what is allowed.
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .config_parsers import (
    BRIDGES,
    TRANSPORTS,
    Hours,
    Network,
    Rules,
    parse_api_key,
    parse_avatar,
    parse_background,
    parse_base_url,
    parse_boolean,
    parse_bot_ids,
    parse_bridges,
    parse_budget,
    parse_choice,
    parse_color,
    parse_database_uri,
    parse_discord_channel,
    parse_discord_token,
    parse_file,
    parse_folder,
    parse_hosts,
    parse_hours,
    parse_language,
    parse_model,
    parse_networks,
    parse_number,
    parse_optional_base_url,
    parse_optional_choice,
    parse_optional_number,
    parse_optional_text,
    parse_origins,
    parse_prefix,
    parse_process_limit,
    parse_prompt,
    parse_public_url,
    parse_rate_rules,
    parse_secret,
    parse_signing_secret,
    parse_slack_channel,
    parse_slack_token,
    parse_telegram_chat,
    parse_telegram_token,
    parse_transports,
    parse_uploads,
    parse_uri,
    parse_user_agents,
    parse_version,
    parse_webhook_secret,
    parse_whole_number,
    parse_zone,
    version_numbers,
)
from .errors import ConfigurationError

PREFIX = "POCKETPING_"
#: What tells visitors that an AI answers, unless the owner has another text.
NOTICE = "You're chatting with an AI assistant. Our team can take over at any time."


#: The settings that connect each platform. All of them are needed, or none.
_CONNECTS = {
    "telegram": ("telegram_bot_token", "telegram_chat_id"),
    "slack": ("slack_bot_token", "slack_channel_id"),
    "discord": ("discord_bot_token", "discord_channel_id"),
}


def _setting(
    default: Any, parse: Callable[[Any], Any], help: str, *, secret: bool = False, public: str | None = None
) -> Any:
    """Declare a setting.

    :param secret: whether no error and no log may show it.
    :param public: the environment variable of PocketPing's public bridge server, which is read if the setting is unset.
    """
    return field(default=default, repr=not secret, metadata={"parse": parse, "help": help, "public": public})


@dataclass(frozen=True)
class Config:
    """The settings of one app. The config key of a setting is `POCKETPING_` and its name in capitals."""

    url_prefix: str = _setting("/pocketping", parse_prefix, "The path of all routes of the chat.")
    public_url: str | None = _setting(
        None,
        parse_public_url,
        "The address of the app for browsers, such as `https://www.example.com`. Set it if files are linked "
        "from other origins, webhooks or bridges.",
    )
    api_key: str | None = _setting(None, parse_api_key, "A fixed API key for the default project.", secret=True)
    secret: str | None = _setting(
        None, parse_secret, "The key that signs visitors' handles. Unset: the app's `SECRET_KEY`.", secret=True
    )
    database_uri: str | None = _setting(
        None,
        parse_database_uri,
        "The database of the chat. Unset: the app's `SQLALCHEMY_DATABASE_URI`, else a SQLite file in the "
        "instance folder.",
        secret=True,
    )
    redis_url: str | None = _setting(
        None,
        parse_uri("redis", "rediss", "unix"),
        "A Redis server, for instant updates between processes and shared rate limits.",
        secret=True,
    )
    uploads: str | None = _setting(
        None,
        parse_uploads,
        "Where files are stored: a folder, `s3://bucket/prefix`, or `off` to refuse files. Unset: "
        "`pocketping-uploads` in the instance folder.",
    )
    s3_endpoint: str | None = _setting(
        None, parse_uri("http", "https"), "The server of the bucket, if it is not Amazon S3."
    )
    rate_limit: Rules = _setting(
        (), parse_rate_rules, "Requests per API key: `free`, `pro`, `team`, a rule such as `50/second`, or `off`."
    )
    failed_key_limit: Rules = _setting(
        parse_rate_rules("30/minute;200/hour"), parse_rate_rules, "Wrong API keys and tokens per address."
    )
    visitor_message_limit: Rules = _setting(
        parse_rate_rules("30/minute"), parse_rate_rules, "Messages per conversation."
    )
    visitor_address_limit: Rules = _setting(
        parse_rate_rules("1200/minute"), parse_rate_rules, "Requests to the visitor API per address."
    )
    visitor_session_limit: Rules = _setting(
        parse_rate_rules("60/hour"),
        parse_rate_rules,
        "Conversations with messages per address. A conversation counts from the visitor's first message.",
    )
    visitor_silent_session_limit: Rules = _setting(
        parse_rate_rules("300/hour"),
        parse_rate_rules,
        "All conversations per address, including those without messages.",
    )
    visitor_upload_limit: Rules = _setting(parse_rate_rules("20/minute"), parse_rate_rules, "Files per conversation.")
    visitor_address_upload_limit: Rules = _setting(
        parse_rate_rules("200/hour"),
        parse_rate_rules,
        "Files per address, over all conversations.",
    )
    visitor_daily_bytes: int = _setting(
        500 * 1024 * 1024,
        parse_whole_number(0, 1024**5, "bytes"),
        "Bytes of messages, events and files per address and day. 0: no limit.",
    )
    cors_origins: tuple[str, ...] = _setting(
        (), parse_origins, "Other origins whose pages may use the visitor API. The app's own origin is always allowed."
    )
    crawlers: tuple[str, ...] = _setting(
        (),
        parse_user_agents,
        "Parts of user agents to treat as crawlers. The chat answers crawlers and stores nothing for them.",
    )
    not_crawlers: tuple[str, ...] = _setting(
        (), parse_user_agents, "Parts of user agents that are not crawlers. This takes precedence over all other rules."
    )
    visitor_allow_networks: tuple[Network, ...] = _setting(
        (), parse_networks, "The only networks whose visitors may chat, such as `203.0.113.0/24`. Unset: all."
    )
    visitor_block_networks: tuple[Network, ...] = _setting(
        (), parse_networks, "Networks whose visitors may not chat; this goes before what is allowed."
    )
    visitor_allow_agents: tuple[str, ...] = _setting(
        (), parse_user_agents, "Parts of the only user agents that may chat. Unset: all."
    )
    visitor_block_agents: tuple[str, ...] = _setting(
        (), parse_user_agents, "Parts of user agents that may not chat; this goes before what is allowed."
    )
    visitor_address: str = _setting(
        "off",
        parse_choice("off", "anonymized", "full"),
        "What is kept of visitors' addresses: nothing, their network (/24, for IPv6 /48), or all.",
    )
    geoip_database: str | None = _setting(
        None,
        parse_file,
        "A MaxMind DB file (`.mmdb`) by which visitors' country and city are kept. Unset: neither is.",
    )
    max_body_size: int = _setting(
        64 * 1024, parse_whole_number(8 * 1024, 1024 * 1024, "bytes"), "The largest request body, in bytes."
    )
    max_upload_size: int = _setting(
        10 * 1024 * 1024, parse_whole_number(1, 1024 * 1024 * 1024, "bytes"), "The largest file, in bytes."
    )
    welcome_message: str | None = _setting(
        None, parse_optional_text, "The first line that a visitor sees in an empty conversation."
    )
    operator_name: str | None = _setting(
        None, parse_optional_text, "The name that visitors see while no operator is online."
    )
    operator_avatar: str | None = _setting(
        None, parse_avatar, "The picture that visitors see while no operator is online."
    )
    primary_color: str | None = _setting(None, parse_color, "The main colour of the widget.")
    header_color: str | None = _setting(None, parse_color, "The colour of the widget's header. Unset: the main colour.")
    footer_color: str | None = _setting(None, parse_color, "The colour of the widget's footer.")
    chat_background: str | None = _setting(
        None, parse_background, "The background of the messages: a colour or a pattern."
    )
    toggle_color: str | None = _setting(None, parse_color, "The colour of the button that opens the chat.")
    prechat: str = _setting(
        "off",
        parse_choice("off", "optional", "required"),
        "Whether the widget asks visitors for contact details. `required`: visitors can't skip the form.",
    )
    prechat_fields: str = _setting(
        "email-only",
        parse_choice("email-only", "phone-only", "email-or-phone", "email-and-phone"),
        "The contact details that the form asks for.",
    )
    prechat_timing: str = _setting(
        "before-first-message",
        parse_choice("before-first-message", "after-first-message"),
        "When the widget shows the form.",
    )
    ai_enabled: bool = _setting(True, parse_boolean, "Whether the AI may answer in new conversations.")
    ai_provider: str | None = _setting(
        None,
        parse_optional_choice("openai", "anthropic", "gemini"),
        "Whose protocol the model speaks. `openai` is also that of Ollama, vLLM, Mistral and others. Unset: no AI.",
    )
    ai_api_key: str | None = _setting(None, parse_api_key, "The key of the model's server.", secret=True)
    ai_model: str | None = _setting(None, parse_model, "The name of the model.")
    ai_base_url: str | None = _setting(
        None,
        parse_optional_base_url,
        "The address of the model's server, with `/v1` for OpenAI's protocol. Unset: that of the provider.",
    )
    ai_prompt: str | None = _setting(
        None, parse_prompt, "What the AI is to know and how it is to answer: a text, or the path of a file."
    )
    ai_delay: float = _setting(
        300.0, parse_number(0, 86400, "seconds"), "Seconds from the first unanswered message to the AI's answer."
    )
    ai_offline_delay: float | None = _setting(
        None,
        parse_optional_number(0, 86400, "seconds"),
        "The same while no operator is online. Unset: as `POCKETPING_AI_DELAY`.",
    )
    ai_hours: Hours = _setting(
        (), parse_hours, "When the AI may answer, such as `mon-fri 18:00-08:00, sat-sun 00:00-24:00`. Unset: always."
    )
    ai_timezone: str = _setting("UTC", parse_zone, "The time zone of `POCKETPING_AI_HOURS`.")
    ai_mode: str = _setting(
        "answer",
        parse_choice("answer", "draft"),
        "`answer`: the AI answers visitors. `draft`: it writes drafts, which operators send, change or drop.",
    )
    ai_max_tokens: int = _setting(
        1000, parse_whole_number(50, 32_000, "tokens"), "The maximum number of tokens of an answer."
    )
    ai_history_tokens: int = _setting(
        8000,
        parse_whole_number(500, 500_000, "tokens"),
        "How many tokens of the conversation the AI reads, the newest messages first.",
    )
    ai_tokens_parameter: str = _setting(
        "max_completion_tokens",
        parse_choice("max_completion_tokens", "max_tokens"),
        "The parameter for the length of an answer in OpenAI's protocol. Some servers know only `max_tokens`.",
    )
    ai_temperature: float | None = _setting(
        None,
        parse_optional_number(0, 2, "degrees"),
        "The model's temperature. Newer models refuse it. Unset: that of the model.",
    )
    ai_images: str = _setting(
        "auto",
        parse_choice("auto", "on", "off"),
        "Whether the AI gets the visitors' pictures. `auto`: unless `POCKETPING_AI_BASE_URL` is set.",
    )
    ai_session_budget: int | None = _setting(
        200_000, parse_budget, "Tokens that the AI may use for a conversation. 0: no limit."
    )
    ai_visitor_budget: int | None = _setting(
        400_000, parse_budget, "Tokens that the AI may use for a visitor in a day. 0: no limit."
    )
    ai_daily_budget: int | None = _setting(
        5_000_000, parse_budget, "Tokens that the AI may use in a day (UTC). 0: no limit."
    )
    ai_timeout: float = _setting(30.0, parse_number(1, 600, "seconds"), "Seconds for a whole answer.")
    ai_failure_message: str | None = _setting(
        "Sorry, I can't answer that right now. Our team will get back to you here.",
        parse_optional_text,
        "What the visitor reads if the AI could not answer. Empty: nothing.",
    )
    ai_disclosure: str | None = _setting(
        NOTICE,
        parse_optional_text,
        "What tells the visitor from the start that an AI answers. Empty: nothing, if you tell them otherwise.",
    )
    ai_link_hosts: tuple[str, ...] = _setting(
        (),
        parse_hosts,
        "Hosts that the AI may link to, besides the pages of its knowledge, such as `.example.com`.",
    )
    ai_allow_networks: tuple[Network, ...] = _setting(
        (), parse_networks, "Private networks that the model's server may be in, such as `127.0.0.0/8`."
    )
    worker: str = _setting(
        "thread",
        parse_choice("thread", "off"),
        "`thread`: each serving process runs a delivery worker in a thread. `off`: only `flask pocketping "
        "worker` makes deliveries.",
    )
    worker_lease: float = _setting(
        60.0,
        parse_number(1, 3600, "seconds"),
        "Seconds until other workers take over the deliveries of a worker that died.",
    )
    poll_interval: float = _setting(
        1.0,
        parse_number(0.05, 60, "seconds"),
        "Seconds between two reads of the event log. Sockets and the worker use it to find what other processes wrote.",
    )
    webhook_format: str = _setting(
        "standard",
        parse_choice("standard", "pocketping"),
        "`pocketping`: the older shape of PocketPing's bridge server, `{type, data, sentAt}`.",
    )
    webhook_allow_http: bool = _setting(False, parse_boolean, "Whether webhooks may use http URLs.")
    webhook_allow_networks: tuple[Network, ...] = _setting(
        (), parse_networks, "Private networks that webhooks may connect to, such as `10.1.0.0/16`."
    )
    webhook_timeout: float = _setting(
        15.0, parse_number(0.1, 15, "seconds"), "Seconds that a receiver has for its whole response."
    )
    webhook_limit: int = _setting(100, parse_whole_number(1, 10_000, "webhooks"), "Webhooks per project.")
    delivery_retention: float = _setting(30.0, parse_number(1, 3650, "days"), "Days to keep finished deliveries.")
    retention_days: float | None = _setting(
        None,
        parse_optional_number(0.01, 36500, "days"),
        "Days without activity after which a conversation is deleted with all its data. Unset: never.",
    )
    widget_theme: str = _setting(
        "auto", parse_choice("light", "dark", "auto"), "The theme of the widget. `auto` follows the visitor's system."
    )
    widget_position: str = _setting(
        "bottom-right", parse_choice("bottom-right", "bottom-left"), "The corner of the page that shows the widget."
    )
    widget_language: str | None = _setting(
        None,
        parse_language,
        "The language of the widget, such as `de`. Unset: that of the page, else that of the browser.",
    )
    widget_min_version: str | None = _setting(
        None,
        parse_version,
        "The oldest version of PocketPing's public widget that may connect. Older ones get 426.",
    )
    widget_latest_version: str | None = _setting(
        None, parse_version, "The newest version of PocketPing's public widget. Older ones get a warning."
    )
    identity_lifetime: int = _setting(
        3600,
        parse_whole_number(1, 30 * 86400, "seconds"),
        "Seconds that a page's signed identity is valid. The page then asks for a new one.",
    )
    operator_token_lifetime: int = _setting(
        900,
        parse_whole_number(1, 86400, "seconds"),
        "Seconds that an operator's token is valid. The inbox then asks the app again who is signed in.",
    )
    operators_edit: str = _setting(
        "own",
        parse_choice("own", "all"),
        "Which messages operators may edit and delete: their `own`, or `all` of operators and the AI.",
    )
    socket_queue: int = _setting(
        1000,
        parse_whole_number(10, 100_000, "frames"),
        "Frames that may wait for a slow client before its connection is closed with 1013.",
    )
    transports: tuple[str, ...] = _setting(
        TRANSPORTS,
        parse_transports,
        "The kinds of connections that pages and the inbox may use. All others are refused.",
    )
    socket_limit: int = _setting(
        32,
        parse_whole_number(1, 100_000, "connections"),
        "Open WebSockets and event streams per conversation.",
    )
    address_socket_limit: int = _setting(
        128,
        parse_whole_number(1, 1_000_000, "connections"),
        "Open WebSockets and event streams per address and process; an IPv6 network (/48) may have four "
        "times as many. Clients with an API key or an operator's token don't count.",
    )
    process_socket_limit: int | None = _setting(
        None,
        parse_process_limit,
        "Open WebSockets and event streams per process. Unset: three quarters of the open files that the "
        "system allows (`ulimit -n`).",
    )
    ai_knowledge: str | None = _setting(
        None,
        parse_folder,
        "A folder with Markdown, text and HTML files for the knowledge base of the default project. A relative path is "
        "relative to the app's own folder (`app.root_path`).",
    )
    disconnect_grace: float = _setting(
        30.0,
        parse_number(1, 3600, "seconds"),
        "Seconds without a connection until a visitor counts as gone.",
    )

    telegram_bot_token: str | None = _setting(
        None,
        parse_telegram_token,
        "The token of the Telegram bot, from @BotFather.",
        secret=True,
        public="TELEGRAM_BOT_TOKEN",
    )
    telegram_chat_id: str | None = _setting(
        None,
        parse_telegram_chat,
        "The Telegram group with topics, or the person who has topics with the bot.",
        public="TELEGRAM_CHAT_ID",
    )
    telegram_webhook_secret: str | None = _setting(
        None,
        parse_webhook_secret,
        "Set: Telegram sends messages to `/bridges/telegram` with this secret. Unset: the worker fetches them.",
        secret=True,
        public="TELEGRAM_WEBHOOK_SECRET",
    )
    telegram_api_url: str = _setting(
        "https://api.telegram.org",
        parse_base_url,
        "The address of the Bot API server.",
        public="TELEGRAM_API_URL",
    )
    slack_bot_token: str | None = _setting(
        None, parse_slack_token("xoxb"), "The token of the Slack app's bot.", secret=True, public="SLACK_BOT_TOKEN"
    )
    slack_channel_id: str | None = _setting(
        None, parse_slack_channel, "The Slack channel in which conversations get threads.", public="SLACK_CHANNEL_ID"
    )
    slack_app_token: str | None = _setting(
        None,
        parse_slack_token("xapp"),
        "The app-level token for Socket Mode, which needs no public address.",
        secret=True,
        public="SLACK_APP_TOKEN",
    )
    slack_signing_secret: str | None = _setting(
        None,
        parse_signing_secret,
        "The signing secret of the Slack app, if Slack sends events to `/bridges/slack`.",
        secret=True,
        public="SLACK_SIGNING_SECRET",
    )
    slack_api_url: str = _setting(
        "https://slack.com/api", parse_base_url, "The address of Slack's Web API.", public="SLACK_API_URL"
    )
    discord_bot_token: str | None = _setting(
        None,
        parse_discord_token,
        "The token of the Discord bot, from the Developer Portal.",
        secret=True,
        public="DISCORD_BOT_TOKEN",
    )
    discord_channel_id: str | None = _setting(
        None,
        parse_discord_channel,
        "The text channel whose threads, or the forum channel whose posts, are the conversations.",
        public="DISCORD_CHANNEL_ID",
    )
    discord_api_url: str = _setting(
        "https://discord.com/api/v10", parse_base_url, "The address of Discord's API.", public="DISCORD_API_URL"
    )
    bridge_allow_networks: tuple[Network, ...] = _setting(
        (), parse_networks, "Private networks that the addresses of bridges may be in, for tests."
    )
    bridge_undo_seconds: float = _setting(
        0.0,
        parse_number(0, 60, "seconds"),
        "Seconds during which an operator can take back what they wrote on a bridge, before the visitor has it.",
    )
    bridge_alerts_only: tuple[str, ...] = _setting(
        (), parse_bridges, "The bridges that only alert: what is written there does not reach visitors."
    )
    bridge_test_bot_ids: tuple[str, ...] = _setting(
        (),
        parse_bot_ids,
        "The ids of bots that count as operators on bridges, for end-to-end tests.",
        public="BRIDGE_TEST_BOT_IDS",
    )

    def __post_init__(self) -> None:
        for platform, names in _CONNECTS.items():
            missing = [name for name in names if getattr(self, name) is None]
            if missing and any(getattr(self, name) is not None for name in self._of(platform)):
                raise ConfigurationError(f"{key_of(missing[0])} must be set for the bridge to {platform.title()}.")
        if "slack" in self.bridges and self.slack_app_token is None and self.slack_signing_secret is None:
            raise ConfigurationError(
                "POCKETPING_SLACK_APP_TOKEN (Socket Mode) or POCKETPING_SLACK_SIGNING_SECRET (Events API) must be set "
                "for the bridge to Slack."
            )
        if self.slack_app_token and importlib.util.find_spec("slack_sdk") is None:
            raise ConfigurationError(
                "POCKETPING_SLACK_APP_TOKEN needs slack_sdk: pip install 'flask-pocketping[slack]'."
            )
        self._check_ai()
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
        if self.geoip_database and importlib.util.find_spec("geoip2") is None:
            raise ConfigurationError("POCKETPING_GEOIP_DATABASE needs geoip2: pip install 'flask-pocketping[geoip2]'.")
        if self.discord_bot_token and importlib.util.find_spec("discord") is None:
            raise ConfigurationError(
                "POCKETPING_DISCORD_BOT_TOKEN needs discord.py: pip install 'flask-pocketping[discord]'."
            )
        on_s3 = (self.uploads or "").startswith("s3://")
        if on_s3 and importlib.util.find_spec("boto3") is None:
            raise ConfigurationError("POCKETPING_UPLOADS on S3 needs boto3: pip install 'flask-pocketping[s3]'.")
        if self.s3_endpoint and not on_s3:
            raise ConfigurationError("POCKETPING_S3_ENDPOINT is used only where POCKETPING_UPLOADS is s3://bucket.")

    def _check_ai(self) -> None:
        if self.ai_provider is None:
            return
        if self.ai_model is None:
            raise ConfigurationError("POCKETPING_AI_MODEL must be set if POCKETPING_AI_PROVIDER is.")
        if self.ai_api_key is None and self.ai_base_url is None:
            raise ConfigurationError("POCKETPING_AI_API_KEY must be set if POCKETPING_AI_BASE_URL is not.")
        if (self.ai_base_url or "").startswith("http://") and not self.ai_allow_networks:
            raise ConfigurationError(
                "POCKETPING_AI_BASE_URL must begin with https://, unless POCKETPING_AI_ALLOW_NETWORKS names the "
                "network of the model's server."
            )
        if len(self.ai_failure_message or "") > 4000:
            raise ConfigurationError("POCKETPING_AI_FAILURE_MESSAGE must have up to 4000 characters.")
        if len(self.ai_disclosure or "") > 4000:
            raise ConfigurationError("POCKETPING_AI_DISCLOSURE must have up to 4000 characters.")

    @property
    def bridges(self) -> tuple[str, ...]:
        """The names of the bridges that are set up."""
        return tuple(name for name in BRIDGES if self._is_connected(name))

    def _is_connected(self, bridge: str) -> bool:
        names = _CONNECTS.get(bridge, ())
        return bool(names) and all(getattr(self, name) is not None for name in names)

    @staticmethod
    def _of(platform: str) -> list[str]:
        """Return the settings of a platform that have no default."""
        return [item.name for item in fields(Config) if item.name.startswith(f"{platform}_") and item.default is None]

    @property
    def filters_visitors(self) -> bool:
        """Whether some addresses or user agents are shut out."""
        return bool(
            self.visitor_allow_networks
            or self.visitor_block_networks
            or self.visitor_allow_agents
            or self.visitor_block_agents
        )

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Config:
        """Read and check all settings.

        :param config: the app's config.
        :param environ: where settings are read by their public names, if a bridge has all that it needs.
        :raises ConfigurationError: if a key is unknown or a value is invalid. The message never repeats a secret.
        """
        settings = {key_of(item.name): item for item in fields(cls)}
        values = {}
        config = {**_public_settings(config, environ or {}), **config}
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


def _public_settings(config: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings that the environment has by their public names.

    Those of a platform count only if all that it needs is there, because the app may use a bot of its own.
    """
    found = {
        item.name: environ[public]
        for item in fields(Config)
        if (public := item.metadata["public"]) and environ.get(public) and key_of(item.name) not in config
    }
    for platform, names in _CONNECTS.items():
        if not all(name in found or config.get(key_of(name)) for name in names):
            found = {name: value for name, value in found.items() if not name.startswith(f"{platform}_")}
    return {key_of(name): value for name, value in found.items()}


def key_of(name: str) -> str:
    """Return the config key of a setting, such as `POCKETPING_API_KEY` for `api_key`."""
    return PREFIX + name.upper()
