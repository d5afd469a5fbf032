"""Tests what the host app says about its people: users of Flask-Login, languages, and invalid values."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flask_babel
import flask_login
import pytest
from flask import Flask, render_template_string

from flask_pocketping import ConfigurationError, Identity, PocketPing
from flask_pocketping.config_parsers import parse_language
from flask_pocketping.host.loaders import Loaders, current_identity, current_operator, description, facts_of
from flask_pocketping.web.pages.widget_tag import text_names

from ..support.pages import DOCS, rows
from ..support.servers import make_app


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Flask]:
    """A request to an app."""
    app = make_app(tmp_path, worker="off")
    with app.test_request_context("/"):
        yield app


class OnlyGetId:
    def get_id(self) -> str:
        return "7"


class WithUsername(flask_login.UserMixin):  # type: ignore[misc]
    id = 7
    username = "ada"


class WithEmail(flask_login.UserMixin):  # type: ignore[misc]
    id = 7
    email = "ada@example.com"


class WithName(flask_login.UserMixin):  # type: ignore[misc]
    id = 7
    name = "Ada"
    username = "ada"


class WithWhatDoesNotFit(flask_login.UserMixin):  # type: ignore[misc]
    id = 7
    email = ""
    username = "ada"

    def name(self) -> str:
        return "A method, as some models have it"


class WithTooMuch(flask_login.UserMixin):  # type: ignore[misc]
    id = 7
    name = "x" * 201
    username = "a\0b"


class Unsaved(flask_login.UserMixin):  # type: ignore[misc]
    id = None

    def get_id(self) -> str | None:
        return None


class OldNobody:
    """As Flask-Login 0.2 had it, which apps still copy."""

    def is_authenticated(self) -> bool:
        return False


@pytest.mark.parametrize(
    ("user", "identity"),
    [
        (OnlyGetId(), Identity("7", verified=True)),
        (WithUsername(), Identity("7", name="ada", verified=True)),
        (WithEmail(), Identity("7", email="ada@example.com", verified=True)),
        (WithName(), Identity("7", name="Ada", verified=True)),
        (WithWhatDoesNotFit(), Identity("7", name="ada", verified=True)),
        (WithTooMuch(), Identity("7", verified=True)),
        (Unsaved(), None),
        (OldNobody(), None),
        (flask_login.AnonymousUserMixin(), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_user_of_flask_login_needs_only_get_id(context: Flask, user: Any, identity: Identity | None) -> None:
    manager = flask_login.LoginManager(context)
    manager.request_loader(lambda request: user)
    assert current_identity(Loaders()) == identity


def test_the_id_of_a_user_may_be_another_attribute(context: Flask) -> None:
    manager = flask_login.LoginManager(context)
    manager.id_attribute = "get_number"
    manager.request_loader(lambda request: SimpleNamespace(get_number=lambda: 12, is_authenticated=True))
    assert current_identity(Loaders()) == Identity("12", verified=True)


@dataclasses.dataclass
class Account:
    """A model of a host's, whose representation tells all."""

    id: int = 7
    password: str = "swordfish"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"email": "ada@example.com", "password": "swordfish"}, "a dict with the keys ['email', 'password']"),
        (Account(), "an object of tests.host.test_loaders.Account"),
        ("/sign-in", "the text '/sign-in'"),
        ("eyJhbGciOiJIUzI1NiJ9.swordfish.swordfish", "the text 'eyJhbGciOiJIUzI1…'"),
        (7, "the int 7"),
        (True, "the bool True"),
        (10**50, "the int 10000000000000000000"),
        ((7, "swordfish"), "a tuple of 2"),
        (Account, "an object of type"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_error_of_a_loader_names_what_it_returned(context: Flask, found: Any, words: str) -> None:
    assert description(found) == words
    loaders = Loaders(identity=lambda: found, operator=lambda: found, context=lambda session: found)
    calls = [current_identity, current_operator]
    if not isinstance(found, dict):
        calls.append(lambda given: facts_of(given, None))  # type: ignore[arg-type, return-value]
    for call in calls:
        with pytest.raises(TypeError, match=re.escape(f"not {words}.")) as caught:
            call(loaders)
        assert "swordfish" not in str(caught.value)


def test_descriptions_of_values_are_short() -> None:
    assert len(description({"x" * 1000: 1, **{str(number): number for number in range(1000)}})) < 300
    assert len(description("x" * 100_000)) < 40


@pytest.mark.parametrize(
    ("given", "tag"),
    [
        ("de", "de"),
        ("pt-BR", "pt-BR"),
        ("pt_BR", "pt-BR"),
        ("pt_BR.UTF-8", "pt-BR"),
        ("zh_Hans_CN", "zh-Hans-CN"),
        ("ca_ES@valencia", "ca-ES"),
        ("", None),
        (None, None),
    ],
)
def test_languages_may_be_tags_or_locales(given: str | None, tag: str | None) -> None:
    assert parse_language(given) == tag


@pytest.mark.parametrize("given", ["german and more", "d", "de<script>", "-", 7, object()])
def test_other_values_are_not_languages(given: Any) -> None:
    with pytest.raises(ValueError, match='a language such as "de" or "pt-BR"'):
        parse_language(given)


def test_the_widget_uses_the_locale_of_flask_babel(tmp_path: Path) -> None:
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="a secret of the host", POCKETPING_WIDGET_LANGUAGE="pt_BR")
    flask_babel.Babel(app, locale_selector=lambda: "zh_Hans_CN")
    PocketPing(app)
    with app.test_request_context("/"):
        shown = render_template_string("{{ pocketping_widget(language=locale) }}", locale=flask_babel.get_locale())
        assert 'data-language="zh-Hans-CN"' in shown
        assert 'data-language="pt-BR"' in render_template_string("{{ pocketping_widget() }}")


def test_the_error_of_an_invalid_language_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="POCKETPING_WIDGET_LANGUAGE must be a language"):
        make_app(tmp_path, widget_language="german and more")


def test_the_error_of_an_unknown_text_names_the_nearest(context: Flask) -> None:
    tag = render_template_string("{{ pocketping_widget(texts={'welcome': 'Ahoj!'}) }}")
    assert "Ahoj!" in tag
    with pytest.raises(TypeError, match=r"has no text 'wellcome'\. Did you mean welcome\?"):
        render_template_string("{{ pocketping_widget(texts={'wellcome': 'Ahoj!'}) }}")
    with pytest.raises(TypeError, match=r"has no text 'xyzzy'\. There are (\w+, )+"):
        render_template_string("{{ pocketping_widget(texts={'xyzzy': 'Ahoj!'}) }}")


def test_the_guide_lists_all_texts(context: Flask) -> None:
    table = (DOCS / "widget.md").read_text().partition("| name | in English |")[2]
    listed = {row[0].strip("`") for row in rows("| name | in English |" + table)}
    assert set(text_names()) == listed
    for name in text_names():
        assert "Ahoj!" in render_template_string("{{ pocketping_widget(texts={name: 'Ahoj!'}) }}", name=name)
