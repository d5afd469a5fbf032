"""`pocketping_widget()` for templates: the tag that adds the chat to a page."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from flask import current_app, g, has_request_context, request
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from ...config_parsers import parse_language
from ...state import current_state
from .assets import FOLDER, find_assets

THEMES = ("light", "dark", "auto")
POSITIONS = ("bottom-right", "bottom-left")
TRANSPORTS = ("ws", "sse", "poll")

Check = Callable[[Any], str | None]


@pass_context
def pocketping_widget(context: Context, /, **options: Any) -> Markup:
    """Return the chat widget's script tag. It is the same for all visitors unless `identity` is given.

    :param options: `theme`, `position`, `language`, `transport`, `open`, `sound`, `title_badge`, `primary_color`,
        `launcher`, `texts`, `project` and `identity`. docs/embedding.md explains them.
    :raises TypeError: if an option or a name in `texts` does not exist.
    :raises ValueError: if an option has an invalid value.
    """
    state = current_state()
    config = state.config
    defaults = {"theme": config.widget_theme, "position": config.widget_position, "language": config.widget_language}
    given = {**defaults, **{name: value for name, value in options.items() if value is not None}}
    endpoint = _script_root() + config.url_prefix
    attributes = {
        "src": f"{endpoint}/assets/{find_assets().build}/widget/widget.js",
        "nonce": _nonce(context),
        "data-endpoint": endpoint or "/",
        **{f"data-{name.replace('_', '-')}": _checked(name, value) for name, value in given.items()},
    }
    shown = [Markup('{}="{}"').format(name, value) for name, value in attributes.items() if value is not None]
    return Markup("<script {} async></script>").format(Markup(" ").join(shown))


def _choice(*words: str) -> Check:
    def check(value: Any) -> str:
        if value not in words:
            raise ValueError(" or ".join(words))
        return str(value)

    return check


def _matching(pattern: str, wanted: str) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(wanted)
        return value

    return check


def _flag(value: Any) -> str:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return "true" if value else "false"


@cache
def text_names() -> tuple[str, ...]:
    """Return the names of the widget's texts, read from their list in its source."""
    source = (FOLDER / "widget" / "src" / "texts.js").read_text("utf-8")
    found = re.search(r"export const names = [^']*'([\w ]+)'", source)
    assert found is not None
    return tuple(found[1].split())


def _texts(value: Any) -> str:
    if not isinstance(value, Mapping) or not all(
        isinstance(key, str) and isinstance(text, str) for key, text in value.items()
    ):
        raise ValueError("a mapping of texts' names to texts")
    known = text_names() if value else ()
    for name in value:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
            raise TypeError(f"pocketping_widget(texts=…) has no text {name!r}. {hint}")
    return json.dumps(dict(value), ensure_ascii=False)


_OPTIONS: dict[str, Check] = {
    "theme": _choice(*THEMES),
    "position": _choice(*POSITIONS),
    "language": parse_language,
    "transport": _choice(*TRANSPORTS),
    "open": _flag,
    "sound": _flag,
    "title_badge": _flag,
    "launcher": _flag,
    "primary_color": _matching("#(?:[0-9A-Fa-f]{3}){1,2}", 'a colour such as "#0a7cff"'),
    "texts": _texts,
    "project": _matching("[A-Za-z0-9_]{1,40}", "the id of a project"),
    "identity": _matching("[A-Za-z0-9_.-]+", "a token that identity_token() made"),
}


def _checked(name: str, value: Any) -> str | None:
    if name not in _OPTIONS:
        near = difflib.get_close_matches(name, _OPTIONS, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else f"It takes {', '.join(_OPTIONS)}."
        raise TypeError(f"pocketping_widget() has no option {name}. {hint}")
    try:
        return _OPTIONS[name](value)
    except ValueError as error:
        raise ValueError(f"pocketping_widget({name}=…) must be {error}, not {value!r}.") from None


def _script_root() -> str:
    if has_request_context():
        return request.script_root
    return str(current_app.config["APPLICATION_ROOT"]).rstrip("/")


def _nonce(context: Context) -> str | None:
    """Return the nonce of the page's policy, under the names that extensions and hosts use."""
    found = context.get("csp_nonce") or g.get("csp_nonce")
    if not found and has_request_context():
        found = getattr(request, "csp_nonce", None)
    return str(found() if callable(found) else found) if found else None
