"""Tests `flask pocketping check`: what each check finds and recommends, and that it reveals no secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
from flask import Flask
from sqlalchemy import create_engine
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_pocketping import ConfigurationError, PocketPing
from flask_pocketping.checks import Finding, read_gunicorn, run_checks

from .support.servers import free_port

STRONG = "0123456789abcdef" * 4


class Check(Protocol):
    def __call__(self, subject: str, *, engine: Any = None, wrap: Any = None, **config: Any) -> list[Finding]: ...


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where gunicorn would be started: nothing is there yet."""
    made = tmp_path / "deployed"
    made.mkdir()
    return made


@pytest.fixture
def environ() -> dict[str, str]:
    return {}


@pytest.fixture
def check(tmp_path: Path, folder: Path, environ: dict[str, str]) -> Iterator[Check]:
    """Make an app and give what is found about one subject."""
    with ExitStack() as stack:

        def found(subject: str, *, engine: Any = None, wrap: Any = None, **config: Any) -> list[Finding]:
            app = Flask("host", instance_path=str(tmp_path))
            app.config.update({"SECRET_KEY": STRONG, **config})
            PocketPing(app, engine=engine)
            stack.callback(app.extensions["pocketping"].runtime.close)
            if wrap is not None:
                app.wsgi_app = wrap(app.wsgi_app)  # type: ignore[method-assign]
            findings = run_checks(app, environ, folder)
            for item in findings:
                # A problem without something to do is of no use to anybody.
                assert item.level == "ok" or item.advice
            return [item for item in findings if item.subject == subject]

        yield found


def level(findings: list[Finding]) -> str:
    (found,) = findings
    return found.level


# --- The server


def test_an_unknown_server_is_a_hint(check: Check) -> None:
    (found,) = check("Server")
    assert found.level == "ok"
    assert "gunicorn.conf.py" in found.advice


@pytest.mark.parametrize(
    ("settings", "expected", "said"),
    [
        ('worker_class = "gevent"', "ok", "live connections"),
        ('worker_class = "gthread"\nthreads = 8', "ok", "live connections"),
        ("threads = 4", "ok", "gthread"),
        ("workers = 2", "ok", "sync"),
        ('certfile = "cert.pem"', "warning", "pages poll"),
        ('threads = 4\ncertfile = "cert.pem"', "warning", "a quarter"),
        ('worker_class = "own.Worker"', "warning", "not known"),
        ("import os\nworker_class = os.environ['KIND']", "warning", "computed"),
    ],
)
def test_the_worker_class_is_checked_for_live_connections(
    check: Check, folder: Path, settings: str, expected: str, said: str
) -> None:
    (folder / "gunicorn.conf.py").write_text(settings)
    (found,) = check("Server")
    assert found.level == expected
    assert said in found.text


def test_the_environment_overrides_the_file(check: Check, folder: Path, environ: dict[str, str]) -> None:
    (folder / "gunicorn.conf.py").write_text('worker_class = "sync"')
    environ["GUNICORN_CMD_ARGS"] = "--worker-class=gevent -w 3 --log-level debug"
    (found,) = check("Server")
    assert found.level == "ok"
    assert "GUNICORN_CMD_ARGS" in found.text


def test_another_configuration_file_can_be_given(folder: Path) -> None:
    (folder / "other.py").write_text('worker_class = "gevent"\nworkers = 4')
    settings = read_gunicorn({"GUNICORN_CMD_ARGS": "-c other.py"}, folder)
    assert (settings.worker_class, settings.workers, settings.source) == ("gevent", 4, "other.py")


def test_the_configuration_file_is_never_executed(folder: Path) -> None:
    (folder / "gunicorn.conf.py").write_text("open('trace', 'w')\nworkers = 1 + 1\nthreads = 2\nraise SystemExit")
    settings = read_gunicorn({}, folder)
    assert (settings.workers, settings.threads) == (None, 2)
    assert list(folder.iterdir()) == [folder / "gunicorn.conf.py"]


@pytest.mark.parametrize("text", ["workers = (", "\x00", "é = 1\nworkers = 3 if 1 else 2"])
def test_an_unreadable_file_does_not_stop_the_check(check: Check, folder: Path, text: str) -> None:
    (folder / "gunicorn.conf.py").write_text(text, encoding="latin-1")
    assert check("Server")


