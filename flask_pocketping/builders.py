"""Builds the long-lived parts of an app from its settings and from the arguments of `PocketPing`.

`extension.py` calls `build_state` once per app.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from .ai.grounding import SiteKnowledge
from .ai.models import make_client, make_provider
from .ai.providers.protocol import Provider
from .ai.setup import AI, make_ai, sees_images
from .ai.tools import Tool
from .ai.turn import Surroundings
from .ai.typing import OperatorsTyping
from .bridges.connected import Bridges
from .bridges.platform import Author, Connection
from .bridges.registry import connect
from .chat.projects import hash_key
from .config import Config
from .db import Database, own_engine
from .delivery.http.client import GuardedClient, HTTPClientError, check_url
from .delivery.target import Target
from .dispatch import MessageReceived, app_context
from .errors import ConfigurationError, InvalidRequest
from .files.storage import FolderStorage, Storage
from .files.store import Files
from .host.callables import as_sync
from .host.folders import default_folder
from .host.loaders import HostCommands, Loaders, facts_of
from .host.locations import Locations
from .host.servers import open_files_limit
from .knowledge.base import KnowledgeBase
from .knowledge.indexer import FolderIndexer
from .maintenance import ConnectionMaintenance
from .models import DEFAULT_PROJECT
from .realtime.announcements import Announcer
from .realtime.bus import Bus, RedisBus
from .realtime.encoders import Frames
from .realtime.hub import Hub
from .realtime.open_connections import Sockets
from .runtime import Runtime
from .schemas.public_urls import PublicURLs
from .security.brute_force import Guesses
from .security.handles import Handles
from .security.rate_limits import Limiter
from .security.tokens import Identities, OperatorTokens
from .state import State
from .values import Attachment, Operator, Session

logger = logging.getLogger("flask_pocketping")

#: The driver of each kind of database that an extra of ours installs, and that extra.
_DRIVERS = {"postgresql": ("psycopg", "postgresql"), "mysql": ("pymysql", "mysql"), "mariadb": ("pymysql", "mysql")}


def build_state(
    app: Flask,
    config: Config,
    *,
    engine: Engine | None,
    flask_sqlalchemy: Any,
    storage: Storage | None,
    loaders: Loaders,
    targets: Sequence[Target] = (),
    ai_provider: Provider | None = None,
    ai_tools: Sequence[Tool] = (),
    bridges: Sequence[Connection] = (),
) -> State:
    """Build and connect all parts of one app. This opens no connection and starts no thread.

    :param engine: the host's engine, if any.
    :param flask_sqlalchemy: the host's Flask-SQLAlchemy object, if any.
    :param storage: the host's storage of files, if any.
    :param loaders: the loaders of the host.
    :param targets: the host's own targets of deliveries.
    :param ai_provider: the host's own model, if any.
    :param ai_tools: the host's tools for the AI; the host may register more later.
    :param bridges: the host's own bridges.
    :raises ConfigurationError: if a setting is invalid. The message names the key and what is allowed.
    """
    if config.cors_origins and not config.public_url:
        logger.warning(
            "POCKETPING_CORS_ORIGINS is set but POCKETPING_PUBLIC_URL is not: pages of other origins get addresses "
            "of files that lead to their own server. Set POCKETPING_PUBLIC_URL to this app's address."
        )
    secrets = _secrets(app, config)
    handles = Handles(secrets)
    urls = PublicURLs(f"{config.public_url or _mounted_at(app)}{config.url_prefix}")
    frames = Frames(handles, urls)
    database = _database(app, config, engine, flask_sqlalchemy)
    bus = _bus(config, secrets)
    sockets = Sockets(config.process_socket_limit or open_files_limit() * 3 // 4)
    hub = Hub(database, bus, poll=config.poll_interval, tick=ConnectionMaintenance(database, sockets))
    announcer = Announcer(database, hub, bus, frames)
    client = GuardedClient(
        allow_http=config.webhook_allow_http,
        allow_networks=config.webhook_allow_networks,
        timeout=config.webhook_timeout,
    )
    used_storage = _storage(app, config, storage)
    files = Files(database, used_storage, config.max_upload_size) if used_storage is not None else None
    knowledge = KnowledgeBase(database)
    indexer = _folder_indexer(app, config, database, knowledge)
    limiter = Limiter(config.redis_url, _name_in_redis(secrets))
    before_message = MessageReceived(app, urls)
    ai_client = make_client(config)
    ai = _ai(
        *(app, config, database, files, knowledge, announcer, before_message, loaders),
        *(ai_provider, ai_tools, ai_client),
    )
    connections = [*connect(config), *bridges]
    connected = _bridges(app, config, database, files, announcer, before_message, loaders, connections)
    announcer.on_visitor_typing = connected.visitor_types
    return State(
        config=config,
        db=database,
        hub=hub,
        bus=bus,
        frames=frames,
        announcer=announcer,
        sockets=sockets,
        runtime=Runtime(
            *(app, config, database, hub, bus, announcer, sockets, client, files, urls),
            targets=[*connected.targets, *([ai.target] if ai is not None else []), *targets],
            bridges=connected,
            indexer=indexer,
            ai_client=ai_client,
        ),
        ai=ai,
        ai_after=config.ai_delay if ai is not None and config.ai_mode == "answer" else None,
        bridges=connected,
        limiter=limiter,
        guesses=Guesses(limiter, config.failed_key_limit),
        handles=handles,
        urls=urls,
        identities=Identities(secrets, config.identity_lifetime),
        operator_tokens=OperatorTokens(secrets, config.operator_token_lifetime),
        loaders=loaders,
        locations=Locations(config.geoip_database) if config.geoip_database else None,
        default_project=DEFAULT_PROJECT,
        api_key_hash=hash_key(config.api_key) if config.api_key else None,
        before_message=before_message,
        check_url=_url_checker(config),
        files=files,
        knowledge=knowledge,
        folder_indexer=indexer,
    )


def _database(app: Flask, config: Config, engine: Engine | None, flask_sqlalchemy: Any) -> Database:
    if engine is not None:
        return Database(lambda: engine, borrowed=True)
    if flask_sqlalchemy is not None:
        return Database(lambda: _engine_of(flask_sqlalchemy, app), borrowed=True)
    uri = config.database_uri or app.config.get("SQLALCHEMY_DATABASE_URI")
    if uri:
        key = "POCKETPING_DATABASE_URI" if config.database_uri else "SQLALCHEMY_DATABASE_URI"
        address = _resolved(app, uri, key)
        upgrades_itself = _is_own_sqlite(address, configured=bool(config.database_uri))
        return Database(lambda: own_engine(address), upgrades_itself=upgrades_itself)
    return Database(lambda: own_engine(_embedded(app)), upgrades_itself=True)


def _bridges(
    app: Flask,
    config: Config,
    db: Database,
    files: Files | None,
    announcer: Announcer,
    before: MessageReceived,
    loaders: Loaders,
    connections: Sequence[Connection],
) -> Bridges:
    def open_file(attachment: Attachment) -> Any:
        if files is None:
            raise FileNotFoundError(attachment.id)
        return files.open(attachment.id)

    def show_typing(project_id: str, session_id: str, author: Author) -> None:
        operator = Operator(author.id, author.name)
        announcer.typing(project_id, session_id, "operator", True, operator=operator)

    return Bridges(
        db,
        connections,
        files=files,
        open_file=open_file,
        context=lambda session: facts_of(loaders, session),
        before=before,
        commands=HostCommands(app, loaders),
        announce=announcer.deliveries_changed,
        show_typing=show_typing,
        test_bots=config.bridge_test_bot_ids,
        undo_seconds=config.bridge_undo_seconds,
        alerts_only=config.bridge_alerts_only,
    )


def _ai(
    app: Flask,
    config: Config,
    db: Database,
    files: Files | None,
    knowledge: KnowledgeBase,
    announcer: Announcer,
    before: MessageReceived,
    loaders: Loaders,
    given: Provider | None,
    tools: Sequence[Tool],
    client: GuardedClient,
) -> AI | None:
    if given is not None and config.ai_provider is not None:
        raise ConfigurationError("POCKETPING_AI_PROVIDER must be unset where PocketPing(ai=…) is given.")
    provider = given if given is not None else make_provider(config, client)
    if provider is None:
        return None

    def open_file(attachment: Attachment) -> Any:
        if files is None:
            raise FileNotFoundError(attachment.id)
        return files.open(attachment.id)

    def facts(session: Session) -> Sequence[dict[str, Any]]:
        # The function may make addresses, which needs a request with the app's address.
        request = app.test_request_context(base_url=config.public_url) if config.public_url else nullcontext()
        try:
            with request:
                return facts_of(loaders, session)
        except Exception:
            logger.exception("The context function failed. The AI answers without its facts.")
            return []

    around = Surroundings(
        facts=facts,
        open_file=open_file if sees_images(config) else None,
        before=before,
        stream=announcer.stream,
        drafted=lambda session: announcer.draft_changed(session.project_id, session.id),
        acted=lambda session: announcer.action_changed(session.project_id, session.id),
    )
    announcer.on_operator_typing = OperatorsTyping(db)
    run = partial(as_sync, app.ensure_sync)
    known = SiteKnowledge(knowledge, config.public_url)
    return make_ai(config, db, provider, tools, around, run=run, knowledge=known)


def _storage(app: Flask, config: Config, given: Storage | None) -> Storage | None:
    if config.uploads == "off":
        return None
    if given is not None:
        return given
    if config.uploads and config.uploads.startswith("s3://"):
        from .files.s3 import S3Storage

        bucket, _, prefix = config.uploads.removeprefix("s3://").partition("/")
        return S3Storage(bucket, prefix.strip("/"), config.s3_endpoint)
    given_folder = config.uploads and Path(app.instance_path) / config.uploads
    folder = given_folder or default_folder(app) / "pocketping-uploads"
    if folder.exists() and not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise ConfigurationError(f"POCKETPING_UPLOADS must be a folder that the app may write to, not {folder}.")
    return FolderStorage(folder)


def _folder_indexer(app: Flask, config: Config, db: Database, knowledge: KnowledgeBase) -> FolderIndexer | None:
    if config.ai_knowledge is None:
        return None
    folder = Path(app.root_path) / config.ai_knowledge
    if not (folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)):
        raise ConfigurationError(f"POCKETPING_AI_KNOWLEDGE must be a folder that the app may read, not {folder}.")
    return FolderIndexer(db, knowledge, folder, DEFAULT_PROJECT)


def _secrets(app: Flask, config: Config) -> list[bytes]:
    if config.secret:
        return [config.secret.encode()]
    if not app.secret_key:
        raise ConfigurationError(
            "SECRET_KEY must be set before PocketPing: it signs the handles of visitors. (Or set POCKETPING_SECRET.)"
        )
    fallbacks = app.config.get("SECRET_KEY_FALLBACKS") or []
    if not isinstance(fallbacks, list | tuple):
        raise ConfigurationError("SECRET_KEY_FALLBACKS must be a list of keys, newest first.")
    if not all(isinstance(key, str | bytes) for key in (app.secret_key, *fallbacks)):
        raise ConfigurationError("SECRET_KEY and SECRET_KEY_FALLBACKS must be text or bytes.")
    # Flask lists old keys from the newest, and itsdangerous expects the newest last.
    keys = [*reversed(fallbacks), app.secret_key]
    return [key.encode() if isinstance(key, str) else key for key in keys]


def _mounted_at(app: Flask) -> str:
    """Return the path at which the server mounts the app, from Flask's setting."""
    return str(app.config["APPLICATION_ROOT"]).rstrip("/")


