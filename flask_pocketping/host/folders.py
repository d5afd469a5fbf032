"""The default folder for the app's files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

#: Replaces the instance folder. The pytest plugin sets this while pytest runs.
redirect: Callable[[Flask], Path] | None = None


def default_folder(app: Flask) -> Path:
    """Return the folder for the SQLite file and the uploads of an app without such settings."""
    return redirect(app) if redirect is not None else Path(app.instance_path)
