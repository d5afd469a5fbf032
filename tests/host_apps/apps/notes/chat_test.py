from notes import create_app

from flask_pocketping.testing import Visitor, api


def test_the_chat_knows_who_is_signed_in(tmp_path):
    app = create_app({"DATABASE": str(tmp_path / "notes.sqlite"), "POCKETPING_WORKER": "off"})
    app.test_cli_runner().invoke(args=["init-tables"])
    client = app.test_client()
    assert "<script src=" in client.get("/login").text
    assert client.get("/pocketping/inbox").location == "/login"
    visitor = Visitor(app)
    visitor.send("Hello")
    answer = api(app).post(f"/pocketping/sessions/{visitor.session_id}/messages", json={"content": "Hi!"})
    assert answer.status_code == 201
    assert [message["content"] for message in visitor.messages()] == ["Hello", "Hi!"]
    for name, status in (("ada", 403), ("admin", 200)):
        client.post("/register", data={"name": name, "password": "tea"})
        client.post("/login", data={"name": name, "password": "tea"})
        assert client.get("/pocketping/identity").json["identityToken"]
        assert client.get("/pocketping/inbox").status_code == status
        client.post("/logout")
    assert client.get("/pocketping/identity").json["identityToken"] is None
