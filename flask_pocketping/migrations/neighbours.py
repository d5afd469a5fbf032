"""Find out whether Flask-Migrate in the app would drop our tables. The commands of the tables call this."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Engine

from ..models import Event

HOST_MANAGES = (
    "The app's own migrations manage these tables, because its env.py names PocketPing.metadata. "
    "So run flask db migrate, then flask db upgrade."
)

UNMANAGED = (
    "Warning: Flask-Migrate manages this database and does not know the tables of Flask-PocketPing, so the next "
    "`flask db migrate` would write a migration that drops them. Use Migrate(…, include_name=PocketPing.include_name), "
    "or add PocketPing.metadata to get_metadata() in its env.py."
)

_NAMES_METADATA = re.compile(r"^[^#\n]*\bPocketPing\.metadata\b", re.MULTILINE)


def find_manager(migrate: Any, engine: Engine) -> Literal["host", "ours", "nobody"]:
    """Find out who manages the tables. Call this within the app's context.

    :param migrate: the entry of Flask-Migrate in `app.extensions`, or `None`.
    :param engine: the engine of the database with the tables.
    :return: `host` if Flask-Migrate's `env.py` names our metadata; `ours` if it skips our tables or manages another
        database; `nobody` if it would drop them.
    """
    if migrate is None or not _is_same_database(migrate, engine):
        return "ours"
    if _env_names_metadata(migrate):
        return "host"
    return "ours" if _leaves_out(getattr(migrate, "configure_args", {})) else "nobody"


def _is_same_database(migrate: Any, engine: Engine) -> bool:
    theirs = getattr(migrate.db, "engine", None)
    return not isinstance(theirs, Engine) or theirs is engine or theirs.url == engine.url


def _env_names_metadata(migrate: Any) -> bool:
    try:
        return _NAMES_METADATA.search((Path(migrate.directory) / "env.py").read_text()) is not None
    except (OSError, UnicodeError):
        return False


def _leaves_out(options: dict[str, Any]) -> bool:
    """Whether a hook skips our tables. This calls the hook, because a hook of the host may call ours."""
    name = Event.__tablename__
    parents = {"schema_name": None, "table_name": name, "schema_qualified_table_name": name}
    include_name, include_object = options.get("include_name"), options.get("include_object")
    try:
        if include_name is not None and not include_name(name, "table", parents):
            return True
        return include_object is not None and not include_object(Event.__table__, name, "table", True, None)
    except Exception:
        # Some hooks work only within Alembic.
        return False
