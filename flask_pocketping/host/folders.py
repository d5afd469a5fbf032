"""Where the files of an app are that no setting names a place for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

#: Finds another folder than the instance folder; set by the pytest plugin while pytest runs.
redirect: Callable[[Flask], Path] | None = None


def default_folder(app: Flask) -> Path:
    """The folder of an app for the SQLite file and the uploads, where its config says nothing of them."""
    return redirect(app) if redirect is not None else Path(app.instance_path)