def test_unreadable_arguments_do_not_stop_the_check(check: Check, environ: dict[str, str]) -> None:
    environ["GUNICORN_CMD_ARGS"] = "--workers 'unfinished"
    assert check("Server")


# --- Keys and debug mode


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("dev", "error"),
        ("change me", "error"),
        ("a" * 64, "error"),
        ("0123456789abcde", "error"),
        ("0123456789abcdef", "warning"),
        (STRONG, "ok"),
        (bytes(range(32)), "ok"),
    ],
)
def test_a_weak_secret_key_is_found(check: Check, key: str | bytes, expected: str) -> None:
    assert level(check("SECRET_KEY", SECRET_KEY=key)) == expected


@pytest.mark.parametrize(("key", "levels"), [("abc", ["error"]), ("x" * 40, ["error"]), (STRONG, [])])
def test_a_weak_api_key_is_found(check: Check, key: str, levels: list[str]) -> None:
    assert [finding.level for finding in check("POCKETPING_API_KEY", POCKETPING_API_KEY=key)] == levels


def test_our_own_secret_key_setting_is_checked_instead(check: Check) -> None:
    assert level(check("POCKETPING_SECRET", POCKETPING_SECRET=STRONG, SECRET_KEY=STRONG)) == "ok"
    assert level(check("POCKETPING_SECRET", POCKETPING_SECRET="a" * 16, SECRET_KEY=STRONG)) == "error"
    assert level(check("SECRET_KEY", POCKETPING_SECRET=STRONG, SECRET_KEY="dev")) == "warning"


def test_debug_mode_is_an_error(check: Check) -> None:
    assert level(check("Debug mode", DEBUG=True)) == "error"
    assert check("Debug mode") == []


# --- The database


def test_automatically_created_tables_exist(check: Check) -> None:
    assert level(check("Tables")) == "ok"


def test_missing_tables_are_an_error_that_names_the_command(check: Check, empty_postgresql: str) -> None:
    (found,) = check("Tables", POCKETPING_DATABASE_URI=empty_postgresql)
    assert found.level == "error"
    assert "flask pocketping" in found.advice


def test_an_unreachable_database_is_an_error_without_its_password(check: Check) -> None:
    uri = f"postgresql+psycopg://user:swordfish@127.0.0.1:{free_port()}/x"
    (found,) = check("Database", POCKETPING_DATABASE_URI=uri)
    assert found.level == "error"
    assert "swordfish" not in str(found)


def test_tables_in_memory_are_an_error(check: Check) -> None:
    assert level(check("Database", POCKETPING_DATABASE_URI="sqlite://")) == "error"


def test_a_file_of_sqlite_is_fine_on_one_machine(check: Check) -> None:
    assert level(check("Database")) == "ok"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pool_size": 10, "max_overflow": 20}, "ok"),
        ({"pool_size": 1, "max_overflow": 0}, "warning"),
        ({"pool_size": 1, "max_overflow": -1}, "ok"),
    ],
)
def test_the_pool_is_as_large_as_the_threads_need(
    check: Check, folder: Path, postgresql: str, options: dict[str, int], expected: str
) -> None:
    (folder / "gunicorn.conf.py").write_text('worker_class = "gthread"\nthreads = 8\nworkers = 2')
    engine = create_engine(postgresql, **options)
    PocketPing.metadata.create_all(engine)
    assert level(check("Pool", engine=engine)) == expected
    engine.dispose()


# --- Redis


def test_redis_is_checked(check: Check, redis_url: str) -> None:
    assert level(check("Redis", POCKETPING_REDIS_URL=redis_url)) == "ok"


def test_an_unreachable_redis_is_an_error_without_its_password(check: Check) -> None:
    (found,) = check("Redis", POCKETPING_REDIS_URL=f"redis://:swordfish@127.0.0.1:{free_port()}/0")
    assert found.level == "error"
    assert "swordfish" not in str(found)


def test_the_check_says_that_updates_are_late_without_redis(check: Check, environ: dict[str, str]) -> None:
    environ["GUNICORN_CMD_ARGS"] = "-w 2"
    (found,) = check("Redis")
    assert (found.level, "late" in found.text) == ("ok", True)


# --- The proxy and the addresses


class Layer:
    """Middleware of somebody else's."""

    def __init__(self, wrapped: Any) -> None:
        self.application = wrapped

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.application(environ, start_response)


