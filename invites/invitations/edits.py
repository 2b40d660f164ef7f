"""Edits rows of a staged list, one at a time or all with the same misspelling.

After an edit, all rows that share an address with an edited row are classified again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from invites import db
from invites.core import addresses
from invites.core.errors import Reason, RuleError
from invites.invitations import classify, staged_rows, staging
from invites.invitations.staged_rows import one_line
from invites.lists import suggestions
from invites.lists.entries import Entry, read_cell
from invites.lists.table import Choice
from invites.models import EntryOutcome, StagedList, StagedRow

# How many rows went from one outcome to another.
Changes = Counter[tuple[EntryOutcome, EntryOutcome]]


def edit_row(staged: StagedList, number: int, text: str, now: datetime) -> None:
    """Raises RuleError(NOT_FOUND)."""
    _change(staged, number, now, text=_cell(text), kept_as_is=False)


def edit_rows(staged: StagedList, texts: Mapping[int, str], now: datetime) -> bool:
    """Returns whether any text changed, apart from line breaks. Raises RuleError(NOT_FOUND)."""
    if not texts:
        return False
    rows = list(staged_rows.of(staged).where(StagedRow.number.in_(list(texts))))
    changed = [row for row in rows if one_line(texts[row.number]) != one_line(row.text)]
    if changed:
        with db.transaction():
            staged_rows.expect_unsent(staged)
            for row in changed:
                row.text, row.kept_as_is = _cell(texts[row.number]), False
                row.outcome = EntryOutcome.INVITE.value  # until it is classified
            _save(staged, changed, now)
    return bool(changed)


def _cell(text: str) -> str:
    return read_cell(text.strip())[0]


def split_row(staged: StagedList, number: int, now: datetime) -> tuple[str, list[tuple[str, str]]]:
    """Keeps the first address in a row. Returns it, and the others, each with the row's name.

    The others can't become rows, because row numbers have to match the file. Raises
    RuleError(NOT_FOUND).
    """
    row = staged_rows.of(staged).where(StagedRow.number == number).get_or_none()
    found = suggestions.addresses_in(row.text) if row else []
    if row is None or not found:
        raise RuleError(Reason.NOT_FOUND)
    edit_row(staged, number, found[0], now)
    return found[0], [(row.name, email) for email in found[1:]]


def keep_as_is(staged: StagedList, number: int, now: datetime) -> None:
    """Accepts an address that looks misspelled. Raises RuleError(NOT_FOUND)."""
    _change(staged, number, now, kept_as_is=True)


def exclude(staged: StagedList, number: int, now: datetime) -> None:
    """Raises RuleError(NOT_FOUND)."""
    _change(staged, number, now, outcome=EntryOutcome.EXCLUDED.value)


def include(staged: StagedList, number: int, now: datetime) -> None:
    """Undoes ``exclude``. Raises RuleError(NOT_FOUND)."""
    _change(staged, number, now)


def correct_domain(staged: StagedList, misspelled: str, now: datetime) -> int:
    """Corrects all rows with the misspelled domain; returns how many.

    Raises what ``staging.change`` raises.
    """
    return staging.change(staged, _correct_domain, misspelled, now)


def _correct_domain(list_id: int, misspelled: str, now: datetime) -> int:
    staged = staged_rows.with_content(list_id)
    with db.transaction():
        staged_rows.expect_unsent(staged)
        invalid = staged_rows.of(staged).where(
            StagedRow.outcome == EntryOutcome.INVALID,
            StagedRow.problem == Reason.ADDRESS_MISSPELLED,
        )
        rows = [row for row in invalid if staged_rows.domain(row.text) == misspelled]
        for row in rows:
            row.text = row.suggestion
        _save(staged, rows, now)
    return len(rows)


def undo_correction(staged: StagedList, misspelled: str, now: datetime) -> None:
    """Skips rows that were edited since. Raises what ``staging.change`` raises."""
    staging.change(staged, _undo_correction, misspelled, now)


def _undo_correction(list_id: int, misspelled: str, now: datetime) -> int:
    staged = staged_rows.with_content(list_id)
    choice = Choice(staged.email_column, staged.name_column)
    original = {
        entry.row: entry.text
        for entry in staged_rows.as_table(staged).entries(choice)
        if entry.row is not None and staged_rows.domain(entry.text) == misspelled
    }
    with db.transaction():
        staged_rows.expect_unsent(staged)
        rows = []
        for row in staged_rows.of(staged).where(db.among(StagedRow.number, list(original))):
            text = original[row.number]
            if row.text == suggestions.suggestion(text, Reason.ADDRESS_MISSPELLED):
                row.text = text
                rows.append(row)
        _save(staged, rows, now)
    return len(rows)


def reclassify(staged: StagedList, now: datetime) -> Changes:
    with db.transaction():
        return _reclassify(staged, StagedRow.list == staged.id, now)


def _change(staged: StagedList, number: int, now: datetime, **changes: object) -> None:
    """Any change except exclusion includes an excluded row again."""
    with db.transaction():
        staged_rows.expect_unsent(staged)
        row = staged_rows.of(staged).where(StagedRow.number == number).get_or_none()
        if row is None:
            raise RuleError(Reason.NOT_FOUND)
        row.outcome = EntryOutcome.INVITE.value  # until it is classified
        for name, value in changes.items():
            setattr(row, name, value)
        _save(staged, [row], now)


def _save(staged: StagedList, rows: Sequence[StagedRow], now: datetime) -> None:
    """Also classifies the rows and all others that share a mailbox with them."""
    affected = {row.email for row in rows}
    for row in rows:
        entry = Entry(row.text, row.number, row.name, row.kept_as_is)
        row.email, problem, row.suggestion = classify.read(entry)
        row.problem = problem.value if problem else ""
        affected.add(row.email)
    fields = ("text", "email", "outcome", "problem", "suggestion", "kept_as_is")
    db.update_rows(
        StagedRow,
        fields,
        ("list_id", "number"),
        [(*(getattr(row, field) for field in fields), staged.id, row.number) for row in rows],
    )
    sharing = StagedRow.select(StagedRow.number).where(
        StagedRow.list == staged.id, db.among(StagedRow.email, addresses.spellings(affected - {""}))
    )
    numbers = {row.number for row in rows} | {number for (number,) in db.tuples(sharing)}
    _reclassify(staged, db.among(StagedRow.number, sorted(numbers)), now)


def _reclassify(staged: StagedList, condition: Any, now: datetime) -> Changes:
    """``condition`` must match all rows with the same mailbox, or none of them."""
    found = StagedRow.select(StagedRow.number, StagedRow.email, StagedRow.outcome).where(
        StagedRow.list == staged.id, StagedRow.outcome != EntryOutcome.EXCLUDED, condition
    )
    rows = list(db.tuples(found.order_by(StagedRow.number)))
    outcomes = classify.outcomes(staged.account, [email for _, email, _ in rows], now)
    changes: Changes = Counter()
    changed = []
    for (number, _, before), after in zip(rows, outcomes, strict=True):
        if after != before:
            changes[EntryOutcome(before), after] += 1
            changed.append((after.value, staged.id, number))
    db.update_rows(StagedRow, ("outcome",), ("list_id", "number"), changed)
    staged_rows.count_again(staged)
    return changes
