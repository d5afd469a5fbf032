"""The passages of the knowledge base, and leases of tasks.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import mysql, postgresql

from flask_pocketping.models import UTCDateTime

revision = "0008"
down_revision = "0007"

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORDS = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb").with_variant(postgresql.TSVECTOR(), "postgresql")


def upgrade(op: Operations) -> None:
    op.create_table(
        "pocketping_passage",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("project_id", sa.String(40), nullable=False),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("document", sa.String(255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("heading", sa.String(500), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("url", sa.String(2048)),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("words", WORDS),
        sa.ForeignKeyConstraint(
            ["project_id"], ["pocketping_project.id"], name="fk_pocketping_passage_project_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pocketping_passage"),
        sa.UniqueConstraint(
            *("project_id", "source", "document", "position"),
            name="uq_pocketping_passage_project_id_source_document_position",
        ),
        sqlite_autoincrement=True,
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_nopad_bin",
        mysql_engine="InnoDB",
    )
    op.create_index(
        "ix_pocketping_passage_words",
        "pocketping_passage",
        ["words"],
        postgresql_using="gin",
        mysql_prefix="FULLTEXT",
        mariadb_prefix="FULLTEXT",
    )
    op.create_table(
        "pocketping_lease",
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("owner", sa.String(40)),
        sa.Column("held_until", UTCDateTime()),
        sa.Column("note", sa.String(100)),
        sa.PrimaryKeyConstraint("key", name="pk_pocketping_lease"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_nopad_bin",
        mysql_engine="InnoDB",
    )


def downgrade(op: Operations) -> None:
    op.drop_table("pocketping_lease")
    op.drop_table("pocketping_passage")
    if op.get_bind().dialect.name == "sqlite":
        # The full text index, which the first passage made.
        op.execute(sa.text("DROP TABLE IF EXISTS pocketping_passage_words"))