def test_https_without_proxy_fix_is_a_warning(check: Check) -> None:
    url = {"POCKETPING_PUBLIC_URL": "https://shop.example"}
    assert level(check("Proxy", **url)) == "warning"
    assert level(check("Proxy", wrap=ProxyFix, **url)) == "ok"
    assert level(check("Proxy", wrap=lambda inner: Layer(ProxyFix(inner)), **url)) == "ok"
    assert level(check("Proxy", wrap=Layer, **url)) == "warning"


def test_a_server_on_localhost_has_a_proxy(check: Check, folder: Path) -> None:
    assert level(check("Proxy")) == "ok"
    (folder / "gunicorn.conf.py").write_text('bind = "127.0.0.1:8000"')
    assert level(check("Proxy")) == "warning"
    (folder / "gunicorn.conf.py").write_text('bind = ["unix:/run/shop.sock"]')
    assert level(check("Proxy")) == "warning"
    (folder / "gunicorn.conf.py").write_text('bind = "0.0.0.0:443"\ncertfile = "cert.pem"')
    assert level(check("Proxy", POCKETPING_PUBLIC_URL="https://shop.example")) == "ok"


def test_other_origins_need_a_public_url(check: Check) -> None:
    origins = {"POCKETPING_CORS_ORIGINS": "https://www.example.com"}
    assert level(check("Public URL", **origins)) == "warning"
    assert level(check("Public URL", **origins, POCKETPING_PUBLIC_URL="https://shop.example")) == "ok"
    assert level(check("Public URL")) == "ok"


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"POCKETPING_PUBLIC_URL": "http://shop.example"}, "warning"),
        ({"POCKETPING_CORS_ORIGINS": "http://www.example.com"}, "warning"),
        ({"POCKETPING_PUBLIC_URL": "http://localhost:8000"}, "ok"),
        ({"POCKETPING_PUBLIC_URL": "https://shop.example"}, "warning"),
        ({"POCKETPING_PUBLIC_URL": "https://shop.example", "SESSION_COOKIE_SECURE": True}, "ok"),
        ({}, "ok"),
    ],
)
def test_https_is_required(check: Check, config: dict[str, Any], expected: str) -> None:
    assert level(check("HTTPS", **config)) == expected


def test_a_separate_worker_must_be_running(check: Check) -> None:
    (found,) = check("Deliveries", POCKETPING_WORKER="off")
    assert "flask pocketping worker" in found.advice


# --- The command


