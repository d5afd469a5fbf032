"""Bridges to chat platforms: threads, posts and what came in; messages that visitors do not see.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import mysql

from flask_pocketping.models import UTCDateTime

revision = "0006"
down_revision = "0005"

ID = sa.String(40)
NAME = sa.String(20)
EXTERNAL = sa.String(100)
LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
MARIADB: Any = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_nopad_bin", "mysql_engine": "InnoDB"}


def upgrade(op: Operations) -> None:
    op.add_column("pocketping_message", sa.Column("internal", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "pocketping_bridge",
        sa.Column("name", NAME, nullable=False),
        sa.Column("channel", EXTERNAL),
        sa.Column("moved_to", EXTERNAL),
        sa.Column("cursor", LONG_TEXT),
        sa.Column("lease_owner", ID),
        sa.Column("lease_until", UTCDateTime()),
        sa.Column("dated_at", UTCDateTime()),
        sa.PrimaryKeyConstraint("name", name="pk_pocketping_bridge"),
        **MARIADB,
    )
    op.create_table(
        "pocketping_bridge_thread",
        sa.Column("bridge", NAME, nullable=False),
        sa.Column("session_id", ID, nullable=False),
        sa.Column("channel", EXTERNAL, nullable=False),
        sa.Column("thread_id", EXTERNAL, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("head_id", EXTERNAL),
        sa.Column("newest_id", EXTERNAL),
        sa.Column("claimed_by", sa.String(200)),
        sa.Column("claim_shown", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("warned", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=False),
        _to_session("bridge_thread"),
        sa.PrimaryKeyConstraint("bridge", "session_id", name="pk_pocketping_bridge_thread"),
        sa.UniqueConstraint(
            "bridge", "channel", "thread_id", name="uq_pocketping_bridge_thread_bridge_channel_thread_id"
        ),
        **MARIADB,
    )
    _index(op, "bridge_thread", "session_id")
    _index(op, "bridge_thread", "bridge", "state", "used_at")
    op.create_table(
        "pocketping_bridge_post",
        sa.Column("message_id", ID, nullable=False),
        sa.Column("bridge", NAME, nullable=False),
        sa.Column("session_id", ID, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(500)),
        sa.Column("event_id", sa.BigInteger()),
        sa.Column("shown", sa.String(64)),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        _to_message("bridge_post"),
        _to_session("bridge_post"),
        sa.PrimaryKeyConstraint("message_id", "bridge", name="pk_pocketping_bridge_post"),
        **MARIADB,
    )
    _index(op, "bridge_post", "session_id", "bridge")
    op.create_table(
        "pocketping_bridge_item",
        sa.Column("bridge", NAME, nullable=False),
        sa.Column("channel", EXTERNAL, nullable=False),
        sa.Column("external_id", EXTERNAL, nullable=False),
        sa.Column("part", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("session_id", ID, nullable=False),
        sa.Column("message_id", ID),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("incoming", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        _to_session("bridge_item"),
        _to_message("bridge_item"),
        sa.PrimaryKeyConstraint("bridge", "channel", "external_id", "part", name="pk_pocketping_bridge_item"),
        **MARIADB,
    )
    _index(op, "bridge_item", "message_id", "bridge")
    _index(op, "bridge_item", "session_id")


def downgrade(op: Operations) -> None:
    for name in ("bridge_item", "bridge_post", "bridge_thread", "bridge"):
        op.drop_table(f"pocketping_{name}")
    # Older versions would show these to visitors.
    op.execute(sa.text("DELETE FROM pocketping_message WHERE internal"))
    op.drop_column("pocketping_message", "internal")


def _to_session(table: str) -> Any:
    return _key(table, "session_id", "pocketping_session.id")


def _to_message(table: str) -> Any:
    return _key(table, "message_id", "pocketping_message.id")


def _key(table: str, column: str, other: str) -> Any:
    name = f"fk_pocketping_{table}_{column}"
    return sa.ForeignKeyConstraint([column], [other], name=name, ondelete="CASCADE")


def _index(op: Operations, table: str, *columns: str) -> None:
    op.create_index(f"ix_pocketping_{table}_{'_'.join(columns)}", f"pocketping_{table}", list(columns))