def _bus(config: Config, secrets: list[bytes]) -> Bus:
    if not config.redis_url:
        return Bus()
    try:
        return RedisBus(config.redis_url, _name_in_redis(secrets))
    except ValueError:
        raise ConfigurationError(
            "POCKETPING_REDIS_URL can't be read. It looks like redis://user:password@host:6379/0, "
            "with special characters in the password percent-encoded."
        ) from None


def _name_in_redis(secrets: list[bytes]) -> str:
    """Return the app's name in Redis. Processes of one app share it, and other apps do not."""
    return "pocketping:" + hmac.new(secrets[-1], b"flask-pocketping.bus", hashlib.sha256).hexdigest()[:32]


def _is_own_sqlite(uri: str, *, configured: bool) -> bool:
    """Return whether a database is SQLite and only for the chat: its URL was set for the chat, or it is in memory."""
    url = make_url(uri)
    return url.get_backend_name() == "sqlite" and (configured or url.database in {None, "", ":memory:"})


def _embedded(app: Flask) -> str:
    folder = default_folder(app)
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'pocketping.db'}"


def _resolved(app: Flask, uri: Any, key: str) -> str:
    """A database URL, checked; a relative SQLite path is one in the instance folder, as Flask-SQLAlchemy has it."""
    try:
        url = make_url(uri)
        url.get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise ConfigurationError(
            f"{key} must be a SQLAlchemy database URL such as postgresql+psycopg://user@host/name."
        ) from None
    except ImportError:
        raise ConfigurationError(_no_driver(key, url)) from None
    if url.get_backend_name() not in {"sqlite", "postgresql", "mysql", "mariadb"}:
        raise ConfigurationError(f"{key} must be of SQLite, PostgreSQL or MariaDB.")
    memory = url.database in {None, "", ":memory:"} or str(url.database).startswith("file:")
    if url.get_backend_name() == "sqlite" and not memory and not Path(str(url.database)).is_absolute():
        folder = Path(app.instance_path)
        folder.mkdir(parents=True, exist_ok=True)
        url = url.set(database=str(folder / str(url.database)))
    return url.render_as_string(hide_password=False)


def _no_driver(key: str, url: URL) -> str:
    """Return the error that names the driver of a database URL and how to install it."""
    driver, backend = url.get_driver_name(), url.get_backend_name()
    missing = f"{key} needs the driver {driver}, which is not installed or can't be loaded"
    if backend not in _DRIVERS:
        return f"{missing}."
    ours, extra = _DRIVERS[backend]
    install = f"pip install 'flask-pocketping[{extra}]'"
    if driver == ours:
        return f"{missing}: {install}."
    return f"{missing}. Install it, or take {ours} with {install} and write {backend}+{ours}://…"


def _engine_of(flask_sqlalchemy: Any, app: Flask) -> Engine:
    with app_context(app):
        engine = flask_sqlalchemy.engine
    assert isinstance(engine, Engine)
    return engine


def _url_checker(config: Config) -> Callable[[str], None]:
    def check(url: str) -> None:
        try:
            check_url(url, allow_http=config.webhook_allow_http, allow_networks=config.webhook_allow_networks)
        except HTTPClientError as error:
            raise InvalidRequest.field("url", str(error)) from None

    return check
