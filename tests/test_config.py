"""Tests settings: valid values, text from the environment, and errors that stop the app."""

from __future__ import annotations

import dataclasses
import ipaddress
from pathlib import Path
from typing import Any

import limits
import pytest
from flask import Flask

from flask_pocketping import ConfigurationError, PocketPing
from flask_pocketping.config import PREFIX, Config, key_of
from flask_pocketping.config_parsers import PLANS


def read(**settings: Any) -> Config:
    return Config.from_mapping({key_of(name): value for name, value in settings.items()})


def refusal(**settings: Any) -> str:
    """What is said of settings that can't be used."""
    with pytest.raises(ConfigurationError) as raised:
        read(**settings)
    return str(raised.value)


def test_without_settings_everything_has_a_default() -> None:
    config = read()
    assert config == Config()
    assert config.url_prefix == "/pocketping"
    assert config.api_key is None
    assert config.rate_limit == ()
    assert config.cors_origins == ()
    assert (config.ai_enabled, config.worker) == (True, "thread")
    assert config.max_body_size == 64 * 1024
    assert not config.webhook_allow_http
    assert config.webhook_allow_networks == ()


def test_settings_of_other_extensions_are_ignored() -> None:
    assert Config.from_mapping({"SECRET_KEY": "x", "POCKETPINGS": 1, "SQLALCHEMY_DATABASE_URI": "sqlite://"}) == read()


@pytest.mark.parametrize("item", dataclasses.fields(Config), ids=lambda item: item.name)
def test_every_setting_has_a_help_text(item: Any) -> None:
    assert item.metadata["help"].strip().endswith(".")
    assert key_of(item.name) == PREFIX + item.name.upper()


