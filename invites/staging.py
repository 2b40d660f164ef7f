"""Lists that were dropped: read, judged row by row, looked over and mended, and sent or forgotten.

A list is its uploader's alone. It survives a reload, a log-out and a restart,
and goes by itself after a day.
"""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path, PurePath
from typing import IO, Any, NamedTuple, ParamSpec

from peewee import ModelSelect, fn

from invites import aside, db, files, judging, suggestions, texts
from invites.aside import AsideError
from invites.judging import Outcome
from invites.models import Account, Batch, Membership, StagedList, StagedRow
from invites.paging import Page, paged
from invites.recipients import Entry, tidy
from invites.refusals import Reason, Refused
from invites.tables import BOTH_NAMES, Choice, Table

KEPT = timedelta(days=1)
_LARGE = 256 * 1024  # bytes of a file that takes a while to read
_MANY = 5_000  # rows of a list that takes a while to read again
_KEPT_EACH = 3  # for a person in an account: two tabs, and one more
_SHOWN = 20  # rows on a page: enough to look at, and the next ones are a press away
_SHOWN_TEXT = 150  # characters of a row without an address
P = ParamSpec("P")

Changes = Counter[tuple[Outcome, Outcome]]


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
    Lists of other tabs stay. Raises Refused(FILE_* or LIST_TOO_LONG); then nothing changes.
    """
    table = files.read(content)
    choice = table.choice()
    rows = _judged(actor.account, table.entries(choice), now)
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

    Raises what ``stage`` does, and Refused(FILE_UNREADABLE) when that process breaks down.
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
        return aside.run(work, *arguments, **more)
    except AsideError:
        raise Refused(Reason.FILE_UNREADABLE) from None


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
    Raises Refused(NOT_FOUND) for a column that isn't there, and FILE_UNREADABLE when
    that process breaks down.
    """
    there = {column["index"] for column in staged.columns}
    if choice.email not in there - {BOTH_NAMES} or choice.name not in there | {None}:
        raise Refused(Reason.NOT_FOUND)
    if counts(staged).total() < _MANY:
        _read_again(staged.id, choice, now)
    else:
        _aside(_read_again, staged.id, choice, now)
    changed = (StagedList.email_column, StagedList.name_column, StagedList.counts)
    fresh = StagedList.select(*changed).where(StagedList.id == staged.id).get()
    for field in changed:
        setattr(staged, field.name, getattr(fresh, field.name))


def _read_again(list_id: int, choice: Choice, now: datetime) -> int:
    staged = _with_content(list_id)
    entries = _table(staged).entries(choice)
    same_addresses = choice.email == staged.email_column
    rows = None if same_addresses else _judged(staged.account, entries, now)
    with db.transaction():
        _expect_unsent(staged)
        if rows is None:
            names = [(texts.name_or_nothing(one.name), staged.id, one.row) for one in entries]
            db.update_rows(StagedRow, ("name",), ("list_id", "number"), names)
        else:
            db.delete(StagedRow).where(StagedRow.list == staged.id).execute()
            _insert(staged, rows)
        staged.email_column, staged.name_column = choice.email, choice.name
        staged.save(only=[StagedList.email_column, StagedList.name_column])
    return list_id


def counts(staged: StagedList) -> Counter[Outcome]:
    """How many rows have each outcome."""
    return Counter({Outcome(outcome): count for outcome, count in staged.counts.items()})


def page(
    staged: StagedList, listed: Counter[Outcome], outcome: Outcome | None, number: int
) -> Page[StagedRow]:
    """One page of the rows with ``outcome``, or of all, in the order of the file.

    ``listed`` is what ``counts`` said of the list.
    """
    rows, total = _rows(staged), listed.total()
    if outcome is not None:
        rows, total = rows.where(StagedRow.outcome == outcome), listed[outcome]
    return paged(rows.order_by(StagedRow.number), number, size=_SHOWN, total=total)


def emails_among(staged: StagedList, emails: Sequence[str]) -> set[str]:
    """Which of the addresses are in the list, and not left out of it."""
    found = StagedRow.select(StagedRow.email).where(
        StagedRow.list == staged.id,
        db.among(StagedRow.email, emails),
        StagedRow.outcome != Outcome.LEFT_OUT,
    )
    return {email for (email,) in db.tuples(found)}


def in_file(staged: StagedList, numbers: Collection[int]) -> dict[int, str]:
    """What the file has in rows without an address: a title, a sum, somebody without e-mail.

    Reads the file as far as the last of them. Raises Refused(NOT_FOUND).
    """
    rows = _table(_with_content(staged.id)).cells(numbers)
    return {number: ", ".join(cells)[:_SHOWN_TEXT] for number, cells in rows.items()}


def first_rows(staged: StagedList, emails: Sequence[str]) -> dict[str, int]:
    """In which row each of the addresses counts; all others that have it are twice."""
    found = StagedRow.select(StagedRow.email, StagedRow.number).where(
        StagedRow.list == staged.id,
        db.among(StagedRow.email, emails),
        StagedRow.outcome.not_in([Outcome.TWICE, Outcome.LEFT_OUT]),
    )
    return dict(db.tuples(found))


