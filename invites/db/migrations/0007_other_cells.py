"""Staged rows keep what they have instead of an address, so that pages needn't read the file."""

from collections.abc import Callable
from typing import Any


def up(execute: Callable[[str], Any]) -> None:
    execute("ALTER TABLE staged_row ADD COLUMN other_cells VARCHAR(150) NOT NULL DEFAULT ''")
