"""Messages keep the id of the operator who wrote them.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0007"
down_revision = "0006"


def upgrade(op: Operations) -> None:
    op.add_column("pocketping_message", sa.Column("operator_id", sa.String(255)))


def downgrade(op: Operations) -> None:
    op.drop_column("pocketping_message", "operator_id")
