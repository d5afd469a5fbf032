"""Reads the input of requests: bodies of limited size, JSON, and data that must match schemas."""

from __future__ import annotations

import json
import math
from codecs import BOM_UTF8
from collections.abc import Iterable
from functools import cache
from typing import Any

from flask import Request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.local import LocalProxy

from ..errors import InvalidJSON, InvalidRequest, PayloadTooLarge, UnsupportedMediaType


def read_body(incoming: Request, size: int) -> bytes:
    """Read a whole body.

    :param size: the maximum size in bytes.
    :raises PayloadTooLarge: if its length or its content is larger.
    """
    # One more byte than allowed, because Werkzeug silently drops the rest of a body without a length.
    limit_body(incoming, size + 1)
    try:
        raw = incoming.get_data(cache=True)
    except RequestEntityTooLarge:
        # The host's error handlers would handle an error of Werkzeug.
        raise PayloadTooLarge from None
    if len(raw) > size:
        raise PayloadTooLarge
    return raw


def limit_body(incoming: Request, size: int) -> None:
    """Set the maximum size of a body, independently of the host app's setting.

    :param size: the size in bytes.
    """
    try:
        incoming.max_content_length = size
    except AttributeError:
        # Flask 3.0 has one limit for all requests of an app.
        found: Request = incoming._get_current_object() if isinstance(incoming, LocalProxy) else incoming
        found.__class__ = _with_a_limit(type(found))  # type: ignore[arg-type]
        found.max_content_length = size


@cache
def _with_a_limit(request_class: type[Request]) -> type[Request]:
    return type(request_class.__name__, (request_class,), {"max_content_length": None})


def parse_object(incoming: Request, raw: bytes, *, optional: bool) -> dict[str, Any]:
    """Parse the JSON object of a body.

    :param optional: whether an empty body stands for an empty object.
    :raises UnsupportedMediaType: if the Content-Type is not JSON.
    :raises InvalidJSON: if the body is not a JSON object.
    """
    if not raw and optional:
        return {}
    if incoming.mimetype != "application/json":
        raise UnsupportedMediaType
    return parse_json(raw)


def parse_json(raw: bytes | str) -> dict[str, Any]:
    """Parse a JSON object.

    :raises InvalidJSON: if it is not a JSON object. NaN and Infinity are not JSON, and larger numbers would become one.
    """
    try:
        text = raw if isinstance(raw, str) else raw.removeprefix(BOM_UTF8).decode()
        found = _decoder.decode(text)
    except (ValueError, RecursionError):
        raise InvalidJSON from None
    if not isinstance(found, dict):
        raise InvalidJSON("The body must be a JSON object.")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


# `json.loads` with these options would create a decoder each time.
_decoder = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def load(schema: Schema, data: Any) -> dict[str, Any]:
    """Check input against a schema.

    :raises InvalidRequest: if it does not match. The details have the reasons for each field.
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
                # The name may come from the caller and contain half of a surrogate pair.
                shown = str(name).encode(errors="replace").decode()
                yield from _flatten(f"{path}.{shown}" if path else shown, inner)
    else:
        yield path, [str(reason) for reason in (messages if isinstance(messages, list) else [messages])]
