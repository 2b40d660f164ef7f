"""Lists that were dropped: read, judged row by row, kept for a while, and sent or forgotten.

A list is its uploader's alone. It survives a reload, a log-out and a restart,
and goes by itself after a day.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path, PurePath
from typing import IO, NamedTuple, ParamSpec

from peewee import ModelSelect

from invites import db
from invites.core import text_fields
from invites.core.errors import Reason, RuleError
from invites.invitations import classify, staged_rows, subprocess_pool
from invites.invitations.classify import Outcome
from invites.invitations.subprocess_pool import PoolError
from invites.lists import files
from invites.lists.recipients import Entry
from invites.lists.table import BOTH_NAMES, Choice
from invites.models import Account, Batch, Membership, StagedList, StagedRow

KEPT = timedelta(days=1)
_LARGE = 256 * 1024  # bytes of a file that takes a while to read
_MANY = 5_000  # rows of a list that takes a while to read again
_KEPT_EACH = 3  # for a person in an account: two tabs, and one more
P = ParamSpec("P")


class _Rows(NamedTuple):
    """Rows to insert: with an address; and with a problem instead."""

    right: list[tuple[object, ...]]
    wrong: list[tuple[object, ...]]


def stage(
    actor: Membership,
    file_name: str,
    content: bytes,
    now: datetime,
    instead_of: int | None = None,
) -> StagedList:
    """Read a file and keep its rows, judged, for this person in this account.

    ``instead_of``: the list that the page showed, which is forgotten unless it was sent.
    Lists of other tabs stay. Raises RuleError(FILE_* or LIST_TOO_LONG); then nothing changes.
    """
    table = files.read(content)
    choice = table.choice()
    rows = _classified(actor.account, table.entries(choice), now)
    with db.transaction():
        sweep(now)
        staged = StagedList.create(
            account=actor.account_id,
            user=actor.user_id,
            file_name=display_name(file_name),
            content=table.text.encode("utf-8", "surrogatepass"),
            delimiter=table.delimiter,
            sheets=table.sheets,
            columns=[asdict(column) for column in table.columns()],
            email_column=choice.email,
            name_column=choice.name,
            counts={},
            created_at=now,
        )
        _insert(staged, rows)
        _forget_older(actor, instead_of)
    return staged


def stage_file(
    actor: Membership,
    file_name: str,
    file: IO[bytes],
    now: datetime,
    instead_of: int | None = None,
) -> StagedList:
    """``stage``, of a large file in another process, so that pages stay quick.

    Raises what ``stage`` does, and RuleError(FILE_UNREADABLE) when that process breaks down.
    """
    if file.seek(0, os.SEEK_END) < _LARGE:
        file.seek(0)
        return stage(actor, file_name, file.read(), now, instead_of)
    with tempfile.NamedTemporaryFile() as copy:
        file.seek(0)
        shutil.copyfileobj(file, copy)
        copy.flush()
        number = _aside(_stage_copy, actor.id, file_name, Path(copy.name), now, instead_of)
    staged = find(actor, number)
    assert staged is not None
    return staged


def _aside(work: Callable[P, int], *arguments: P.args, **more: P.kwargs) -> int:
    try:
        return subprocess_pool.run(work, *arguments, **more)
    except PoolError:
        raise RuleError(Reason.FILE_UNREADABLE) from None


def _stage_copy(
    actor_id: int, file_name: str, file: Path, now: datetime, instead_of: int | None
) -> int:
    actor = Membership.get_by_id(actor_id)
    number: int = stage(actor, file_name, file.read_bytes(), now, instead_of).id
    return number


def find(actor: Membership, list_id: int | None) -> StagedList | None:
    """The list, if it is this person's, in this account."""
    found: StagedList | None = db.one(_own(actor).where(StagedList.id == list_id))
    return found


def display_name(file_name: str) -> str:
    """The name of a file as pages show it: no folders, nothing invisible."""
    name = PurePath(file_name.replace("\\", "/")).name
    return "".join(c for c in name if c.isprintable())[:120] or "list.csv"


def identity(staged: StagedList) -> str:
    """Tells the list from all others, also from a later one with its id: ids come back."""
    return f"{staged.id} {staged.created_at.isoformat()}"


def newest(actor: Membership) -> StagedList | None:
    """The list that this person dropped last in this account and hasn't sent."""
    unsent = _own(actor).where(StagedList.batch.is_null())
    found: StagedList | None = db.one(unsent.order_by(StagedList.id.desc()).limit(1))
    return found


