"""The example shop and the people in it, as browser tests drive them."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, g, render_template_string, request
from playwright.sync_api import BrowserContext

import example_app
from example_app.seed import CUSTOMERS, EMPLOYEES, PASSWORD

from ..support.clients import Api
from ..support.servers import KEY, wait_until

ADA, BEN = CUSTOMERS[0][1], CUSTOMERS[1][1]
ANA, TOM = EMPLOYEES[0][1], EMPLOYEES[1][1]


#: As strict as a policy gets that still lets a page's own files through.
STRICT = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'"

_PLAIN_PAGE = """\
<!doctype html>
<html lang="{{ lang }}">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{{ title }}</title>
  <link rel="icon" href="{{ url_for('static', filename='leaf.svg') }}">
</head>
<body>
  <main><h1>A page of its own</h1><p>It has <a href="/about">a link</a> and <button>a button</button>.</p></main>
  {% if chat %}{{ pocketping_widget(**options) }}{% endif %}
</body>
</html>
"""


def make_shop(**settings: Any) -> Flask:
    """The example shop with these settings, and one more page: a plain one whose tag takes any options."""
    given = {"api_key": KEY, "poll_interval": 0.1, **settings}
    app = example_app.create_app({"POCKETPING_" + name.upper(): value for name, value in given.items()})
    app.add_url_rule("/plain", view_func=plain_page)
    return app


def plain_page() -> Response:
    """What its query asks for: `lang`, `title`, `chat`, `policy`, and as JSON the `options` of the tag."""
    policy = request.args.get("policy", STRICT)
    if "NONCE" in policy:
        g.csp_nonce = secrets.token_urlsafe()
        policy = policy.replace("NONCE", f"'nonce-{g.csp_nonce}'")
    page = render_template_string(
        _PLAIN_PAGE,
        lang=request.args.get("lang", "en"),
        title=request.args.get("title", "Plain"),
        chat=request.args.get("chat", "yes") == "yes",
        options=json.loads(request.args.get("options", "{}")),
    )
    return Response(page, headers={"Content-Security-Policy": policy})


@dataclass(frozen=True)
class Shop:
    """The shop, served.

    :ivar api: its back office, by API key.
    """

    app: Flask
    api: Api

    @property
    def url(self) -> str:
        return self.api.url

    def plain(self, *, query: dict[str, str] | None = None, **options: Any) -> str:
        """The address of the plain page.

        :param query: what else the page is asked for.
        :param options: of the widget's tag.
        """
        return f"{self.url}/plain?{urlencode({**(query or {}), 'options': json.dumps(options)})}"

    def sign_in(self, context: BrowserContext, email: str) -> None:
        """Sign somebody in by the shop's own form, without showing a page."""
        token = self._form_token(context, "/sign-in")
        form: dict[str, str | float | bool] = {"csrf_token": token, "email": email, "password": PASSWORD}
        answer = context.request.post(f"{self.url}/sign-in", form=form, max_redirects=0)
        assert answer.status == 303, answer.text()

    def sign_out(self, context: BrowserContext) -> None:
        token = self._form_token(context, "/account")
        context.request.post(f"{self.url}/sign-out", form={"csrf_token": token})

    def _form_token(self, context: BrowserContext, path: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', context.request.get(self.url + path).text())
        assert found, f"{path} shows no form"
        return found[1]


def only_session(api: Api) -> str:
    """The id of the one conversation that is open."""
    (session,) = wait_until(lambda: api.ok("GET", "/sessions?status=active")["sessions"], "there is a conversation")
    return str(session["id"])


def stored(api: Api) -> list[str]:
    """What the server has of the one conversation."""
    messages = api.ok("GET", f"/sessions/{only_session(api)}/messages", params={"limit": 100})["messages"]
    return [f"{message['type']}: {message['content']}" for message in messages]


def answer(api: Api, content: str) -> dict[str, Any]:
    """Answer the one conversation."""
    made = api.ok("POST", f"/sessions/{only_session(api)}/messages", {"content": content, "operatorName": "Ana"})
    return dict(made["message"])
