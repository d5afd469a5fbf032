import pytest
from flask_jwt_extended import create_access_token
from service import create_app


@pytest.fixture
def app():
    return create_app({"TESTING": True})


@pytest.fixture
def client(app):
    return app.test_client()


def test_reading_is_open(client):
    assert client.get("/teas").json == ["Assam"]


def test_writing_wants_a_token(app, client):
    assert client.post("/teas", json={"name": "Sencha"}).status_code == 401
    assert client.post("/login", json={"name": "eve"}).json == {"error": "Unknown name"}
    token = client.post("/login", json={"name": "ada"}).json["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    answer = app.test_client().post("/teas", json={"name": "Sencha"}, headers=bearer)
    assert (answer.status_code, answer.json["by"]) == (201, "1")


def test_a_cookie_wants_the_token_against_forgery(client):
    client.post("/login", json={"name": "ada"})
    assert client.post("/teas", json={"name": "Sencha"}).json == {"msg": "Missing CSRF token"}
    csrf = {"X-CSRF-TOKEN": client.get_cookie("csrf_access_token").value}
    assert client.post("/teas", json={"name": "Sencha"}, headers=csrf).status_code == 201
    client.post("/logout")
    assert client.post("/teas", json={"name": "Sencha"}, headers=csrf).status_code == 401


def test_what_is_wrong_is_json_in_its_own_shape(app, client):
    assert client.get("/nothing").json == {"error": "No such resource"}
    with app.app_context():
        token = create_access_token("1")
    answer = client.post("/teas", json={}, headers={"Authorization": f"Bearer {token}x"})
    assert answer.json == {"msg": "Signature verification failed"}
