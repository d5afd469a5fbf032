"""Helpers for the tests of a host app: a visitor, an operator, the signals that were sent, and deliveries.

They need no server: all requests go through Flask's test client, in the thread of the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from blinker import Signal
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from . import signals
from .chat.projects import create_key
from .db import own_engine
from .models import DEFAULT_PROJECT
from .state import State, state_of

__all__ = [
    "OperatorClient",
    "Refused",
    "SentSignal",
    "Visitor",
    "api",
    "deliver_all",
    "empty_database",
    "recorded_signals",
]


class Refused(AssertionError):
    """The server responded with 400 or above. A test that expects this can catch it.

    :ivar status: the status of the response.
    :ivar code: the error code, such as `INVALID_REQUEST`.
    :ivar message: the message for people, for example of a `MessageRejected`.
    :ivar response: the whole response.
    """

    def __init__(self, request: str, response: TestResponse) -> None:
        body = response.get_json(silent=True)
        found = body if isinstance(body, dict) else {}
        self.status = response.status_code
        self.code: str | None = found.get("code")
        self.message: str | None = found.get("message")
        self.response = response
        super().__init__(f"{request}: {self.status} {response.get_data(as_text=True)}")


class Visitor:
    """A visitor's page that uses the visitor API like the chat widget. It connects when you create it.

    .. code-block:: python

        visitor = Visitor(app)
        visitor.send("Is the blue one in stock?")
        assert visitor.messages()[-1]["content"] == "Is the blue one in stock?"

    :param client_or_app: the app, or a test client of it if its cookies matter.
    :param user_agent: the user agent. The chat stores nothing for known crawlers.
    :param address: the address of the requests, which limits count.
    :param fields: fields of the body of `/connect`: `visitorId`, `sessionId`, `metadata`, `identity`.
    :raises Refused: if a response is an error, here and in every method.
    """

    def __init__(
        self,
        client_or_app: FlaskClient | Flask,
        *,
        user_agent: str = "Mozilla/5.0 (flask_pocketping.testing)",
        address: str = "127.0.0.1",
        **fields: Any,
    ) -> None:
        self._client = client_or_app.test_client() if isinstance(client_or_app, Flask) else client_or_app
        self._state: State = state_of(self._client.application)
        self._headers = {"User-Agent": user_agent}
        self._environ = {"REMOTE_ADDR": address}
        #: The handle that opens this visitor's conversation, once connected.
        self.handle: str | None = None
        self.connect(**fields)

    @property
    def session_id(self) -> str:
        """The public id of the conversation, as in signals and in the extension's methods."""
        return self._state.handles.read(self.handle)

    def connect(self, **fields: Any) -> dict[str, Any]:
        """Connect as a page does when it loads, and continue the conversation if there is one.

        :param fields: further fields of the body.
        :return: the response: `sessionId` (the handle), `visitorId`, `messages` and others.
        """
        answer = self.request("POST", "/connect", {"sessionId": self.handle, "metadata": {}, **fields})
        self.handle = str(answer["sessionId"])
        return answer

    def send(self, content: str, **fields: Any) -> dict[str, Any]:
        """Send a message.

        :param content: 1 to 4000 characters.
        :param fields: further fields of the body: `clientId`, `replyTo`.
        :return: `messageId` and `timestamp`.
        """
        return self.request("POST", "/message", {"sessionId": self.handle, "content": content, **fields})

    def messages(self, **query: Any) -> list[dict[str, Any]]:
        """Return the messages that the page shows, oldest first.

        :param query: `after` (an ISO time, a message id or a seq) and `limit` (1 to 100).
        """
        found = self.request("GET", "/messages", query={"sessionId": self.handle, **query})
        return list(found["messages"])

    def request(
        self, method: str, path: str, body: Any = None, *, query: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Send any request of the visitor API.

        :param method: such as `POST`.
        :param path: below the prefix, such as `/message`.
        :param body: the JSON body, if any.
        :param query: the parameters of the query, if any.
        :return: the JSON of the response.
        """
        response = self._client.open(
            self._state.config.url_prefix + path,
            method=method,
            json=body,
            query_string=query,
            headers=self._headers,
            environ_overrides=self._environ,
        )
        if response.status_code >= 400:
            raise Refused(f"{method} {path}", response)
        return dict(response.get_json())


class OperatorClient:
    """An operator who reads and answers through the REST API.

    .. code-block:: python

        operator = OperatorClient(app)
        operator.reply(visitor.session_id, "It is in stock.")
        assert visitor.messages()[-1]["operatorName"] == "Ana"

    :param app: the app.
    :param name: shown to visitors.
    :raises Refused: if the answer is an error, in every method.
    """

    def __init__(self, app: Flask, name: str = "Ana") -> None:
        self._prefix = state_of(app).config.url_prefix
        self._client = api(app)
        self.name = name

    def sessions(self, **query: Any) -> list[dict[str, Any]]:
        """Return the newest conversations.

        :param query: `status`, `unanswered`, `q` and others.
        """
        return list(self.request("GET", "/sessions", query=query)["sessions"])

    def messages(self, session_id: str, **query: Any) -> list[dict[str, Any]]:
        """Return the newest messages of a conversation, oldest first.

        :param query: `limit`, `after` or `before`.
        """
        return list(self.request("GET", f"/sessions/{session_id}/messages", query=query)["messages"])

    def reply(self, session_id: str, content: str, **fields: Any) -> dict[str, Any]:
        """Reply to a visitor.

        :param content: 1 to 4000 characters.
        :param fields: further fields of the body, such as `replyTo`.
        :return: the message.
        """
        body = {"content": content, "operatorName": self.name, **fields}
        return dict(self.request("POST", f"/sessions/{session_id}/messages", body)["message"])

    def close(self, session_id: str) -> dict[str, Any]:
        """Close a conversation.

        :return: the session.
        """
        return dict(self.request("POST", f"/sessions/{session_id}/close")["session"])

    def request(
        self, method: str, path: str, body: Any = None, *, query: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Send any request of the REST API.

        :param method: such as `POST`.
        :param path: below the prefix, such as `/sessions`.
        :param body: the JSON body, if any.
        :param query: the parameters of the query, if any.
        :return: the JSON of the response; an empty object if there is none.
        """
        response = self._client.open(self._prefix + path, method=method, json=body, query_string=query)
        if response.status_code >= 400:
            raise Refused(f"{method} {path}", response)
        return dict(response.get_json(silent=True) or {})


class SentSignal(NamedTuple):
    """A signal that was sent: its name in `flask_pocketping.signals` and the keywords of its receivers."""

    name: str
    payload: dict[str, Any]


@contextmanager
def recorded_signals(app: Flask) -> Iterator[list[SentSignal]]:
    """Note the signals that an app sends within the block.

    .. code-block:: python

        with recorded_signals(app) as sent:
            Visitor(app).send("Hello")
        assert [signal.name for signal in sent] == ["session_created", "message_created"]

    `message_received` is not among them: it is sent before there is anything to tell of, and receivers of one
    signal are called in no set order.

    :return: a list that grows as signals are sent, from whatever thread.
    """
    sent: list[SentSignal] = []
    with ExitStack() as stack:
        for name, signal in vars(signals).items():
            if isinstance(signal, Signal) and signal is not signals.message_received:
                stack.enter_context(signal.connected_to(_recorder(name, sent), sender=app))
        yield sent


@contextmanager
def empty_database(app: Flask, folder: Path) -> Iterator[None]:
    """Give the chat an empty SQLite file within the block, with any database setting of the app.

    An engine that was passed to `PocketPing` (`engine=`, `db=`) stays, because the host's tests have chosen it. The
    chat's threads end with the block.

    :param app: the app.
    :param folder: the folder for the file.
    """
    state = state_of(app)
    with ExitStack() as stack:
        if not state.db.is_borrowed:
            engine = own_engine(f"sqlite:///{folder / 'pocketping.db'}")
            stack.callback(engine.dispose)
            # What runs on the app's own database must not go on with this one.
            state.runtime.close()
            stack.enter_context(state.db.using(engine))
            state.db.create_tables()
        stack.callback(state.runtime.close)
        yield


def deliver_all(app: Flask) -> int:
    """Make all due deliveries in this thread, with their signals.

    A failed delivery waits for its next attempt. Use `flask_pocketping.clock.set_clock` to make it due.

    :param app: an app with `POCKETPING_WORKER` set to `off`, so that no other thread makes the deliveries.
    :return: the number of attempts.
    :raises RuntimeError: if the app has a worker thread.
    """
    state = state_of(app)
    if state.config.worker != "off":
        raise RuntimeError('Set POCKETPING_WORKER to "off" in the app under test: its own thread delivers.')
    return state.runtime.deliver_due()


def api(app: Flask, project_id: str = DEFAULT_PROJECT) -> FlaskClient:
    """A test client of the back office, with an API key in each request.

    .. code-block:: python

        api(app).post(f"/pocketping/sessions/{visitor.session_id}/close")

    :param project_id: the project; with another than the default one, or where `POCKETPING_API_KEY` is not set,
        a key is made.
    :return: a client whose paths are those of the app, so with the prefix.
    :raises ProjectNotFound: if there is no such project.
    """
    state = state_of(app)
    key = state.config.api_key if project_id == state.default_project else None
    if key is None:
        key = create_key(state.db, "flask_pocketping.testing", project_id).key
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


def _recorder(name: str, sent: list[SentSignal]) -> Callable[..., None]:
    def record(sender: Flask, **payload: Any) -> None:
        sent.append(SentSignal(name, payload))

    return record
