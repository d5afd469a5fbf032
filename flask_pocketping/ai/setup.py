"""Builds the AI of an app from its settings, its provider and its tools."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from ..config import Config
from ..db import Database
from .answering import Answering
from .budgets import Limits
from .grounding import Knowledge
from .links import Links
from .providers.protocol import Provider
from .schedule import Schedule
from .target import AITarget
from .tools import Tool
from .turn import Surroundings, Voice

_ADDRESS = re.compile(r"https?://[^\s<>\"'`()\[\]]+")


@dataclass(frozen=True, slots=True)
class AI:
    """The AI of an app.

    :ivar name: names the model.
    :ivar answering: makes answers.
    :ivar voice: how it speaks.
    :ivar around: what it needs of the app.
    :ivar target: lets it answer.
    """

    name: str
    answering: Answering
    voice: Voice
    around: Surroundings
    target: AITarget


def make_ai(
    config: Config,
    db: Database,
    provider: Provider,
    tools: Sequence[Tool],
    around: Surroundings,
    *,
    run: Callable[..., Any],
    knowledge: Knowledge | None = None,
) -> AI:
    """Build the AI of an app.

    :param tools: the host's tools, a list that may still grow.
    :param run: makes a function of the host callable, which may be async.
    :param knowledge: the knowledge base, if there is one.
    """
    zone = UTC if config.ai_timezone == "UTC" else ZoneInfo(config.ai_timezone)
    name = name_of(config, provider)
    answering = Answering(
        provider=provider,
        tools=tools,
        knowledge=knowledge,
        links=allowed_links(config),
        max_tokens=config.ai_max_tokens,
        timeout=config.ai_timeout,
        run=run,
    )
    voice = Voice(
        prompt=config.ai_prompt,
        history=config.ai_history_tokens,
        drafts=config.ai_mode == "draft",
        disclosure=config.ai_disclosure,
        failure=config.ai_failure_message,
        zone=zone,
        limits=Limits(config.ai_session_budget, config.ai_visitor_budget, config.ai_daily_budget),
    )
    delay = timedelta(seconds=config.ai_delay)
    offline = delay if config.ai_offline_delay is None else timedelta(seconds=config.ai_offline_delay)
    schedule = Schedule(delay, offline, config.ai_hours, zone)
    return AI(name, answering, voice, around, AITarget(db, answering, schedule, voice, around, name))


def name_of(config: Config, provider: Provider) -> str:
    """Return what names the model in logs and in its circuit breaker."""
    if config.ai_provider is not None:
        return f"{config.ai_provider} {config.ai_model}"[:40]
    return type(provider).__name__[:40]


def allowed_links(config: Config) -> Links:
    """Return where answers may link to: the site itself, the owner's hosts, and the addresses in the instructions."""
    own = urlsplit(config.public_url).netloc.lower() if config.public_url else ""
    addresses = [address.rstrip(".,;:!?") for address in _ADDRESS.findall(config.ai_prompt or "")]
    return Links({*config.ai_link_hosts, *([own] if own else [])}, addresses)


def sees_images(config: Config) -> bool:
    """Return whether the model gets the visitors' pictures."""
    return config.ai_images == "on" or (config.ai_images == "auto" and config.ai_base_url is None)
