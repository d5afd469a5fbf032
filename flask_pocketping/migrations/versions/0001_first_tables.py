"""The first tables: everything that was made before revisions were counted, and the default project.

Revision ID: 0001
Revises: nothing
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import mysql

from flask_pocketping import clock
from flask_pocketping.models import UTCDateTime

revision = "0001"
down_revision = None

ID = sa.String(40)
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
MARIADB: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}


def upgrade(op: Operations) -> None:
    op.create_table(
        "pocketping_project",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pocketping_project"),
        **MARIADB,
    )
    op.create_table(
        "pocketping_idempotency_key",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", LONG_TEXT, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "key", name="pk_pocketping_idempotency_key"),
        **MARIADB,
    )
    op.create_index("ix_pocketping_idempotency_key_created_at", "pocketping_idempotency_key", ["created_at"])
    op.create_table(
        "pocketping_presence",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("session_id", ID),
        sa.Column("operator_id", sa.String(255)),
        sa.Column("operator_name", sa.String(200)),
        sa.Column("operator_avatar", sa.String(2048)),
        sa.Column("available", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pocketping_presence"),
        **MARIADB,
    )
    op.create_index("ix_pocketping_presence_project_id_session_id", "pocketping_presence", ["project_id", "session_id"])
    op.create_index("ix_pocketping_presence_session_id", "pocketping_presence", ["session_id"])
    op.create_table(
        "pocketping_api_key",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("hint", sa.String(20), nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("revoked_at", UTCDateTime()),
        sa.ForeignKeyConstraint(
            ["project_id"], ["pocketping_project.id"], name="fk_pocketping_api_key_project_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pocketping_api_key"),
        sa.UniqueConstraint("key_hash", name="uq_pocketping_api_key_key_hash"),
        **MARIADB,
    )
    op.create_index("ix_pocketping_api_key_project_id", "pocketping_api_key", ["project_id"])
    op.create_table(
        "pocketping_canned_answer",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("shortcut", ID, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["pocketping_project.id"], name="fk_pocketping_canned_answer_project_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pocketping_canned_answer"),
        sa.UniqueConstraint("project_id", "shortcut", name="uq_pocketping_canned_answer_project_id_shortcut"),
        **MARIADB,
    )
    op.create_table(
        "pocketping_session",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("visitor_id", sa.String(64), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("last_activity", UTCDateTime(), nullable=False),
        sa.Column("closed_at", UTCDateTime()),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("customer_id", sa.String(255)),
        sa.Column("email", sa.String(320)),
        sa.Column("name", sa.String(200)),
        sa.Column("identity_metadata", sa.JSON()),
        sa.Column("identity_verified", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("ai_enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("ai_active", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("unread", sa.Integer(), nullable=False),
        sa.Column("unanswered", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("last_message_id", ID),
        sa.Column("visitor_online", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("visitor_seen_at", UTCDateTime()),
        sa.Column("signed_in", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("first_message_at", UTCDateTime()),
        sa.Column("started_on", sa.Date()),
        sa.Column("response_ms", sa.BigInteger()),
        sa.Column("csat_requested_at", UTCDateTime()),
        sa.Column("csat_score", sa.Integer()),
        sa.Column("csat_comment", sa.Text()),
        sa.Column("csat_at", UTCDateTime()),
        sa.ForeignKeyConstraint(
            ["project_id"], ["pocketping_project.id"], name="fk_pocketping_session_project_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pocketping_session"),
        **MARIADB,
    )
    op.create_index("ix_pocketping_session_customer_id", "pocketping_session", ["customer_id"])
    op.create_index(
        "ix_pocketping_session_project_id_last_activity_id", "pocketping_session", ["project_id", "last_activity", "id"]
    )
    op.create_index(
        "ix_pocketping_session_project_id_status_last_activity_id",
        "pocketping_session",
        ["project_id", "status", "last_activity", "id"],
    )
    op.create_index(
        "ix_pocketping_session_project_id_unanswered_last_activity_id",
        "pocketping_session",
        ["project_id", "unanswered", "last_activity", "id"],
    )
    op.create_index("ix_pocketping_session_project_id_visitor_id", "pocketping_session", ["project_id", "visitor_id"])
    op.create_index(
        "ix_pocketping_session_stats", "pocketping_session", ["project_id", "started_on", "response_ms", "csat_score"]
    )
    op.create_index("ix_pocketping_session_visitor_online", "pocketping_session", ["visitor_online"])
    op.create_table(
        "pocketping_webhook",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("url", sa.String(2048), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("description", sa.String(500), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("disabled_reason", sa.String(500)),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("failing_since", UTCDateTime()),
        sa.Column("secret", sa.String(100), nullable=False),
        sa.Column("previous_secret", sa.String(100)),
        sa.Column("previous_secret_until", UTCDateTime()),
        sa.ForeignKeyConstraint(
            ["project_id"], ["pocketping_project.id"], name="fk_pocketping_webhook_project_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pocketping_webhook"),
        **MARIADB,
    )
    op.create_index("ix_pocketping_webhook_project_id", "pocketping_webhook", ["project_id"])
    op.create_table(
        "pocketping_event",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("session_id", ID, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", ID, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("data", LONG_TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["pocketping_session.id"], name="fk_pocketping_event_session_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pocketping_event"),
        sa.UniqueConstraint("session_id", "seq", name="uq_pocketping_event_session_id_seq"),
        sqlite_autoincrement=True,
        **MARIADB,
    )
    op.create_index("ix_pocketping_event_project_id_id", "pocketping_event", ["project_id", "id"])
    op.create_table(
        "pocketping_message",
        sa.Column("id", ID, nullable=False),
        sa.Column("session_id", ID, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("client_id", sa.String(64)),
        sa.Column("type", sa.String(10), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.Column("operator_name", sa.String(200)),
        sa.Column("source_bridge", sa.String(20)),
        sa.Column("reply_to", ID),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("delivered_at", UTCDateTime()),
        sa.Column("read_at", UTCDateTime()),
        sa.Column("edited_at", UTCDateTime()),
        sa.Column("deleted_at", UTCDateTime()),
        sa.Column("files", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["pocketping_session.id"], name="fk_pocketping_message_session_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pocketping_message"),
        sa.UniqueConstraint("session_id", "client_id", name="uq_pocketping_message_session_id_client_id"),
        sa.UniqueConstraint("session_id", "seq", name="uq_pocketping_message_session_id_seq"),
        **MARIADB,
    )
    op.create_index("ix_pocketping_message_session_id_changed_at", "pocketping_message", ["session_id", "changed_at"])
    op.create_table(
        "pocketping_page_visit",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("session_id", ID, nullable=False),
        sa.Column("url", sa.String(2048), nullable=False),
        sa.Column("title", sa.String(500)),
        sa.Column("visited_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["pocketping_session.id"], name="fk_pocketping_page_visit_session_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pocketping_page_visit"),
        sqlite_autoincrement=True,
        **MARIADB,
    )
    op.create_index("ix_pocketping_page_visit_session_id_id", "pocketping_page_visit", ["session_id", "id"])
    op.create_table(
        "pocketping_attachment",
        sa.Column("id", ID, nullable=False),
        sa.Column("session_id", ID, nullable=False),
        sa.Column("message_id", ID),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(10), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("filename", sa.String(255), nullable=False),
        sa.Column("mime_type", sa.String(100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("path", sa.String(255), nullable=False),
        sa.Column("thumbnail_path", sa.String(255)),
        sa.Column("width", sa.Integer()),
        sa.Column("height", sa.Integer()),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["pocketping_message.id"], name="fk_pocketping_attachment_message_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["pocketping_session.id"], name="fk_pocketping_attachment_session_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pocketping_attachment"),
        **MARIADB,
    )
    op.create_index(
        "ix_pocketping_attachment_message_id_created_at", "pocketping_attachment", ["message_id", "created_at"]
    )
    op.create_index("ix_pocketping_attachment_session_id", "pocketping_attachment", ["session_id"])
    op.create_index("ix_pocketping_attachment_status", "pocketping_attachment", ["status"])
    op.create_table(
        "pocketping_delivery",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("target", sa.String(20), nullable=False),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("subject", ID, nullable=False),
        sa.Column("event_id", BIG_KEY),
        sa.Column("payload", LONG_TEXT),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("lease_owner", ID),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("finished_at", UTCDateTime()),
        sa.ForeignKeyConstraint(
            ["event_id"], ["pocketping_event.id"], name="fk_pocketping_delivery_event_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pocketping_delivery"),
        sqlite_autoincrement=True,
        **MARIADB,
    )
    op.create_index("ix_pocketping_delivery_event_id", "pocketping_delivery", ["event_id"])
    op.create_index("ix_pocketping_delivery_state_due_at_id", "pocketping_delivery", ["state", "due_at", "id"])
    op.create_index("ix_pocketping_delivery_target_id_id", "pocketping_delivery", ["target_id", "id"])
    op.create_table(
        "pocketping_attempt",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("delivery_id", BIG_KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("status_code", sa.Integer()),
        sa.Column("error", sa.String(500)),
        sa.Column("response", sa.Text()),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["pocketping_delivery.id"], name="fk_pocketping_attempt_delivery_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pocketping_attempt"),
        sa.UniqueConstraint("delivery_id", "number", name="uq_pocketping_attempt_delivery_id_number"),
        **MARIADB,
    )
    projects = sa.table(
        "pocketping_project", sa.column("id", ID), sa.column("name", sa.String), sa.column("created_at", UTCDateTime())
    )
    connection = op.get_bind()
    if connection.execute(sa.select(projects.c.id).where(projects.c.id == "proj_default")).first() is None:
        op.execute(projects.insert().values(id="proj_default", name="Default", created_at=clock.now()))


def downgrade(op: Operations) -> None:
    op.drop_table("pocketping_attempt")
    op.drop_table("pocketping_delivery")
    op.drop_table("pocketping_attachment")
    op.drop_table("pocketping_page_visit")
    op.drop_table("pocketping_message")
    op.drop_table("pocketping_event")
    op.drop_table("pocketping_webhook")
    op.drop_table("pocketping_session")
    op.drop_table("pocketping_canned_answer")
    op.drop_table("pocketping_api_key")
    op.drop_table("pocketping_presence")
    op.drop_table("pocketping_idempotency_key")
    op.drop_table("pocketping_project")
