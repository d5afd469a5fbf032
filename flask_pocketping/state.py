"""The long-lived parts of one app. `builders.py` makes them; routes, commands and the host's calls use them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from flask import Flask, current_app

from .ai.setup import AI
from .bridges.connected import Bridges
from .config import Config
from .db import Database
from .files.store import Files
from .host.loaders import Loaders
from .host.locations import Locations
from .knowledge.base import KnowledgeBase
from .knowledge.indexer import FolderIndexer
from .realtime.announcements import Announcer
from .realtime.bus import Bus
from .realtime.encoders import Frames
from .realtime.hub import Hub
from .realtime.open_connections import Sockets
from .runtime import Runtime
from .schemas.public_urls import PublicURLs
from .security.brute_force import Guesses
from .security.handles import Handles
from .security.rate_limits import Limiter
from .security.tokens import Identities, OperatorTokens
from .values import MessageDraft

EXTENSION = "pocketping"


@dataclass
class State:
    """The value of `app.extensions["pocketping"]`."""

    config: Config
    db: Database
    hub: Hub
    bus: Bus
    frames: Frames
    announcer: Announcer
    sockets: Sockets
    #: What runs beside the requests: worker, bus and periodic tasks.
    runtime: Runtime
    #: The bridges to chat platforms, and what comes in from them.
    bridges: Bridges
    #: The AI, or `None` if there is none.
    ai: AI | None
    limiter: Limiter
    guesses: Guesses
    handles: Handles
    urls: PublicURLs
    identities: Identities
    operator_tokens: OperatorTokens
    loaders: Loaders
    #: None where countries are not kept.
    locations: Locations | None
    default_project: str
    api_key_hash: str | None
    #: Sends the signal `message_received`; false while nobody receives it.
    before_message: Callable[[MessageDraft], None]
    #: Raises `InvalidRequest` for an address that no webhook may have.
    check_url: Callable[[str], None]
    #: None where uploads are off.
    files: Files | None
    knowledge: KnowledgeBase
    #: None without POCKETPING_AI_KNOWLEDGE.
    folder_indexer: FolderIndexer | None = None
    #: Seconds after which the AI answers in place of an operator; `None` if it never does.
    ai_after: float | None = None
    #: The usual reply time of each project in seconds, as `web/visitor/greeting.py` keeps it, and when it was read.
    reply_times: dict[str, tuple[datetime, int | None]] = field(default_factory=dict)
    #: Names of the warnings that the log has already, so that each appears once.
    warned: set[str] = field(default_factory=set)

    def warn_once(self, name: str) -> bool:
        """Return whether to log a warning, and remember that it was logged.

        :param name: the name of the warning.
        """
        if name in self.warned:
            return False
        self.warned.add(name)
        return True


def current_state() -> State:
    """Return the state of the current app.

    :raises RuntimeError: if the app has no `PocketPing`.
    """
    return state_of(current_app)


def state_of(app: Flask) -> State:
    """Return the state of an app.

    :raises RuntimeError: if the app has no `PocketPing`.
    """
    state = app.extensions.get(EXTENSION)
    if state is None:
        raise RuntimeError("Flask-PocketPing is not set up for this app: call PocketPing(app) or init_app(app).")
    assert isinstance(state, State)
    return state
