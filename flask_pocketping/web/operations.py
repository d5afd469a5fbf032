"""How a route of JSON comes to be: who may call it, what goes in and out, and its line in the OpenAPI document."""

from __future__ import annotations

import hashlib
import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, Literal

from flask import Request, Response, g, request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.local import LocalProxy

from ..bounds import MAX_IDEMPOTENCY_KEY
from ..chat.idempotency import AlreadyAnswered, IdempotentRequest
from ..db import retried
from ..errors import Forbidden, IdempotencyConflict, InvalidJSON, InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from ..schemas.compact_json import to_json
from ..schemas.public_urls import PublicURLs
from ..security.rate_limits import address_key
from ..state import State
from ..values import Operator
from .authentication import Client, authenticate
from .context import current_request
from .responses import text_response

#: `key` is a program with an API key or an operator with a token, `program` the former only.
Caller = Literal["key", "program", "visitor", "anyone"]

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


@dataclass(frozen=True)
class Operation:
    """One route."""

    method: str
    path: str
    view: Callable[..., Any]
    caller: Caller
    status: int
    response: type[Schema] | None
    body: type[Schema] | None = None
    query: type[Schema] | None = None
    #: Whether `{}` may be left out.
    body_optional: bool = False
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

    def encode(self, result: Any, urls: PublicURLs) -> str:
        """The JSON of what the view returned."""
        return to_json(dict(self.response_schema.dump(urls.complete(result)))) if self.response_schema else ""

    def serve(self, state: State, **path: str) -> Response:
        """Answer one request."""
        client = self._let_in(state) if self.caller in {"key", "program"} else None
        project_id = client.project_id if client else state.default_project
        asked = current_request()
        address = address_key(asked.remote_addr) if self.caller == "visitor" else None
        if address is not None:
            state.limiter.hit(state.config.visitor_address_limit, "address", address)
        raw = read_body(state, asked) if self.body_schema else b""
        if address is not None:
            state.limiter.hit_bytes(state.config.visitor_daily_bytes, address, len(raw))
        body = load(self.body_schema, self._parse(asked, raw)) if self.body_schema else {}
        query = load(self.query_schema, asked.args.to_dict()) if self.query_schema else {}
        idempotency = self._idempotent_request(state, project_id, raw) if self.creates else None
        operator, counted = (client.operator, client.counted) if client else (None, ())
        call = Call(state, project_id, body, query, idempotency, operator, counted)
        if idempotency and (kept := idempotency.kept(state.db)):
            return _replay(kept)
        try:
            ids = {name: _possible_id(text) for name, text in path.items()}
            # What was read of a stream could not be read again.
            result = self.view(call, **ids) if self.raw else retried(lambda: self.view(call, **ids))
        except AlreadyAnswered:
            assert idempotency is not None
            if (kept := idempotency.kept(state.db)) is None:
                raise IdempotencyConflict("A request with this Idempotency-Key is under way.") from None
            return _replay(kept)
        if isinstance(result, Response):
            return result
        if self.status == 204:
            return Response(status=204)
        return text_response(self.encode(result, state.urls), self.status)

    def _parse(self, asked: Request, raw: bytes) -> dict[str, Any]:
        return parse_json(raw) if self.any_type else parse_object(asked, raw, self.body_optional)

    def _let_in(self, state: State) -> Client:
        client = authenticate(state)
        state.limiter.hit(state.config.rate_limit, *client.counted)
        # Kept for the answer, whatever it will be.
        g.pocketping_headers = state.limiter.headers(state.config.rate_limit, *client.counted)
        if self.caller == "program" and client.operator is not None:
            raise Forbidden("An operator's token does not open this: it takes an API key.")
        return client

    def _idempotent_request(self, state: State, project_id: str, raw: bytes) -> IdempotentRequest | None:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return None
        if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY or not key.isascii() or not key.isprintable():
            raise InvalidRequest.field(
                "Idempotency-Key", f"Must be 1–{MAX_IDEMPOTENCY_KEY} printable ASCII characters."
            )
        text = b"\n".join((self.method.encode(), request.path.encode(), raw))
        return IdempotentRequest(
            project_id,
            key,
            hashlib.sha256(text).hexdigest(),
            lambda result: (self.status, self.encode(result, state.urls)),
        )


