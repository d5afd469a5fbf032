from service import create_app

from flask_pocketping.testing import Visitor, api


def test_the_chat_knows_whose_token_it_is(tmp_path):
    app = create_app({"POCKETPING_WORKER": "off"})
    client = app.test_client()
    assert client.get("/pocketping/identity").json["identityToken"] is None
    assert client.get("/pocketping/inbox").status_code == 403
    visitor = Visitor(app)
    visitor.send("Hello")
    listed = api(app).get("/pocketping/sessions").json["sessions"]
    assert [session["lastMessage"]["content"] for session in listed] == ["Hello"]
    for name, status in (("ada", 403), ("ana", 200)):
        client.post("/login", json={"name": name})
        assert client.get("/pocketping/identity").json["identityToken"]
        assert client.get("/pocketping/inbox").status_code == status
        assert client.post("/pocketping/inbox/token").status_code == status
    client.set_cookie("access_token_cookie", "forged")
    assert client.get("/pocketping/identity").json["identityToken"] is None
