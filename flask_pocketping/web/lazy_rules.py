"""Routes that cost little to register; used where the blueprint is registered.

Werkzeug compiles for each rule what builds its URLs, which takes ten times as long as all else about it, and most of
ours are never built by anybody. Here that is done when a URL is built.
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
    """A class of rules like `base` whose URL builders are compiled when they are first used."""
    return type(base.__name__, (_LateBuilder, base), {"__module__": base.__module__})


@contextmanager
def late_rules(app: Flask) -> Iterator[None]:
    """Have the app make such rules within the block."""
    own = vars(app).get("url_rule_class")
    app.url_rule_class = late_rule(app.url_rule_class)
    try:
        yield
    finally:
        if own is None:
            del app.url_rule_class
        else:
            app.url_rule_class = own
