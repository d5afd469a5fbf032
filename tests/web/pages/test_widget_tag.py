"""Tests `pocketping_widget()`: the tag in a page, parsed as a browser does."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask, g, render_template_string
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_pocketping import PocketPing
from flask_pocketping.web.pages.assets import find_assets


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append({"": tag, **dict(attrs)})


def host(**settings: Any) -> Flask:
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "a secret of the host"
    for name, value in settings.items():
        app.config["POCKETPING_" + name.upper()] = value
    PocketPing(app)
    return app


def tag_of(app: Flask, call: str = "pocketping_widget()", path: str = "/", **values: Any) -> dict[str, Any]:
    with app.test_request_context(path):
        tags = _Tags()
        tags.feed(render_template_string("{{ " + call + " }}", **values))
    assert len(tags.found) == 1, tags.found
    return tags.found[0]


def test_one_script_tag_with_all_that_the_widget_needs() -> None:
    assert tag_of(host()) == {
        "": "script",
        "src": f"/pocketping/assets/{find_assets().build}/widget/widget.js",
        "async": None,
        "data-endpoint": "/pocketping",
        "data-theme": "auto",
        "data-position": "bottom-right",
    }


def test_options_override_settings() -> None:
    app = host(widget_theme="dark", widget_position="bottom-left", widget_language="de")
    tag = tag_of(app)
    assert (tag["data-theme"], tag["data-position"], tag["data-language"]) == ("dark", "bottom-left", "de")
    options = 'theme="light", language="pt-BR", transport="sse", open=true, sound=false, title_badge=true'
    tag = tag_of(
        app, f'pocketping_widget({options}, launcher=false, primary_color="#0a7cff", texts=words)', words={"team": "é"}
    )
    shown = {name.removeprefix("data-"): value for name, value in tag.items()}
    assert (shown["theme"], shown["language"], shown["transport"]) == ("light", "pt-BR", "sse")
    assert (shown["open"], shown["sound"], shown["title-badge"], shown["launcher"]) == (
        "true",
        "false",
        "true",
        "false",
    )
    assert (shown["primary-color"], json.loads(shown["texts"])) == ("#0a7cff", {"team": "é"})


def test_no_value_breaks_out_of_its_attribute() -> None:
    evil = '"><script>alert(1)</script><i x="'
    app = host()
    pocketping_texts = {"welcome": evil}
    tag = tag_of(app, "pocketping_widget(texts=words)", words=pocketping_texts)
    assert json.loads(tag["data-texts"]) == {"welcome": evil}
    assert tag_of(app, "pocketping_widget()", csp_nonce=evil)["nonce"] == evil


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ("pocketping_widget(colour='#fff')", TypeError, "no option colour"),
        ("pocketping_widget(titel_badge=true)", TypeError, "Did you mean title_badge?"),
        ("pocketping_widget(theme='blue')", ValueError, "theme=…) must be light or dark or auto, not 'blue'"),
        ("pocketping_widget(open='yes')", ValueError, "open=…) must be true or false"),
        ("pocketping_widget(transport='http')", ValueError, "ws or sse or poll"),
        ("pocketping_widget(language='x y')", ValueError, "a language"),
        ("pocketping_widget(primary_color='red')", ValueError, "a colour"),
        ("pocketping_widget(texts={'a': 1})", ValueError, "a mapping"),
    ],
)
def test_an_unknown_option_is_a_clear_error(call: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words.replace("(", r"\(").replace(")", r"\)").replace("?", r"\?")):
        tag_of(host(), call)


def test_the_nonce_is_found_under_each_common_name() -> None:
    app = host()
    assert tag_of(app, csp_nonce="from the template")["nonce"] == "from the template"
    assert tag_of(app, csp_nonce=lambda: "from a function")["nonce"] == "from a function"

    @app.context_processor
    def set_nonce() -> dict[str, Any]:
        g.csp_nonce = "from g"
        return {}

    assert tag_of(app)["nonce"] == "from g"


def test_the_tag_works_below_another_path_and_at_the_root() -> None:
    app = host(url_prefix="/chat")

    @app.get("/")
    def page() -> str:
        return render_template_string("{{ pocketping_widget() }}")

    outer = Flask("outer")
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/shop": app.wsgi_app})  # type: ignore[method-assign]
    text = outer.test_client().get("/shop/").text
    assert 'data-endpoint="/shop/chat"' in text
    assert 'src="/shop/chat/assets/' in text
    root = tag_of(host(url_prefix=""))
    assert (root["data-endpoint"], root["src"]) == ("/", f"/assets/{find_assets().build}/widget/widget.js")


def test_the_tag_is_the_same_for_all_visitors() -> None:
    app = Flask("host")
    app.config["SECRET_KEY"] = "a secret of the host"
    pocketping = PocketPing(app)
    nobody = tag_of(app)

    @pocketping.identity_loader
    def load() -> dict[str, Any]:
        raise AssertionError("A tag asks for nobody.")

    assert tag_of(app) == nobody
    assert not {"data-identity", "data-user"} & nobody.keys()


def test_an_identity_is_in_the_tag_only_if_the_host_passes_it() -> None:
    app = Flask("host")
    app.config["SECRET_KEY"] = "a secret of the host"
    pocketping = PocketPing(app)
    pocketping.identity_loader(lambda: signed_in)
    signed_in: dict[str, Any] | None = {"id": 7, "email": "ada@example.com", "plan": "pro"}
    call = "pocketping_widget(identity=token())"
    tag = tag_of(app, call, token=pocketping.identity_token)
    assert app.extensions["pocketping"].identities.read(tag["data-identity"]).metadata == {"plan": "pro"}
    signed_in = None
    assert "data-identity" not in tag_of(app, call, token=pocketping.identity_token)
    for wrong in ("", "two words", 7, True):
        with pytest.raises(ValueError, match="identity_token"):
            tag_of(app, "pocketping_widget(identity=wrong)", wrong=wrong)


def test_a_hosts_own_function_of_the_same_name_is_kept() -> None:
    app = Flask("host")
    app.config["SECRET_KEY"] = "a secret of the host"
    app.jinja_env.globals["pocketping_widget"] = lambda: "its own"
    PocketPing(app)
    with app.test_request_context():
        assert render_template_string("{{ pocketping_widget() }}") == "its own"
