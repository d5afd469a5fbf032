import re

import pytest
from club import create_app

HTTPS = "https://localhost"


@pytest.fixture
def app(tmp_path):
    return create_app(tmp_path, {"TESTING": True})


@pytest.fixture
def client(app):
    return app.test_client()


def join(client, name):
    token = client.get("/token", base_url=HTTPS).text
    return client.post("/join", data={"name": name, "csrf_token": token}, base_url=HTTPS, headers={"Referer": HTTPS})


def test_plain_http_is_sent_elsewhere(client):
    assert client.get("/").location == "https://localhost/"


def test_scripts_need_the_nonce(client):
    page = client.get("/", base_url=HTTPS)
    (nonce,) = re.findall(r"'nonce-([^']+)'", page.headers["Content-Security-Policy"])
    assert f'<script nonce="{nonce}">' in page.text


def test_joining_wants_a_token_and_is_remembered_on_the_server(client, tmp_path):
    assert client.post("/join", data={"name": "Ada"}, base_url=HTTPS).status_code == 400
    assert join(client, "Ada").status_code == 302
    assert "Welcome, Ada" in client.get("/", base_url=HTTPS).text
    assert list((tmp_path / "sessions").iterdir()) != []


def test_news_are_made_once_a_minute(app, client):
    assert {client.get("/news", base_url=HTTPS).text for _ in range(5)} == {"News"}
    assert app.visits == 1


def test_too_many_requests_are_refused(client):
    answers = [client.get("/", base_url=HTTPS).status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]
