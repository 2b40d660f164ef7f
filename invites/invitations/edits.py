"""Changing the rows of a dropped list one by one, or many that are wrong alike.

Whatever changes, all rows that share an address have their outcomes anew.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from invites import db
from invites.core.errors import Reason, RuleError
from invites.invitations import classify, staged_rows
from invites.invitations.classify import Outcome
from invites.invitations.staged_rows import one_line
from invites.lists import suggestions
from invites.lists.recipients import Entry, tidy
from invites.lists.table import Choice
from invites.models import StagedList, StagedRow

Changes = Counter[tuple[Outcome, Outcome]]


def mend(staged: StagedList, number: int, text: str, now: datetime) -> None:
    """Write something else into a row, as tidily as a file is read. Raises RuleError(NOT_FOUND)."""
    _change(staged, number, now, text=tidy(text.strip()[:1000]).text, kept_as_is=False)


def split(staged: StagedList, number: int, now: datetime) -> tuple[str, list[tuple[str, str]]]:
    """Keep the first of several addresses in a row.

    Returns it, and the name and address of each other one, which need a place of their own:
    a row stays one entry, so that totals add up to the file. Raises RuleError(NOT_FOUND).
    """
    row = db.one(staged_rows.of(staged).where(StagedRow.number == number))
    found = suggestions.addresses_in(row.text) if row else []
    if row is None or not found:
        raise RuleError(Reason.NOT_FOUND)
    mend(staged, number, found[0], now)
    return found[0], [(row.name, email) for email in found[1:]]


def mend_changed(staged: StagedList, texts: Mapping[int, str], now: datetime) -> bool:
    """Write what stands in the fields of rows into those where it is something else.

    Line breaks make no difference (see ``one_line``). Returns whether there were any.
    Raises RuleError(NOT_FOUND).
    """
    if not texts:
        return False
    rows = list(staged_rows.of(staged).where(StagedRow.number.in_(list(texts))))
    changed = [row for row in rows if one_line(texts[row.number]) != one_line(row.text)]
    for row in changed:
        mend(staged, row.number, texts[row.number], now)
    return bool(changed)


def keep_as_is(staged: StagedList, number: int, now: datetime) -> None:
    """Believe that a row's address isn't misspelt. Raises RuleError(NOT_FOUND)."""
    _change(staged, number, now, kept_as_is=True)


def leave_out(staged: StagedList, number: int, now: datetime) -> None:
    """Don't invite a row. Raises RuleError(NOT_FOUND)."""
    _change(staged, number, now, outcome=Outcome.SKIPPED.value)


def take_back(staged: StagedList, number: int, now: datetime) -> None:
    """Undo ``leave_out``. Raises RuleError(NOT_FOUND)."""
    _change(staged, number, now)


def take_suggestions(staged: StagedList, domain: str, now: datetime) -> int:
    """Mend all rows that misspell a domain as ``domain`` does; returns how many."""
    with db.transaction():
        staged_rows.expect_unsent(staged)
        misspelt = staged_rows.of(staged).where(
            StagedRow.outcome == Outcome.INVALID, StagedRow.problem == Reason.ADDRESS_MISSPELT
        )
        rows = [row for row in misspelt if staged_rows.domain(row.text) == domain]
        for row in rows:
            row.text = row.suggestion
        _write(staged, rows, now)
    return len(rows)


def undo_suggestions(staged: StagedList, domain: str, now: datetime) -> None:
    """Write what the file says into all rows that took the suggestion for ``domain``.

    Raises RuleError(NOT_FOUND).
    """
    choice = Choice(staged.email_column, staged.name_column)
    said = {
        entry.row: entry.text
        for entry in staged_rows.as_table(staged_rows.with_content(staged.id)).entries(choice)
        if entry.row is not None and staged_rows.domain(entry.text) == domain
    }
    with db.transaction():
        staged_rows.expect_unsent(staged)
        rows = []
        for row in staged_rows.of(staged).where(db.among(StagedRow.number, list(said))):
            text = said[row.number]
            if row.text == suggestions.suggestion(text, Reason.ADDRESS_MISSPELT):
                row.text = text
                rows.append(row)
        _write(staged, rows, now)


def classify_again(staged: StagedList, now: datetime) -> Changes:
    """Judge all rows anew; returns how many went from which outcome to which other one."""
    with db.transaction():
        return _settle(staged, StagedRow.list == staged.id, now)


def _change(staged: StagedList, number: int, now: datetime, **changes: object) -> None:
    with db.transaction():
        staged_rows.expect_unsent(staged)
        row = db.one(staged_rows.of(staged).where(StagedRow.number == number))
        if row is None:
            raise RuleError(Reason.NOT_FOUND)
        row.outcome = Outcome.INVITE.value  # until it is settled
        for name, value in changes.items():
            setattr(row, name, value)
        _write(staged, [row], now)


def _write(staged: StagedList, rows: Sequence[StagedRow], now: datetime) -> None:
    """Save changed rows, and settle them and all that share an address with them."""
    touched = {row.email for row in rows}
    for row in rows:
        entry = Entry(row.text, row.number, row.name, row.kept_as_is)
        row.email, problem, row.suggestion = classify.read(entry)
        row.problem = problem.value if problem else ""
        if problem and row.outcome != Outcome.SKIPPED:
            row.outcome = Outcome.INVALID.value
        touched.add(row.email)
    fields = ("text", "email", "outcome", "problem", "suggestion", "kept_as_is")
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
        StagedRow.outcome != Outcome.SKIPPED,
        which,
    )
    rows = list(db.tuples(found.order_by(StagedRow.number)))
    known = classify.known(staged.account, sorted({email for _, email, _ in rows}), now)
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
    staged_rows.count_again(staged)
    return changes
