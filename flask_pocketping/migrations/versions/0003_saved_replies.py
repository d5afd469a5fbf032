"""Saved replies get the name that operators and the API call them by.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

from flask_pocketping.models import UTCDateTime

revision = "0003"
down_revision = "0002"

ID = sa.String(40)


def upgrade(op: Operations) -> None:
    _rename(op, "canned_answer", "saved_reply")


def downgrade(op: Operations) -> None:
    _rename(op, "saved_reply", "canned_answer")


def _rename(op: Operations, old: str, new: str) -> None:
    """Copy the rows into a table of the new name: a rename would leave the old names of its constraints."""
    op.create_table(
        f"pocketping_{new}",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("shortcut", ID, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["pocketping_project.id"], name=f"fk_pocketping_{new}_project_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_pocketping_{new}"),
        sa.UniqueConstraint("project_id", "shortcut", name=f"uq_pocketping_{new}_project_id_shortcut"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_nopad_bin",
        mysql_engine="InnoDB",
    )
    # MariaDB commits each step, so an upgrade that was cut short may have made some of them.
    if sa.inspect(op.get_bind()).has_table(f"pocketping_{old}"):
        op.execute(
            sa.text(
                f"INSERT INTO pocketping_{new} (id, project_id, shortcut, content, created_at) "
                f"SELECT id, project_id, shortcut, content, created_at FROM pocketping_{old} "
                f"WHERE id NOT IN (SELECT id FROM pocketping_{new})"
            )
        )
        op.drop_table(f"pocketping_{old}")
