"""Tests `PocketPing` and its host: what registering does and leaves alone, the database, and the Python API."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, Response, abort, g, jsonify, request, url_for
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, create_engine, event, inspect, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import Pool
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.routing import BuildError, Rule

from flask_pocketping import (
    DEFAULT_PROJECT,
    ConfigurationError,
    Deliver,
    Event,
    Identity,
    Message,
    Outcome,
    PocketPing,
    SchemaMissing,
    Session,
    SessionClosed,
    SessionNotFound,
    Target,
    signals,
)
from flask_pocketping.errors import InvalidRequest, MessageNotFound
from flask_pocketping.models import Message as MessageModel
from flask_pocketping.models import Session as SessionModel

from .conftest import Serve
from .support.clients import Api
from .support.servers import KEY, make_app

Call = Callable[..., Any]


def bare(folder: Path, **config: Any) -> Flask:
    """A host app on which the extension is not set up yet."""
    app = Flask("host", instance_path=str(folder))
    app.config.update({"SECRET_KEY": f"secret of {folder}", "POCKETPING_API_KEY": KEY, **config})
    return app


def at(api: Api, path: str) -> requests.Response:
    """Get a page of the host, whatever our prefix is."""
    return requests.get("/".join(api.url.split("/")[:3]) + path, timeout=10)


def test_an_app_factory_can_register_later(tmp_path: Path, serve: Serve) -> None:
    pocketping = PocketPing()
    app = bare(tmp_path, POCKETPING_URL_PREFIX="")
    pocketping.init_app(app)
    api = serve(app)
    session_id = api.session()
    with app.app_context():
        assert pocketping.get_session(session_id).id == session_id


def test_a_custom_rule_class_of_the_host_is_kept(tmp_path: Path) -> None:
    class OwnRule(Rule):
        pass

    class Shop(Flask):
        url_rule_class = OwnRule

    for made, own in ((Shop("host", instance_path=str(tmp_path)), OwnRule), (bare(tmp_path), Rule)):
        made.secret_key = "secret of the shop"
        PocketPing(made)
        assert made.url_rule_class is own
        assert "url_rule_class" not in vars(made)
        assert all(isinstance(rule, own) for rule in made.url_map.iter_rules() if rule.endpoint == "pocketping.connect")
        with made.test_request_context():
            assert url_for("pocketping.connect") == "/pocketping/connect"
            assert url_for("pocketping.inbox", rest="a b", q="1&2") == "/pocketping/inbox/a%20b?q=1%262"
            assert url_for("pocketping.get_session", session_id="sess_1") == "/pocketping/sessions/sess_1"
            with pytest.raises(BuildError):
                url_for("pocketping.get_session")


def test_one_object_serves_two_separate_apps(tmp_path: Path, serve: Serve) -> None:
    pocketping = PocketPing()
    heard: list[tuple[str, str]] = []

    def hear(sender: Flask, session: Session, **extra: Any) -> None:
        heard.append((sender.config["NAME"], session.id))

    apis, apps = [], []
    for name, prefix in (("one", ""), ("two", "/chat")):
        app = bare(
            tmp_path / name,
            NAME=name,
            POCKETPING_URL_PREFIX=prefix,
            POCKETPING_API_KEY=f"key of {name}".replace(" ", "-"),
        )
        app.config["POCKETPING_RATE_LIMIT"] = "5/hour" if name == "two" else "off"
        pocketping.init_app(app)
        apps.append(app)
        apis.append(serve(app).with_key(app.config["POCKETPING_API_KEY"]))
    one, two = apis
    assert [at(two, "/chat/health").status_code, at(two, "/health").status_code] == [200, 404]
    with signals.session_created.connected_to(hear, sender=apps[1]), one.socket() as office:
        first, second = one.session(), two.session()
        assert heard == [("two", second)]
        one.ok("POST", f"/sessions/{first}/close")
        kinds = [frame["type"] for frame in office.collect(lambda frames: frames[-1]["type"] == "session.closed")]
        assert kinds == ["session.created", "message.created", "session.closed"]
    assert [session["id"] for session in one.ok("GET", "/sessions")["sessions"]] == [first]
    assert [session["id"] for session in two.ok("GET", "/sessions")["sessions"]] == [second]
    assert one.with_key(two.key).get("/sessions").status_code == 401
    assert two.with_key(one.key).get("/sessions").status_code == 401
    assert "RateLimit-Limit" not in one.get("/sessions").headers
    assert two.get("/sessions").headers["RateLimit-Limit"] == "5"
    with apps[0].app_context():
        handle = pocketping.handle_for(first)
        assert pocketping.list_sessions().sessions[0].id == first
    with apps[1].app_context():
        assert pocketping.list_sessions().sessions[0].id == second
        assert pocketping.handle_for(first) != handle
    pocketping.close(apps[0])
    assert two.get("/health").status_code == 200


def test_a_second_registration_is_refused(app: Flask) -> None:
    with pytest.raises(ConfigurationError, match="set up for this app already"):
        PocketPing(app)
    with pytest.raises(ConfigurationError, match="set up for this app already"):
        app.extensions["test_pocketping"].init_app(app)


def test_without_an_app_an_error_says_what_to_do(tmp_path: Path) -> None:
    pocketping = PocketPing()
    with bare(tmp_path).app_context(), pytest.raises(RuntimeError, match=r"PocketPing\(app\) or init_app\(app\)"):
        pocketping.list_sessions()


def test_a_failed_registration_leaves_nothing_behind(tmp_path: Path) -> None:
    app = bare(tmp_path, POCKETPING_WORKER="maybe")
    with pytest.raises(ConfigurationError):
        PocketPing(app)
    assert not app.blueprints
    app.config["POCKETPING_WORKER"] = "off"
    PocketPing(app)
    assert app.blueprints.keys() == {"pocketping"}


def test_registering_opens_nothing_and_starts_nothing(tmp_path: Path) -> None:
    connected: list[object] = []

    def note(connection: object, record: object) -> None:
        connected.append(connection)

    threads = threading.active_count()
    event.listen(Pool, "connect", note)
    try:
        app = bare(tmp_path)
        PocketPing(app)
        with app.test_request_context("/"):
            pass
        assert app.test_client().get("/nothing-of-ours").status_code == 404
    finally:
        event.remove(Pool, "connect", note)
    assert connected == []
    assert threading.active_count() == threads
    assert list(tmp_path.iterdir()) == []


def test_registering_creates_no_tables_in_the_hosts_database(tmp_path: Path, sqlite: str, serve: Serve) -> None:
    app = bare(tmp_path, SQLALCHEMY_DATABASE_URI=sqlite, POCKETPING_URL_PREFIX="", POCKETPING_WORKER="off")
    pocketping = PocketPing(app)
    with app.app_context(), pytest.raises(SchemaMissing, match="flask pocketping init-db"):
        pocketping.list_sessions()
    assert serve(app).get("/sessions").status_code == 503
    engine = create_engine(sqlite)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_the_embedded_database_is_created_automatically(tmp_path: Path, serve: Serve) -> None:
    folder = tmp_path / "not" / "there" / "yet"
    app = bare(folder, POCKETPING_URL_PREFIX="")
    PocketPing(app)
    serve(app).session()
    path = folder / "pocketping.db"
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("SELECT count(*) FROM pocketping_session").fetchone() == (1,)
    connection.close()


def test_concurrent_first_requests_create_it_once(tmp_path: Path, serve: Serve) -> None:
    app = bare(tmp_path, POCKETPING_URL_PREFIX="")
    PocketPing(app)
    api = serve(app)
    barrier = threading.Barrier(10)

    def open_session(number: int) -> int:
        barrier.wait()
        return api.post("/sessions").status_code

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(open_session, range(10))) == {201}
    assert len(api.ok("GET", "/sessions")["sessions"]) == 10


class HostBase(DeclarativeBase):
    pass


class Customer(HostBase):
    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///shop.db"], ids=["in memory", "in a file"])
def test_the_database_of_flask_sqlalchemy_is_used(tmp_path: Path, serve: Serve, uri: str) -> None:
    db = SQLAlchemy(model_class=HostBase)
    pocketping = PocketPing(db=db)
    app = bare(tmp_path, SQLALCHEMY_DATABASE_URI=uri, POCKETPING_URL_PREFIX="")
    db.init_app(app)
    pocketping.init_app(app)
    with app.app_context():
        db.create_all()
    assert app.test_cli_runner().invoke(args=["pocketping", "init-db"]).exit_code == 0
    api = serve(app)
    with app.app_context():
        db.session.add(Customer(email="user@example.com"))
        db.session.commit()
    session_id = api.session(identity={"email": "user@example.com"})
    api.session(identity={"email": "stranger@example.com"})
    barrier = threading.Barrier(8)

    def send(number: int) -> int:
        barrier.wait()
        return api.post(f"/sessions/{session_id}/messages", {"content": f"No. {number}", "type": "visitor"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(8))) == {201}
    query = (
        select(Customer.email, SessionModel.id, MessageModel.content)
        .join(SessionModel, SessionModel.email == Customer.email)
        .join(MessageModel, MessageModel.session_id == SessionModel.id)
        .order_by(MessageModel.seq)
    )
    with app.app_context():
        rows = db.session.execute(query).all()
        assert {(row.email, row.id) for row in rows} == {("user@example.com", session_id)}
        assert len(rows) == 8
        db.session.remove()
        db.engine.dispose()


def test_an_engine_can_be_given(any_empty_database: str, tmp_path: Path, serve: Serve) -> None:
    engine = create_engine(any_empty_database)
    app = bare(tmp_path, POCKETPING_URL_PREFIX="", POCKETPING_DATABASE_URI="sqlite:////not/used.db")
    PocketPing(app, engine=engine)
    assert app.test_cli_runner().invoke(args=["pocketping", "init-db"]).exit_code == 0
    api = serve(app)
    session_id = api.session()
    api.ok("POST", f"/sessions/{session_id}/messages", {"content": "Hello"})
    with engine.connect() as connection:
        assert connection.execute(select(SessionModel.id)).scalars().all() == [session_id]
    engine.dispose()


def test_the_first_use_creates_the_default_project_in_migrated_tables(
    any_empty_database: str, tmp_path: Path, serve: Serve
) -> None:
    engine = create_engine(any_empty_database)
    PocketPing.metadata.create_all(engine)
    engine.dispose()
    app = bare(tmp_path, POCKETPING_URL_PREFIX="", POCKETPING_DATABASE_URI=any_empty_database)
    PocketPing(app)
    api = serve(app)
    assert api.get("/health").status_code == 200
    assert api.ok("POST", "/sessions")["session"]["projectId"] == DEFAULT_PROJECT
    assert api.post("/webhooks", {"url": "https://example.com/", "events": ["*"]}).status_code == 201


def test_engine_and_db_exclude_each_other() -> None:
    engine = create_engine("sqlite://")
    with pytest.raises(ConfigurationError, match="engine= or db=, not both"):
        PocketPing(engine=engine, db=SQLAlchemy())
    with pytest.raises(ConfigurationError, match="Flask-SQLAlchemy"):
        PocketPing(db=object())
    engine.dispose()


@pytest.mark.parametrize("key", ["POCKETPING_DATABASE_URI", "SQLALCHEMY_DATABASE_URI"])
def test_a_relative_sqlite_path_is_in_the_instance_folder(tmp_path: Path, key: str) -> None:
    app = bare(tmp_path / "instance", **{key: "sqlite:///chat.db"})
    PocketPing(app)
    assert app.test_cli_runner().invoke(args=["pocketping", "init-db"]).exit_code == 0
    assert (tmp_path / "instance" / "chat.db").exists()
    app.extensions["pocketping"].runtime.close()


def test_our_own_setting_overrides_the_hosts(tmp_path: Path) -> None:
    settings = {"POCKETPING_DATABASE_URI": "sqlite:///ours.db", "SQLALCHEMY_DATABASE_URI": "sqlite:///theirs.db"}
    app = bare(tmp_path, **settings)
    PocketPing(app)
    app.test_cli_runner().invoke(args=["pocketping", "init-db"])
    assert [path.name for path in tmp_path.glob("*.db")] == ["ours.db"]
    app.extensions["pocketping"].runtime.close()


@pytest.mark.parametrize("prefix", [None, "", "/chat", "/a/b"])
def test_everything_is_served_under_the_prefix_only(tmp_path: Path, serve: Serve, prefix: str | None) -> None:
    app = bare(tmp_path, **({} if prefix is None else {"POCKETPING_URL_PREFIX": prefix}))
    PocketPing(app)

    @app.get("/")
    def home() -> str:
        return "home"

    @app.get("/messages/archive")
    def archive() -> str:
        return "archive"

    @app.get("/shop/<path:rest>")
    def shop(rest: str) -> str:
        return rest

    @app.errorhandler(404)
    def not_found(error: Exception) -> tuple[str, int]:
        return "our own 404", 404

    api = serve(app)
    path = "/pocketping" if prefix is None else prefix
    assert at(api, path + "/health").json() == {"status": "ok"}
    assert at(api, path + "/sessions/none/nothing").json()["code"] == "NOT_FOUND"
    assert at(api, "/").text == "home"
    assert at(api, "/messages/archive").text == "archive"
    assert at(api, "/shop/sessions/none").text == "sessions/none"
    assert at(api, "/nothing").text == "our own 404"
    if path:
        for ours in ("/health", "/sessions", "/messages", path + "x", path + "x/health"):
            assert at(api, ours).text == "our own 404"
        assert at(api, path).json()["code"] == "NOT_FOUND"
        assert at(api, path + "/").json()["code"] == "NOT_FOUND"


@pytest.mark.parametrize("prefix", ["", "/chat"])
def test_a_catch_all_route_of_the_host_does_not_hide_ours(tmp_path: Path, serve: Serve, prefix: str) -> None:
    app = bare(tmp_path, POCKETPING_URL_PREFIX=prefix)

    @app.route("/", defaults={"rest": ""})
    @app.route("/<path:rest>", methods=["GET", "POST", "DELETE"])
    def everything(rest: str) -> str:
        return f"the host's {rest}"

    PocketPing(app)
    api = serve(app)
    assert api.get("/health").json() == {"status": "ok"}
    assert api.get("/sessions/none/nothing").json()["code"] == "NOT_FOUND"
    assert api.delete("/sessions").json()["code"] == "METHOD_NOT_ALLOWED"
    with api.socket() as office:
        assert office.hello["projectId"] == DEFAULT_PROJECT
    for path in ("", "about", "sessionsx", "chatter/health"):
        assert at(api, "/" + path).text == f"the host's {path}"


def test_an_app_may_be_mounted_below_another(tmp_path: Path, serve: Serve) -> None:
    app = bare(tmp_path, POCKETPING_URL_PREFIX="/chat")
    PocketPing(app)
    app.wsgi_app = DispatcherMiddleware(Flask("outer"), {"/shop": app.wsgi_app})  # type: ignore[method-assign]
    api = serve(app)
    assert at(api, "/shop/chat/health").json() == {"status": "ok"}
    assert at(api, "/shop/chat/nothing").json()["code"] == "NOT_FOUND"
    assert at(api, "/shop/chat/openapi.json").json()["servers"] == [{"url": "/shop/chat"}]
    assert at(api, "/chat/health").status_code == 404


def test_the_hosts_configuration_is_not_changed(tmp_path: Path, serve: Serve) -> None:
    app = bare(tmp_path, POCKETPING_URL_PREFIX="/chat", SOCK_SERVER_OPTIONS={"ping_interval": 7})
    before: list[str] = []

    @app.before_request
    def note() -> None:
        before.append(request.path)
        g.user = "host"

    @app.errorhandler(Exception)
    def any_error(error: Exception) -> tuple[Response, int]:
        return jsonify(host=type(error).__name__), getattr(error, "code", None) or 500

    @app.get("/crash")
    def crash() -> str:
        raise KeyError("host")

    @app.get("/gone")
    def gone() -> str:
        abort(410)

    config = dict(app.config)
    handlers = dict(app.error_handler_spec[None])
    after, teardown = dict(app.after_request_funcs), list(app.teardown_appcontext_funcs)
    processors = dict(app.template_context_processors)
    pocketping = PocketPing(app)
    assert dict(app.config) == config
    assert dict(app.error_handler_spec[None]) == handlers
    assert app.after_request_funcs.get(None) == after.get(None)
    assert app.teardown_appcontext_funcs == teardown
    assert app.before_request_funcs[None] == [note]
    assert app.template_context_processors[None] == processors[None]
    assert app.json.dumps({"b": 1, "a": "ä"}) == '{"a": "\\u00e4", "b": 1}'
    api = serve(app)
    assert at(api, "/crash").json() == {"host": "KeyError"}
    assert at(api, "/gone").json() == {"host": "Gone"}
    assert at(api, "/nothing").json() == {"host": "NotFound"}
    with api.socket() as office:
        session_id = api.session()
        assert office.expect("session.created")["sessionId"] == session_id
    assert api.get("/sessions/none").json()["code"] == "SESSION_NOT_FOUND"
    assert {"/crash", "/nothing", "/chat/ws", "/chat/sessions"} <= set(before)
    assert app.config["SOCK_SERVER_OPTIONS"] == {"ping_interval": 7}
    assert pocketping.metadata is PocketPing.metadata


def test_the_python_api_needs_only_an_app_context(app: Flask) -> None:
    pocketping: PocketPing = app.extensions["test_pocketping"]
    with app.app_context():
        session = pocketping.open_session(
            visitor_id="vis_1",
            metadata={"pageUrl": "https://example.com/"},
            identity=Identity(email="user@example.com", verified=True),
        )
        assert session.project_id == DEFAULT_PROJECT
        assert pocketping.get_session(session.id) == session
        first = pocketping.send_message(session.id, "A question", type="visitor")
        answer = pocketping.send_message(session.id, "An answer", operator_name="Ann", reply_to=first.id)
        assert (first.type, answer.type, answer.reply_to) == ("visitor", "operator", first.id)
        assert pocketping.list_messages(session.id).messages == [first, answer]
        assert pocketping.list_messages(session.id, after=first.id).messages == [answer]
        assert pocketping.list_messages(session.id, before=answer.seq, limit=1).messages == [first]
        assert pocketping.mark_read(session.id) == 1
        assert pocketping.mark_read(session.id, [first.id]) == 0
        edited = pocketping.edit_message(session.id, answer.id, "A better answer")
        assert (edited.content, edited.edited_at is not None) == ("A better answer", True)
        assert pocketping.delete_message(session.id, answer.id).content == ""
        known = pocketping.identify(session.id, Identity(name="Zoë", verified=True))
        assert known.identity == Identity(email="user@example.com", name="Zoë", verified=True)
        assert pocketping.set_ai(session.id, False).ai_enabled is False
        pocketping.send_event(session.id, "discount", {"percent": 10})
        assert pocketping.close_session(session.id).status == "closed"
        with pytest.raises(SessionClosed):
            pocketping.send_message(session.id, "Too late")
        assert pocketping.reopen_session(session.id).status == "active"
        page = pocketping.list_sessions(status="active", q="better", visitor_id="vis_1", limit=1)
        assert (page.sessions, page.next_cursor) == ([], None)
        assert [found.id for found in pocketping.list_sessions(q="zoë").sessions] == [session.id]
        assert pocketping.handle_for(session.id).startswith(session.id + ".")
    pocketping.close(app)


def test_the_python_api_raises_the_errors_of_the_rest_api(app: Flask) -> None:
    pocketping: PocketPing = app.extensions["test_pocketping"]
    with app.app_context():
        session = pocketping.open_session()
        calls: list[tuple[type[Exception], Call]] = [
            (SessionNotFound, lambda: pocketping.get_session("sess_none")),
            (SessionNotFound, lambda: pocketping.send_message("sess_none", "x")),
            (SessionNotFound, lambda: pocketping.close_session("sess_none")),
            (SessionNotFound, lambda: pocketping.list_messages("sess_none")),
            (MessageNotFound, lambda: pocketping.edit_message(session.id, "msg_none", "x")),
            (MessageNotFound, lambda: pocketping.delete_message(session.id, "msg_none")),
            (InvalidRequest, lambda: pocketping.send_message(session.id, " ")),
            (InvalidRequest, lambda: pocketping.send_message(session.id, "x" * 4001)),
            (InvalidRequest, lambda: pocketping.send_message(session.id, "a\x00b")),
            (InvalidRequest, lambda: pocketping.send_message(session.id, "x", reply_to="msg_none")),
            (InvalidRequest, lambda: pocketping.identify(session.id, Identity())),
            (InvalidRequest, lambda: pocketping.list_sessions(cursor="nonsense")),
        ]
        for expected, call in calls:
            with pytest.raises(expected):
                call()
        assert pocketping.list_messages(session.id).messages == []
    pocketping.close(app)


def test_a_repeated_task_sends_nothing_twice(app: Flask) -> None:
    pocketping: PocketPing = app.extensions["test_pocketping"]
    with app.app_context():
        session = pocketping.open_session()
        first = pocketping.send_message(session.id, "Your parcel is on its way", client_id="parcel-7")
        assert pocketping.send_message(session.id, "Your parcel is on its way", client_id="parcel-7") == first
        assert pocketping.list_messages(session.id).messages == [first]
    pocketping.close(app)


def test_the_python_api_works_in_threads_of_the_host(any_database: str, tmp_path: Path) -> None:
    app = make_app(tmp_path, any_database, worker="off")
    pocketping: PocketPing = app.extensions["test_pocketping"]
    with app.app_context():
        session = pocketping.open_session()
    barrier = threading.Barrier(8)

    def send(number: int) -> Message:
        with app.app_context():
            barrier.wait()
            return pocketping.send_message(session.id, f"No. {number}")

    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(send, range(8)))
    with app.app_context():
        assert pocketping.list_messages(session.id).messages == sorted(sent, key=lambda message: message.seq)
    assert sorted(message.seq for message in sent) == list(range(2, 10))
    pocketping.close(app)


def test_changes_by_the_host_reach_sockets_and_pages_immediately(app: Flask, api: Api) -> None:
    pocketping: PocketPing = app.extensions["test_pocketping"]
    visitor = api.visitor()
    with api.socket() as office, visitor.stream() as page:
        with app.app_context():
            sent = pocketping.send_message(visitor.session_id, "From the host")
        assert office.expect("message.created")["message"]["id"] == sent.id
        assert page.expect("message")["data"]["id"] == sent.id


def test_a_handle_from_the_host_works_in_the_visitor_api(app: Flask, api: Api) -> None:
    pocketping: PocketPing = app.extensions["test_pocketping"]
    with app.app_context():
        session = pocketping.open_session()
        handle = pocketping.handle_for(session.id)
    answer = api.with_key(None).post("/message", {"sessionId": handle, "content": "Hello"})
    assert answer.status_code == 200
    assert api.ok("GET", f"/sessions/{session.id}")["session"]["unread"] == 1


def test_handles_stay_valid_with_a_fallback_secret(tmp_path: Path, sqlite: str, serve: Serve) -> None:
    first = bare(tmp_path, POCKETPING_DATABASE_URI=sqlite, POCKETPING_URL_PREFIX="")
    PocketPing(first)
    first.extensions["pocketping"].db.create_tables()
    visitor = serve(first).visitor()
    second = bare(tmp_path, POCKETPING_DATABASE_URI=sqlite, POCKETPING_URL_PREFIX="")
    second.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[first.config["SECRET_KEY"], "older"])
    PocketPing(second)
    api = serve(second)
    assert api.with_key(None).get("/messages", params={"sessionId": visitor.handle}).status_code == 200
    third = bare(tmp_path, POCKETPING_DATABASE_URI=sqlite, POCKETPING_URL_PREFIX="")
    third.config["SECRET_KEY"] = "new"
    PocketPing(third)
    answer = serve(third).with_key(None).get("/messages", params={"sessionId": visitor.handle})
    assert (answer.status_code, answer.json()["code"]) == (404, "SESSION_NOT_FOUND")


def test_closing_may_be_repeated_and_the_next_request_restarts(app: Flask, api: Api) -> None:
    pocketping: PocketPing = app.extensions["test_pocketping"]
    session_id = api.session()
    pocketping.close(app)
    pocketping.close(app)
    assert api.get(f"/sessions/{session_id}").status_code == 200
    with api.socket() as office:
        api.ok("POST", f"/sessions/{session_id}/close")
        office.expect("session.closed")


def test_secrets_stay_out_of_the_log(tmp_path: Path, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    app = bare(tmp_path, POCKETPING_API_KEY="swordfish-0123456789", POCKETPING_SECRET="swordfish-secret")
    app.config.update(POCKETPING_URL_PREFIX="", POCKETPING_DATABASE_URI="sqlite:////nowhere/swordfish.db")
    PocketPing(app)
    api = serve(app).with_key("swordfish-0123456789")
    assert api.post("/sessions", {"identity": {"name": "swordfish"}}).status_code == 503
    assert api.with_key("swordfish-9876543210").get("/sessions").status_code == 503
    assert "swordfish" not in "".join(record.getMessage() for record in caplog.records if "sqlite" not in record.name)
    assert "swordfish" not in repr(app.extensions["pocketping"])
    engine: Engine = app.extensions["pocketping"].db.engine
    assert engine.hide_parameters


class Somewhere(Target):
    """A target with nothing wrong in it."""

    name = "somewhere"

    def follow(self, event: Event, tx: object) -> list[Deliver]:
        return []

    def send(self, batch: object) -> Outcome:
        return Outcome.succeeded()


def somewhere(**attributes: Any) -> Somewhere:
    made = Somewhere()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ([Somewhere], "a list of Target objects"),
        ([object()], "a list of Target objects"),
        ([somewhere(name="")], "Somewhere.name must have 1 to 20 characters"),
        ([somewhere(name="x" * 21)], "Somewhere.name must have 1 to 20 characters"),
        ([somewhere(name="webhook")], "Two targets have the name 'webhook'"),
        ([somewhere(), somewhere()], "Two targets have the name 'somewhere'"),
        ([somewhere(batch_size=2, strict_order=False)], "needs strict_order"),
    ],
)
def test_an_invalid_target_is_refused_at_setup(targets: list[Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        PocketPing(targets=targets)


def test_a_delivery_with_a_too_long_target_id_is_refused() -> None:
    with pytest.raises(ValueError, match="40 characters"):
        Deliver("x" * 41)
    with pytest.raises(ValueError, match="40 characters"):
        Deliver(subject="x" * 41)
