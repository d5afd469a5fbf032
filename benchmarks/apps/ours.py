"""A Flask app with the extension: default settings, but for what the environment says."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask
from sqlalchemy import event

from flask_pocketping import PocketPing

app = Flask("benchmark", instance_path=os.environ["BENCHMARK_FOLDER"])
app.config["SECRET_KEY"] = "the secret of a benchmark"
app.config.update({key: value for key, value in os.environ.items() if key.startswith("POCKETPING_")})
pocketping = PocketPing(app)


@app.get("/hello")
def hello() -> str:
    """Answer as a page of the host's own."""
    return "Hello"


if synchronous := os.environ.get("BENCHMARK_SYNCHRONOUS"):

    @event.listens_for(app.extensions["pocketping"].db.engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.execute(f"PRAGMA synchronous = {synchronous}")
