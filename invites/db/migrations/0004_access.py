"""What access needs: sessions on shared computers, and a record that nobody changes."""

from typing import Any

_CHANGES = (
    "ALTER TABLE session ADD COLUMN is_shared SMALLINT NOT NULL DEFAULT 0",
    """CREATE TRIGGER activity_is_not_changed BEFORE UPDATE ON activity
       BEGIN SELECT RAISE(ABORT, 'what was done stays as it was'); END""",
    """CREATE TRIGGER activity_is_not_deleted BEFORE DELETE ON activity
       BEGIN SELECT RAISE(ABORT, 'what was done stays on record'); END""",
)


def up(migrator: Any, db: Any) -> None:
    """Add what is new."""
    for statement in _CHANGES:
        db.execute_sql(statement)
