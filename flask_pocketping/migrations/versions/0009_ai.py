"""The AI: its answers, drafts and actions, what it used, and when it waits.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import mysql

from flask_pocketping.models import UTCDateTime

revision = "0009"
down_revision = "0008"

ID = sa.String(40)
LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
MARIADB: Any = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_nopad_bin", "mysql_engine": "InnoDB"}
TABLES = ("operator_typing", "ai_circuit", "ai_budget", "ai_action", "ai_draft", "ai_answer")


def upgrade(op: Operations) -> None:
    op.add_column(
        "pocketping_session", sa.Column("ai_handed_over", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_table(
        "pocketping_ai_answer",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("session_id", ID, nullable=False),
        sa.Column("message_id", ID),
        sa.Column("draft_id", ID),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(500)),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("passages", sa.JSON(), nullable=False),
        sa.Column("calls", sa.JSON(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        _to_session("ai_answer"),
        sa.PrimaryKeyConstraint("id", name="pk_pocketping_ai_answer"),
        **MARIADB,
    )
    _index(op, "ai_answer", "project_id", "created_at")
    _index(op, "ai_answer", "session_id")
    _index(op, "ai_answer", "message_id")
    op.create_table(
        "pocketping_ai_draft",
        sa.Column("id", ID, nullable=False),
        sa.Column("session_id", ID, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("passages", sa.JSON(), nullable=False),
        sa.Column("message_id", ID),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        _to_session("ai_draft"),
        sa.PrimaryKeyConstraint("id", name="pk_pocketping_ai_draft"),
        **MARIADB,
    )
    _index(op, "ai_draft", "session_id", "state")
    op.create_table(
        "pocketping_ai_action",
        sa.Column("id", ID, nullable=False),
        sa.Column("session_id", ID, nullable=False),
        sa.Column("tool", sa.String(64), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("asks", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("result", LONG_TEXT),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        _to_session("ai_action"),
        sa.PrimaryKeyConstraint("id", name="pk_pocketping_ai_action"),
        **MARIADB,
    )
    _index(op, "ai_action", "session_id", "state")
    op.create_table(
        "pocketping_ai_budget",
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_pocketping_ai_budget"),
        **MARIADB,
    )
    _index(op, "ai_budget", "day")
    op.create_table(
        "pocketping_ai_circuit",
        sa.Column("key", ID, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_try_at", UTCDateTime()),
        sa.Column("dated_at", UTCDateTime()),
        sa.PrimaryKeyConstraint("key", name="pk_pocketping_ai_circuit"),
        **MARIADB,
    )
    op.create_table(
        "pocketping_operator_typing",
        sa.Column("session_id", ID, nullable=False),
        sa.Column("typed_at", UTCDateTime(), nullable=False),
        _to_session("operator_typing"),
        sa.PrimaryKeyConstraint("session_id", name="pk_pocketping_operator_typing"),
        **MARIADB,
    )


def downgrade(op: Operations) -> None:
    for name in TABLES:
        op.drop_table(f"pocketping_{name}")
    op.drop_column("pocketping_session", "ai_handed_over")


def _to_session(table: str) -> Any:
    name = f"fk_pocketping_{table}_session_id"
    return sa.ForeignKeyConstraint(["session_id"], ["pocketping_session.id"], name=name, ondelete="CASCADE")


def _index(op: Operations, table: str, *columns: str) -> None:
    op.create_index(f"ix_pocketping_{table}_{'_'.join(columns)}", f"pocketping_{table}", list(columns))