def those_with(staged: StagedList, outcomes: Collection[Outcome]) -> list[tuple[str, str]]:
    """Address and name of each row with one of ``outcomes``, in the order of the file."""
    found = (
        StagedRow.select(StagedRow.email, StagedRow.name)
        .where(StagedRow.list == staged.id, StagedRow.outcome.in_(list(outcomes)))
        .order_by(StagedRow.number)
    )
    return list(db.tuples(found))


def not_invited(staged: StagedList, outcomes: Collection[Outcome]) -> Iterator[StagedRow]:
    """The rows with none of ``outcomes``, in the order of the file."""
    left = _rows(staged).where(StagedRow.outcome.not_in(list(outcomes)))
    yield from left.order_by(StagedRow.number).iterator()


def first_with(staged: StagedList, outcomes: Collection[Outcome], limit: int) -> list[StagedRow]:
    """The first rows with one of ``outcomes``."""
    found = _rows(staged).where(StagedRow.outcome.in_(list(outcomes)))
    return list(found.order_by(StagedRow.number).limit(limit))


def alike(staged: StagedList, limit: int = 5) -> list[tuple[str, str, int]]:
    """Domains that many rows misspell: as written, as it is probably meant, how many rows."""
    misspelt = StagedRow.select(StagedRow.text, StagedRow.suggestion).where(
        StagedRow.list == staged.id,
        StagedRow.outcome == Outcome.INVALID,
        StagedRow.problem == Reason.ADDRESS_MISSPELT,
    )
    pairs = Counter(
        (_domain(text), _domain(suggestion)) for text, suggestion in db.tuples(misspelt)
    )
    many = [(*pair, count) for pair, count in pairs.most_common() if count > 1]
    return [one for one in many if one[0] != one[1]][:limit]


def mend(staged: StagedList, number: int, text: str, now: datetime) -> None:
    """Write something else into a row, as tidily as a file is read. Raises Refused(NOT_FOUND)."""
    _change(staged, number, now, text=tidy(text.strip()[:1000]).text, as_written=False)


def split(staged: StagedList, number: int, now: datetime) -> tuple[str, list[tuple[str, str]]]:
    """Keep the first of several addresses in a row.

    Returns it, and the name and address of each other one, which need a place of their own:
    a row stays one entry, so that totals add up to the file. Raises Refused(NOT_FOUND).
    """
    row = db.one(_rows(staged).where(StagedRow.number == number))
    found = suggestions.addresses_in(row.text) if row else []
    if row is None or not found:
        raise Refused(Reason.NOT_FOUND)
    mend(staged, number, found[0], now)
    return found[0], [(row.name, email) for email in found[1:]]


def mend_changed(staged: StagedList, texts: Mapping[int, str], now: datetime) -> bool:
    """Write what stands in the fields of rows into those where it is something else.

    Line breaks make no difference (see ``one_line``). Returns whether there were any.
    Raises Refused(NOT_FOUND).
    """
    if not texts:
        return False
    rows = list(_rows(staged).where(StagedRow.number.in_(list(texts))))
    changed = [row for row in rows if one_line(texts[row.number]) != one_line(row.text)]
    for row in changed:
        mend(staged, row.number, texts[row.number], now)
    return bool(changed)


def one_line(text: str) -> str:
    """The text of a row as a field can hold it."""
    return text.strip().replace("\r", "").replace("\n", "")


def keep_as_written(staged: StagedList, number: int, now: datetime) -> None:
    """Believe that a row's address isn't misspelt. Raises Refused(NOT_FOUND)."""
    _change(staged, number, now, as_written=True)


def leave_out(staged: StagedList, number: int, now: datetime) -> None:
    """Don't invite a row. Raises Refused(NOT_FOUND)."""
    _change(staged, number, now, outcome=Outcome.LEFT_OUT.value)


def take_back(staged: StagedList, number: int, now: datetime) -> None:
    """Undo ``leave_out``. Raises Refused(NOT_FOUND)."""
    _change(staged, number, now)


def take_suggestions(staged: StagedList, domain: str, now: datetime) -> int:
    """Mend all rows that misspell a domain as ``domain`` does; returns how many."""
    with db.transaction():
        _expect_unsent(staged)
        misspelt = _rows(staged).where(
            StagedRow.outcome == Outcome.INVALID, StagedRow.problem == Reason.ADDRESS_MISSPELT
        )
        rows = [row for row in misspelt if _domain(row.text) == domain]
        for row in rows:
            row.text = row.suggestion
        _write(staged, rows, now)
    return len(rows)