def test_text_from_the_environment_equals_a_value() -> None:
    as_text = read(
        ai_enabled="no",
        webhook_allow_http="1",
        max_body_size="16384",
        poll_interval="0.5",
        worker=" OFF ",
        cors_origins="https://one.example, http://two.example:8080/",
        webhook_allow_networks="10.0.0.0/8, fd00::/8",
        rate_limit=" Pro ",
    )
    as_values = read(
        ai_enabled=False,
        webhook_allow_http=True,
        max_body_size=16384,
        poll_interval=0.5,
        worker="off",
        cors_origins=["https://one.example", "http://two.example:8080"],
        webhook_allow_networks=["10.0.0.0/8", "fd00::/8"],
        rate_limit="1000/minute",
    )
    assert as_text == as_values
    assert as_text.cors_origins == ("https://one.example", "http://two.example:8080")
    assert as_text.webhook_allow_networks == (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


@pytest.mark.parametrize("word", ["1", "true", "True", "YES", " on ", True, 1])
def test_words_for_true(word: Any) -> None:
    assert read(webhook_allow_http=word).webhook_allow_http is True


@pytest.mark.parametrize("word", ["0", "false", "False", "NO", " off ", False, 0])
def test_words_for_false(word: Any) -> None:
    assert read(ai_enabled=word).ai_enabled is False


@pytest.mark.parametrize("name", ["api_key", "secret", "database_uri", "redis_url", "welcome_message"])
def test_empty_text_counts_as_unset(name: str) -> None:
    assert getattr(read(**{name: ""}), name) is None
    assert getattr(read(**{name: None}), name) is None


@pytest.mark.parametrize(
    ("given", "read_as"),
    [("", ""), ("/", ""), ("/chat", "/chat"), ("/chat/", "/chat"), ("/a/b-c_d.e~f", "/a/b-c_d.e~f")],
)
def test_url_prefixes_are_normalized(given: str, read_as: str) -> None:
    assert read(url_prefix=given).url_prefix == read_as


@pytest.mark.parametrize("plan", PLANS)
def test_plans_are_named_rules(plan: str) -> None:
    assert read(rate_limit=plan) == read(rate_limit=PLANS[plan])


@pytest.mark.parametrize("word", ["off", "none", "", None, "OFF"])
def test_every_limit_can_be_switched_off(word: Any) -> None:
    for name in ("rate_limit", "visitor_message_limit", "visitor_address_limit", "visitor_silent_session_limit"):
        assert getattr(read(**{name: word}), name) == ()


def test_a_limit_may_have_several_rules() -> None:
    rules = read(rate_limit="5/second; 100 per 2 minutes").rate_limit
    assert [(rule.amount, rule.seconds) for rule in rules] == [(5, 1), (100, 120)]


@pytest.mark.parametrize(
    "text",
    ["1/second", "5 per minute", "7/3 hours", "2 per 4 days,9/month|1/year", "10000 / minute", "3per5minute", "0/hour"],
)
def test_rules_are_parsed_as_by_the_counters_in_redis(text: str) -> None:
    """The counters there are those of `limits`, whose grammar this is."""
    theirs = [(rule.amount, rule.get_expiry()) for rule in limits.parse_many(text)]
    if theirs[0][0] == 0:
        with pytest.raises(ConfigurationError, match="POCKETPING_RATE_LIMIT"):
            read(rate_limit=text)
    else:
        assert [(rule.amount, rule.seconds) for rule in read(rate_limit=text).rate_limit] == theirs


UNUSABLE: list[tuple[str, Any]] = [
    ("url_prefix", "chat"),
    ("url_prefix", "/with space"),
    ("url_prefix", "/<id>"),
    ("url_prefix", None),
    ("public_url", "www.example.com"),
    ("public_url", "https://example.com/?page=1"),
    ("api_key", "with space in it"),
    ("api_key", "ünsinn-0123456789"),
    ("api_key", 1234567890123456),
    ("secret", b"bytes"),
    ("database_uri", "pocketping.db"),
    ("database_uri", 5),
    ("redis_url", "http://localhost"),
    ("redis_url", 6379),
    ("uploads", "ftp://host/folder"),
    ("uploads", "s3://Bucket_With_Capitals"),
    ("uploads", "s3://"),
    ("uploads", True),
    ("uploads", b"bytes"),
    ("s3_endpoint", "s3.example.com"),
    ("max_upload_size", 0),
    ("max_upload_size", "10 MB"),
    ("visitor_upload_limit", "20"),
    ("failed_key_limit", "often"),
    ("visitor_address_upload_limit", "many"),
    ("rate_limit", "platinum"),
    ("rate_limit", "50"),
    ("rate_limit", 50),
    ("visitor_message_limit", "many/minute"),
    ("visitor_address_limit", "5/fortnight"),
    ("visitor_session_limit", "-1/hour"),
    ("visitor_silent_session_limit", "many"),
    ("cors_origins", "*"),
    ("cors_origins", "https://*.example.com"),
    ("cors_origins", "example.com"),
    ("cors_origins", "https://example.com/page"),
    ("cors_origins", ["null"]),
    ("cors_origins", 5),
    ("crawlers", "x"),
    ("crawlers", ["a" * 101]),
    ("crawlers", 5),
    ("not_crawlers", ["Prüfer"]),
    ("not_crawlers", ["good bot", ""]),
    ("max_body_size", 100),
    ("max_body_size", "64k"),
    ("max_body_size", True),
    ("max_body_size", 10_000_000),
    ("welcome_message", 5),
    ("operator_name", 5),
    ("operator_avatar", "javascript:alert(1)"),
    ("operator_avatar", "http://example.com/ada.png"),
    ("primary_color", "blue"),
    ("primary_color", "#0a7cf"),
    ("header_color", "#0a7cff;"),
    ("footer_color", 0),
    ("chat_background", "stars"),
    ("chat_background", ["dots"]),
    ("toggle_color", "url(x)"),
    ("prechat", "on"),
    ("prechat_fields", "name"),
    ("prechat_timing", "later"),
    ("ai_enabled", "perhaps"),
    ("ai_enabled", 2),
    ("ai_enabled", None),
    ("worker", "process"),
    ("worker", None),
    ("worker_lease", 0),
    ("worker_lease", "long"),
    ("poll_interval", 0),
    ("poll_interval", "nan"),
    ("poll_interval", "inf"),
    ("webhook_allow_http", "maybe"),
    ("webhook_allow_networks", "10.0.0.1/8"),
    ("webhook_allow_networks", "localhost"),
    ("webhook_timeout", 16),
    ("widget_theme", "blue"),
    ("widget_position", "top"),
    ("widget_language", "not a language"),
    ("identity_lifetime", 0),
    ("operator_token_lifetime", "long"),
    ("widget_min_version", "latest"),
    ("widget_min_version", "1.x"),
    ("widget_latest_version", 2),
    ("widget_latest_version", "1.2.3.4.5"),
    ("webhook_timeout", None),
    ("webhook_limit", 0),
    ("visitor_daily_bytes", -1),
    ("retention_days", 0),
    ("retention_days", "for ever"),
    ("delivery_retention", 0),
    ("socket_queue", 1),
    ("socket_queue", 10.5),
    ("socket_limit", 0),
    ("address_socket_limit", 0),
    ("process_socket_limit", 0),
    ("process_socket_limit", "many"),
    ("transports", ""),
    ("transports", "carrier pigeon"),
    ("disconnect_grace", -1),
    ("visitor_allow_networks", "everywhere"),
    ("visitor_block_networks", "203.0.113.5/24"),
    ("visitor_allow_agents", "x"),
    ("visitor_block_agents", 5),
    ("visitor_address", "hashed"),
    ("webhook_format", "xml"),
    ("operators_edit", "none"),
    ("geoip_database", "/nowhere/places.mmdb"),
    ("ai_knowledge", "a\0b"),
    ("ai_knowledge", 5),
    ("telegram_bot_token", "no token"),
    ("telegram_bot_token", 5),
    ("telegram_chat_id", "@name"),
    ("telegram_chat_id", True),
    ("telegram_webhook_secret", "short"),
    ("telegram_webhook_secret", "with spaces in its middle"),
    ("telegram_api_url", "api.telegram.org"),
    ("telegram_api_url", "https://api.telegram.org/?a=b"),
    ("slack_bot_token", "xoxp-1234567890"),
    ("slack_bot_token", 5),
    ("slack_channel_id", "#support"),
    ("slack_app_token", "xoxb-1234567890"),
    ("slack_signing_secret", "short"),
    ("slack_api_url", "slack.com"),
    ("discord_bot_token", "Bot abcdefghijklmnopqrstuvwxyz"),
    ("discord_channel_id", "#support"),
    ("discord_api_url", "discord.com"),
    ("bridge_allow_networks", "here"),
    ("bridge_undo_seconds", 61),
    ("bridge_alerts_only", "pigeons"),
    ("bridge_test_bot_ids", "a b"),
    ("ai_provider", "skynet"),
    ("ai_api_key", "sk with spaces"),
    ("ai_model", "a model"),
    ("ai_base_url", "api.openai.com"),
    ("ai_base_url", "https://api.openai.com/v1?key=1"),
    ("ai_prompt", "/nowhere/prompt.md"),
    ("ai_prompt", 5),
    ("ai_delay", -1),
    ("ai_offline_delay", "soon"),
    ("ai_hours", "in the night"),
    ("ai_hours", "18:00-25:00"),
    ("ai_hours", "mon-fri 9:00-9:00"),
    ("ai_hours", "xyz 9:00-17:00"),
    ("ai_timezone", "Middle/Earth"),
    ("ai_mode", "answers"),
    ("ai_max_tokens", 0),
    ("ai_history_tokens", 10),
    ("ai_tokens_parameter", "tokens"),
    ("ai_temperature", 3),
    ("ai_images", "maybe"),
    ("ai_session_budget", -1),
    ("ai_visitor_budget", "much"),
    ("ai_daily_budget", 1.5),
    ("ai_timeout", 0),
    ("ai_failure_message", 5),
    ("ai_disclosure", 5),
    ("ai_link_hosts", "https://example.com/"),
    ("ai_allow_networks", "here"),
]


@pytest.mark.parametrize(("name", "value"), UNUSABLE)
def test_an_invalid_value_is_an_error_that_names_the_setting(name: str, value: Any) -> None:
    said = refusal(**{name: value})
    assert said.startswith(f"{key_of(name)} must be ")
    assert len(said) < 300


def test_every_setting_rejects_invalid_values() -> None:
    assert {name for name, _ in UNUSABLE} == {item.name for item in dataclasses.fields(Config)}


def test_parts_of_user_agents_may_be_text_or_a_list() -> None:
    assert read(crawlers="AcmeScan, Pinger/2").crawlers == ("acmescan", "pinger/2")
    assert read(not_crawlers=["Probe (KHTML, like Gecko)"]).not_crawlers == ("probe (khtml, like gecko)",)


def test_crawlers_and_exceptions_must_not_overlap() -> None:
    said = refusal(crawlers="AcmeScan", not_crawlers="acmescan,other")
    assert "POCKETPING_CRAWLERS" in said
    assert "POCKETPING_NOT_CRAWLERS" in said


def test_hours_may_cross_midnight_and_name_days() -> None:
    assert read(ai_hours="fri-mon 18:00-08:00").ai_hours == tuple((day, 1080, 1920) for day in (4, 5, 6, 0))
    assert read(ai_hours=["sat 0:00-24:00", "sun 9:30-12:00"]).ai_hours == ((5, 0, 1440), (6, 570, 720))
    assert [day for day, _, _ in read(ai_hours="9:00-17:00").ai_hours] == list(range(7))


def test_a_prompt_may_be_a_text_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "prompt.md").write_text("Be kind.\n", encoding="utf-8")
    assert read(ai_prompt=str(tmp_path / "prompt.md")).ai_prompt == "Be kind.\n"
    assert read(ai_prompt=tmp_path / "prompt.md").ai_prompt == "Be kind.\n"
    assert read(ai_prompt="Be kind.").ai_prompt == "Be kind."


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"ai_provider": "openai", "ai_api_key": "k"}, "AI_MODEL"),
        ({"ai_provider": "gemini", "ai_model": "m"}, "AI_API_KEY"),
        ({"ai_provider": "openai", "ai_model": "m", "ai_base_url": "http://127.0.0.1:11434/v1"}, "AI_BASE_URL"),
        ({"ai_provider": "openai", "ai_model": "m", "ai_api_key": "k", "ai_disclosure": "x" * 4001}, "AI_DISCLOSURE"),
        (
            {"ai_provider": "openai", "ai_model": "m", "ai_api_key": "k", "ai_failure_message": "x" * 4001},
            "AI_FAILURE_MESSAGE",
        ),
    ],
)
def test_an_ai_needs_what_connects_it(settings: dict[str, Any], key: str) -> None:
    assert refusal(**settings).startswith(f"POCKETPING_{key} must ")


