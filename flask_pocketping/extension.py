"""`PocketPing`: the one place that builds and wires the long-lived parts of an app, and the host's own calls."""

from __future__ import annotations

import hashlib
import hmac
import io
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from flask import Flask, current_app
from sqlalchemy import Engine, MetaData
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import SingletonThreadPool

from . import signals
from .callables import check_async
from .chat import attachments, csat, messages, sessions, visitors
from .chat import stats as figures
from .chat.projects import hash_key
from .config import Config
from .db import Database, own_engine
from .errors import ConfigurationError, Forbidden, InvalidRequest
from .folders import default_folder
from .migrations import include_name
from .models import DEFAULT_PROJECT, Base
from .values import Attachment, Identity, Message, MessageDraft, MessagePage, MessageType, Session, SessionPage, Stats

# What the chat is made of is imported when it is made, so that to import the package costs a host little.
if TYPE_CHECKING:
    from .files.storage import Storage
    from .realtime.bus import Bus
    from .web.hosts import Loader
    from .web.state import State

#: The driver of each kind of database that an extra of ours installs, and that extra.
_DRIVERS = {"postgresql": ("psycopg", "postgresql"), "mysql": ("pymysql", "mysql"), "mariadb": ("pymysql", "mysql")}

_STORAGE_METHODS = ("write", "open", "delete")

logger = logging.getLogger("flask_pocketping")

F = TypeVar("F", bound="Loader")


