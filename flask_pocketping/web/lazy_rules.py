"""Makes routes cheap to register. The blueprint's registration uses this.

For each rule, Werkzeug compiles a function that builds its URL. This takes ten times longer than the rest of the
registration, and most of these functions are never used. Here, the first URL that is built compiles it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from flask import Flask
from werkzeug.routing import Rule


class _LateBuilder:
    # A Werkzeug that has no such method does not call this one, and compiles at once as it always did.
    def _compile_builder(self, *args: Any) -> Callable[..., Any]:
        compile_builder: Callable[..., Callable[..., Any]] = super()._compile_builder  # type: ignore[misc]
        built: Callable[..., Any] | None = None

        def build(rule: Rule, **values: Any) -> Any:
            nonlocal built
            if built is None:
                built = compile_builder(*args)
            return built(rule, **values)

        return build


@cache
def late_rule(base: type[Rule]) -> type[Rule]:
    """Return a subclass of `base` that compiles its URL builder at the first use."""
    return type(base.__name__, (_LateBuilder, base), {"__module__": base.__module__})


@contextmanager
def late_rules(app: Flask) -> Iterator[None]:
    """Let the app use such rules within the block."""
    own = vars(app).get("url_rule_class")
    app.url_rule_class = late_rule(app.url_rule_class)
    try:
        yield
    finally:
        if own is None:
            del app.url_rule_class
        else:
            app.url_rule_class = own
