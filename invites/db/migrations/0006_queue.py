"""What makes each mail cheap: indexes of the mails that wait, not of all that ever went out."""

from typing import Any

_CHANGES = (
    "DROP INDEX delivery_state_priority_batch_id_due_at",
    """CREATE INDEX delivery_queued ON delivery (state, priority, batch_id, due_at)
       WHERE state = 'queued'""",
    "CREATE INDEX delivery_sending ON delivery (state) WHERE state = 'sending'",
)


def up(migrator: Any, db: Any) -> None:
    """Replace the index of all mails."""
    for statement in _CHANGES:
        db.execute_sql(statement)
