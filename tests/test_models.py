"""Tests the tables on each database: exact times and text, joins with tables of the host, and cascades."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Constraint, DateTime, Engine, Index, String, delete, func, inspect, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.orm import Session as ORMSession

from flask_pocketping import DEFAULT_PROJECT, PocketPing
from flask_pocketping.db import create_tables, own_engine
from flask_pocketping.migrations.schema import VERSION_TABLE
from flask_pocketping.models import Base, Delivery, Event, IdempotencyKey, Message, Project, Session, UTCDateTime

from .support.services import empty_database

MOMENT = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)


class HostBase(DeclarativeBase):
    pass


class Customer(HostBase):
    __tablename__ = "customer"
    __table_args__ = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    mail: Mapped[str] = mapped_column(String(320))


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def any_engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with empty_database(request.param, tmp_path_factory.mktemp("models")) as url:
        made = own_engine(url)
        create_tables(made)
        yield made
        made.dispose()


@pytest.fixture
def engine(any_engine: Engine) -> Iterator[Engine]:
    """An engine on a database with the tables and nothing in them but the default project."""
    yield any_engine
    with any_engine.begin() as connection:
        for found in reversed(Base.metadata.sorted_tables):
            if found is not Base.metadata.tables["pocketping_project"]:
                connection.execute(delete(found))


def session_row(**values: Any) -> Session:
    fixed: dict[str, Any] = {
        "id": "sess_1",
        "project_id": DEFAULT_PROJECT,
        "visitor_id": "vis_1",
        "status": "active",
        "created_at": MOMENT,
        "last_activity": MOMENT,
        "details": {},
    }
    return Session(**fixed | values)


def message_row(**values: Any) -> Message:
    fixed: dict[str, Any] = {
        "id": "msg_1",
        "session_id": "sess_1",
        "seq": 2,
        "type": "visitor",
        "content": "Hello",
        "created_at": MOMENT,
        "changed_at": MOMENT,
    }
    return Message(**fixed | values)


def test_every_table_has_our_prefix() -> None:
    assert PocketPing.metadata is Base.metadata
    assert all(name.startswith("pocketping_") for name in Base.metadata.tables)
    for found in Base.metadata.tables.values():
        named: list[Constraint | Index] = [*found.constraints, *found.indexes]
        for item in named:
            assert item.name, f"a migration could not name {item} of {found.name}"
            assert len(str(item.name)) <= 63


def test_creating_the_tables_again_changes_nothing(engine: Engine) -> None:
    create_tables(engine)
    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, VERSION_TABLE}
    with ORMSession(engine) as session:
        assert session.execute(select(Project.id)).scalars().all() == [DEFAULT_PROJECT]


def test_concurrent_creation_by_processes_succeeds(any_empty_database: str) -> None:
    engines = [own_engine(any_empty_database) for _ in range(4)]
    barrier = threading.Barrier(len(engines))

    def make(engine: Engine) -> None:
        barrier.wait()
        create_tables(engine)

    with ThreadPoolExecutor(len(engines)) as pool:
        list(pool.map(make, engines))
    assert set(inspect(engines[0]).get_table_names()) == {*Base.metadata.tables, VERSION_TABLE}
    with ORMSession(engines[0]) as session:
        assert session.execute(select(Project.id)).scalars().all() == [DEFAULT_PROJECT]
    for engine in engines:
        engine.dispose()


def test_times_are_stored_with_microseconds_and_returned_in_utc(engine: Engine) -> None:
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    with ORMSession(engine) as session, session.begin():
        session.add(session_row(created_at=elsewhere, closed_at=None))
    with ORMSession(engine) as session:
        found = session.execute(select(Session)).scalar_one()
        assert (found.created_at, found.closed_at) == (MOMENT, None)
        assert found.created_at.utcoffset() == timedelta(0)
        later = select(func.count()).where(Session.created_at > MOMENT - timedelta(microseconds=1))
        assert session.execute(later).scalar() == 1
        assert session.execute(select(func.count()).where(Session.created_at > MOMENT)).scalar() == 0


def test_text_and_json_are_stored_exactly(engine: Engine) -> None:
    details = {"pageUrl": "https://example.com/ü?q=🦊", "deep": [{"a": None, "b": [1.5, True, "\\ \" ' %"]}]}
    with ORMSession(engine) as session, session.begin():
        session.add(session_row(details=details, identity_details=None))
        session.flush()
        session.add(message_row(content="🦊" * 4000))
    with ORMSession(engine) as session:
        found = session.execute(select(Session)).scalar_one()
        assert found.details == details
        assert session.execute(select(func.count()).where(Session.identity_details.is_(None))).scalar() == 1
        assert session.execute(select(Message.content)).scalar_one() == "🦊" * 4000


def test_ids_and_keys_differ_by_case(engine: Engine) -> None:
    with ORMSession(engine) as session, session.begin():
        session.add_all([session_row(id="sess_a"), session_row(id="sess_A")])
        for key in ("Key", "key", "kéy"):
            session.add(
                IdempotencyKey(
                    project_id=DEFAULT_PROJECT, key=key, fingerprint="f", status=201, body="", created_at=MOMENT
                )
            )
    with ORMSession(engine) as session:
        assert session.execute(select(Session.id).where(Session.id == "sess_A")).scalars().all() == ["sess_A"]
        assert session.execute(select(func.count()).select_from(IdempotencyKey)).scalar() == 3


def test_trailing_spaces_make_text_different(engine: Engine) -> None:
    with ORMSession(engine) as session, session.begin():
        session.add_all([session_row(id="sess_a", customer_id="7"), session_row(id="sess_b", customer_id="7 ")])
        for key in ("key", "key ", "key  "):
            session.add(
                IdempotencyKey(
                    project_id=DEFAULT_PROJECT, key=key, fingerprint="f", status=201, body="", created_at=MOMENT
                )
            )
    with ORMSession(engine) as session:
        for customer_id, found in (("7", ["sess_a"]), ("7 ", ["sess_b"]), ("7  ", [])):
            query = select(Session.id).where(Session.customer_id == customer_id)
            assert session.execute(query).scalars().all() == found


def test_a_host_can_join_its_tables_with_ours(engine: Engine) -> None:
    HostBase.metadata.create_all(engine, tables=[HostBase.metadata.tables["customer"]])
    with ORMSession(engine) as session, session.begin():
        session.add_all([Customer(id=1, mail="a@example.com"), Customer(id=2, mail="b@example.com")])
        session.add_all([session_row(email="a@example.com"), session_row(id="sess_2", email="c@example.com")])
        session.flush()
        session.add(message_row())
    query = (
        select(Customer.id, Session.id, func.count(Message.id))
        .join(Session, Session.email == Customer.mail)
        .outerjoin(Message, Message.session_id == Session.id)
        .group_by(Customer.id, Session.id)
    )
    with ORMSession(engine) as session:
        assert [tuple(row) for row in session.execute(query)] == [(1, "sess_1", 1)]


def test_seq_and_client_id_are_unique_in_a_session(engine: Engine) -> None:
    with ORMSession(engine) as session, session.begin():
        session.add(session_row())
        session.flush()
        session.add(message_row(client_id="c1"))
    for values in ({"seq": 2, "client_id": "c2"}, {"seq": 3, "client_id": "c1"}):
        with ORMSession(engine) as session:
            session.add(message_row(id="msg_2", **values))
            with pytest.raises(IntegrityError):
                session.commit()


def test_deleting_a_project_deletes_its_data(engine: Engine) -> None:
    with ORMSession(engine) as session, session.begin():
        session.add(Project(id="proj_1", name="One", created_at=MOMENT))
        session.flush()
        session.add_all([session_row(project_id="proj_1"), session_row(id="sess_2")])
        session.flush()
        session.add_all([message_row(), message_row(id="msg_2", session_id="sess_2")])
        event = Event(
            project_id="proj_1", session_id="sess_1", seq=1, type="session.created", created_at=MOMENT, data="{}"
        )
        session.add(event)
        session.flush()
        session.add(
            Delivery(
                project_id="proj_1",
                target="webhook",
                target_id="whk_1",
                subject="sess_1",
                event_id=event.id,
                state="pending",
                due_at=MOMENT,
                created_at=MOMENT,
            )
        )
    with ORMSession(engine) as session, session.begin():
        session.execute(delete(Project).where(Project.id == "proj_1"))
    with ORMSession(engine) as session:
        assert session.execute(select(Session.id)).scalars().all() == ["sess_2"]
        assert session.execute(select(Message.id)).scalars().all() == ["msg_2"]
        for model in (Event, Delivery):
            assert session.execute(select(func.count()).select_from(model)).scalar() == 0


def test_event_ids_are_never_reused(engine: Engine) -> None:
    def add(seq: int) -> int:
        with ORMSession(engine) as session, session.begin():
            event = Event(
                project_id=DEFAULT_PROJECT, session_id="sess_1", seq=seq, type="x", created_at=MOMENT, data="{}"
            )
            session.add(event)
            session.flush()
            return event.id

    with ORMSession(engine) as session, session.begin():
        session.add(session_row())
    first = add(1)
    with ORMSession(engine) as session, session.begin():
        session.execute(delete(Event))
    assert add(1) > first


@pytest.mark.parametrize(
    "moment",
    [MOMENT, MOMENT.replace(microsecond=0), datetime(987, 1, 2, tzinfo=timezone(timedelta(hours=5, minutes=30)))],
)
def test_times_in_sqlite_equal_those_of_sqlalchemy(moment: datetime) -> None:
    dialect = sqlite.dialect()
    theirs = DateTime().dialect_impl(dialect).bind_processor(dialect)
    ours = UTCDateTime().bind_processor(dialect)
    assert theirs is not None
    assert ours is not None
    assert ours(moment) == theirs(moment.astimezone(UTC).replace(tzinfo=None))
    assert ours(None) is None
