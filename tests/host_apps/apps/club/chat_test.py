import re

from club import create_app

HTTPS = "https://localhost"
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


def test_the_chat_among_all_the_guards(tmp_path):
    app = create_app(tmp_path, {"POCKETPING_WORKER": "off", "POCKETPING_API_KEY": "key-0123456789"})
    client = app.test_client()
    page = client.get("/", base_url=HTTPS)
    (nonce,) = re.findall(r"'nonce-([^']+)'", page.headers["Content-Security-Policy"])
    assert page.text.count(f'nonce="{nonce}"') == 2
    (script,) = re.findall(r'src="([^"]+widget.js)"', page.text)
    assert client.get(script, base_url=HTTPS).status_code == 200
    browser = app.test_client()
    hello = browser.post("/pocketping/connect", json={}, base_url=HTTPS, headers=BROWSER)
    assert "Set-Cookie" not in hello.headers
    # More than the site allows one address for its pages.
    answers = []
    for number in range(35):
        body = {"sessionId": hello.json["sessionId"], "content": f"No. {number}"}
        sent = browser.post("/pocketping/message", json=body, base_url=HTTPS, headers=BROWSER)
        answers.append(sent.status_code)
        key = {"Authorization": "Bearer key-0123456789"}
        assert browser.get("/pocketping/sessions", base_url=HTTPS, headers=key).status_code == 200
    # Where a minute ends in between, one or two more are let through.
    assert answers[:30] == [200] * 30
    assert answers[-1] == 429
    assert sent.json["code"] == "RATE_LIMITED"
    assert client.get("/pocketping/inbox", base_url=HTTPS).status_code == 403
    token = client.get("/token", base_url=HTTPS).text
    form = {"name": "steward", "csrf_token": token}
    client.post("/join", data=form, base_url=HTTPS, headers={"Referer": HTTPS})
    inbox = client.get("/pocketping/inbox", base_url=HTTPS)
    assert inbox.status_code == 200
    assert inbox.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert client.post("/pocketping/inbox/token", base_url=HTTPS).status_code == 200
    assert client.get("/", base_url=HTTPS).status_code == 200
