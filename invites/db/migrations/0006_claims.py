"""The worker claims many mails at once, and appends what became of each."""

from collections.abc import Callable
from typing import Any


def up(execute: Callable[[str], Any]) -> None:
    execute("ALTER TABLE delivery ADD COLUMN claimed_by INTEGER")
    execute(
        """
        CREATE TABLE delivery_outcome (
            id INTEGER NOT NULL PRIMARY KEY,
            delivery_id INTEGER NOT NULL,
            claimed_by INTEGER NOT NULL,
            state VARCHAR(10) NOT NULL,
            attempts INTEGER NOT NULL,
            unknown_outcomes INTEGER NOT NULL,
            due_at INTEGER NOT NULL,
            finished_at INTEGER,
            reply_code INTEGER,
            reply_text VARCHAR(500) NOT NULL
        )
        """
    )