class PocketPing:
    """Live chat for a Flask app.

    .. code-block:: python

        app = Flask(__name__)
        pocketping = PocketPing(app)

    or, in a factory, ``pocketping = PocketPing()`` and ``pocketping.init_app(app)``. What a deployment changes is
    read from the app's config (`POCKETPING_…`); what code decides is given here.

    :param app: the app, unless `init_app` is called later.
    :param engine: a SQLAlchemy engine that has, or is to have, the tables.
    :param db: a Flask-SQLAlchemy object whose default engine is used instead.
    :param storage: where files are kept, instead of what `POCKETPING_UPLOADS` says; that can still switch them off.
    :raises ConfigurationError: if both engine and db are given, or one of these is something else; with an app, also
        as `init_app`.
    """

    #: The tables' metadata, for a host app whose own Alembic environment manages them.
    metadata: MetaData = Base.metadata

    #: An `include_name` hook of Alembic by which the host app's own migrations leave the tables alone.
    include_name = staticmethod(include_name)

    def __init__(
        self,
        app: Flask | None = None,
        *,
        engine: Engine | None = None,
        db: Any = None,
        storage: Storage | None = None,
    ) -> None:
        from .web.hosts import Loaders

        if engine is not None and not isinstance(engine, Engine):
            raise ConfigurationError("PocketPing(engine=…) takes a SQLAlchemy engine.")
        if engine is not None and db is not None:
            raise ConfigurationError("PocketPing() takes engine= or db=, not both.")
        if engine is not None and isinstance(engine.pool, SingletonThreadPool):
            raise ConfigurationError(
                "PocketPing(engine=…) can't use a SQLite database in memory of which each thread has one of its own. "
                "Use a file, or one connection for all: create_engine('sqlite://', poolclass=StaticPool, "
                "connect_args={'check_same_thread': False})."
            )
        if db is not None and not hasattr(type(db), "engine"):
            raise ConfigurationError("PocketPing(db=…) takes a Flask-SQLAlchemy object.")
        self._engine = engine
        if storage is not None and not all(callable(getattr(storage, name, None)) for name in _STORAGE_METHODS):
            raise ConfigurationError("PocketPing(storage=…) takes an object with write(), open() and delete().")
        self._sqlalchemy = db
        self._loaders = Loaders()
        self._storage = storage
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Check the settings and register with an app. Opens no connection and starts no thread.

        :param app: one that this, or another `PocketPing`, is not set up for yet.
        :raises ConfigurationError: naming the key that is wrong and what it should be.
        """
        from .cli import commands
        from .delivery.http import GuardedClient
        from .files.store import Files
        from .neighbours import leave_out_ours
        from .realtime.hub import Hub
        from .realtime.sockets import Sockets
        from .runtime import Runtime, Upkeep
        from .servers import open_files_limit
        from .web.blueprint import build_blueprint
        from .web.frames import Frames
        from .web.guesses import Guesses
        from .web.handles import Handles
        from .web.late_rules import late_rules
        from .web.limiter import Limiter
        from .web.state import EXTENSION, State
        from .web.tokens import Identities, OperatorTokens
        from .web.widget_tag import pocketping_widget

        if EXTENSION in app.extensions:
            raise ConfigurationError("PocketPing is set up for this app already.")
        config = Config.from_mapping(app.config)
        if config.cors_origins and not config.public_url:
            logger.warning(
                "POCKETPING_CORS_ORIGINS is set but POCKETPING_PUBLIC_URL is not: pages of other origins get addresses "
                "of files that lead to their own server. Set POCKETPING_PUBLIC_URL to this app's address."
            )
        secrets = _secrets(app, config)
        handles = Handles(secrets)
        database = self._database(app, config)
        database.files_url = f"{config.public_url or _mounted_at(app)}{config.url_prefix}/files"
        bus = _bus(config, secrets)
        sockets = Sockets(config.process_socket_limit or open_files_limit() * 3 // 4)
        hub = Hub(database, bus, poll=config.poll_interval, tick=Upkeep(database, sockets))
        client = GuardedClient(
            allow_http=config.webhook_allow_http,
            allow_networks=config.webhook_allow_networks,
            timeout=config.webhook_timeout,
        )
        storage = self._storage_of(app, config)
        files = Files(database, storage, config.max_upload_size) if storage is not None else None
        limiter = Limiter(config.redis_url, _name_in_redis(secrets))
        runtime = Runtime(app, config, database, hub, bus, sockets, client, files)
        state = State(
            config=config,
            db=database,
            hub=hub,
            bus=bus,
            limiter=limiter,
            guesses=Guesses(limiter, config.failed_key_limit),
            handles=handles,
            frames=Frames(handles),
            default_project=DEFAULT_PROJECT,
            api_key_hash=hash_key(config.api_key) if config.api_key else None,
            before_message=_MessageReceived(app),
            check_url=_url_checker(config),
            ensure_running=runtime.ensure_running,
            wake_worker=runtime.wake_worker,
            close=runtime.close,
            work=runtime.work,
            deliver_due=runtime.deliver_due,
            sockets=sockets,
            identities=Identities(secrets, config.identity_lifetime),
            operator_tokens=OperatorTokens(secrets, config.operator_token_lifetime),
            loaders=self._loaders,
            files=files,
        )
        bus.on_message = state.hear
        runtime.on_operators_vanished = state.operators_vanished
        app.extensions[EXTENSION] = state
        with late_rules(app):
            app.register_blueprint(build_blueprint(state))
        leave_out_ours(app)
        app.cli.add_command(commands)
        # One of the host's own of that name stays.
        app.jinja_env.globals.setdefault("pocketping_widget", pocketping_widget)

    def close(self, app: Flask | None = None) -> None:
        """End what runs beside the requests: sockets get 1012, deliveries under way are finished.

        Waits for deliveries up to `POCKETPING_WEBHOOK_TIMEOUT` and 5 seconds; what takes longer is made again when its
        lease ends. Safe to call again; the next request starts all anew.

        :param app: the app; the current one if unset.
        """
        from .web.state import state_of

        state_of(app or current_app).close()

    def upgrade(self, app: Flask | None = None) -> None:
        """Bring the tables to this version: create them, or upgrade those that are there, as `init-db` does.

        Safe to call again, and by several processes at once. For apps that are deployed without Flask's commands.

        :param app: the app; the current one if unset.
        :raises SchemaTooNew: if a newer version has upgraded the tables.
        :raises SchemaOutdated: if the tables lack something that no revision adds, so were changed by something else.
        """
        from .web.state import state_of

        state_of(app or current_app).db.upgrade()

    def create_tables(self, app: Flask | None = None) -> None:
        """Create the tables in an empty database, as a test of the host app or a first start wants them.

        Where there are tables it does what `upgrade` does.

        :param app: the app; the current one if unset.
        :raises SchemaTooNew: as `upgrade`.
        :raises SchemaOutdated: as `upgrade`.
        """
        self.upgrade(app)

    # --- What the host tells of its people; before or after init_app, for all apps of this object. ---

    def identity_loader(self, function: F) -> F:
        """Say which customer is signed in: a decorator.

        Without one, Flask-Login's `current_user` is asked where the app has that.

        :param function: called within requests, without arguments; returns an `Identity` with a `customer_id`, a dict
            with `id` and what else is known (`email`, `name`, …), or `None`.
        """
        check_async(function)
        self._loaders.identity = function
        return function

    def operator_loader(self, function: F) -> F:
        """Say which operator is behind a request: a decorator. Without one there is no inbox.

        :param function: called within requests, without arguments; returns an `Operator`, a dict with `id`, `name` and
            perhaps `avatar`, a response such as a redirect to where one signs in, or `None` for those who may not.
        """
        check_async(function)
        self._loaders.operator = function
        return function

    def context(self, function: F) -> F:
        """Say what the app knows of a visitor, shown beside the conversation in the inbox: a decorator.

        :param function: called with the `Session`; returns a mapping of labels to values, each text, a number, a
            truth value, `None`, or a pair of a text and the address that it leads to.
        """
        check_async(function)
        self._loaders.context = function
        return function

    def identity_token(self, identity: Identity | Mapping[str, Any] | None = None) -> str | None:
        """Sign who a customer is, for a page that the app's cookies can't tell it: one of another origin.

        Whoever has the token gets that customer's conversation, for `POCKETPING_IDENTITY_LIFETIME` seconds. Hand it
        only to that customer's own page, and let no cache keep it.

        :param identity: an `Identity` with a `customer_id`, or a dict with an `id`; who is signed in in this request
            if unset, as `identity_loader` or Flask-Login says.
        :return: the token, for the widget's `identity`, or `None` where nobody is signed in.
        :raises TypeError: if the identity is none, or says more than a token can carry.
        """
        from .web.hosts import current_identity, given_identity

        state = current_state()
        found = current_identity(state.loaders) if identity is None else given_identity(identity)
        return None if found is None else state.identities.make(found)

    # --- The API for the host's own code; an app context is enough. ---

    def open_session(
        self,
        *,
        visitor_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        identity: Identity | None = None,
        project_id: str = DEFAULT_PROJECT,
    ) -> Session:
        """Open a conversation.

        :param visitor_id: who it is with; a new id if unset.
        :param metadata: what is known of the visitor's page, with the wire's keys (`pageUrl`, …).
        :param identity: who the visitor is; set `verified` where the app vouches for it.
        :param project_id: the project that it belongs to.
        :return: the new session.
        """
        state = current_state()
        return sessions.open_session(
            state.db,
            project_id=project_id,
            visitor_id=visitor_id,
            metadata=metadata,
            identity=identity,
            ai_enabled=state.config.ai_enabled,
        )

    def get_session(self, session_id: str) -> Session:
        """Find a conversation.

        :param session_id: its public id.
        :return: the session, with its newest message.
        :raises SessionNotFound: if there is none such.
        """
        return sessions.get_session(current_state().db, session_id)

    def list_sessions(
        self,
        *,
        status: str | None = None,
        unanswered: bool | None = None,
        started: bool | None = None,
        q: str | None = None,
        visitor_id: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        project_id: str = DEFAULT_PROJECT,
    ) -> SessionPage:
        """A page of conversations, newest activity first.

        :param status: only `active` or only `closed` ones.
        :param unanswered: only those whose last word is the visitor's (or only the others).
        :param started: only those in which something was said (or only the others).
        :param q: text to find in the visitor's name or email or in a message.
        :param visitor_id: only this visitor's.
        :param limit: how many at the most.
        :param cursor: `next_cursor` of the page before.
        :param project_id: the project to look in.
        :raises InvalidRequest: if the cursor is none that `list_sessions` gave.
        """
        return sessions.list_sessions(
            current_state().db,
            project_id,
            status=status,
            unanswered=unanswered,
            started=started,
            q=q,
            visitor_id=visitor_id,
            limit=limit,
            cursor=cursor,
        )

    def close_session(self, session_id: str) -> Session:
        """Close a conversation; closing it again changes nothing.

        :param session_id: its public id.
        :return: the session as it is now.
        :raises SessionNotFound: if there is no such session.
        """
        return sessions.close_session(current_state().db, session_id)

    def reopen_session(self, session_id: str) -> Session:
        """Open a closed conversation again; an open one stays as it is.

        :param session_id: its public id.
        :return: the session as it is now.
        :raises SessionNotFound: if there is no such session.
        """
        return sessions.reopen_session(current_state().db, session_id)

    def send_message(
        self,
        session_id: str,
        content: str,
        *,
        type: MessageType = "operator",
        operator_name: str | None = None,
        reply_to: str | None = None,
        attachment_ids: Sequence[str] = (),
        client_id: str | None = None,
    ) -> Message:
        """Send a message into a conversation. A visitor's message reopens a closed one.

        :param session_id: the public id of the conversation.
        :param content: 1 to 4000 characters; may be empty where there are attachments.
        :param type: who speaks: operator, visitor, ai or system.
        :param operator_name: shown to the visitor.
        :param reply_to: the id of a message of the same session.
        :param attachment_ids: files that `add_attachment` kept for a message of this type, and that none has yet.
        :param client_id: the caller's own name for it, unique in the session: a repeat sends nothing more and
            returns the first message, so a task may be tried again.
        :return: the message as it was stored.
        :raises SessionNotFound: if there is no such session.
        :raises SessionClosed: if it is closed and the type is not visitor.
        :raises MessageRejected: if a receiver of `message_received` refuses it.
        :raises AttachmentNotFound: if there is no such file.
        :raises InvalidRequest: if the content does not fit, `reply_to` is no message of the session, or a file is not
            one of those.
        """
        state = current_state()
        return messages.send_message(
            state.db,
            session_id,
            content,
            type=type,
            operator_name=operator_name,
            reply_to=reply_to,
            attachment_ids=attachment_ids,
            client_id=client_id,
            before=state.before_message,
        )

    def list_messages(
        self,
        session_id: str,
        *,
        limit: int = 50,
        after: str | int | None = None,
        before: str | int | None = None,
    ) -> MessagePage:
        """A page of a conversation, oldest first; without `after` and `before` the newest one.

        :param session_id: the public id of the conversation.
        :param limit: how many at the most.
        :param after: a message id or a seq: those that follow it.
        :param before: likewise: the newest of those that precede it.
        :raises SessionNotFound: if there is no such session.
        :raises InvalidRequest: if `after` or `before` is the id of no message of the session.
        """
        return messages.list_messages(current_state().db, session_id, limit=limit, after=after, before=before)

    def edit_message(self, session_id: str, message_id: str, content: str) -> Message:
        """Change the text of a message.

        :param session_id: the public id of the conversation.
        :param message_id: the message.
        :param content: 1 to 4000 characters.
        :return: the message as it is now.
        :raises SessionNotFound: if there is no such session.
        :raises MessageNotFound: if there is no such message in it, or it is deleted.
        :raises MessageRejected: if a receiver of `message_received` refuses it.
        :raises InvalidRequest: if the content does not fit.
        """
        state = current_state()
        return messages.edit_message(state.db, session_id, message_id, content, before=state.before_message)

    def delete_message(self, session_id: str, message_id: str) -> Message:
        """Empty a message; it keeps its place. Deleting it again changes nothing.

        :param session_id: the public id of the conversation.
        :param message_id: the message.
        :return: the message as it is now.
        :raises SessionNotFound: if there is no such session.
        :raises MessageNotFound: if there is no such message in it.
        """
        return messages.delete_message(current_state().db, session_id, message_id)

    def mark_read(self, session_id: str, message_ids: list[str] | None = None) -> int:
        """Mark the visitor's messages as read by an operator.

        :param session_id: the public id of the conversation.
        :param message_ids: only these; all if unset.
        :return: for how many that was new.
        :raises SessionNotFound: if there is no such session.
        """
        return messages.mark_messages(current_state().db, session_id, reader="operator", message_ids=message_ids)

    def identify(self, session_id: str, identity: Identity) -> Session:
        """Say who the visitor is. Fields that are left open keep their value.

        :param session_id: the public id of the conversation.
        :param identity: with `verified` set where the app vouches for it; one that is not verified never replaces one
            that is.
        :return: the session as it is now.
        :raises SessionNotFound: if there is no such session.
        :raises InvalidRequest: if the identity says nothing.
        """
        return visitors.identify(current_state().db, session_id, identity)

    def set_ai(self, session_id: str, enabled: bool) -> Session:
        """Let the AI answer in a conversation, or not.

        :param session_id: the public id of the conversation.
        :param enabled: whether it may.
        :return: the session as it is now.
        :raises SessionNotFound: if there is no such session.
        """
        return sessions.set_ai(current_state().db, session_id, enabled)

    def request_csat(self, session_id: str) -> Session:
        """Ask the visitor for a rating. One who has given theirs is not asked again.

        :param session_id: the public id of the conversation.
        :return: the session as it is now.
        :raises SessionNotFound: if there is no such session.
        """
        return csat.request(current_state().db, session_id)

    def stats(self, period: str = "7d", *, project_id: str = DEFAULT_PROJECT) -> Stats:
        """The figures of the last days: how many conversations visitors began, and what became of them.

        :param period: `7d` or `30d`; today, in UTC, is the last of these days.
        :param project_id: the project to look at.
        :raises InvalidRequest: if it is another period.
        """
        return figures.stats(current_state().db, period, project_id)

    def send_event(self, session_id: str, name: str, data: Any = None) -> None:
        """Send a custom event to the visitor's page.

        :param session_id: the public id of the conversation.
        :param name: what the page knows the event by.
        :param data: anything that JSON can hold.
        :raises SessionNotFound: if there is no such session.
        """
        visitors.send_event(current_state().db, session_id, name, data)

    def add_attachment(
        self,
        session_id: str,
        filename: str,
        data: bytes | BinaryIO,
        *,
        type: MessageType = "operator",
    ) -> Attachment:
        """Keep a file for a message of a conversation; `send_message` takes its id.

        What became part of no message within a day is removed.

        :param session_id: the public id of the conversation.
        :param filename: what it is called; folders are left out.
        :param data: its bytes, or a file that is open for reading them.
        :param type: of the message that it is for.
        :return: what is known of it now.
        :raises SessionNotFound: if there is no such session.
        :raises PayloadTooLarge: if it is larger than `POCKETPING_MAX_UPLOAD_SIZE`.
        :raises InvalidRequest: if it is empty.
        :raises Forbidden: if `POCKETPING_UPLOADS` is off.
        """
        files = current_state().files
        if files is None:
            raise Forbidden("POCKETPING_UPLOADS is off.")
        stream = io.BytesIO(data) if isinstance(data, bytes) else data
        return files.add(session_id, filename, stream, by=attachments.side_of(type))

    def handle_for(self, session_id: str) -> str:
        """The handle by which a browser may read and write a conversation. Give it to that visitor only.

        :param session_id: the public id of the conversation; whether there is one is not looked up.
        :return: what the visitor's wire calls `sessionId`; always the same for one session and secret.
        """
        return current_state().handles.sign(session_id)

    def _database(self, app: Flask, config: Config) -> Database:
        if self._engine is not None:
            engine = self._engine
            return Database(lambda: engine, borrowed=True)
        if self._sqlalchemy is not None:
            return Database(lambda: _engine_of(self._sqlalchemy, app), borrowed=True)
        uri = config.database_uri or app.config.get("SQLALCHEMY_DATABASE_URI")
        if uri:
            key = "POCKETPING_DATABASE_URI" if config.database_uri else "SQLALCHEMY_DATABASE_URI"
            address = _resolved(app, uri, key)
            upgrades_itself = _is_own_sqlite(address, configured=bool(config.database_uri))
            return Database(lambda: own_engine(address), upgrades_itself=upgrades_itself)
        return Database(lambda: own_engine(_embedded(app)), upgrades_itself=True)

    def _storage_of(self, app: Flask, config: Config) -> Storage | None:
        from .files.storage import FolderStorage

        if config.uploads == "off":
            return None
        if self._storage is not None:
            return self._storage
        if config.uploads and config.uploads.startswith("s3://"):
            from .files.s3 import S3Storage

            bucket, _, prefix = config.uploads.removeprefix("s3://").partition("/")
            return S3Storage(bucket, prefix.strip("/"), config.s3_endpoint)
        if config.uploads:
            folder = Path(app.instance_path) / config.uploads
        else:
            folder = default_folder(app) / "pocketping-uploads"
        if folder.exists() and not (folder.is_dir() and os.access(folder, os.W_OK)):
            raise ConfigurationError(f"POCKETPING_UPLOADS must be a folder that the app may write to, not {folder}.")
        return FolderStorage(folder)


class _MessageReceived:
    """Sends `message_received`: the receivers in turn, and what one raises reaches the sender."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __bool__(self) -> bool:
        return signals.message_received.has_receivers_for(self._app)

    def __call__(self, draft: MessageDraft) -> None:
        from .dispatch import send_message_received

        send_message_received(self._app, draft=draft)


