"""The entries of a batch that weren't invited, and why: stored with the batch for its page."""

from collections.abc import Collection
from itertools import islice
from typing import NamedTuple

from invites.invitations import classify, staged_rows
from invites.invitations.review import Review
from invites.lists.email_field import format_entry
from invites.models import Batch, EntryOutcome

MAX_KEPT = 2000  # entries; a page reads them all
_MAX_TEXT = 200  # characters


class SkippedEntry(NamedTuple):
    """``row`` is None for a typed entry."""

    row: int | None
    text: str
    problem: str
    name: str
    suggestion: str
    outcome: str

    @property
    def as_typed(self) -> str:
        return format_entry(self.text, self.name)


def skipped_entries(review: Review, invited: Collection[EntryOutcome]) -> list[SkippedEntry]:
    """At most MAX_KEPT, starting with the invalid ones, which can be corrected."""
    invalid = _entries(review, {EntryOutcome.INVALID}, MAX_KEPT)
    others = set(EntryOutcome) - {EntryOutcome.INVALID, *invited}
    return invalid + _entries(review, others, MAX_KEPT - len(invalid))


def of_batch(batch: Batch) -> list[SkippedEntry]:
    return [SkippedEntry(*kept) for kept in batch.skipped["examples"]]


def _entries(review: Review, outcomes: Collection[EntryOutcome], limit: int) -> list[SkippedEntry]:
    rows = staged_rows.first_with(review.staged, outcomes, limit) if review.staged else []
    found = [
        SkippedEntry(row.number, row.text, row.problem, row.name, row.suggestion, row.outcome)
        for row in rows
    ]
    matching = (one for one in review.typed.classified if one.outcome in outcomes)
    typed = list(islice(matching, limit - len(found)))
    readings = classify.read_in_transaction(one.entry for one in typed)
    found += [
        SkippedEntry(entry.row, entry.text, problem or "", entry.name, suggestion, outcome)
        for (entry, outcome, _), (_, problem, suggestion) in zip(typed, readings, strict=True)
    ]
    return [one._replace(text=one.text[:_MAX_TEXT]) for one in found]