def drop(staged: StagedList) -> None:
    """Forget a list."""
    db.delete(StagedList).where(StagedList.id == staged.id).execute()


def sweep(now: datetime) -> None:
    """Forget what is older than a day."""
    db.delete(StagedList).where(StagedList.created_at < now - KEPT).execute()


def pick_columns(staged: StagedList, choice: Choice, now: datetime) -> None:
    """Read the list again by other columns of it.

    Other addresses make other rows: what was mended or left out is forgotten then,
    but not when only the names change. A large list is read in another process.
    Raises RuleError(NOT_FOUND) for a column that isn't there, and FILE_UNREADABLE when
    that process breaks down.
    """
    there = {column["index"] for column in staged.columns}
    if choice.email not in there - {BOTH_NAMES} or choice.name not in there | {None}:
        raise RuleError(Reason.NOT_FOUND)
    if staged_rows.counts(staged).total() < _MANY:
        _read_again(staged.id, choice, now)
    else:
        _aside(_read_again, staged.id, choice, now)
    changed = (StagedList.email_column, StagedList.name_column, StagedList.counts)
    fresh = StagedList.select(*changed).where(StagedList.id == staged.id).get()
    for field in changed:
        setattr(staged, field.name, getattr(fresh, field.name))


def _read_again(list_id: int, choice: Choice, now: datetime) -> int:
    staged = staged_rows.with_content(list_id)
    entries = staged_rows.as_table(staged).entries(choice)
    same_addresses = choice.email == staged.email_column
    rows = None if same_addresses else _classified(staged.account, entries, now)
    with db.transaction():
        staged_rows.expect_unsent(staged)
        if rows is None:
            names = [(text_fields.name_or_nothing(one.name), staged.id, one.row) for one in entries]
            db.update_rows(StagedRow, ("name",), ("list_id", "number"), names)
        else:
            db.delete(StagedRow).where(StagedRow.list == staged.id).execute()
            _insert(staged, rows)
        staged.email_column, staged.name_column = choice.email, choice.name
        staged.save(only=[StagedList.email_column, StagedList.name_column])
    return list_id


def mark_sent(staged: StagedList, batch: Batch) -> None:
    """Forget the rows of a list that became ``batch``; a second press finds the batch."""
    db.delete(StagedRow).where(StagedRow.list == staged.id).execute()
    staged.batch, staged.content = batch, b""
    staged.save(only=[StagedList.batch, StagedList.content])


def _forget_older(actor: Membership, replaced: int | None) -> None:
    """Forget the list that was replaced, unless it was sent, and all but the newest three."""
    own = (StagedList.account == actor.account_id) & (StagedList.user == actor.user_id)
    is_replaced = (StagedList.id == replaced) & StagedList.batch.is_null()
    newest = StagedList.select(StagedList.id).where(own).order_by(StagedList.id.desc())
    is_older = StagedList.id.not_in(newest.limit(_KEPT_EACH))
    db.delete(StagedList).where(own, is_replaced | is_older).execute()


def _own(actor: Membership) -> "ModelSelect[StagedList]":
    """The lists of a person, without what stood in the files."""
    columns = [field for field in StagedList._meta.sorted_fields if field.name != "content"]
    return StagedList.select(*columns).where(
        StagedList.account == actor.account_id, StagedList.user == actor.user_id
    )


def _classified(account: Account, entries: Sequence[Entry], now: datetime) -> _Rows:
    """judging.judge in other clothes, without 50,000 objects in between."""
    understood = classify.read_all(entries)
    known = classify.known(account, sorted({email for email, _, _ in understood if email}), now)
    values = {email: outcome.value for email, outcome in known.items()}
    invalid, twice, new = Outcome.INVALID.value, Outcome.TWICE.value, Outcome.INVITE.value
    seen: set[str] = set()
    rows = _Rows([], [])
    for (text, number, name, _), (email, problem, suggestion) in zip(
        entries, understood, strict=True
    ):
        name = name and text_fields.name_or_nothing(name)
        if problem is not None:
            rows.wrong.append((number, text, name, email, invalid, problem.value, suggestion))
        else:
            outcome = twice if email in seen else values.get(email, new)
            rows.right.append((number, text, name, email, outcome))
            seen.add(email)
    return rows


def _insert(staged: StagedList, rows: _Rows) -> None:
    right = ("number", "text", "name", "email", "outcome")
    wrong = (*right, "problem", "suggestion")
    db.insert_rows(StagedRow, right, rows.right, list_id=staged.id)
    db.insert_rows(StagedRow, wrong, rows.wrong, list_id=staged.id)
    staged_rows.count_again(staged)
