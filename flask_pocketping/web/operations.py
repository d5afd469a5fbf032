"""Declares the JSON routes: who may call each one, its input and output, and its entry in the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Literal, TypedDict, Unpack

from flask import Response, g
from marshmallow import Schema

from ..chat.idempotency import AlreadyAnswered, IdempotentRequest
from ..db import retried
from ..errors import Forbidden, SessionNotFound
from ..schemas.base import OutputSchema
from ..schemas.compact_json import to_json
from ..security.rate_limits import address_key
from ..state import State
from ..values import Operator
from .authentication import Client, authenticate
from .context import current_request
from .idempotency import find_replay, idempotent_request, require_replay
from .operation_limits import ADDRESS, Limit
from .parsing import load, parse_json, parse_object, read_body
from .responses import text_response

#: `key` is a program with an API key or an operator with a token. `program` is only the former.
Caller = Literal["key", "program", "visitor", "anyone"]

View = Callable[..., Any]

_ID = re.compile("[A-Za-z0-9_]+")


@dataclass(frozen=True)
class Call:
    """An accepted request, with its project, its input and its caller."""

    state: State
    project_id: str
    body: dict[str, Any]
    query: dict[str, Any]
    idempotency: IdempotentRequest | None = None
    #: The operator, if the caller is one with a token.
    operator: Operator | None = None
    #: The key for counting requests of an API key or operator, without the API key itself. Empty for other callers.
    counted: tuple[str, ...] = ()


class Options(TypedDict, total=False):
    """The options of a route. `Operation` describes them."""

    caller: Caller
    status: int
    response: type[Schema] | None
    body: type[Schema] | None
    query: type[Schema] | None
    body_optional: bool
    session: Literal["required", "optional"] | None
    limit: Limit | None
    creates: bool
    raw: bool
    any_type: bool


@dataclass(frozen=True)
class Operation:
    """One route.

    :ivar view: takes the call and the ids of the path. It returns the data for the response's schema, or the value of
        the field that this schema `holds`.
    """

    method: str
    path: str
    view: View
    caller: Caller = "key"
    status: int = 200
    response: type[Schema] | None = None
    body: type[Schema] | None = None
    query: type[Schema] | None = None
    #: Whether an empty body stands for `{}`.
    body_optional: bool = False
    #: Whether the view takes a `session_id`: the session of the handle `sessionId` in the body or query. If it is
    #: optional, an invalid handle gives `None`.
    session: Literal["required", "optional"] | None = None
    #: A limit that is counted for the session of the handle.
    limit: Limit | None = None
    #: Whether it creates something, so that it accepts an `Idempotency-Key`.
    creates: bool = False
    #: Whether the body is bytes instead of JSON. The view reads them as a stream.
    raw: bool = False
    #: Whether to ignore the Content-Type of the JSON, because beacons can't always set it.
    any_type: bool = False

    # The first request creates these, because together they take longer than the rest of an app's setup.

    @cached_property
    def response_schema(self) -> Schema | None:
        """The schema that writes the response."""
        return self.response() if self.response else None

    @cached_property
    def body_schema(self) -> Schema | None:
        """The schema that reads the body."""
        return self.body() if self.body else None

    @cached_property
    def query_schema(self) -> Schema | None:
        """The schema that reads the query."""
        return self.query() if self.query else None

    @property
    def name(self) -> str:
        return self.view.__name__

    def serve(self, state: State, **path: str) -> Response:
        """Serve one request."""
        client = self._authenticate(state)
        call = self._read(state, client)
        if (replay := find_replay(call.idempotency, state.db)) is not None:
            return replay
        arguments: dict[str, str | None] = {name: _possible_id(text) for name, text in path.items()}
        if self.session is not None:
            arguments["session_id"] = session_id = self._session_of(call)
            if self.limit is not None:
                self.limit.count(state, session_id)
        try:
            # A view that reads a stream can't be run again.
            result = self.view(call, **arguments) if self.raw else retried(lambda: self.view(call, **arguments))
        except AlreadyAnswered:
            return require_replay(call.idempotency, state.db)
        return result if isinstance(result, Response) else self._respond(state, result)

    def _authenticate(self, state: State) -> Client | None:
        if self.caller == "visitor":
            ADDRESS.count(state)
        if self.caller not in {"key", "program"}:
            return None
        client = authenticate(state)
        state.limiter.hit(state.config.rate_limit, *client.counted)
        # Kept for any response, including errors.
        g.pocketping_headers = state.limiter.headers(state.config.rate_limit, *client.counted)
        if self.caller == "program" and client.operator is not None:
            raise Forbidden("This needs an API key. An operator's token is not enough.")
        return client

    def _read(self, state: State, client: Client | None) -> Call:
        incoming = current_request()
        raw = read_body(incoming, state.config.max_body_size) if self.body_schema else b""
        if self.caller == "visitor":
            state.limiter.hit_bytes(state.config.visitor_daily_bytes, address_key(incoming.remote_addr), len(raw))
        body: dict[str, Any] = {}
        if self.body_schema:
            found = parse_json(raw) if self.any_type else parse_object(incoming, raw, optional=self.body_optional)
            body = load(self.body_schema, found)
        query = load(self.query_schema, incoming.args.to_dict()) if self.query_schema else {}
        project_id = client.project_id if client else state.default_project
        answer = partial(self._encode, state)
        idempotency = idempotent_request(incoming, raw, project_id, answer) if self.creates else None
        operator, counted = (client.operator, client.counted) if client else (None, ())
        return Call(state, project_id, body, query, idempotency, operator, counted)

    def _session_of(self, call: Call) -> str | None:
        handle = (call.body if self.body else call.query)["sessionId"]
        try:
            return call.state.handles.read(handle)
        except SessionNotFound:
            if self.session == "optional":
                return None
            raise

    def _respond(self, state: State, result: Any) -> Response:
        status, text = self._encode(state, result)
        return text_response(text, status) if status != 204 else Response(status=204)

    def _encode(self, state: State, result: Any) -> tuple[int, str]:
        """Return the status and the JSON for the result of a view."""
        if self.response_schema is None:
            return self.status, ""
        if isinstance(self.response_schema, OutputSchema):
            result = self.response_schema.wrap(result)
        return self.status, to_json(dict(self.response_schema.dump(state.urls.complete(result))))


@dataclass(frozen=True)
class Routes:
    """Collects the operations of a module."""

    caller: Caller
    operations: list[Operation] = field(default_factory=list)

    def __call__(self, rule: str, **options: Unpack[Options]) -> Callable[[View], View]:
        """Register a view.

        :param rule: method and path, as in `"GET /sessions"`.
        :param options: the options of `Operation`. The default caller is that of the module.
        """
        method, path = rule.split(" ")
        options.setdefault("caller", self.caller)

        def register(view: View) -> View:
            self.operations.append(Operation(method, path, view, **options))
            return view

        return register


def _possible_id(text: str) -> str:
    """Return a possible id, or an empty string. PostgreSQL rejects NUL, and MariaDB ignores trailing spaces."""
    return text if _ID.fullmatch(text) else ""
