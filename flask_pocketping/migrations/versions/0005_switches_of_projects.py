"""Projects keep the switches that the management API sets.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0005"
down_revision = "0004"


def upgrade(op: Operations) -> None:
    op.add_column("pocketping_project", sa.Column("switches", sa.JSON()))


def downgrade(op: Operations) -> None:
    op.drop_column("pocketping_project", "switches")
