"""Text that MariaDB compares to the last blank, and the clocks by which sessions and deliveries were dated.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

from flask_pocketping.models import UTCDateTime

revision = "0002"
down_revision = "0001"

TABLES = (
    *("project", "idempotency_key", "presence", "api_key", "session", "message", "attachment", "page_visit"),
    *("canned_answer", "event", "webhook", "delivery", "attempt"),
)
# MariaDB's type JSON has its own collation, and an email is joined to columns of the host app's.
OTHERWISE = {
    "session": {
        "metadata": "JSON NOT NULL",
        "identity_metadata": "JSON NULL",
        "email": "VARCHAR(320) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL",
    },
    "webhook": {"events": "JSON NOT NULL"},
}

# Those whose columns are text.
FOREIGN_KEYS = (
    ("api_key", "project_id", "project"),
    ("session", "project_id", "project"),
    ("message", "session_id", "session"),
    ("attachment", "session_id", "session"),
    ("attachment", "message_id", "message"),
    ("page_visit", "session_id", "session"),
    ("canned_answer", "project_id", "project"),
    ("event", "session_id", "session"),
    ("webhook", "project_id", "project"),
)


def upgrade(op: Operations) -> None:
    op.add_column("pocketping_session", sa.Column("changed_at", UTCDateTime()))
    op.add_column("pocketping_delivery", sa.Column("dated_at", UTCDateTime()))
    _compare_by(op, "utf8mb4_nopad_bin")


def downgrade(op: Operations) -> None:
    # A key of the newer version may differ from another by a blank alone; the answers live for a day only.
    op.execute(sa.text("DELETE FROM pocketping_idempotency_key WHERE pocketping_idempotency_key.key LIKE '% '"))
    _compare_by(op, "utf8mb4_bin")
    op.drop_column("pocketping_delivery", "dated_at")
    op.drop_column("pocketping_session", "changed_at")


def _compare_by(op: Operations, collation: str) -> None:
    if op.get_bind().dialect.name not in {"mysql", "mariadb"}:
        return
    # MariaDB changes no column that a foreign key is about.
    for source, column, _ in FOREIGN_KEYS:
        op.drop_constraint(f"fk_pocketping_{source}_{column}", f"pocketping_{source}", type_="foreignkey")
    for name in TABLES:
        op.execute(
            sa.text(
                f"ALTER TABLE pocketping_{name} CONVERT TO CHARACTER SET utf8mb4 COLLATE {collation}, "
                f"DEFAULT COLLATE {collation}"
            )
        )
    for name, columns in OTHERWISE.items():
        changes = ", ".join(f"MODIFY `{column}` {definition}" for column, definition in columns.items())
        op.execute(sa.text(f"ALTER TABLE pocketping_{name} {changes}"))
    for source, column, target in FOREIGN_KEYS:
        op.create_foreign_key(
            f"fk_pocketping_{source}_{column}",
            f"pocketping_{source}",
            f"pocketping_{target}",
            [column],
            ["id"],
            ondelete="CASCADE",
        )