def undo_suggestions(staged: StagedList, domain: str, now: datetime) -> None:
    """Write what the file says into all rows that took the suggestion for ``domain``.

    Raises Refused(NOT_FOUND).
    """
    choice = Choice(staged.email_column, staged.name_column)
    said = {
        entry.row: entry.text
        for entry in _table(_with_content(staged.id)).entries(choice)
        if entry.row is not None and _domain(entry.text) == domain
    }
    with db.transaction():
        _expect_unsent(staged)
        rows = []
        for row in _rows(staged).where(db.among(StagedRow.number, list(said))):
            text = said[row.number]
            if row.text == suggestions.suggestion(text, Reason.ADDRESS_MISSPELT):
                row.text = text
                rows.append(row)
        _write(staged, rows, now)


def judge_again(staged: StagedList, now: datetime) -> Changes:
    """Judge all rows anew; returns how many went from which outcome to which other one."""
    with db.transaction():
        return _settle(staged, StagedRow.list == staged.id, now)


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


def _with_content(list_id: int) -> StagedList:
    found: StagedList | None = db.one(StagedList.select().where(StagedList.id == list_id))
    if found is None:  # dropped in another tab
        raise Refused(Reason.NOT_FOUND)
    return found


def _table(staged: StagedList) -> Table:
    return Table(bytes(staged.content).decode("utf-8", "surrogatepass"), staged.delimiter)


def _rows(staged: StagedList) -> "ModelSelect[StagedRow]":
    return StagedRow.select().where(StagedRow.list == staged.id)


def _domain(address: str) -> str:
    return address.strip().rpartition("@")[2].lower()


def _judged(account: Account, entries: Sequence[Entry], now: datetime) -> _Rows:
    """judging.judge in other clothes, without 50,000 objects in between."""
    understood = judging.read_all(entries)
    known = judging.known(account, sorted({email for email, _, _ in understood if email}), now)
    values = {email: outcome.value for email, outcome in known.items()}
    invalid, twice, new = Outcome.INVALID.value, Outcome.TWICE.value, Outcome.INVITE.value
    seen: set[str] = set()
    rows = _Rows([], [])
    for (text, number, name, _), (email, problem, suggestion) in zip(
        entries, understood, strict=True
    ):
        name = name and texts.name_or_nothing(name)
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
    _count(staged)


def _count(staged: StagedList) -> None:
    """Note how many rows have each outcome: counting 50,000 for every page would take longest."""
    grouped = (
        StagedRow.select(StagedRow.outcome, fn.COUNT(StagedRow.number))
        .where(StagedRow.list == staged.id)
        .group_by(StagedRow.outcome)
    )
    staged.counts = dict(db.tuples(grouped))
    staged.save(only=[StagedList.counts])


def _expect_unsent(staged: StagedList) -> None:
    if (
        not StagedList.select()
        .where(StagedList.id == staged.id, StagedList.batch.is_null())
        .exists()
    ):
        raise Refused(Reason.NOT_FOUND)


def _change(staged: StagedList, number: int, now: datetime, **changes: object) -> None:
    with db.transaction():
        _expect_unsent(staged)
        row = db.one(_rows(staged).where(StagedRow.number == number))
        if row is None:
            raise Refused(Reason.NOT_FOUND)
        row.outcome = Outcome.INVITE.value  # until it is settled
        for name, value in changes.items():
            setattr(row, name, value)
        _write(staged, [row], now)


def _write(staged: StagedList, rows: Sequence[StagedRow], now: datetime) -> None:
    """Save changed rows, and settle them and all that share an address with them."""
    touched = {row.email for row in rows}
    for row in rows:
        entry = Entry(row.text, row.number, row.name, row.as_written)
        row.email, problem, row.suggestion = judging.read(entry)
        row.problem = problem.value if problem else ""
        if problem and row.outcome != Outcome.LEFT_OUT:
            row.outcome = Outcome.INVALID.value
        touched.add(row.email)
    fields = ("text", "email", "outcome", "problem", "suggestion", "as_written")
    db.update_rows(
        StagedRow,
        fields,
        ("list_id", "number"),
        [(*(getattr(row, field) for field in fields), staged.id, row.number) for row in rows],
    )
    _settle(staged, db.among(StagedRow.email, sorted(touched)), now)


def _settle(staged: StagedList, which: Any, now: datetime) -> Changes:
    """Give the rows that fit the condition ``which`` the outcome that they have now."""
    found = StagedRow.select(StagedRow.number, StagedRow.email, StagedRow.outcome).where(
        StagedRow.list == staged.id,
        StagedRow.email != "",
        StagedRow.outcome != Outcome.LEFT_OUT,
        which,
    )
    rows = list(db.tuples(found.order_by(StagedRow.number)))
    known = judging.known(staged.account, sorted({email for _, email, _ in rows}), now)
    seen: set[str] = set()
    changes: Counter[tuple[Outcome, Outcome]] = Counter()
    changed = []
    for number, email, before in rows:
        after = Outcome.TWICE if email in seen else known.get(email, Outcome.INVITE)
        seen.add(email)
        if after != before:
            changes[Outcome(before), after] += 1
            changed.append((after.value, staged.id, number))
    db.update_rows(StagedRow, ("outcome",), ("list_id", "number"), changed)
    _count(staged)
    return changes
