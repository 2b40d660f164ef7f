"""Staged lists keep the uploaded file and its encoding. The content stays the last column."""

from collections.abc import Callable
from typing import Any

_STATEMENTS = (
    "ALTER TABLE staged_list RENAME COLUMN content TO old_content",
    "ALTER TABLE staged_list ADD COLUMN encoding VARCHAR(20) NOT NULL DEFAULT ''",
    "ALTER TABLE staged_list ADD COLUMN content BLOB NOT NULL DEFAULT X''",
    "UPDATE staged_list SET content = old_content",
    "ALTER TABLE staged_list DROP COLUMN old_content",
)


def up(execute: Callable[..., Any]) -> None:
    for statement in _STATEMENTS:
        execute(statement)
