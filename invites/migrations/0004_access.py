"""What access needs: sessions on shared computers."""

from typing import Any

_CHANGES = ("ALTER TABLE session ADD COLUMN is_shared SMALLINT NOT NULL DEFAULT 0",)


def up(migrator: Any, db: Any) -> None:
    """Add what is new."""
    for statement in _CHANGES:
        db.execute_sql(statement)
