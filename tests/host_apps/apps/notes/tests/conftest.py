import pytest
from notes import create_app


@pytest.fixture
def app(tmp_path):
    app = create_app({"TESTING": True, "DATABASE": str(tmp_path / "notes.sqlite")})
    assert app.test_cli_runner().invoke(args=["init-tables"]).exit_code == 0
    return app


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def ada(client):
    """A client that Ada is signed in with."""
    person = {"name": "ada", "password": "tea"}
    client.post("/register", data=person)
    client.post("/login", data=person)
    return client
