"""Tests that imported packages are declared, and that only one module uses the internals of each package."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import flask_pocketping

from .support.servers import ROOT

PACKAGE = Path(flask_pocketping.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DISTRIBUTIONS = packages_distributions()

#: Imported for types only, or by a plugin that pytest itself loads.
NOT_DECLARED = {"_typeshed", "pytest"}

#: Packages of whose inside something is used, and the modules that may import them. A new version may change it.
FENCED = {
    "limits": {"security.rate_limits", "security.process_counters"},
    "flask_sock": {"web.streams.upgrade"},
    "slack_sdk": {"bridges.slack.websocket"},
    "discord": {"bridges.discord.gateway"},
    "alembic": {
        *("migrations.runner", "migrations.operations", "migrations.versions"),
    },
}

#: What is used of the inside of other packages: the text that says so, and the only module that has it.
INTERNALS = {
    "_NoTimer": "security.process_counters",
    "_upgrade_revs": "migrations.runner",
    "_downgrade_revs": "migrations.runner",
    "_compile_builder": "web.lazy_rules",
    "_AllMethods": "web.fallback",
    "werkzeug.socket": "web.streams.takeover",
    "gunicorn.socket": "web.streams.takeover",
    "_max_overflow": "checks",
}


def modules() -> Iterator[tuple[str, ast.Module, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text()
        yield ".".join(path.relative_to(PACKAGE).with_suffix("").parts), ast.parse(text), text


def imported(tree: ast.Module) -> set[str]:
    """The top-level packages of others that a module imports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition(".")[0])
    return {name for name in found if name not in sys.stdlib_module_names} - {"flask_pocketping"}


def declared() -> dict[str, str]:
    """Each requirement of an installation and of its extras, by its name."""
    extras = PROJECT["optional-dependencies"]
    named = ("redis", "slack", "s3", "postgresql", "mysql", "gevent", "geoip2", "discord")
    wanted = [*PROJECT["dependencies"], *(requirement for name in named for requirement in extras[name])]
    return {re.split(r"[\[<>=~!]", requirement)[0].lower().replace("_", "-"): requirement for requirement in wanted}


def distribution(name: str) -> str:
    return DISTRIBUTIONS[name][0].lower().replace("_", "-")


def test_what_is_imported_is_declared() -> None:
    used = {(name, module) for module, tree, _ in modules() for name in imported(tree) - NOT_DECLARED}
    missing = {(name, module) for name, module in used if distribution(name) not in declared()}
    assert missing == set()


def test_what_is_declared_is_imported() -> None:
    used = {distribution(name) for _, tree, _ in modules() for name in imported(tree) - NOT_DECLARED}
    # A database's driver is named in a URL, and a server by a command. flask-sock uses simple-websocket.
    elsewhere = {"psycopg", "pymysql", "gevent", "gunicorn", "simple-websocket"}
    assert set(declared()) - used - elsewhere == set()


@pytest.mark.parametrize("name", FENCED)
def test_a_package_whose_inside_is_used_is_fenced_and_bounded(name: str) -> None:
    users = {module for module, tree, _ in modules() if name in imported(tree)}
    # Each revision is a module of its own.
    assert {re.sub(r"(?<=\.versions)\..*", "", module) for module in users} == FENCED[name]
    assert re.search(r",<\d", declared()[distribution(name)]), "it needs an upper bound"


@pytest.mark.parametrize("text", INTERNALS)
def test_the_inside_of_another_package_is_used_in_one_module(text: str) -> None:
    assert [module for module, _, source in modules() if text in source] == [INTERNALS[text]]


def test_only_bounded_packages_have_an_upper_bound() -> None:
    """An upper bound keeps a host from upgrading, so there is one only where the inside of a package is used."""
    bounded = {name for name, requirement in declared().items() if "<" in requirement}
    assert bounded == {*(distribution(name) for name in FENCED), "simple-websocket"}


def test_alembic_has_the_functions_that_run_revisions() -> None:
    from alembic.script import ScriptDirectory

    assert list(inspect.signature(ScriptDirectory._upgrade_revs).parameters) == ["self", "destination", "current_rev"]
    assert list(inspect.signature(ScriptDirectory._downgrade_revs).parameters) == ["self", "destination", "current_rev"]


def test_simple_websocket_shakes_hands_with_the_socket_that_it_is_lent() -> None:
    import simple_websocket

    from flask_pocketping.web.streams.handshake import minimal_environ
    from flask_pocketping.web.streams.takeover import _HANDSHAKE_SOCKET

    class Lent:
        def __init__(self) -> None:
            self.sent = b""

        def send(self, data: bytes) -> int:
            self.sent += data
            return len(data)

        def recv(self, size: int) -> bytes:
            return b""

        def close(self) -> None:
            pass

    lent = Lent()
    environ = {**minimal_environ("dGhlIHNhbXBsZSBub25jZQ=="), _HANDSHAKE_SOCKET: lent}
    server = simple_websocket.Server(environ)
    server.thread.join(10)
    head = lent.sent.decode()
    assert head.startswith("HTTP/1.1 101 ")
    assert "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    assert "Sec-WebSocket-Extensions" not in head


def test_werkzeug_compiles_builders_by_the_method_that_is_put_off() -> None:
    from werkzeug.routing import Map, Rule

    from flask_pocketping.web.lazy_rules import late_rule

    compiled: list[str] = []

    class Counted(Rule):
        def _compile_builder(self, *args: object) -> object:  # type: ignore[override]
            compiled.append(self.rule)
            return super()._compile_builder(*args)  # type: ignore[arg-type]

    rule = late_rule(Counted)("/sessions/<session_id>", endpoint="session")
    adapter = Map([rule]).bind("")
    assert adapter.match("/sessions/1") == ("session", {"session_id": "1"})
    assert compiled == []
    assert adapter.build("session", {"session_id": "1"}) == "/sessions/1"
    assert compiled
