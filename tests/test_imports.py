"""Tests that imports point down: each part of the package imports only from those below it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import flask_pocketping

PACKAGE = Path(flask_pocketping.__file__).parent

#: What each room may import of the package.
ALLOWED: dict[str, set[str]] = {
    # The ground floor.
    "errors": set(),
    "values": set(),
    "models": {"bounds"},
    "clock": set(),
    "version": set(),
    "prepared": set(),
    "signals": {"host.callables"},
    "bounds": {"errors", "values"},
    "config_parsers": set(),
    "config": {"config_parsers", "errors"},
    "schemas": {"bounds", "clock", "errors", "values"},
    # The chat and what it stands on.
    "host": {"bounds", "errors", "schemas", "values"},
    "migrations": {"clock", "errors", "models"},
    "leases": {"clock", "db", "models"},
    "sqlite_writer": {"host.servers", "prepared"},
    "db": {"clock", "errors", "host.forks", "migrations", "models", "sqlite_writer", "values"},
    "outbox": {"clock", "db", "models", "values"},
    "chat": {"bounds", "db", "leases", "clock", "errors", "models", "values", "schemas", "prepared", "outbox"},
    "files": {"chat", "db", "errors", "values", "version"},
    "knowledge": {"bounds", "chat.projects", "clock", "db", "errors", "leases", "models", "values"},
    "security": {"clock", "config_parsers", "errors", "host.forks", "values"},
    # Roads out.
    "realtime": {
        *{"chat.log", "chat.presence", "chat.bridge_posts", "chat.sessions"},
        *{"db", "clock", "errors", "host.forks", "schemas", "security.handles", "values"},
    },
    "delivery": {"db", "clock", "models", "config", "values", "errors", "version", "host.forks", "outbox"},
    "targets": {"delivery", "chat", "db", "clock", "schemas", "values", "prepared", "outbox"},
    "bridges": {
        *{"bounds", "chat", "clock", "config", "config_parsers", "db", "delivery", "errors", "files", "models"},
        *{"host.forks", "host.servers", "outbox", "values", "version"},
    },
    "ai": {"bounds", "chat", "clock", "config", "config_parsers", "db", "delivery", "errors", "models", "values"},
    "dispatch": {"realtime", "schemas", "signals", "values", "host.callables"},
    "maintenance": {
        "chat",
        "config",
        "db",
        "delivery.leases",
        "errors",
        "files",
        "host.servers",
        "knowledge.indexer",
        "realtime.open_connections",
    },
    "runtime": {
        *{
            "bridges",
            "dispatch",
            "targets",
            "delivery",
            "chat.deliveries",
            "chat.conversation_reader",
            "chat.webhooks",
            "realtime",
        },
        *{"config", "db", "host.forks", "knowledge.indexer", "maintenance"},
        *{"files", "schemas", "signals", "errors", "values"},
    },
    "state": {
        "ai",
        "bridges",
        "config",
        "db",
        "files",
        "host.loaders",
        "host.locations",
        "knowledge",
        "realtime",
        "runtime",
        "schemas",
        "security",
        "values",
    },
    # Roads in, and what puts all of it together.
    "web": {
        *{"bounds", "chat", "clock", "config", "config_parsers", "db", "errors", "files", "host", "realtime"},
        *{"schemas", "security", "state", "values"},
    },
    "checks": {"state", "chat.projects", "errors", "host.servers", "knowledge.indexer", "models"},
    "cli": {"ai", "bridges", "checks", "config", "state", "chat", "clock", "errors", "migrations", "models", "values"},
    "builders": {"*"},
    "extension": {"*"},
    "testing": {"*"},
    "pytest_plugin": {"host.folders", "testing"},
    "": {"*"},
}
#: What rooms that know no web must not import from outside.
WEBLESS = {
    *("errors", "models", "values", "schemas", "bounds", "clock", "prepared", "config", "config_parsers", "db", "chat"),
    *("outbox", "realtime", "delivery", "targets", "bridges", "ai", "files", "knowledge"),
    *("migrations", "security", "maintenance"),
}
WEB = {"flask", "werkzeug", "flask_sock", "simple_websocket", "blinker", "click"}
#: What puts the rooms together.
WIRING = {"dispatch", "runtime", "state", "builders", "extension"}


def modules() -> dict[str, Path]:
    """All modules by their name within the package."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


MODULES = modules()


def room_of(module: str) -> str:
    return module.split(".")[0]


