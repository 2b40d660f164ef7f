"""Fingerprints of the secret keys, and how the last backup went."""

from collections.abc import Callable
from typing import Any


def up(execute: Callable[[str], Any]) -> None:
    execute(
        """
        CREATE TABLE installation (
            id INTEGER NOT NULL PRIMARY KEY,
            key_fingerprints VARCHAR(1000) NOT NULL,
            backed_up_at INTEGER,
            backup_failed_at INTEGER,
            backup_failure VARCHAR(500) NOT NULL
        )
        """
    )
    execute("INSERT INTO installation VALUES (1, '', NULL, NULL, '')")
