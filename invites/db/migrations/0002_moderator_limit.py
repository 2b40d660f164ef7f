"""How many people a Moderator can invite in a day."""

from collections.abc import Callable
from typing import Any


def up(execute: Callable[[str], Any]) -> None:
    execute("ALTER TABLE account ADD COLUMN moderator_limit INTEGER NOT NULL DEFAULT 200")
