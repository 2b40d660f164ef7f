"""Reads an uploaded file, classifies its rows, and keeps both as a staged list."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path, PurePath
from typing import IO, Any, ParamSpec

from peewee import fn

from invites import db
from invites.core.errors import Reason, RuleError
from invites.invitations import classify, staged_lists, staged_rows, subprocess_pool
from invites.invitations.subprocess_pool import PoolError
from invites.lists import files
from invites.lists.dialect import DELIMITERS
from invites.lists.encodings import CHOICES, is_utf_8
from invites.lists.entries import Entry
from invites.lists.table import BOTH_NAMES, Choice, Table
from invites.lists.workbooks import is_container
from invites.models import Account, Membership, StagedList, StagedRow

# Larger files and lists are read in a subprocess.
_LARGE_FILE = 64 * 1024  # bytes
_LARGE_LIST = 5_000  # rows

P = ParamSpec("P")


def stage(
    actor: Membership,
    file_name: str,
    content: bytes,
    now: datetime,
    instead_of: int | None = None,
) -> StagedList:
    """``instead_of``: a list to replace, unless it was sent.

    Raises RuleError(FILE_*, LIST_TOO_LONG).
    """
    table = files.read(content)
    choice = table.choice()
    valid, invalid = _classified(actor.account, table.entries(choice), now)
    with db.transaction():
        staged_lists.delete_expired(now)
        staged = StagedList.create(
            account=actor.account_id,
            user=actor.user_id,
            file_name=display_name(file_name),
            content=content if table.encoding else table.text.encode("utf-8", "surrogatepass"),
            sheets=table.sheets,
            counts={},
            **_format(table, choice),
            created_at=now,
        )
        _insert(staged, valid, invalid)
        staged_lists.delete_older(actor, instead_of)
    return staged


def stage_file(
    actor: Membership,
    file_name: str,
    file: IO[bytes],
    now: datetime,
    instead_of: int | None = None,
) -> StagedList:
    """Uses a subprocess if the file is large, or is read by a process that would not be metered.

    Those are workbooks, and texts whose encoding has to be guessed.

    Raises RuleError(FILE_UNREADABLE) if that fails, and what ``stage`` raises.
    """
    file.seek(0)
    content = file.read(_LARGE_FILE)
    if len(content) < _LARGE_FILE and is_utf_8(content) and not is_container(content):
        return stage(actor, file_name, content, now, instead_of)
    with tempfile.NamedTemporaryFile() as copy:
        file.seek(0)
        shutil.copyfileobj(file, copy)
        copy.flush()
        number = _in_subprocess(_stage_path, actor.id, file_name, Path(copy.name), now, instead_of)
    staged = staged_lists.find(actor, number)
    assert staged is not None
    return staged


def _in_subprocess(work: Callable[P, int], *args: P.args, **kwargs: P.kwargs) -> int:
    try:
        return subprocess_pool.run(work, *args, **kwargs)
    except PoolError:
        raise RuleError(Reason.FILE_UNREADABLE) from None


def _stage_path(
    actor_id: int, file_name: str, path: Path, now: datetime, instead_of: int | None
) -> int:
    actor = Membership.get_by_id(actor_id)
    number: int = stage(actor, file_name, path.read_bytes(), now, instead_of).id
    return number


def display_name(file_name: str) -> str:
    name = PurePath(file_name.replace("\\", "/")).name
    return "".join(c for c in name if c.isprintable())[:120] or "list.csv"


def pick_columns(staged: StagedList, choice: Choice, now: datetime) -> None:
    """Reads other columns of the file, in a subprocess if it is large.

    Another address column replaces all rows, so edits are lost. Another name column changes only
    the names. Raises RuleError(NOT_FOUND) for a column that doesn't exist, and
    FILE_UNREADABLE if the subprocess fails.
    """
    existing = {column["index"] for column in staged.columns}
    if choice.email not in existing - {BOTH_NAMES} or choice.name not in existing | {None}:
        raise RuleError(Reason.NOT_FOUND)
    change(staged, _read_columns, choice, now)


def pick_format(staged: StagedList, encoding: str, delimiter: str, now: datetime) -> None:
    """Reads a text file in another format, in a subprocess if it is large. Edits are lost.

    Raises RuleError(NOT_FOUND) for an encoding or delimiter that isn't offered, and FILE_* or
    LIST_TOO_LONG if the file can't be read in this format.
    """
    is_offered = encoding in {staged.encoding, *CHOICES} and delimiter in {*DELIMITERS}
    if not staged.encoding or not is_offered:
        raise RuleError(Reason.NOT_FOUND)
    change(staged, _read_as, encoding, delimiter, now)


def change(staged: StagedList, work: Callable[..., int], *args: object) -> int:
    """Calls ``work`` with the id of the list, in a subprocess if it is large. Updates ``staged``.

    Raises RuleError: NOT_FOUND if the list was sent or deleted, FILE_UNREADABLE if the subprocess
    fails, and what ``work`` raises.
    """
    staged_rows.expect_unsent(staged)
    size = StagedList.select(fn.LENGTH(StagedList.content)).where(StagedList.id == staged.id)
    if staged_rows.counts(staged).total() < _LARGE_LIST and size.scalar() < _LARGE_FILE:
        result = work(staged.id, *args)
    else:
        result = _in_subprocess(work, staged.id, *args)
    staged_lists.reload(staged)
    return result


def _read_as(list_id: int, encoding: str, delimiter: str, now: datetime) -> int:
    staged = staged_rows.with_content(list_id)
    table = files.read(bytes(staged.content), encoding, delimiter)
    choice = table.choice()
    rows = _classified(staged.account, table.entries(choice), now)
    with db.transaction():
        staged_rows.expect_unsent(staged)
        for name, value in _format(table, choice).items():
            setattr(staged, name, value)
        staged.save(only=[*_format(table, choice)])
        _replace_rows(staged, rows)
    return list_id


def _format(table: Table, choice: Choice) -> dict[str, Any]:
    return {
        "encoding": table.encoding,
        "delimiter": table.delimiter,
        "columns": [asdict(column) for column in table.columns()],
        "email_column": choice.email,
        "name_column": choice.name,
    }


def _read_columns(list_id: int, choice: Choice, now: datetime) -> int:
    staged = staged_rows.with_content(list_id)
    entries = staged_rows.as_table(staged).entries(choice)
    has_same_addresses = choice.email == staged.email_column
    rows = None if has_same_addresses else _classified(staged.account, entries, now)
    with db.transaction():
        staged_rows.expect_unsent(staged)
        if rows is None:
            names = [(one.name, staged.id, one.row) for one in entries]
            db.update_rows(StagedRow, ("name",), ("list_id", "number"), names)
        else:
            _replace_rows(staged, rows)
        staged.email_column, staged.name_column = choice.email, choice.name
        staged.save(only=[StagedList.email_column, StagedList.name_column])
    return list_id


_Row = tuple[object, ...]


def _classified(
    account: Account, entries: Sequence[Entry], now: datetime
) -> tuple[list[_Row], list[_Row]]:
    """Valid rows, then invalid ones."""
    readings = classify.read_all(entries)
    outcomes = classify.outcomes(account, [email for email, _, _ in readings], now)
    valid: list[_Row] = []
    invalid: list[_Row] = []
    for (text, number, name, _, other_cells), (email, problem, suggestion), outcome in zip(
        entries, readings, map(str, outcomes), strict=True
    ):
        row = (number, text, name, email, outcome)
        if problem is None:
            valid.append(row)
        else:
            invalid.append((*row, problem.value, suggestion, other_cells))
    return valid, invalid


def _replace_rows(staged: StagedList, rows: tuple[Sequence[_Row], Sequence[_Row]]) -> None:
    db.delete(StagedRow).where(StagedRow.list == staged.id).execute()
    _insert(staged, *rows)


def _insert(staged: StagedList, valid: Sequence[_Row], invalid: Sequence[_Row]) -> None:
    columns = ("number", "text", "name", "email", "outcome")
    db.insert_rows(StagedRow, columns, valid, list_id=staged.id)
    more = ("problem", "suggestion", "other_cells")
    db.insert_rows(StagedRow, (*columns, *more), invalid, list_id=staged.id)
    staged_rows.count_again(staged)
