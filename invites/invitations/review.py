"""What sending would do with field and file together: shown before, compared when it happens."""

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from invites.core.errors import Reason, RuleError
from invites.invitations import classify, staged_rows, staging
from invites.invitations.classify import INVITED, Classification, Outcome
from invites.lists.recipients import MAX_ENTRIES, Entry
from invites.models import Account, StagedList


@dataclass(frozen=True)
class ListReview:
    """What was typed, judged, and how many rows of the dropped list have which outcome.

    The list comes first: an address that stands in both is twice in the field.
    """

    typed: Classification
    staged: StagedList | None
    listed: Counter[Outcome]

    @property
    def counts(self) -> Counter[Outcome]:
        """How many entries of both have each outcome. They add up."""
        return self.listed + self.typed.counts

    @property
    def parts(self) -> list[tuple[Outcome, int]]:
        """The same in the order of the outcomes."""
        counts = self.counts
        return [(outcome, counts[outcome]) for outcome in Outcome]

    def __len__(self) -> int:
        return self.counts.total()

    def people(self, also: Collection[Outcome] = ()) -> int:
        """How many are invited; ``also``: of ON_REQUEST, who is asked for."""
        counts = self.counts
        return sum(counts[outcome] for outcome in INVITED.union(also))

    def to_invite(self, also: Collection[Outcome] = ()) -> list[tuple[str, str]]:
        """Address and name, or no name, of everybody who is invited."""
        return self._those_with(INVITED.union(also) - {Outcome.PENDING})

    def to_remind(self, also: Collection[Outcome] = ()) -> list[str]:
        """The addresses of everybody who is invited already, if they are asked for."""
        wanted = {Outcome.PENDING}.intersection(also)
        return [email for email, _name in self._those_with(wanted)] if wanted else []

    def _those_with(self, outcomes: Collection[Outcome]) -> list[tuple[str, str]]:
        listed = staged_rows.those_with(self.staged, outcomes) if self.staged else []
        return listed + self.typed.those_with(outcomes)

    @property
    def fingerprint(self) -> str:
        """The same for the same entries understood alike: tells whether somebody has seen this."""
        listed = [f"{outcome} {self.listed[outcome]}" for outcome in Outcome]
        seen = [_read_as(self.staged), *listed, self.typed.fingerprint]
        return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def _read_as(staged: StagedList | None) -> str:
    if staged is None:
        return ""
    return f"{staging.identity(staged)} {staged.email_column} {staged.name_column}"


def overview(
    account: Account, typed: Sequence[Entry], staged: StagedList | None, now: datetime
) -> ListReview:
    """Judge what was typed beside the list. Raises RuleError(LIST_TOO_LONG) past 50,000 in both."""
    listed = staged_rows.counts(staged) if staged else Counter[Outcome]()
    if len(typed) + listed.total() > MAX_ENTRIES:
        raise RuleError(Reason.LIST_TOO_LONG, limit=MAX_ENTRIES)
    classification = classify.classify(account, typed, now)
    if staged is not None and typed:
        emails = [one.email for one in classification.classified if one.email]
        classification = classification.after(staged_rows.emails_among(staged, emails))
    return ListReview(classification, staged, listed)
