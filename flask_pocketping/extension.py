"""`PocketPing`, the extension object, with everything that a host app calls."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, overload

from flask import Flask, current_app
from sqlalchemy import Engine, MetaData
from sqlalchemy.pool import SingletonThreadPool

from .bounds import PAGE_SIZE
from .chat import attachments, csat, messages, sessions, visitors
from .chat import stats as figures
from .config import Config
from .config_parsers import BRIDGES
from .errors import ConfigurationError, Forbidden
from .host.callables import check_async
from .migrations import include_name
from .models import DEFAULT_PROJECT, Base
from .values import (
    Attachment,
    Identity,
    KnowledgeChanges,
    KnowledgeDocument,
    Message,
    MessagePage,
    MessageType,
    Operator,
    Passage,
    Session,
    SessionPage,
    SessionStatus,
    Stats,
)

# `init_app` imports the parts of the chat, so that importing the package is cheap.
if TYPE_CHECKING:
    from .ai.providers.protocol import Provider
    from .ai.tools import Asks, Tool
    from .bridges.platform import Connection
    from .delivery.target import Target
    from .files.storage import Storage
    from .host.loaders import Loader
    from .state import State

_STORAGE_METHODS = ("write", "open", "delete")

F = TypeVar("F", bound="Loader")
C = TypeVar("C", bound=Callable[..., Any])


class PocketPing:
    """Live chat for a Flask app.

    .. code-block:: python

        app = Flask(__name__)
        pocketping = PocketPing(app)

    In a factory, use ``pocketping = PocketPing()`` and ``pocketping.init_app(app)``. The arguments are decisions of
    the code. Decisions of a deployment are settings in the app's config (`POCKETPING_…`).

    :param app: the app, unless you call `init_app` later.
    :param engine: the SQLAlchemy engine for the chat's tables.
    :param db: a Flask-SQLAlchemy object, to use its default engine.
    :param storage: a storage for files, instead of the one in `POCKETPING_UPLOADS`. `off` in this setting still
        disables files.
    :param targets: further targets of deliveries, each with a unique `name`.
    :param ai: a model of your own that answers visitors, with the methods of
        :class:`~flask_pocketping.ai.providers.protocol.Provider`, instead of the one in `POCKETPING_AI_PROVIDER`.
    :param bridges: bridges to platforms of your own, besides those of the settings. Each platform has a unique `name`.
    :raises ConfigurationError: if an argument is invalid, or both engine and db are given. With an app, also for the
        reasons of `init_app`.
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
        targets: Sequence[Target] = (),
        ai: Provider | None = None,
        bridges: Sequence[Connection] = (),
    ) -> None:
        from .host.loaders import Loaders

        if engine is not None and not isinstance(engine, Engine):
            raise ConfigurationError("PocketPing(engine=…) takes a SQLAlchemy engine.")
        if engine is not None and db is not None:
            raise ConfigurationError("PocketPing() takes engine= or db=, not both.")
        if engine is not None and isinstance(engine.pool, SingletonThreadPool):
            raise ConfigurationError(
                "PocketPing(engine=…) can't use a SQLite database in memory that is separate for each thread. "
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
        if ai is not None and not all(callable(getattr(ai, name, None)) for name in ("answer", "stream")):
            raise ConfigurationError("PocketPing(ai=…) takes an object with answer() and stream().")
        self._ai = ai
        self._ai_tools: list[Tool] = []
        self._bridges = _checked_bridges(bridges)
        self._targets = _checked_targets(targets, {bridge.platform.name for bridge in self._bridges})
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Check the settings and register the chat with an app. This opens no connection and starts no thread.

        :param app: an app without `PocketPing`.
        :raises ConfigurationError: if a setting is invalid. The message names the key and what is allowed.
        """
        from .builders import build_state
        from .cli import commands
        from .host.command_errors import errors_for_commands
        from .host.exemptions import leave_out_ours
        from .state import EXTENSION
        from .web.blueprint import NAME, build_blueprint
        from .web.lazy_rules import late_rules
        from .web.pages.widget_tag import pocketping_widget

        if EXTENSION in app.extensions:
            raise ConfigurationError("PocketPing is set up for this app already.")
        with errors_for_commands():
            state = build_state(
                app,
                Config.from_mapping(app.config, {} if app.testing else os.environ),
                engine=self._engine,
                flask_sqlalchemy=self._sqlalchemy,
                storage=self._storage,
                loaders=self._loaders,
                targets=self._targets,
                ai_provider=self._ai,
                ai_tools=self._ai_tools,
                bridges=self._bridges,
            )
        app.extensions[EXTENSION] = state
        with late_rules(app):
            app.register_blueprint(build_blueprint(state))
        leave_out_ours(app, NAME)
        app.cli.add_command(commands)
        # Do not replace a function of the host with this name.
        app.jinja_env.globals.setdefault("pocketping_widget", pocketping_widget)

    def close(self, app: Flask | None = None) -> None:
        """Close the sockets with 1012, finish the running deliveries and end the threads of an app.

        This waits for deliveries up to `POCKETPING_WEBHOOK_TIMEOUT`, or the longest `timeout` of your targets, plus 5
        seconds. Unfinished ones are repeated after their lease. You may call it again; the next request starts
        everything again.

        :param app: the app. Default: the current app.
        """
        from .state import state_of

        state_of(app or current_app).runtime.close()

    def upgrade(self, app: Flask | None = None) -> None:
        """Create the tables or upgrade them to this version, as `flask pocketping init-db` does.

        You may call it again, even from several processes at once. It is for apps that are deployed without Flask's
        commands.

        :param app: the app. Default: the current app.
        :raises SchemaTooNew: if a newer version has upgraded the tables.
        :raises SchemaOutdated: if something else has changed the tables, so that no revision can upgrade them.
        """
        from .state import state_of

        state_of(app or current_app).db.upgrade()

    def create_tables(self, app: Flask | None = None) -> None:
        """Create the tables in an empty database, for example in tests.

        If there are tables, this does the same as `upgrade`.

        :param app: the app. Default: the current app.
        :raises SchemaTooNew: as in `upgrade`.
        :raises SchemaOutdated: as in `upgrade`.
        """
        self.upgrade(app)

    # --- Loaders: register them before or after init_app, for all apps of this object. ---

    def identity_loader(self, function: F) -> F:
        """Register the function that returns the customer who is signed in. Use this as a decorator.

        Without it, the chat uses Flask-Login's `current_user`, if the app has it.

        :param function: called within requests, without arguments. It returns an `Identity` with a `customer_id`, a
            dict with `id` and other facts (`email`, `name`, …), or `None`.
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

    def bridge_command(self, name: str) -> Callable[[C], C]:
        """Register a command that operators can write in the threads of bridges: a decorator.

        .. code-block:: python

            @pocketping.bridge_command("refund")
            def refund(command):
                return f"Refunded by {command.operator_name}."

        :param name: its name without a slash: small letters, digits and `_`. It replaces one of the same name.
        :raises ConfigurationError: if the name is invalid.
        """
        from .bridges.commands import NAME as COMMAND_NAME

        if not COMMAND_NAME.fullmatch(name):
            raise ConfigurationError("The name of a command has 1 to 32 small letters, digits and _.")

        def register(function: C) -> C:
            check_async(function)
            self._loaders.commands[name] = function
            return function

        return register

    @overload
    def ai_tool(self, function: C) -> C: ...

    @overload
    def ai_tool(
        self, *, name: str | None = None, confirm: Asks | None = None, question: str | None = None
    ) -> Callable[[C], C]: ...

    @overload
    def ai_tool(
        self, function: C, *, name: str | None = None, confirm: Asks | None = None, question: str | None = None
    ) -> C: ...

    def ai_tool(
        self,
        function: C | None = None,
        *,
        name: str | None = None,
        confirm: Asks | None = None,
        question: str | None = None,
    ) -> Any:
        """Register a function that the AI may call: a decorator.

        .. code-block:: python

            @pocketping.ai_tool
            def order_status(number: int, customer: Identity) -> str:
                \"\"\"Tell where an order is.

                :param number: the number of the order.
                \"\"\"

        The model chooses the arguments, and they are checked by the annotations: `str`, `int`, `float`, `bool`, a
        `Literal` or `Enum` of texts, or a list of these. Parameters with the annotation `Identity` or `Session` come
        from the server, and the model does not see them. A function with an `Identity` is called only for customers
        whom the app vouches for, unless it takes `Identity | None`. It is called in the worker, in the app's context.

        :param function: the function, with a docstring that tells the model what it does.
        :param name: its name for the model. Default: that of the function.
        :param confirm: `visitor` or `operator` for a function with effects: it is called only after their yes.
        :param question: what to ask them, with parameters in braces, such as `Cancel order {number}?`.
        :raises ConfigurationError: if the function can't be a tool.
        """
        from .ai.answering import BUILT_IN
        from .ai.tools import make_tool

        def register(function: C) -> C:
            check_async(function)
            tool = make_tool(function, name=name, asks=confirm, question=question)
            if tool.name in {*BUILT_IN, *(known.name for known in self._ai_tools)}:
                raise ConfigurationError(f"There is an AI tool {tool.name} already.")
            self._ai_tools.append(tool)
            return function

        return register if function is None else register(function)

    def visitor_filter(self, function: F) -> F:
        """Say who may chat, beside what the settings shut out: a decorator.

        :param function: called within each request of a visitor's page, with the address (as `request.remote_addr` has
            it; empty where that is unknown) and the user agent; returns whether they may go on. What it raises, nobody
            gets past.
        """
        check_async(function)
        self._loaders.visitor_filter = function
        return function

    def identity_token(self, identity: Identity | Mapping[str, Any] | None = None) -> str | None:
        """Sign a customer's identity for a page of another origin, which the app's cookies do not reach.

        Anyone with the token can open the customer's conversation for `POCKETPING_IDENTITY_LIFETIME` seconds. Give it
        only to this customer's page, and do not let a cache store it.

        :param identity: an `Identity` with a `customer_id`, or a dict with an `id`. Default: the customer who is
            signed in, by `identity_loader` or Flask-Login.
        :return: the token for the widget's `identity`, or `None` if nobody is signed in.
        :raises TypeError: if the identity is invalid or too large for a token.
        """
        from .host.loaders import current_identity, given_identity

        state = current_state()
        found = current_identity(state.loaders) if identity is None else given_identity(identity)
        return None if found is None else state.identities.make(found)

    # --- The API for the host's own code. It needs an app context. ---

    def open_session(
        self,
        *,
        visitor_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        identity: Identity | None = None,
        project_id: str = DEFAULT_PROJECT,
    ) -> Session:
        """Open a conversation.

        :param visitor_id: the visitor. Default: a new id.
        :param metadata: facts about the visitor's page, with the keys of the API (`pageUrl`, …).
        :param identity: who the visitor is. Set `verified` if the app confirms it.
        :param project_id: the project.
        :return: the new session.
        """
        state = current_state()
        return state.urls.complete(
            sessions.open_session(
                state.db,
                project_id=project_id,
                visitor_id=visitor_id,
                metadata=metadata,
                identity=identity,
                ai_enabled=state.config.ai_enabled,
            )
        )

    def get_session(self, session_id: str) -> Session:
        """Return a conversation.

        :param session_id: its public id.
        :return: the session, with its newest message.
        :raises SessionNotFound: if it does not exist.
        """
        state = current_state()
        return state.urls.complete(sessions.get_session(state.db, session_id))

    def list_sessions(
        self,
        *,
        status: SessionStatus | str | None = None,
        unanswered: bool | None = None,
        started: bool | None = None,
        q: str | None = None,
        visitor_id: str | None = None,
        limit: int = PAGE_SIZE,
        cursor: str | None = None,
        project_id: str = DEFAULT_PROJECT,
    ) -> SessionPage:
        """Return a page of conversations, the newest activity first.

        :param status: `active` or `closed`.
        :param unanswered: true: only those whose last message is the visitor's; false: only the others.
        :param started: true: only those with messages; false: only those without.
        :param q: text to find in the visitor's name or email or in a message.
        :param visitor_id: only those of this visitor.
        :param limit: the most sessions of a page.
        :param cursor: `next_cursor` of the previous page.
        :param project_id: the project.
        :raises InvalidRequest: if the cursor is invalid.
        """
        state = current_state()
        return state.urls.complete(
            sessions.list_sessions(
                state.db,
                project_id,
                status=status,
                unanswered=unanswered,
                started=started,
                q=q,
                visitor_id=visitor_id,
                limit=limit,
                cursor=cursor,
            )
        )

    def close_session(self, session_id: str) -> Session:
        """Close a conversation. Closing it again changes nothing.

        :param session_id: its public id.
        :return: the changed session.
        :raises SessionNotFound: if it does not exist.
        """
        state = current_state()
        return state.urls.complete(sessions.close_session(state.db, session_id))

    def reopen_session(self, session_id: str) -> Session:
        """Reopen a closed conversation. An open one does not change.

        :param session_id: its public id.
        :return: the changed session.
        :raises SessionNotFound: if it does not exist.
        """
        state = current_state()
        return state.urls.complete(sessions.reopen_session(state.db, session_id))

    def send_message(
        self,
        session_id: str,
        content: str,
        *,
        type: MessageType | str = MessageType.OPERATOR,
        operator_id: str | None = None,
        operator_name: str | None = None,
        reply_to: str | None = None,
        attachment_ids: Sequence[str] = (),
        client_id: str | None = None,
    ) -> Message:
        """Send a message into a conversation. A visitor's message reopens a closed one.

        :param session_id: the public id of the conversation.
        :param content: 1 to 4000 characters; may be empty with attachments.
        :param type: operator, visitor, ai or system.
        :param operator_id: your id of the operator who wrote it, as `operator_loader` returns it. It is then this
            operator's own message in the inbox.
        :param operator_name: the name that the visitor sees.
        :param reply_to: the id of a message of the same conversation.
        :param attachment_ids: unused files that `add_attachment` stored for a message of this type.
        :param client_id: your own id for the message, unique in the conversation. A repeat sends nothing and returns
            the first message, so a task may run again.
        :return: the stored message.
        :raises SessionNotFound: if the conversation does not exist.
        :raises SessionClosed: if it is closed and the type is not visitor.
        :raises MessageRejected: if a receiver of `message_received` refuses it.
        :raises AttachmentNotFound: if a file does not exist.
        :raises InvalidRequest: if the content is invalid, `reply_to` is not in the conversation, or a file can't be
            used.
        """
        state = current_state()
        return state.urls.complete(
            messages.send_message(
                state.db,
                session_id,
                content,
                type=type,
                operator_id=operator_id,
                operator_name=operator_name,
                reply_to=reply_to,
                attachment_ids=attachment_ids,
                client_id=client_id,
                before=state.before_message,
            )
        )

    def list_messages(
        self,
        session_id: str,
        *,
        limit: int = PAGE_SIZE,
        after: str | int | None = None,
        before: str | int | None = None,
    ) -> MessagePage:
        """Return a page of messages, oldest first. Without `after` and `before`, this is the newest page.

        :param session_id: the public id of the conversation.
        :param limit: the most messages of a page.
        :param after: a message id or a seq: return the messages after it.
        :param before: a message id or a seq: return the newest messages before it.
        :raises SessionNotFound: if the conversation does not exist.
        :raises InvalidRequest: if `after` or `before` is no message of the conversation.
        """
        state = current_state()
        return state.urls.complete(
            messages.list_messages(state.db, session_id, limit=limit, after=after, before=before)
        )

    def edit_message(self, session_id: str, message_id: str, content: str) -> Message:
        """Change the text of a message.

        :param session_id: the public id of the conversation.
        :param message_id: the id of the message.
        :param content: 1 to 4000 characters.
        :return: the changed message.
        :raises SessionNotFound: if the conversation does not exist.
        :raises MessageNotFound: if the message does not exist in it or is deleted.
        :raises MessageRejected: if a receiver of `message_received` refuses it.
        :raises InvalidRequest: if the content is invalid.
        """
        state = current_state()
        edited = messages.edit_message(state.db, session_id, message_id, content, before=state.before_message)
        return state.urls.complete(edited)

    def delete_message(self, session_id: str, message_id: str) -> Message:
        """Delete a message. It keeps its position, without content. Deleting it again changes nothing.

        :param session_id: the public id of the conversation.
        :param message_id: the id of the message.
        :return: the changed message.
        :raises SessionNotFound: if the conversation does not exist.
        :raises MessageNotFound: if the message does not exist in it.
        """
        state = current_state()
        return state.urls.complete(messages.delete_message(state.db, session_id, message_id))

    def mark_read(self, session_id: str, message_ids: list[str] | None = None) -> int:
        """Mark the visitor's messages as read by an operator.

        :param session_id: the public id of the conversation.
        :param message_ids: only these messages. Default: all.
        :return: the number of messages that changed.
        :raises SessionNotFound: if the conversation does not exist.
        """
        return messages.mark_messages(
            current_state().db, session_id, reader=MessageType.OPERATOR, message_ids=message_ids
        )

    def identify(self, session_id: str, identity: Identity) -> Session:
        """Say who the visitor is. Fields that the identity omits keep their values.

        :param session_id: the public id of the conversation.
        :param identity: the identity. Set `verified` if the app confirms it. An unverified identity never replaces a
            verified one.
        :return: the changed session.
        :raises SessionNotFound: if the conversation does not exist.
        :raises InvalidRequest: if the identity is empty.
        """
        state = current_state()
        return state.urls.complete(visitors.identify(state.db, session_id, identity))

    def set_ai(self, session_id: str, enabled: bool) -> Session:
        """Allow or forbid AI replies in a conversation.

        :param session_id: the public id of the conversation.
        :param enabled: whether the AI may reply.
        :return: the changed session.
        :raises SessionNotFound: if the conversation does not exist.
        """
        state = current_state()
        return state.urls.complete(sessions.set_ai(state.db, session_id, enabled))

    def request_csat(self, session_id: str) -> Session:
        """Ask the visitor for a rating. A visitor who has rated is not asked again.

        :param session_id: the public id of the conversation.
        :return: the changed session.
        :raises SessionNotFound: if the conversation does not exist.
        """
        state = current_state()
        return state.urls.complete(csat.request(state.db, session_id))

    def stats(self, period: str = "7d", *, project_id: str = DEFAULT_PROJECT) -> Stats:
        """Return the statistics of the last days.

        :param period: `7d` or `30d`. The last day is today, in UTC.
        :param project_id: the project.
        :raises InvalidRequest: if the period is another one.
        """
        return figures.stats(current_state().db, period, project_id)

    def set_operator_online(
        self,
        online: bool = True,
        *,
        operator: Operator | Mapping[str, Any] | None = None,
        seconds: float | None = None,
        project_id: str = DEFAULT_PROJECT,
    ) -> None:
        """Let an operator count as online without a connection, for apps that answer by their own code.

        :param online: whether they are; `False` ends what an earlier call began, and no connection.
        :param operator: who it is, an `Operator` or a dict with `id` and `name`, as visitors are to see them. Nobody
            by name if unset. Each is set online for themselves.
        :param seconds: how long it holds, up to 30 days; until it is changed if unset.
        :param project_id: whose visitors are to see it.
        :raises TypeError: if the operator is none.
        :raises InvalidRequest: if the time does not fit.
        """
        from .chat import availability
        from .host.loaders import given_operator

        state = current_state()
        known = None if operator is None else given_operator(operator)
        whose = ("code", known.id if known else "")
        before, now = availability.set_online(state.db, project_id, whose, online, operator=known, seconds=seconds)
        state.announcer.attendance_changed(project_id, before, now)

    def send_event(self, session_id: str, name: str, data: Any = None) -> None:
        """Send a custom event to the visitor's page.

        :param session_id: the public id of the conversation.
        :param name: the name of the event.
        :param data: anything that JSON can represent.
        :raises SessionNotFound: if the conversation does not exist.
        """
        visitors.send_event(current_state().db, session_id, name, data)

    def add_attachment(
        self,
        session_id: str,
        filename: str,
        data: bytes | BinaryIO,
        *,
        type: MessageType | str = MessageType.OPERATOR,
    ) -> Attachment:
        """Store a file for a message. Pass its id to `send_message`.

        A file without a message is deleted after one day.

        :param session_id: the public id of the conversation.
        :param filename: the name of the file; folders are removed.
        :param data: its bytes, or a file that is open for reading bytes.
        :param type: the type of the message that will have it.
        :return: the stored file.
        :raises SessionNotFound: if the conversation does not exist.
        :raises PayloadTooLarge: if the file is larger than `POCKETPING_MAX_UPLOAD_SIZE`.
        :raises InvalidRequest: if the file is empty.
        :raises Forbidden: if `POCKETPING_UPLOADS` is off.
        """
        state = current_state()
        files = state.files
        if files is None:
            raise Forbidden("POCKETPING_UPLOADS is off.")
        stream = io.BytesIO(data) if isinstance(data, bytes) else data
        return state.urls.complete(files.add(session_id, filename, stream, by=attachments.side_of(type)))

    def handle_for(self, session_id: str) -> str:
        """Return the handle with which a browser opens a conversation. Give it only to this visitor.

        :param session_id: the public id of the conversation; this does not check whether it exists.
        :return: the `sessionId` of the visitor API, which is always the same for one session and secret.
        """
        return current_state().handles.sign(session_id)

    # --- The knowledge base ---

    def add_knowledge(
        self,
        key: str,
        title: str,
        text: str,
        *,
        url: str | None = None,
        format: str = "markdown",
        project_id: str = DEFAULT_PROJECT,
    ) -> bool:
        """Store a document in the knowledge base, in place of the one with the same key.

        This is a transaction of its own. A document that has not changed is not written again.

        :param key: your own name for it, such as `faq/42`; up to 255 characters.
        :param title: up to 500 characters. Empty: the title that is in the text, else the key.
        :param text: up to 500,000 characters.
        :param url: the page where visitors can read it: an http(s) address, or a path such as `/help/returns`.
        :param format: of the text: `markdown`, `html` or `text`.
        :param project_id: the project.
        :return: whether it is new or has changed.
        :raises InvalidRequest: if a value is invalid, or the project has 20,000 passages already.
        :raises ProjectNotFound: if the project does not exist.
        """
        return current_state().knowledge.add(project_id, KnowledgeDocument(key, title, text, url, format))

    def remove_knowledge(self, key: str, *, project_id: str = DEFAULT_PROJECT) -> bool:
        """Remove a document that `add_knowledge` or `sync_knowledge` stored.

        :param key: its name.
        :param project_id: the project.
        :return: whether it was there.
        :raises ProjectNotFound: if the project does not exist.
        """
        return current_state().knowledge.remove(project_id, key)

    def sync_knowledge(
        self,
        documents: Iterable[KnowledgeDocument | Mapping[str, Any]],
        *,
        project_id: str = DEFAULT_PROJECT,
    ) -> KnowledgeChanges:
        """Store these documents, and remove all others that the app's code has stored. The folder's stay.

        All are checked before the first is stored. Each one changes in one transaction, and not all in the same.

        :param documents: each a `KnowledgeDocument`, or a dict with `key`, `title`, `text` and perhaps `url` and
            `format`.
        :param project_id: the project.
        :return: how many were added, changed, removed and left as they are.
        :raises InvalidRequest: as in `add_knowledge`, or if two documents have the same key.
        :raises ProjectNotFound: if the project does not exist.
        :raises TypeError: if a dict has other keys.
        """
        given = [item if isinstance(item, KnowledgeDocument) else KnowledgeDocument(**item) for item in documents]
        return current_state().knowledge.sync(project_id, given)

    def search_knowledge(self, query: str, *, limit: int = 5, project_id: str = DEFAULT_PROJECT) -> list[Passage]:
        """Return the passages of the knowledge base that fit a question best, the best first.

        :param query: any text. Its first 32 words with a meaning count, and a passage needs only one of them.
        :param limit: the most passages, 1 to 20.
        :param project_id: the project.
        :return: nothing if no document has a word of the question.
        """
        return current_state().knowledge.search(project_id, query, limit)


def current_state() -> State:
    from . import state

    return state.current_state()


def _checked_bridges(bridges: Sequence[Connection]) -> list[Connection]:
    known = {"webhook", "ai", *BRIDGES}
    for bridge in bridges:
        name = getattr(getattr(bridge, "platform", None), "name", "")
        if not name or not hasattr(bridge, "inbound"):
            raise ConfigurationError("PocketPing(bridges=…) takes a list of Connection objects, each with a platform.")
        if not isinstance(name, str) or not re.fullmatch("[a-z][a-z0-9-]{0,19}", name):
            raise ConfigurationError(
                f"{type(bridge.platform).__name__}.name must have 1 to 20 lowercase letters, digits and hyphens."
            )
        if name in known:
            raise ConfigurationError(f"The name {name!r} of a bridge is taken. Names must be unique.")
        known.add(name)
    return list(bridges)


def _checked_targets(targets: Sequence[Target], bridges: Iterable[str] = ()) -> list[Target]:
    known = {"webhook", "ai", *BRIDGES, *bridges}
    for target in targets:
        name = getattr(target, "name", "")
        if isinstance(target, type) or not all(callable(getattr(target, it, None)) for it in ("follow", "send")):
            raise ConfigurationError("PocketPing(targets=…) takes a list of Target objects, with follow() and send().")
        if not isinstance(name, str) or not 1 <= len(name) <= 20:
            raise ConfigurationError(f"{type(target).__name__}.name must have 1 to 20 characters.")
        if name in known:
            raise ConfigurationError(f"Two targets have the name {name!r}. Names must be unique.")
        if target.batch_size > 1 and not target.strict_order:
            raise ConfigurationError(f"The target {name!r} has a batch_size, so it needs strict_order.")
        known.add(name)
    return list(targets)
