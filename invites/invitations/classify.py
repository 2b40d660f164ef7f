"""Classifies every entry of a list: what sending would do with it.

The only place that decides. Typed entries (``classify``), uploaded rows (staging.py) and edited
rows (edits.py) all get their outcome from ``outcomes``.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from invites import db
from invites.core import addresses
from invites.core.errors import Reason, RuleError
from invites.invitations import quotas, staged_rows, unsubscribe
from invites.lists import suggestions
from invites.lists.entries import Entry, first_of_several
from invites.models import (
    INVITED,
    ON_REQUEST,
    Account,
    EntryOutcome,
    Invitation,
    InvitationState,
    Membership,
    StagedList,
    User,
)

_PRECEDENCE = (
    EntryOutcome.MEMBER,
    EntryOutcome.UNSUBSCRIBED,
    EntryOutcome.RECIPIENT_LIMIT,
    EntryOutcome.PENDING,
    EntryOutcome.REMOVED,
    EntryOutcome.DECLINED,
)
# CPU time; 50,000 addresses usually take a tenth of a second.
_MAX_SECONDS = 2.0  # for a file
_MAX_SECONDS_TYPED = 1.0
_MAX_SECONDS_IN_TRANSACTION = 0.5
_CHUNK = 10  # entries between two checks of the time

# The canonical address, or "" with the reason and a suggestion ("" if there is none).
Reading = tuple[str, Reason | None, str]

T = TypeVar("T")


class Classified(NamedTuple):
    entry: Entry
    outcome: EntryOutcome
    email: str

    @property
    def problem(self) -> Reason | None:
        return read(self.entry)[1]

    @property
    def suggestion(self) -> str:
        """Computed on demand: it takes much longer than classifying, and few are shown."""
        return read(self.entry)[2]


class Classification:
    def __init__(self, classified: Sequence[Classified]) -> None:
        self.classified = classified
        self.counts = Counter([one.outcome for one in classified])

    def __len__(self) -> int:
        return len(self.classified)

    def of(self, outcome: EntryOutcome, limit: int | None = None) -> list[Classified]:
        return [one for one in self.classified if one.outcome is outcome][:limit]

    def recipients(self, outcomes: Collection[EntryOutcome]) -> list[tuple[str, str]]:
        """Pairs of address and name; the name may be empty."""
        return [(one.email, one.entry.name) for one in self.classified if one.outcome in outcomes]

    @property
    def fingerprint(self) -> str:
        """A hash that shows whether the member has seen this classification."""
        lines = "\n".join(f"{one.outcome} {one.entry.text}" for one in self.classified)
        return hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()


def classify(
    account: Account, entries: Sequence[Entry], now: datetime, staged: StagedList | None = None
) -> Classification:
    """An address that is also in ``staged`` is a duplicate. Raises RuleError(LIST_TOO_SLOW)."""
    emails = _map_in_time(_valid_email, entries, _MAX_SECONDS_TYPED, Reason.LIST_TOO_SLOW)
    listed = staged_rows.emails_among(staged, list(filter(None, emails))) if staged else ()
    found = outcomes(account, emails, now, preceding=listed)
    return Classification(list(map(Classified, entries, found, emails)))


def invited(also: Collection[EntryOutcome] = ()) -> frozenset[EntryOutcome]:
    """The outcomes that are invited. ``also``: those of ON_REQUEST that the member selected."""
    return INVITED | ON_REQUEST.intersection(also)


def read_all(entries: Sequence[Entry]) -> list[Reading]:
    """Raises RuleError(FILE_UNREADABLE) if it takes too long."""
    return _map_in_time(read, entries, _MAX_SECONDS, Reason.FILE_UNREADABLE)


def read_in_transaction(entries: Iterable[Entry]) -> Iterator[Reading]:
    """Stops suggesting addresses after half a second, because others wait for the write lock."""
    deadline = time.thread_time() + _MAX_SECONDS_IN_TRANSACTION
    for entry in entries:
        yield read(entry, suggests=time.thread_time() < deadline)


def read(entry: Entry, *, suggests: bool = True) -> Reading:
    """A misspelled mail provider is a problem too, unless the entry is ``kept_as_is``.

    ``suggests``: if False, an invalid entry takes much less time, but has no suggestion.
    """
    try:
        email, right = _email_and_correction(entry)
    except RuleError as error:
        if not suggests:
            return "", error.reason, ""
        two = suggestions.has_several_addresses(entry.text)
        problem = Reason.ADDRESS_MULTIPLE if two else error.reason
        return "", problem, suggestions.suggestion(entry.text, problem)
    return ("", Reason.ADDRESS_MISSPELLED, right) if right else (email, None, "")


def _valid_email(entry: Entry) -> str:
    """The address that ``read`` returns, without searching for a suggestion, which is slow."""
    try:
        email, right = _email_and_correction(entry)
    except RuleError:
        return ""
    return "" if right else email


def _email_and_correction(entry: Entry) -> tuple[str, str]:
    """Raises RuleError(ADDRESS_*)."""
    email = addresses.canonical(first_of_several(entry.text))
    return email, "" if entry.kept_as_is else suggestions.corrected(email)


def _map_in_time(
    function: Callable[[Entry], T], entries: Sequence[Entry], seconds: float, refusal: Reason
) -> list[T]:
    """Limits the CPU time: a crafted domain takes a thousand times as long as a usual one."""
    deadline = time.thread_time() + seconds
    found: list[T] = []
    for start in range(0, len(entries), _CHUNK):
        found += map(function, entries[start : start + _CHUNK])
        if time.thread_time() > deadline:
            raise RuleError(refusal)
    return found


def outcomes(
    account: Account, emails: Sequence[str], now: datetime, preceding: Collection[str] = ()
) -> list[EntryOutcome]:
    """The outcome of each canonical address, in order; "" means an invalid entry.

    An address is a duplicate if its mailbox occurs earlier in ``emails``, or in ``preceding``: the
    addresses of a list that comes first.
    """
    twins = addresses.twins(emails)
    on_record = outcomes_on_record(account, sorted({*emails, *twins.values()} - {""}), now)
    for email, twin in twins.items():
        if twin in on_record:
            of_both = on_record[twin], on_record.get(email, on_record[twin])
            on_record[email] = min(of_both, key=_PRECEDENCE.index)
    # Read once: access to an Enum's attribute takes as long as the rest of an iteration.
    new, duplicate, invalid = EntryOutcome.INVITE, EntryOutcome.DUPLICATE, EntryOutcome.INVALID
    seen = set(addresses.spellings(preceding))
    found = []
    for email in emails:
        if not email:
            found.append(invalid)
        elif email in seen:
            found.append(duplicate)
        else:
            found.append(on_record.get(email, new))
            seen.add(email)
            if email in twins:
                seen.add(twins[email])
    return found


def outcomes_on_record(
    account: Account, emails: Sequence[str], now: datetime
) -> dict[str, EntryOutcome]:
    """The outcome of each canonical address with a record; all others are INVITE.

    If several apply, the first in _PRECEDENCE wins, except that REMOVED and DECLINED are decided by
    which happened later.
    """
    declined, pending = _invited_before(account, emails, now)
    found = dict.fromkeys(declined, EntryOutcome.DECLINED)
    members = set()
    for email, membership, removed_at in _with_profile(account, emails):
        if membership is None:
            continue  # so that nobody learns who has a profile
        if removed_at is None:
            found[email] = EntryOutcome.MEMBER
            members.add(email)
        elif declined.get(email, -1) < removed_at:
            found[email] = EntryOutcome.REMOVED
    for overriding, outcome in (
        (pending, EntryOutcome.PENDING),
        (quotas.over_recipient_limit(account, emails, now), EntryOutcome.RECIPIENT_LIMIT),
        (unsubscribe.unsubscribed(account, emails), EntryOutcome.UNSUBSCRIBED),
    ):
        found.update(dict.fromkeys(overriding - members, outcome))
    return found


def _invited_before(
    account: Account, emails: Sequence[str], now: datetime
) -> tuple[dict[str, int], set[str]]:
    """When each address last declined, and the addresses with a pending invitation.

    A declined invitation counts even after it was revoked or replaced.
    """
    moment = Invitation.expires_at.db_value(now)
    is_pending = (Invitation.state == InvitationState.PENDING) & (Invitation.expires_at > now)
    has_declined = (Invitation.state != InvitationState.ACCEPTED) & Invitation.answered_at.is_null(
        False
    )
    rows = db.read(
        db.lookup(emails, Invitation.email),
        (Invitation.email, Invitation.state, Invitation.expires_at, Invitation.answered_at),
        db.unindexed(Invitation.account) == account.id,
        is_pending | has_declined,
    )
    declined: dict[str, int] = {}
    pending = set()
    for email, state, expires_at, answered_at in rows:
        if state == InvitationState.PENDING and expires_at > moment:
            pending.add(email)
        if answered_at is not None:
            declined[email] = max(answered_at, declined.get(email, 0))
    return declined, pending


def _with_profile(account: Account, emails: Sequence[str]) -> list[tuple[Any, ...]]:
    """Address, membership or None, and when the membership ended."""
    is_theirs = (Membership.user == User.id) & (Membership.account == account.id)
    profiles = db.lookup(emails, User.email).join(Membership, db.LEFT_OUTER, on=is_theirs)
    return db.read(profiles, (User.email, Membership.id, Membership.deactivated_at))
