"""The least that a Flask view with a database can do: it checks nothing and commits one INSERT by sqlite3."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from flask import Flask, Response, jsonify, request

app = Flask("benchmark")
# As every app that keeps a session has it, and as ours has it.
app.config["SECRET_KEY"] = "the secret of a benchmark"
connection = sqlite3.connect(Path(os.environ["BENCHMARK_FOLDER"]) / "bare.db", check_same_thread=False)
connection.execute("PRAGMA journal_mode = WAL")
if synchronous := os.environ.get("BENCHMARK_SYNCHRONOUS"):
    connection.execute(f"PRAGMA synchronous = {synchronous}")
connection.execute("CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, session_id TEXT, content TEXT)")


@app.post("/message")
def send_message() -> Response:
    body = request.get_json()
    found = connection.execute(
        "INSERT INTO message (session_id, content) VALUES (?, ?)", (body["sessionId"], body["content"])
    )
    connection.commit()
    return jsonify(messageId=found.lastrowid)
