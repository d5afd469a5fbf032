"""Deliveries that wait for each other, are sent together, and keep to a pace.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import mysql

from flask_pocketping.models import UTCDateTime

revision = "0004"
down_revision = "0003"

DELIVERY = "pocketping_delivery"
LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
COLUMNS = ("waits_for", "batch_id", "uncertain", "throttled", "note")


def upgrade(op: Operations) -> None:
    op.add_column(DELIVERY, sa.Column("waits_for", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column(DELIVERY, sa.Column("batch_id", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column(DELIVERY, sa.Column("uncertain", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column(DELIVERY, sa.Column("throttled", sa.Integer(), server_default="0", nullable=False))
    op.add_column(DELIVERY, sa.Column("note", LONG_TEXT))
    op.create_index(
        "ix_pocketping_delivery_state_waits_for_due_at_id", DELIVERY, ["state", "waits_for", "due_at", "id"]
    )
    op.create_index("ix_pocketping_delivery_lane", DELIVERY, ["subject", "target", "target_id", "state", "id"])
    op.drop_index("ix_pocketping_delivery_state_due_at_id", DELIVERY)
    op.create_table(
        "pocketping_pace",
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("times", sa.JSON(), nullable=False),
        sa.Column("held_until", UTCDateTime()),
        sa.Column("dated_at", UTCDateTime()),
        sa.PrimaryKeyConstraint("key", name="pk_pocketping_pace"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_nopad_bin",
        mysql_engine="InnoDB",
    )


def downgrade(op: Operations) -> None:
    op.drop_table("pocketping_pace")
    op.create_index("ix_pocketping_delivery_state_due_at_id", DELIVERY, ["state", "due_at", "id"])
    op.drop_index("ix_pocketping_delivery_lane", DELIVERY)
    op.drop_index("ix_pocketping_delivery_state_waits_for_due_at_id", DELIVERY)
    for name in COLUMNS:
        op.drop_column(DELIVERY, name)