def test_a_model_on_this_machine_needs_no_key() -> None:
    local = {"ai_provider": "openai", "ai_model": "llama3", "ai_base_url": "http://127.0.0.1:11434/v1/"}
    config = read(**local, ai_allow_networks="127.0.0.0/8")
    assert config.ai_base_url == "http://127.0.0.1:11434/v1"


def test_the_lease_must_be_longer_than_the_timeout() -> None:
    said = refusal(worker_lease=5, webhook_timeout=5)
    assert "POCKETPING_WORKER_LEASE" in said
    assert "POCKETPING_WEBHOOK_TIMEOUT" in said
    assert read(worker_lease=6, webhook_timeout=5).worker_lease == 6


def test_the_minimum_version_must_not_be_newer_than_the_latest() -> None:
    said = refusal(widget_min_version="2.10", widget_latest_version="2.9.1")
    assert "POCKETPING_WIDGET_MIN_VERSION" in said
    assert "POCKETPING_WIDGET_LATEST_VERSION" in said
    assert read(widget_min_version="2.9.1", widget_latest_version="2.9.1").widget_min_version == "2.9.1"


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("POCKETPING_APIKEY", "POCKETPING_API_KEY"),
        ("POCKETPING_DATABASE_URL", "POCKETPING_DATABASE_URI"),
        ("POCKETPING_RATELIMIT", "POCKETPING_RATE_LIMIT"),
        ("POCKETPING_PREFIX", "POCKETPING_URL_PREFIX"),
        ("POCKETPING_CORS_ORIGIN", "POCKETPING_CORS_ORIGINS"),
    ],
)
def test_an_unknown_setting_is_an_error_that_names_the_nearest(key: str, near: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{key} is not a setting .* Did you mean {near}\?$"):
        Config.from_mapping({key: "x"})


SECRETS = {
    "api_key": "swordfish-0123456789",
    "secret": "swordfish-secret",
    "database_uri": "postgresql+psycopg://user:swordfish@localhost/db",
    "redis_url": "redis://:swordfish@localhost/0",
    "ai_api_key": "swordfish-key",
}


def test_secrets_are_not_in_the_repr() -> None:
    config = read(**SECRETS)
    assert "swordfish" not in repr(config)
    assert "swordfish" not in str(config)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", "swordfish with spaces"),
        ("secret", ["swordfish"]),
        ("database_uri", "swordfish"),
        ("redis_url", "http://:swordfish@localhost"),
        ("ai_api_key", "swordfish with spaces"),
    ],
)
def test_secrets_are_not_in_errors(name: str, value: Any) -> None:
    assert "swordfish" not in refusal(**{name: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("POCKETPING_REDIS_URL", "redis://:swordfish/x@localhost:6379/0"),
        ("POCKETPING_REDIS_URL", "redis://:swordfish@localhost:port/0"),
        ("POCKETPING_REDIS_URL", "redis://:swordfish@localhost:99999999/0"),
        ("POCKETPING_DATABASE_URI", "oracle://user:swordfish@localhost/db"),
        ("POCKETPING_DATABASE_URI", "postgresql+psycopg://user:swordfish@localhost:port/db"),
        ("POCKETPING_DATABASE_URI", "nonsense://user:swordfish@localhost/db"),
        ("POCKETPING_DATABASE_URI", "mysql+mysqldb://user:swordfish@localhost/db"),
        ("POCKETPING_DATABASE_URI", "mssql+pyodbc://user:swordfish@localhost/db"),
        ("POCKETPING_DATABASE_URI", "://user:swordfish@localhost/db"),
        ("SQLALCHEMY_DATABASE_URI", "nonsense://user:swordfish@localhost/db"),
        ("SQLALCHEMY_DATABASE_URI", 5),
    ],
)
def test_an_invalid_address_is_named_without_its_password(key: str, value: Any, tmp_path: Path) -> None:
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update({"SECRET_KEY": "x", key: value})
    with pytest.raises(ConfigurationError, match=key) as raised:
        PocketPing(app)
    assert "swordfish" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_an_app_without_a_secret_gets_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="SECRET_KEY must be set"):
        PocketPing(Flask("host", instance_path=str(tmp_path)))