@pytest.fixture
def app(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("GUNICORN_CMD_ARGS", raising=False)
    (folder / "gunicorn.conf.py").write_text('worker_class = "gevent"')
    made = Flask("host", instance_path=str(tmp_path))
    made.config["SECRET_KEY"] = STRONG
    made.config["POCKETPING_API_KEY"] = "key-of-the-api-swordfish"
    PocketPing(made)
    yield made
    made.extensions["pocketping"].runtime.close()


def test_the_command_exits_with_0_without_errors(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["pocketping", "check"])
    assert result.exit_code == 0, result.output
    assert "ok       Tables: " in result.output


def test_the_command_exits_with_1_on_an_error_and_reveals_no_secret(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    result = app.test_cli_runner().invoke(args=["pocketping", "check"])
    assert result.exit_code == 1
    assert "error    Debug mode: " in result.output
    assert "-> Unset FLASK_DEBUG" in result.output
    assert STRONG not in result.output
    assert "swordfish" not in result.output


def test_the_findings_can_be_printed_as_json(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["pocketping", "check", "--json"])
    findings = json.loads(result.output)
    assert {"level", "subject", "text", "advice"} == findings[0].keys()
    assert [found["level"] for found in findings if found["subject"] == "Tables"] == ["ok"]


# --- The knowledge base


class HelpPages(Protocol):
    def __call__(self, *commands: str, **config: Any) -> list[Finding]: ...


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    made = tmp_path / "help"
    made.mkdir()
    return made


@pytest.fixture
def knowledge(tmp_path: Path, texts: Path) -> Iterator[HelpPages]:
    """Make an app with a folder of texts, run commands of `ai`, and give what is found about its knowledge."""
    with ExitStack() as stack:

        def found(*commands: str, **config: Any) -> list[Finding]:
            app = Flask("host", instance_path=str(tmp_path))
            app.config.update({"SECRET_KEY": STRONG, "POCKETPING_AI_KNOWLEDGE": str(texts), **config})
            pocketping = PocketPing(app)
            stack.callback(pocketping.close, app)
            for command in commands:
                assert app.test_cli_runner().invoke(args=["pocketping", "ai", command]).exit_code == 0
            return [item for item in run_checks(app, {}, tmp_path) if item.subject == "Knowledge"]

        yield found


def test_an_empty_folder_is_a_warning(knowledge: HelpPages, texts: Path) -> None:
    (texts / "picture.png").write_text("x")
    (found,) = knowledge()
    assert (found.level, "has no texts" in found.text) == ("warning", True)


def test_a_folder_is_indexed_as_it_is_or_out_of_date(knowledge: HelpPages, texts: Path) -> None:
    for name in ("shipping", "returns", "sizes"):
        (texts / f"{name}.md").write_text(f"# {name}\n\nText.\n\n## More\n\nText.")
    (found,) = knowledge()
    assert (found.level, found.text) == ("warning", f"3 texts of {texts} can't be found: not indexed yet.")
    (found,) = knowledge("index")
    assert (found.level, found.text) == ("ok", f"{texts} is indexed: 3 texts, with 6 passages.")
    (texts / "shipping.md").write_text("Other text")
    (texts / "returns.md").unlink()
    for name in ("gifts", "hours"):
        (texts / f"{name}.md").write_text("Text")
    (found,) = knowledge()
    assert (found.level, found.text) == (
        "warning",
        f"The index of {texts} is out of date: 2 new, 1 changed, 1 removed.",
    )
    (found,) = knowledge("index")
    assert found.text == f"{texts} is indexed: 4 texts, with 5 passages."


def test_files_that_cannot_be_indexed_are_counted(knowledge: HelpPages, texts: Path) -> None:
    (texts / "fine.md").write_text("Text")
    (texts / "binary.md").write_bytes(b"\0\0")
    first, second = knowledge("index")
    assert (first.level, first.text) == ("warning", f"1 file of {texts} can't be indexed.")
    assert second.level == "ok"


def test_a_folder_that_cannot_be_read_is_an_error(
    knowledge: HelpPages, texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("flask_pocketping.knowledge.indexer.read_folder", refuse)
    (found,) = knowledge()
    assert (found.level, found.text) == ("error", f"{texts} can't be read: Permission denied.")


def test_a_folder_that_is_missing_stops_the_check_with_its_name(tmp_path: Path) -> None:
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update({"SECRET_KEY": STRONG, "POCKETPING_AI_KNOWLEDGE": str(tmp_path / "nowhere")})
    with pytest.raises(ConfigurationError, match=r"POCKETPING_AI_KNOWLEDGE .*nowhere"):
        PocketPing(app)


def test_texts_of_a_folder_that_is_not_set_any_more_are_a_warning(knowledge: HelpPages, texts: Path) -> None:
    (texts / "fine.md").write_text("Text")
    knowledge("index")
    (found,) = knowledge(POCKETPING_AI_KNOWLEDGE=None)
    assert (found.level, "1 text of an earlier folder" in found.text) == ("warning", True)
    assert knowledge("index", POCKETPING_AI_KNOWLEDGE=None) == []


def test_an_ai_without_texts_gets_a_hint_and_texts_of_the_app_are_counted(tmp_path: Path) -> None:
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update({"SECRET_KEY": STRONG, "POCKETPING_AI_PROVIDER": "openai", "POCKETPING_AI_MODEL": "m"})
    app.config["POCKETPING_AI_API_KEY"] = "sk-x"
    pocketping = PocketPing(app)
    (found,) = [item for item in run_checks(app, {}, tmp_path) if item.subject == "Knowledge"]
    assert (found.level, "no texts" in found.text, "POCKETPING_AI_KNOWLEDGE" in found.advice) == ("ok", True, True)
    with app.app_context():
        pocketping.add_knowledge("faq/1", "Gift cards", "They are valid for three years.")
    (found,) = [item for item in run_checks(app, {}, tmp_path) if item.subject == "Knowledge"]
    assert found.text == "1 text of the app, with 1 passage, can be found."
    pocketping.close(app)


def test_knowledge_is_not_checked_without_a_database(knowledge: HelpPages) -> None:
    address = f"postgresql+psycopg://user:swordfish@127.0.0.1:{free_port()}/x"
    assert knowledge(POCKETPING_DATABASE_URI=address) == []