class Routes:
    """Collects the operations of a module."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.operations: list[Operation] = []

    def __call__(
        self,
        rule: str,
        *,
        status: int = 200,
        response: type[Schema] | None = None,
        body: type[Schema] | None = None,
        query: type[Schema] | None = None,
        body_optional: bool = False,
        creates: bool = False,
        raw: bool = False,
        any_type: bool = False,
        caller: Caller | None = None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a view.

        :param rule: method and path, as in `"GET /sessions"`.
        """
        method, path = rule.split(" ")

        def register(view: Callable[..., Any]) -> Callable[..., Any]:
            operation = Operation(
                *(method, path, view, caller or self.caller, status, response, body, query),
                *(body_optional, creates, raw, any_type),
            )
            self.operations.append(operation)
            return view

        return register


def read_body(state: State, incoming: Request) -> bytes:
    """The body, up to the size that is allowed.

    :raises PayloadTooLarge: if it is larger, by what it says of itself or by what comes.
    """
    size = state.config.max_body_size
    # One more than allowed: of a body whose length is not told, Werkzeug drops the rest without a word.
    limit_body(incoming, size + 1)
    try:
        raw = incoming.get_data(cache=True)
    except RequestEntityTooLarge:
        # As an error of Werkzeug it would belong to the host's handlers.
        raise PayloadTooLarge from None
    if len(raw) > size:
        raise PayloadTooLarge
    return raw


def limit_body(incoming: Request, size: int) -> None:
    """Set how many bytes of a body may be read, whatever the app allows elsewhere.

    :param size: in bytes.
    """
    try:
        incoming.max_content_length = size
    except AttributeError:
        # Flask 3.0 has one limit for all requests of an app, and no way to set that of one.
        found: Request = incoming._get_current_object() if isinstance(incoming, LocalProxy) else incoming
        found.__class__ = _with_a_limit(type(found))  # type: ignore[arg-type]
        found.max_content_length = size


@cache
def _with_a_limit(request_class: type[Request]) -> type[Request]:
    return type(request_class.__name__, (request_class,), {"max_content_length": None})


def parse_object(incoming: Request, raw: bytes, optional: bool) -> dict[str, Any]:
    """The JSON object of a body.

    :param optional: whether an empty body stands for an empty object.
    """
    if not raw and optional:
        return {}
    if incoming.mimetype != "application/json":
        raise UnsupportedMediaType
    return parse_json(raw)


def parse_json(raw: bytes | str) -> dict[str, Any]:
    """Read a JSON object.

    :raises InvalidJSON: if it is none; NaN and Infinity are not JSON, and a number too large for us would be one.
    """
    try:
        text = raw if isinstance(raw, str) else raw.removeprefix(BOM_UTF8).decode()
        found = _decoder.decode(text)
    except (ValueError, RecursionError):
        raise InvalidJSON from None
    if not isinstance(found, dict):
        raise InvalidJSON("The body must be a JSON object.")
    return found


def load(schema: Schema, data: Any) -> dict[str, Any]:
    """Check input against a schema.

    :raises InvalidRequest: with the reasons for each field.
    """
    try:
        return dict(schema.load(data))
    except ValidationError as error:
        details = dict(_flatten("", error.messages))
        reasons = "; ".join(f"{name}: {reasons[0]}" if name else reasons[0] for name, reasons in details.items())
        raise InvalidRequest(reasons, details={name or "body": why for name, why in details.items()}) from None


def _flatten(path: str, messages: Any) -> Iterable[tuple[str, list[str]]]:
    if isinstance(messages, dict):
        for name, inner in messages.items():
            if name in {"_schema", "value"}:
                yield from _flatten(path, inner)
            else:
                # A name may be the caller's own, with half a surrogate pair in it.
                shown = str(name).encode(errors="replace").decode()
                yield from _flatten(f"{path}.{shown}" if path else shown, inner)
    else:
        yield path, [str(reason) for reason in (messages if isinstance(messages, list) else [messages])]


def _possible_id(text: str) -> str:
    """An id from a path, or nothing: PostgreSQL takes no NUL, and MariaDB overlooks spaces at the end."""
    return text if _ID.fullmatch(text) else ""


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


# `json.loads` with these would make one of these each time.
_decoder = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def _replay(kept: tuple[int, str]) -> Response:
    status, body = kept
    return text_response(body, status, {"Idempotent-Replayed": "true"})


def idempotency_for(call: Call, name: str, value: Any = None) -> Any:
    """The call's `Once`, whose answer has the result under a name."""
    if call.idempotency is None:
        return None
    answer = call.idempotency.answer
    pick = value or (lambda result: result)
    return replace(call.idempotency, answer=lambda result: answer({name: pick(result)}))