def current_state() -> State:
    from .web import state

    return state.current_state()


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
    # Flask lists the old keys newest first; itsdangerous wants the newest last.
    keys = [*reversed(fallbacks), app.secret_key]
    return [key.encode() if isinstance(key, str) else key for key in keys]


def _mounted_at(app: Flask) -> str:
    """The path below which the server has the app, as Flask wants to be told of it."""
    return str(app.config["APPLICATION_ROOT"]).rstrip("/")


def _bus(config: Config, secrets: list[bytes]) -> Bus:
    from .realtime.bus import Bus, RedisBus

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
    """Apps that share a Redis must neither hear nor count each other; the processes of one app share its secret."""
    return "pocketping:" + hmac.new(secrets[-1], b"flask-pocketping.bus", hashlib.sha256).hexdigest()[:32]


def _is_own_sqlite(uri: str, *, configured: bool) -> bool:
    """Whether a database is SQLite and nobody's but the chat's: its URL was given for the chat, or it is in memory."""
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
    """Say which driver a database URL needs, and how to install one."""
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
    from .dispatch import app_context

    with app_context(app):
        engine = flask_sqlalchemy.engine
    assert isinstance(engine, Engine)
    return engine


def _url_checker(config: Config) -> Any:
    from .delivery.http import HTTPClientError, check_url

    def check(url: str) -> None:
        try:
            check_url(url, allow_http=config.webhook_allow_http, allow_networks=config.webhook_allow_networks)
        except HTTPClientError as error:
            raise InvalidRequest.field("url", str(error)) from None

    return check
