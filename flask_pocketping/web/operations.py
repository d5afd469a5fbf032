"""How a route of JSON comes to be: who may call it, what goes in and out, and its line in the OpenAPI document."""

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
from ..schemas.base import AcceptedResponse, OutputSchema
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

#: `key` is a program with an API key or an operator with a token, `program` the former only.
Caller = Literal["key", "program", "visitor", "anyone"]

View = Callable[..., Any]

_ID = re.compile("[A-Za-z0-9_]+")


@dataclass(frozen=True)
class Call:
    """A request that was let in: whose it is, and what it brings."""

    state: State
    project_id: str
    body: dict[str, Any]
    query: dict[str, Any]
    idempotency: IdempotentRequest | None = None
    #: Who it is, if it is an operator with a token.
    operator: Operator | None = None
    #: What tells its key or operator from all others, without telling the key; empty if neither is asked for.
    counted: tuple[str, ...] = ()


class Options(TypedDict, total=False):
    """What a route declares of its operation, see `Operation`."""

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

    :ivar view: gets the call and the ids of the path. What it returns is what the response's schema writes, or the
        value of the field that this schema `holds`.
    """

    method: str
    path: str
    view: View
    caller: Caller = "key"
    status: int = 200
    response: type[Schema] | None = None
    body: type[Schema] | None = None
    query: type[Schema] | None = None
    #: Whether `{}` may be left out.
    body_optional: bool = False
    #: Whether the view gets, as `session_id`, the session that the handle `sessionId` of the body or query opens.
    #: Where it is optional, a handle that opens none stands for `None`.
    session: Literal["required", "optional"] | None = None
    #: Counted for the session of the handle.
    limit: Limit | None = None
    #: Whether it creates something and so takes an `Idempotency-Key`.
    creates: bool = False
    #: Whether the body is no JSON but bytes, which the view reads as they come.
    raw: bool = False
    #: Whether the type of the JSON is not looked at: beacons can't always set it.
    any_type: bool = False

    # Made by the first request: together they take longer than all else about an app.

    @cached_property
    def response_schema(self) -> Schema | None:
        """Writes the response."""
        return self.response() if self.response else None

    @cached_property
    def body_schema(self) -> Schema | None:
        """Reads the body."""
        return self.body() if self.body else None

    @cached_property
    def query_schema(self) -> Schema | None:
        """Reads the query."""
        return self.query() if self.query else None

    @property
    def name(self) -> str:
        return self.view.__name__

    def serve(self, state: State, **path: str) -> Response:
        """Answer one request."""
        client = self._let_in(state)
        call = self._read(state, client)
        if (replay := find_replay(call.idempotency, state.db)) is not None:
            return replay
        arguments: dict[str, str | None] = {name: _possible_id(text) for name, text in path.items()}
        if self.session is not None:
            arguments["session_id"] = session_id = self._session_of(call)
            if self.limit is not None:
                self.limit.count(state, session_id)
        try:
            # What was read of a stream could not be read again.
            result = self.view(call, **arguments) if self.raw else retried(lambda: self.view(call, **arguments))
        except AlreadyAnswered:
            return require_replay(call.idempotency, state.db)
        return result if isinstance(result, Response) else self._respond(state, result)

    def _let_in(self, state: State) -> Client | None:
        if self.caller == "visitor":
            ADDRESS.count(state)
        if self.caller not in {"key", "program"}:
            return None
        client = authenticate(state)
        state.limiter.hit(state.config.rate_limit, *client.counted)
        # Kept for the answer, whatever it will be.
        g.pocketping_headers = state.limiter.headers(state.config.rate_limit, *client.counted)
        if self.caller == "program" and client.operator is not None:
            raise Forbidden("An operator's token does not open this: it takes an API key.")
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
        """The status and the JSON of what the view returned, or of what was created for it."""
        if self.response_schema is None:
            return self.status, ""
        if isinstance(self.response_schema, OutputSchema) and self.response_schema.holds is not None:
            result = {self.response_schema.holds: result}
        elif self.response is AcceptedResponse:
            result = {"ok": True}
        return self.status, to_json(dict(self.response_schema.dump(state.urls.complete(result))))


@dataclass(frozen=True)
class Routes:
    """Collects the operations of a module."""

    caller: Caller
    operations: list[Operation] = field(default_factory=list)

    def __call__(self, rule: str, **options: Unpack[Options]) -> Callable[[View], View]:
        """Register a view.

        :param rule: method and path, as in `"GET /sessions"`.
        :param options: those of `Operation`. The caller is that of the module if none is given.
        """
        method, path = rule.split(" ")
        options.setdefault("caller", self.caller)

        def register(view: View) -> View:
            self.operations.append(Operation(method, path, view, **options))
            return view

        return register


def _possible_id(text: str) -> str:
    """An id from a path, or nothing: PostgreSQL takes no NUL, and MariaDB overlooks spaces at the end."""
    return text if _ID.fullmatch(text) else ""
