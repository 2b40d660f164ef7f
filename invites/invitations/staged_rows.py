"""Queries for the rows of a staged list."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from peewee import ModelSelect, fn

from invites import db
from invites.core import addresses
from invites.core.errors import Reason, RuleError
from invites.core.paging import Page, paged
from invites.lists import files
from invites.lists.table import Table
from invites.models import EntryOutcome, StagedList, StagedRow

PAGE_SIZE = 20


def counts(staged: StagedList) -> Counter[EntryOutcome]:
    return Counter({EntryOutcome(outcome): count for outcome, count in staged.counts.items()})


def count_again(staged: StagedList) -> None:
    """Stores the counts, because counting 50,000 rows for every page would be slow."""
    grouped = (
        StagedRow.select(StagedRow.outcome, fn.COUNT(StagedRow.number))
        .where(StagedRow.list == staged.id)
        .group_by(StagedRow.outcome)
    )
    staged.counts = dict(db.tuples(grouped))
    staged.save(only=[StagedList.counts])


def of(staged: StagedList) -> "ModelSelect[StagedRow]":
    return StagedRow.select().where(StagedRow.list == staged.id)


def page(staged: StagedList, outcome: EntryOutcome | None, number: int) -> Page[StagedRow]:
    """In the order of the file."""
    rows, row_counts = of(staged), counts(staged)
    total = row_counts.total()
    if outcome is not None:
        rows, total = rows.where(StagedRow.outcome == outcome), row_counts[outcome]
    return paged(rows.order_by(StagedRow.number), number, size=PAGE_SIZE, total=total)


def recipients(staged: StagedList, outcomes: Collection[EntryOutcome]) -> list[tuple[str, str]]:
    """Pairs of address and name, in the order of the file."""
    found = (
        StagedRow.select(StagedRow.email, StagedRow.name)
        .where(StagedRow.list == staged.id, StagedRow.outcome.in_(list(outcomes)))
        .order_by(StagedRow.number)
    )
    return list(db.tuples(found))


def without(staged: StagedList, outcomes: Collection[EntryOutcome]) -> Iterator[StagedRow]:
    """In the order of the file."""
    rows = of(staged).where(StagedRow.outcome.not_in(list(outcomes)))
    yield from rows.order_by(StagedRow.number).iterator()


def first_with(
    staged: StagedList, outcomes: Collection[EntryOutcome], limit: int
) -> list[StagedRow]:
    found = of(staged).where(StagedRow.outcome.in_(list(outcomes)))
    return list(found.order_by(StagedRow.number).limit(limit))


def emails_among(staged: StagedList, emails: Sequence[str]) -> set[str]:
    """Addresses in the list, except in excluded rows, whose mailbox is also in ``emails``."""
    found = StagedRow.select(StagedRow.email).where(
        StagedRow.list == staged.id,
        db.among(StagedRow.email, addresses.spellings(emails)),
        StagedRow.outcome != EntryOutcome.EXCLUDED,
    )
    return {email for (email,) in db.tuples(found)}


def first_rows(staged: StagedList, emails: Sequence[str]) -> dict[str, int]:
    """The number of the first row with each address. Later rows are duplicates."""
    found = StagedRow.select(StagedRow.email, StagedRow.number).where(
        StagedRow.list == staged.id,
        db.among(StagedRow.email, addresses.spellings(emails)),
        StagedRow.outcome.not_in([EntryOutcome.DUPLICATE, EntryOutcome.EXCLUDED]),
    )
    numbers = dict(db.tuples(found))
    twins = addresses.twins(numbers)
    return numbers | {twin: numbers[email] for email, twin in twins.items()}


def common_misspellings(staged: StagedList, limit: int = 5) -> list[tuple[str, str, int]]:
    """Domains in several rows: as written, as suggested, and in how many rows."""
    misspelled = StagedRow.select(StagedRow.text, StagedRow.suggestion).where(
        StagedRow.list == staged.id,
        StagedRow.outcome == EntryOutcome.INVALID,
        StagedRow.problem == Reason.ADDRESS_MISSPELLED,
    )
    pairs = Counter(
        (domain(text), domain(suggestion))
        for text, suggestion in misspelled.tuples().iterator()  # there may be 50,000
    )
    common = [(*pair, count) for pair, count in pairs.most_common() if count > 1]
    return [one for one in common if one[0] != one[1]][:limit]


def domain(address: str) -> str:
    return address.strip().rpartition("@")[2].lower()


def one_line(text: str) -> str:
    return text.strip().replace("\r", "").replace("\n", "")


def with_content(list_id: int) -> StagedList:
    """Raises RuleError(NOT_FOUND)."""
    found: StagedList | None = StagedList.get_or_none(StagedList.id == list_id)
    if found is None:
        raise RuleError(Reason.NOT_FOUND)
    return found


def as_table(staged: StagedList) -> Table:
    content = bytes(staged.content)
    if staged.encoding:
        return files.read_again(content, staged.encoding, staged.delimiter)
    return Table(content.decode("utf-8", "surrogatepass"), staged.delimiter)


def expect_unsent(staged: StagedList) -> None:
    """Raises RuleError(NOT_FOUND) if it was sent or deleted in another tab."""
    unsent = StagedList.select().where(StagedList.id == staged.id, StagedList.batch.is_null())
    if not unsent.exists():
        raise RuleError(Reason.NOT_FOUND)
