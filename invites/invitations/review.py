"""Reviews typed entries and a staged list together, before and while sending."""

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from invites.core.errors import Reason, RuleError
from invites.invitations import classify, staged_lists, staged_rows
from invites.invitations.classify import Classification
from invites.lists.entries import MAX_ENTRIES, Entry
from invites.models import Account, EntryOutcome, StagedList


@dataclass(frozen=True)
class Review:
    """If an address is both typed and in the list, the typed one is the duplicate."""

    typed: Classification
    staged: StagedList | None
    row_counts: Counter[EntryOutcome]

    @property
    def counts(self) -> Counter[EntryOutcome]:
        return self.row_counts + self.typed.counts

    @property
    def parts(self) -> list[tuple[EntryOutcome, int]]:
        """In the order of ``EntryOutcome``."""
        counts = self.counts
        return [(outcome, counts[outcome]) for outcome in EntryOutcome]

    def __len__(self) -> int:
        return self.counts.total()

    def mail_count(self, also: Collection[EntryOutcome] = ()) -> int:
        counts = self.counts
        return sum(counts[outcome] for outcome in classify.invited(also))

    def to_invite(self, also: Collection[EntryOutcome] = ()) -> list[tuple[str, str]]:
        """Pairs of address and name; the name may be empty."""
        return self._recipients(classify.invited(also) - {EntryOutcome.PENDING})

    def to_remind(self, also: Collection[EntryOutcome] = ()) -> list[str]:
        if EntryOutcome.PENDING not in also:
            return []
        return [email for email, _name in self._recipients({EntryOutcome.PENDING})]

    def _recipients(self, outcomes: Collection[EntryOutcome]) -> list[tuple[str, str]]:
        listed = staged_rows.recipients(self.staged, outcomes) if self.staged else []
        return listed + self.typed.recipients(outcomes)

    @property
    def fingerprint(self) -> str:
        """A hash that shows whether the member has seen this review."""
        rows = [f"{outcome} {self.row_counts[outcome]}" for outcome in EntryOutcome]
        seen = [_source(self.staged), *rows, self.typed.fingerprint]
        return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def review_entries(
    account: Account, typed: Sequence[Entry], staged: StagedList | None, now: datetime
) -> Review:
    """Raises RuleError(LIST_TOO_LONG) above 50,000 entries in all, and LIST_TOO_SLOW."""
    row_counts = staged_rows.counts(staged) if staged else Counter[EntryOutcome]()
    if len(typed) + row_counts.total() > MAX_ENTRIES:
        raise RuleError(Reason.LIST_TOO_LONG, limit=MAX_ENTRIES)
    return Review(classify.classify(account, typed, now, staged), staged, row_counts)


def _source(staged: StagedList | None) -> str:
    if staged is None:
        return ""
    read_as = f"{staged.encoding} {staged.delimiter} {staged.email_column} {staged.name_column}"
    return f"{staged_lists.identity(staged)} {read_as}"