def imports_of(module: str) -> tuple[set[str], set[str]]:
    """What a module imports: modules of the package, and packages from outside. Imports for types alone count too."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    inside, outside = set(), set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            outside |= {alias.name.split(".")[0] for alias in node.names}
        elif (
            isinstance(node, ast.ImportFrom)
            and node.level == 0
            and str(node.module).split(".")[0] == "flask_pocketping"
        ):
            # A revision, which Alembic loads by its file, can't import relatively.
            start = str(node.module).removeprefix("flask_pocketping").strip(".")
            names = {f"{start}.{alias.name}".strip(".") for alias in node.names}
            inside |= {name if name in MODULES else start for name in names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            outside.add(str(node.module).split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if package else []
            start = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            names = {f"{start}.{alias.name}".strip(".") for alias in node.names}
            inside |= {name if name in MODULES else start for name in names}
    return inside, outside


def allowed(module: str, imported: str) -> bool:
    room = room_of(module)
    if room == room_of(imported) and room:
        return True
    return (
        any(entry == "*" or imported == entry or imported.startswith(entry + ".") for entry in ALLOWED[room])
        or imported == ""
    )


@pytest.mark.parametrize("module", sorted(MODULES), ids=lambda module: module or "__init__")
def test_a_module_imports_nothing_from_above(module: str) -> None:
    inside, outside = imports_of(module)
    above = {imported for imported in inside if not allowed(module, imported)}
    assert not above, f"{module} imports {above}"
    if room_of(module) in WEBLESS:
        assert not outside & WEB, f"{module} knows {outside & WEB}"


def test_every_part_is_on_the_list() -> None:
    assert {room_of(module) for module in MODULES} == ALLOWED.keys()


def test_the_domain_knows_neither_sockets_nor_deliveries_nor_signals() -> None:
    """The rule that matters most, said once more where no list can water it down."""
    for module in MODULES:
        rooms = {room_of(imported) for imported in imports_of(module)[0]}
        if room_of(module) == "chat":
            assert not rooms & {
                "realtime",
                "delivery",
                "targets",
                "bridges",
                "ai",
                "signals",
                "web",
                "dispatch",
                "runtime",
                "state",
                "extension",
            }, module
        if room_of(module) == "delivery":
            assert not rooms & {"web", "chat", "targets", "bridges", "ai", *WIRING}, module
        if room_of(module) == "web":
            assert not rooms & {"delivery", "targets", "bridges", "ai", "cli", *WIRING - {"state"}}, module


def test_the_check_sees_an_import_within_a_function() -> None:
    """`extension.py` imports the blueprint late; the check would notice if that were forbidden."""
    assert "web.blueprint" in imports_of("extension")[0]
    assert "chat.idempotency" in imports_of("web.operations")[0]
    assert not allowed("chat.messages", "web.operations")
    assert not allowed("delivery.worker", "chat.log")
    assert not allowed("realtime.hub", "chat.messages")


def test_heavy_packages_are_imported_when_they_are_used() -> None:
    """Neither to import the package nor to set up an app needs these: a picture, a visitor or a delivery does."""
    code = (
        "import flask, flask_pocketping, sys; app = flask.Flask('x'); app.secret_key = 'a secret of the test'; "
        "flask_pocketping.PocketPing(app); print([name for name in HEAVY if name in sys.modules])"
    )
    names = "PIL crawlerdetect ua_parser limits apispec filetype requests urllib3 certifi standardwebhooks"
    heavy = f"HEAVY = {names.split()}; "
    shown = subprocess.run([sys.executable, "-c", heavy + code], capture_output=True, text=True, timeout=60, check=True)
    assert shown.stdout.strip() == "[]"


def test_every_exported_name_can_be_imported() -> None:
    code = (
        "import flask_pocketping as package; assert set(package.__all__) <= set(dir(package)); "
        "print([name for name in [*package.__all__, 'errors', 'values', 'clock'] if getattr(package, name) is None], "
        "hasattr(package, 'nothing'))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert shown.stdout.strip() == "[] False"


def test_importing_the_package_loads_no_server_code() -> None:
    code = (
        "from flask_pocketping import PocketPing; import sys; "
        "print(sorted(name for name in sys.modules if name.startswith(PACKAGES)))"
    )
    packages = "PACKAGES = tuple(f'flask_pocketping.{name}' for name in ('web', 'delivery', 'realtime', 'files')); "
    shown = subprocess.run(
        [sys.executable, "-c", packages + code], capture_output=True, text=True, timeout=60, check=True
    )
    assert shown.stdout.strip() == "[]"


def test_drivers_and_clients_are_imported_only_where_they_are_used() -> None:
    """What is an extra must not be needed to import the package; Alembic is imported when tables are upgraded."""
    code = (
        "from flask_pocketping import PocketPing; import sys; print([name for name in EXTRAS if name in sys.modules])"
    )
    names = "alembic boto3 redis psycopg pymysql gevent gunicorn flask_sqlalchemy websocket slack_sdk"
    extras = f"EXTRAS = {names.split()}; "
    shown = subprocess.run(
        [sys.executable, "-c", extras + code], capture_output=True, text=True, timeout=60, check=True
    )
    assert shown.stdout.strip() == "[]"
