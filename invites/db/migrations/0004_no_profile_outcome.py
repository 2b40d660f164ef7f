"""Uploaded lists no longer tell people with a profile from others."""

from collections.abc import Callable
from typing import Any

_STATEMENTS = (
    "UPDATE staged_row SET outcome = 'invite' WHERE outcome = 'invite_profile'",
    """
    UPDATE staged_list SET counts = json_remove(
        json_set(
            counts,
            '$.invite',
            ifnull(json_extract(counts, '$.invite'), 0)
                + json_extract(counts, '$.invite_profile')
        ),
        '$.invite_profile'
    )
    WHERE json_extract(counts, '$.invite_profile') IS NOT NULL
    """,
)


def up(execute: Callable[[str], Any]) -> None:
    for statement in _STATEMENTS:
        execute(statement)
