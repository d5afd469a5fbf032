"""The host's functions as tools: their JSON schemas, the check of the model's arguments, and the call.

Who the visitor is, the server passes in. The model sees no parameter for it, so it can't name another customer.
"""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from ..bounds import storable, storable_part
from ..errors import ConfigurationError
from ..values import Identity, Session
from .providers.protocol import ToolSpec

#: The longest result of a tool in characters; the rest is cut off.
MAX_RESULT = 8000
#: The longest text argument in characters.
MAX_ARGUMENT = 2000

#: Whose yes a tool with effects needs.
Asks = Literal["visitor", "operator"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PARAMETER = re.compile(r"^\s*:param\s+(?:[\w\[\], |]+\s+)?(\w+):\s*(.*(?:\n(?!\s*:).+)*)", re.MULTILINE)
_SIMPLE: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


class WrongArguments(ValueError):
    """The model's arguments do not fit. The message is for the model."""


class NotSignedIn(Exception):
    """A tool needs a customer, and the visitor is not signed in."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call.

    :ivar spec: what the model sees of it.
    :ivar function: the function.
    :ivar injected: the parameters that the server passes in, each with `session` or `identity`.
    :ivar optional_identity: whether the function takes `None` for a visitor who is not signed in.
    :ivar asks: whose yes it needs before it is called, if anybody's.
    :ivar question: what to ask, with the parameters in braces.
    """

    spec: ToolSpec
    function: Callable[..., Any]
    injected: Mapping[str, str]
    optional_identity: bool
    asks: Asks | None = None
    question: str | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.spec.name

    def check(self, arguments: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the model's arguments, checked.

        :raises WrongArguments: if they do not fit the schema.
        """
        if arguments is None:
            raise WrongArguments("The arguments must be a JSON object.")
        properties, required = self.spec.parameters["properties"], self.spec.parameters.get("required", [])
        if unknown := arguments.keys() - properties.keys():
            raise WrongArguments(f"Unknown arguments: {', '.join(sorted(map(str, unknown)))[:200]}.")
        if missing := [name for name in required if name not in arguments]:
            raise WrongArguments(f"Missing arguments: {', '.join(missing)}.")
        return {name: _checked(name, value, properties[name]) for name, value in arguments.items()}

    def question_for(self, arguments: Mapping[str, Any]) -> str:
        """Return what to ask before a call.

        :param arguments: checked arguments.
        """
        if self.question is not None:
            return re.sub(r"\{(\w+)\}", lambda match: str(arguments.get(match[1], match[0])), self.question)
        what = self.spec.description.partition("\n")[0].rstrip(".")
        given = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in arguments.items())
        return f"{what} ({given})?" if given else f"{what}?"

    def call(self, arguments: Mapping[str, Any], session: Session, run: Callable[..., Any]) -> str:
        """Call the function, and return its result as text for the model.

        :param arguments: checked arguments.
        :param session: the conversation, from the database.
        :param run: calls the function, which may be async.
        :raises NotSignedIn: if it needs a customer, and the visitor is not signed in.
        """
        known = verified_identity(session)
        if "identity" in self.injected.values() and known is None and not self.optional_identity:
            raise NotSignedIn
        given = {name: session if kind == "session" else known for name, kind in self.injected.items()}
        return _as_text(run(self.function)(**_converted(self.function, arguments), **given))


def verified_identity(session: Session) -> Identity | None:
    """Return who the visitor is, if the host app vouches for it."""
    identity = session.identity
    return identity if identity is not None and identity.verified and identity.customer_id else None


def make_tool(
    function: Callable[..., Any], *, name: str | None = None, asks: Asks | None = None, question: str | None = None
) -> Tool:
    """Make a tool of a function.

    :raises ConfigurationError: if its name, its docstring or a parameter does not allow it.
    """
    name = str(name or getattr(function, "__name__", ""))
    if not _NAME.fullmatch(name):
        raise ConfigurationError("The name of an AI tool has 1 to 64 small letters, digits and _.")
    doc = inspect.getdoc(function) or ""
    description = doc.partition(":param")[0].strip()
    if not description:
        raise ConfigurationError(f"The AI tool {name} needs a docstring that tells the model what it does.")
    if asks not in {None, "visitor", "operator"}:
        raise ConfigurationError(f"The AI tool {name}: confirm must be visitor or operator.")
    texts = {match[1]: " ".join(match[2].split()) for match in _PARAMETER.finditer(doc)}
    properties: dict[str, Any] = {}
    required: list[str] = []
    injected: dict[str, str] = {}
    optional_identity = True
    hints = _hints(name, function)
    for parameter in inspect.signature(function).parameters.values():
        hint = hints.get(parameter.name)
        kinds = _members(hint)
        if Session in kinds:
            injected[parameter.name] = "session"
        elif Identity in kinds:
            injected[parameter.name] = "identity"
            optional_identity = optional_identity and type(None) in kinds
        else:
            properties[parameter.name] = _schema(name, parameter, hint, texts.get(parameter.name))
            if parameter.default is inspect.Parameter.empty:
                required.append(parameter.name)
    parameters: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        parameters["required"] = required
    spec = ToolSpec(name, description, parameters)
    return Tool(spec, function, injected, optional_identity, asks, question)


def _hints(name: str, function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except Exception as error:
        raise ConfigurationError(f"The annotations of the AI tool {name} can't be read: {error}") from None


def _members(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type itself."""
    return typing.get_args(hint) if typing.get_origin(hint) in {typing.Union, types.UnionType} else (hint,)


def _schema(tool: str, parameter: inspect.Parameter, hint: Any, text: str | None) -> dict[str, Any]:
    if parameter.kind not in {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}:
        raise ConfigurationError(f"The AI tool {tool} must name each of its parameters.")
    kinds = [kind for kind in _members(hint) if kind is not type(None)]
    made = _schema_of(kinds[0]) if len(kinds) == 1 else None
    if made is None:
        raise ConfigurationError(
            f"The parameter {parameter.name} of the AI tool {tool} must be annotated with str, int, float, bool, a "
            "Literal or Enum of texts, a list of these, Session or Identity."
        )
    return {**made, **({"description": text} if text else {})}


def _schema_of(hint: Any) -> dict[str, Any] | None:
    if hint in _SIMPLE:
        return {"type": _SIMPLE[hint]}
    if typing.get_origin(hint) is list:
        items = _schema_of((typing.get_args(hint) or (None,))[0])
        return {"type": "array", "items": items} if items else None
    words = _words(hint)
    return {"type": "string", "enum": words} if words else None


def _words(hint: Any) -> list[str] | None:
    found = typing.get_args(hint) if typing.get_origin(hint) is Literal else ()
    if inspect.isclass(hint) and issubclass(hint, Enum):
        found = tuple(member.value for member in hint)
    return list(found) if found and all(isinstance(word, str) for word in found) else None


def _checked(name: str, value: Any, schema: Mapping[str, Any]) -> Any:
    kind = schema["type"]
    if kind == "array":
        if not isinstance(value, list) or len(value) > 100:
            raise WrongArguments(f"{name} must be a list of up to 100 items.")
        return [_checked(name, item, schema["items"]) for item in value]
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        # JSON of some models has 17.0 for 17.
        value = int(value)
    fits = {
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53,
        # JSON of some models has NaN and Infinity.
        "number": isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300,
    }[kind]
    if not fits:
        raise WrongArguments(f"{name} must be of type {kind}.")
    if kind == "string" and (len(value) > MAX_ARGUMENT or not storable(value)):
        raise WrongArguments(f"{name} must have up to {MAX_ARGUMENT} characters, without NUL.")
    if "enum" in schema and value not in schema["enum"]:
        raise WrongArguments(f"{name} must be one of {', '.join(schema['enum'])}.")
    return float(value) if kind == "number" else value


def _converted(function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments with members of the enumerations that the function expects."""
    hints = typing.get_type_hints(function)
    found = dict(arguments)
    for name, value in arguments.items():
        for kind in _members(hints.get(name)):
            if inspect.isclass(kind) and issubclass(kind, Enum):
                found[name] = kind(value)
    return found


def _as_text(result: Any) -> str:
    if not isinstance(result, str):
        try:
            result = json.dumps(result, ensure_ascii=False, default=str)
        except (TypeError, ValueError):
            result = str(result)
    # Before the check of its characters, because it may be very long.
    text = storable_part(result[: MAX_RESULT + 1])
    return text if len(result) <= MAX_RESULT else f"{text[:MAX_RESULT]} …"
