"""Tests the pytest plugin in separate runs of pytest, as the tests of a host app use it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .support.plugin import LOAD, PLUGIN
from .support.servers import ROOT

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]

SHOP = """
    from flask import Flask

    from flask_pocketping import PocketPing, signals

    pocketping = PocketPing()


    def create_app(**config):
        app = Flask("shop", root_path=ROOT)
        app.config.update({"SECRET_KEY": "test", **config})
        pocketping.init_app(app)
        signals.message_created.connect(say_hello, sender=app)
        return app


    def say_hello(app, message, **extra):
        if message.type == "visitor":
            pocketping.send_message(message.session_id, "Hello!", type="system")
"""


@pytest.fixture
def shop(pytester: pytest.Pytester) -> Path:
    """A host app in a folder of its own, with an instance folder that must stay as it is."""
    pytester.makepyfile(shop=f"ROOT = {str(pytester.path)!r}\n\n" + "\n".join(line[4:] for line in SHOP.splitlines()))
    pytester.syspathinsert()
    instance = pytester.path / "instance"
    instance.mkdir()
    return instance


def passed(pytester: pytest.Pytester, count: int, *options: str) -> None:
    pytester.runpytest_subprocess(*LOAD, *options).assert_outcomes(passed=count)


def test_a_visitor_an_operator_and_the_signals(pytester: pytest.Pytester, shop: Path) -> None:
    pytester.makepyfile("""
        import pytest
        from shop import create_app


        @pytest.fixture
        def app():
            return create_app()


        def test_a_visitor_is_greeted(pocketping_visitor, pocketping_signals):
            pocketping_visitor.send("Good morning")
            assert [message["content"] for message in pocketping_visitor.messages()] == ["Good morning", "Hello!"]
            assert [signal.name for signal in pocketping_signals].count("message_created") == 2


        def test_an_operator_answers(pocketping_visitor, pocketping_operator):
            pocketping_visitor.send("Is it in stock?")
            (session,) = pocketping_operator.sessions()
            assert session["id"] == pocketping_visitor.session_id
            pocketping_operator.reply(session["id"], "It is.")
            assert pocketping_visitor.messages()[-1]["operatorName"] == pocketping_operator.name
            assert len(pocketping_operator.messages(session["id"])) == 3
            assert pocketping_operator.close(session["id"])["status"] == "closed"


        def test_a_test_sees_nothing_of_the_one_before(pocketping_operator):
            assert pocketping_operator.sessions() == []
    """)
    passed(pytester, 3)
    assert list(shop.iterdir()) == []


def test_the_configured_database_is_not_used(pytester: pytest.Pytester, shop: Path) -> None:
    """A module's app, made once with the developer's settings, has an empty database in each test all the same."""
    pytester.makepyfile("""
        import threading

        import pytest
        from shop import ROOT, create_app

        made = create_app(POCKETPING_DATABASE_URI=f"sqlite:///{ROOT}/developer.db")


        @pytest.fixture
        def pocketping_app():
            return made


        @pytest.mark.parametrize("turn", range(2))
        def test_each_begins_anew(pocketping_visitor, pocketping_operator, turn):
            pocketping_visitor.send("Hello")
            assert len(pocketping_operator.sessions()) == 1


        def test_no_thread_is_left():
            assert not [thread for thread in threading.enumerate() if thread.name.startswith("pocketping")]


        def test_one_app_may_have_more_visitors_than_an_address_may_open(request, pocketping_app, tmp_path):
            from flask_pocketping.pytest_plugin import _numbers

            assert next(_numbers) == 2
    """)
    passed(pytester, 4)
    assert not (pytester.path / "developer.db").exists()


def test_the_hosts_engine_is_used(pytester: pytest.Pytester, shop: Path) -> None:
    pytester.makepyfile("""
        import pytest
        from flask import Flask
        from sqlalchemy import create_engine, func, select

        from flask_pocketping import PocketPing
        from flask_pocketping.models import Session, table


        @pytest.fixture
        def engine(tmp_path):
            engine = create_engine(f"sqlite:///{tmp_path}/host.db")
            yield engine
            engine.dispose()


        @pytest.fixture
        def app(engine):
            app = Flask("shop")
            app.secret_key = "test"
            PocketPing(app, engine=engine)
            app.extensions["pocketping"].db.create_tables()
            return app


        def test_the_chat_is_in_the_database_of_the_tests(pocketping_visitor, engine):
            with engine.connect() as connection:
                assert connection.execute(select(func.count()).select_from(table(Session))).scalar() == 1
    """)
    passed(pytester, 1)


def test_without_fixtures_nothing_is_written_into_the_instance_folder(pytester: pytest.Pytester, shop: Path) -> None:
    pytester.makepyfile("""
        from pathlib import Path

        import pytest
        from shop import create_app

        from flask_pocketping.testing import Visitor


        @pytest.fixture
        def pocketping():
            app = create_app(POCKETPING_WORKER="off")
            yield app.extensions["pocketping"]
            app.extensions["pocketping"].runtime.close()


        def test_a_conversation_and_a_file(pocketping):
            from shop import pocketping as chat

            app = pocketping.before_message._app
            visitor = Visitor(app)
            with app.app_context():
                chat.add_attachment(visitor.session_id, "note.txt", b"Hello")
            assert Path(pocketping.db.engine.url.database).name == "pocketping.db"


        def test_an_instance_folder_of_the_test_is_its_own(tmp_path):
            from flask import Flask

            from flask_pocketping import PocketPing

            app = Flask("shop", instance_path=str(tmp_path))
            app.secret_key = "test"
            PocketPing(app)
            Visitor(app)
            app.extensions["pocketping"].runtime.close()
            assert (tmp_path / "pocketping.db").exists()


        def test_what_the_config_says_stays(tmp_path):
            app = create_app(POCKETPING_DATABASE_URI=f"sqlite:///{tmp_path}/own.db", POCKETPING_UPLOADS=f"{tmp_path}/f")
            assert app.extensions["pocketping"].db.engine.url.database == f"{tmp_path}/own.db"
    """)
    passed(pytester, 3)
    assert list(shop.iterdir()) == []


def test_without_the_plugin_the_instance_folder_is_used(pytester: pytest.Pytester, shop: Path) -> None:
    """The guard is what keeps the folder clean in the tests above."""
    pytester.makepyfile("""
        from shop import create_app

        from flask_pocketping.testing import Visitor


        def test_a_conversation():
            app = create_app()
            Visitor(app)
            app.extensions["pocketping"].runtime.close()
    """)
    pytester.runpytest_subprocess("-p", "no:pocketping").assert_outcomes(passed=1)
    assert (shop / "pocketping.db").exists()


def test_parallel_processes_use_separate_databases(pytester: pytest.Pytester, shop: Path) -> None:
    pytester.makepyfile("""
        import pytest
        from shop import create_app


        @pytest.fixture
        def app():
            return create_app()


        @pytest.mark.parametrize("turn", range(4))
        def test_each_begins_anew(pocketping_visitor, pocketping_operator, turn):
            assert len(pocketping_operator.sessions(started="false")) == 1
    """)
    passed(pytester, 4, "-n", "2")
    assert list(shop.iterdir()) == []


def test_the_folders_are_removed_after_the_run(
    pytester: pytest.Pytester, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    pytester.makepyfile("""
        from shop import create_app

        from flask_pocketping.testing import Visitor


        def test_a_conversation():
            app = create_app()
            Visitor(app)
            app.extensions["pocketping"].runtime.close()
    """)
    passed(pytester, 1)
    assert [path.name for path in temporary.iterdir() if path.name.startswith("pytest-pocketping")] == []


def test_loading_the_plugin_is_cheap() -> None:
    code = f"import pytest, sys; before = set(sys.modules); import {PLUGIN}; print(sorted(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = ["flask_pocketping", "flask_pocketping.host", "flask_pocketping.host.folders", PLUGIN]
    assert done.stdout.strip() == str(loaded)


def test_pytest_finds_the_plugin_by_itself() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    assert declared == {"pocketping": PLUGIN}
