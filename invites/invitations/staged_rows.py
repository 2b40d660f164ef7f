"""The rows of a dropped list: how many have which outcome, and finding some."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from peewee import ModelSelect, fn

from invites import db
from invites.core.errors import Reason, RuleError
from invites.core.paging import Page, paged
from invites.invitations.classify import Outcome
from invites.lists.table import Table
from invites.models import StagedList, StagedRow

_SHOWN = 20  # rows on a page: enough to look at, and the next ones are a press away
_SHOWN_TEXT = 150  # characters of a row without an address


def counts(staged: StagedList) -> Counter[Outcome]:
    """How many rows have each outcome."""
    return Counter({Outcome(outcome): count for outcome, count in staged.counts.items()})


def page(
    staged: StagedList, listed: Counter[Outcome], outcome: Outcome | None, number: int
) -> Page[StagedRow]:
    """One page of the rows with ``outcome``, or of all, in the order of the file.

    ``listed`` is what ``counts`` said of the list.
    """
    rows, total = of(staged), listed.total()
    if outcome is not None:
        rows, total = rows.where(StagedRow.outcome == outcome), listed[outcome]
    return paged(rows.order_by(StagedRow.number), number, size=_SHOWN, total=total)


def emails_among(staged: StagedList, emails: Sequence[str]) -> set[str]:
    """Which of the addresses are in the list, and not left out of it."""
    found = StagedRow.select(StagedRow.email).where(
        StagedRow.list == staged.id,
        db.among(StagedRow.email, emails),
        StagedRow.outcome != Outcome.SKIPPED,
    )
    return {email for (email,) in db.tuples(found)}


def in_file(staged: StagedList, numbers: Collection[int]) -> dict[int, str]:
    """What the file has in rows without an address: a title, a sum, somebody without e-mail.

    Reads the file as far as the last of them. Raises RuleError(NOT_FOUND).
    """
    rows = as_table(with_content(staged.id)).cells(numbers)
    return {number: ", ".join(cells)[:_SHOWN_TEXT] for number, cells in rows.items()}


def first_rows(staged: StagedList, emails: Sequence[str]) -> dict[str, int]:
    """In which row each of the addresses counts; all others that have it are twice."""
    found = StagedRow.select(StagedRow.email, StagedRow.number).where(
        StagedRow.list == staged.id,
        db.among(StagedRow.email, emails),
        StagedRow.outcome.not_in([Outcome.TWICE, Outcome.SKIPPED]),
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
    left = of(staged).where(StagedRow.outcome.not_in(list(outcomes)))
    yield from left.order_by(StagedRow.number).iterator()


def first_with(staged: StagedList, outcomes: Collection[Outcome], limit: int) -> list[StagedRow]:
    """The first rows with one of ``outcomes``."""
    found = of(staged).where(StagedRow.outcome.in_(list(outcomes)))
    return list(found.order_by(StagedRow.number).limit(limit))


def alike(staged: StagedList, limit: int = 5) -> list[tuple[str, str, int]]:
    """Domains that many rows misspell: as written, as it is probably meant, how many rows."""
    misspelt = StagedRow.select(StagedRow.text, StagedRow.suggestion).where(
        StagedRow.list == staged.id,
        StagedRow.outcome == Outcome.INVALID,
        StagedRow.problem == Reason.ADDRESS_MISSPELT,
    )
    pairs = Counter((domain(text), domain(suggestion)) for text, suggestion in db.tuples(misspelt))
    many = [(*pair, count) for pair, count in pairs.most_common() if count > 1]
    return [one for one in many if one[0] != one[1]][:limit]


def one_line(text: str) -> str:
    """The text of a row as a field can hold it."""
    return text.strip().replace("\r", "").replace("\n", "")


def with_content(list_id: int) -> StagedList:
    """A list with what stood in the file. Raises RuleError(NOT_FOUND)."""
    found: StagedList | None = db.one(StagedList.select().where(StagedList.id == list_id))
    if found is None:  # dropped in another tab
        raise RuleError(Reason.NOT_FOUND)
    return found


def as_table(staged: StagedList) -> Table:
    """What stood in the file; of a list ``with_content``."""
    return Table(bytes(staged.content).decode("utf-8", "surrogatepass"), staged.delimiter)


def of(staged: StagedList) -> "ModelSelect[StagedRow]":
    """All rows of a list, to be narrowed with ``where``."""
    return StagedRow.select().where(StagedRow.list == staged.id)


def domain(address: str) -> str:
    """What stands behind the @, in lower case, also of what is no address."""
    return address.strip().rpartition("@")[2].lower()


def count_again(staged: StagedList) -> None:
    """Note how many rows have each outcome: counting 50,000 for every page would take longest."""
    grouped = (
        StagedRow.select(StagedRow.outcome, fn.COUNT(StagedRow.number))
        .where(StagedRow.list == staged.id)
        .group_by(StagedRow.outcome)
    )
    staged.counts = dict(db.tuples(grouped))
    staged.save(only=[StagedList.counts])


def expect_unsent(staged: StagedList) -> None:
    """Raises RuleError(NOT_FOUND) for a list that was sent, or dropped, in another tab."""
    if (
        not StagedList.select()
        .where(StagedList.id == staged.id, StagedList.batch.is_null())
        .exists()
    ):
        raise RuleError(Reason.NOT_FOUND)
