"""Who was left out of a batch, and why: kept with the batch, for its page."""

from collections.abc import Collection
from typing import NamedTuple

from invites.invitations import staged_rows
from invites.invitations.classify import Outcome
from invites.invitations.review import ListReview
from invites.lists.recipients import typed
from invites.models import Batch

MOST = 2000  # rows; a page reads them all

_LONGEST = 200


class SkippedEntry(NamedTuple):
    """A row of the file, or something typed, that nobody is invited by."""

    row: int | None
    text: str
    problem: str
    name: str = ""
    suggestion: str = ""
    outcome: str = Outcome.INVALID.value  # batches of before kept no others

    @property
    def as_typed(self) -> str:
        """As it can be typed into the field, to be mended there."""
        return typed(self.text, self.name)


def of(whole: ListReview, sent: Collection[Outcome]) -> list[SkippedEntry]:
    """All but the ``sent`` ones, up to MOST; first what isn't an address, for it can be mended."""
    wrong = _with(whole, {Outcome.INVALID}, MOST)
    return wrong + _with(whole, set(Outcome) - {Outcome.INVALID, *sent}, MOST - len(wrong))


def _with(whole: ListReview, outcomes: Collection[Outcome], limit: int) -> list[SkippedEntry]:
    listed = staged_rows.first_with(whole.staged, outcomes, limit) if whole.staged else []
    found = [
        SkippedEntry(row.number, row.text, row.problem, row.name, row.suggestion, row.outcome)
        for row in listed
    ]
    found += [
        SkippedEntry(
            one.entry.row,
            one.entry.text,
            one.problem or "",
            one.entry.name,
            one.suggestion,
            one.outcome,
        )
        for one in whole.typed.classified
        if one.outcome in outcomes
    ]
    return [one._replace(text=one.text[:_LONGEST]) for one in found[:limit]]


def rows(batch: Batch) -> list[SkippedEntry]:
    """What was kept of ``batch``."""
    return [SkippedEntry(*kept) for kept in batch.skipped["examples"]]
