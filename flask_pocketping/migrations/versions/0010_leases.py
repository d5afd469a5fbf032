"""One kind of lease for all tasks, room for the longer ids of chat platforms, and the newest edit of what came in.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

from flask_pocketping.models import UTCDateTime

revision = "0010"
down_revision = "0009"

#: The columns with ids of chat platforms, each with whether it may be empty.
IDS = {
    "bridge": {"channel": True, "moved_to": True},
    "bridge_thread": {"channel": False, "thread_id": False, "head_id": True, "newest_id": True},
    "bridge_item": {"channel": False, "external_id": False},
}
SHORT, LONG = 100, 255


def upgrade(op: Operations) -> None:
    op.add_column("pocketping_lease", sa.Column("dated_at", UTCDateTime()))
    for name in ("lease_owner", "lease_until", "dated_at"):
        op.drop_column("pocketping_bridge", name)
    _resize(op, SHORT, LONG)
    op.add_column("pocketping_bridge_item", sa.Column("edited", sa.String(40)))


def downgrade(op: Operations) -> None:
    length = "length" if op.get_bind().dialect.name == "sqlite" else "char_length"
    for table, columns in IDS.items():
        for column, nullable in columns.items():
            # A thread or a message that the older tables can't name is no longer known.
            change = f"UPDATE pocketping_{table} SET {column} = NULL" if nullable else f"DELETE FROM pocketping_{table}"
            op.execute(sa.text(f"{change} WHERE {length}({column}) > {SHORT}"))
    op.drop_column("pocketping_bridge_item", "edited")
    _resize(op, LONG, SHORT)
    op.add_column("pocketping_bridge", sa.Column("lease_owner", sa.String(40)))
    for name in ("lease_until", "dated_at"):
        op.add_column("pocketping_bridge", sa.Column(name, UTCDateTime()))
    op.drop_column("pocketping_lease", "dated_at")


def _resize(op: Operations, before: int, after: int) -> None:
    for table, columns in IDS.items():
        if op.get_bind().dialect.name == "sqlite":
            with op.batch_alter_table(f"pocketping_{table}") as batch:
                for column, nullable in columns.items():
                    batch.alter_column(column, type_=sa.String(after), existing_nullable=nullable)
            continue
        for column, nullable in columns.items():
            op.alter_column(
                *(f"pocketping_{table}", column),
                type_=sa.String(after),
                existing_type=sa.String(before),
                existing_nullable=nullable,
            )
