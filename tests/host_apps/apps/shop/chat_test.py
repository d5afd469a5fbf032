import flask_migrate
from shop import create_app
from shop.models import User, db
from sqlalchemy import inspect

from flask_pocketping.testing import Visitor, api


def test_the_chat_and_the_next_migration(tmp_path):
    uri = f"sqlite:///{tmp_path}/shop.db"
    app = create_app({"SQLALCHEMY_DATABASE_URI": uri, "POCKETPING_WORKER": "off"})
    folder = str(tmp_path / "migrations")
    assert app.test_cli_runner().invoke(args=["pocketping", "init-db"]).exit_code == 0
    with app.app_context():
        flask_migrate.init(folder)
        flask_migrate.migrate(folder, message="first")
        flask_migrate.upgrade(folder)
        # The tables of the chat are there, and the host's migrations neither make nor drop any of them.
        assert "pocketping_session" in inspect(db.engine).get_table_names()
        flask_migrate.migrate(folder, message="second")
        (written,) = (tmp_path / "migrations" / "versions").glob("*.py")
        assert "pocketping" not in written.read_text()
        db.session.add_all([User(username="ada"), User(username="ana", staff=True)])
        db.session.commit()
    client = app.test_client()
    assert 'data-language="pt-BR"' in client.get("/", headers={"Accept-Language": "pt-BR"}).text
    visitor = Visitor(app)
    visitor.send("Hello")
    session = api(app).get(f"/pocketping/sessions/{visitor.session_id}").json["session"]
    assert session["lastMessage"]["content"] == "Hello"
    assert client.get("/pocketping/inbox").location.startswith("/sign-in")
    for name, status in (("ada", 403), ("ana", 200)):
        client.post("/sign-in", data={"username": name})
        assert client.get("/pocketping/identity").json["identityToken"]
        assert client.get("/pocketping/inbox").status_code == status
    with app.app_context():
        db.engine.dispose()
