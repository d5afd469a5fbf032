"""A host app with pages, sessions of Flask-SQLAlchemy and a chat, which tells what its requests hold."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text

from flask_pocketping import PocketPing

app = Flask("host", instance_path=os.environ["TEST_FOLDER"])
app.config["SECRET_KEY"] = "the secret of a host"
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get("TEST_HOST_DATABASE", f"sqlite:///{app.instance_path}/host.db")
app.config.update(
    {
        key: value
        for key, value in os.environ.items()
        if key.startswith("POCKETPING_") and not key.startswith("POCKETPING_TEST_")
    }
)
Path(app.instance_path).mkdir(exist_ok=True)
db = SQLAlchemy(app)
pocketping = PocketPing(app)

_contexts: dict[str, int] = {"begun": 0, "ended": 0}
_lock = threading.Lock()


@app.before_request
def read_something() -> None:
    """Do what hosts do with each request: look up who is signed in."""
    with _lock:
        _contexts["begun"] += 1
    db.session.execute(text("SELECT 1"))


@app.teardown_appcontext
def count(error: BaseException | None) -> None:
    """Tell that a context is over."""
    with _lock:
        _contexts["ended"] += 1


@app.get("/hello")
def hello() -> str:
    """Answer as a page of the host's own."""
    return "Hello"


@app.get("/contexts")
def contexts() -> dict[str, Any]:
    """Tell how many requests there were, and how many contexts are over; this request's own is not."""
    return dict(_contexts)
