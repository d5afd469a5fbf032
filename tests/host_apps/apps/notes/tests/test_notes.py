import sqlite3

import pytest
from flask import session
from notes.db import get_db


def test_strangers_are_sent_to_the_form(client):
    assert client.get("/").location == "/login"
    assert client.post("/", data={"body": "x"}).location == "/login"
    assert client.get("/login").status_code == 200


def test_signing_in_and_out(client):
    person = {"name": "ada", "password": "tea"}
    assert client.post("/register", data=person).location == "/login"
    assert client.post("/register", data=person).status_code == 409
    assert client.post("/login", data={**person, "password": "x"}).status_code == 403
    with client:
        client.post("/login", data=person)
        assert dict(session) == {"person_id": 1}
        client.post("/logout")
        assert dict(session) == {}


def test_notes_are_their_writers_own(app, ada):
    ada.post("/", data={"body": "<b>Buy</b> tea"})
    assert "<li>&lt;b&gt;Buy&lt;/b&gt; tea</li>" in ada.get("/").text
    assert ada.post("/", data={}).status_code == 400
    eve = app.test_client()
    eve.post("/register", data={"name": "eve", "password": "x"})
    eve.post("/login", data={"name": "eve", "password": "x"})
    assert "tea" not in eve.get("/").text


def test_the_connection_ends_with_the_request(app):
    with app.app_context():
        connection = get_db()
        assert connection is get_db()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_its_own_page_for_what_is_not_there(client):
    answer = client.get("/nothing")
    assert (answer.status_code, answer.text) == (404, "Nothing here.")
