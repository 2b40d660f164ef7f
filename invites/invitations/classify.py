"""Says of each entry of a list what sending would do: exactly one outcome each."""

import hashlib
import time
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from invites import db
from invites.core import addresses, text_fields
from invites.core.errors import Reason, RuleError
from invites.invitations import quotas, unsubscribe
from invites.lists import suggestions
from invites.lists.recipients import MAX_ENTRIES, Entry
from invites.models import Account, Invitation, InvitationState, Membership, User

_SECONDS = 5.0  # of the processor; 50,000 addresses take a small part of one
_PIECE = 100  # entries, after which it is asked how long they took


class Outcome(StrEnum):
    """What sending does with an entry."""

    INVITE = "invite"
    INVITE_PROFILE = "invite_profile"
    MEMBER = "member"
    REMOVED = "removed"
    DECLINED = "declined"
    PENDING = "pending"
    UNSUBSCRIBED = "unsubscribed"
    OFTEN = "often"
    TWICE = "twice"
    SKIPPED = "skipped"
    INVALID = "invalid"


# Who is invited; and who is invited, or mailed again, only when the admin says so.
INVITED = frozenset({Outcome.INVITE, Outcome.INVITE_PROFILE})
ON_REQUEST = frozenset({Outcome.REMOVED, Outcome.DECLINED, Outcome.PENDING})


class Classified(NamedTuple):
    """An entry, its canonical address and its outcome.

    When it is invalid: no address, but the reason, and what was probably meant or "".
    """

    entry: Entry
    email: str
    outcome: Outcome
    problem: Reason | None = None
    suggestion: str = ""


class Classification:
    """All entries of a list, judged. The totals add up to the list."""

    def __init__(self, classified: Sequence[Classified]) -> None:
        self.classified = classified
        self.counts = Counter([one.outcome for one in classified])

    def __len__(self) -> int:
        return len(self.classified)

    def of(self, outcome: Outcome, limit: int | None = None) -> list[Classified]:
        """The entries with ``outcome``, in order."""
        return [one for one in self.classified if one.outcome is outcome][:limit]

    def those_with(self, outcomes: Collection[Outcome]) -> list[tuple[str, str]]:
        """Address and name, or "", of each entry with one of ``outcomes``."""
        return [
            (one.email, text_fields.name_or_nothing(one.entry.name))
            for one in self.classified
            if one.outcome in outcomes
        ]

    def after(self, emails: Collection[str]) -> "Classification":
        """The same list after another one that has ``emails`` in it already."""
        return Classification(
            [
                one._replace(outcome=Outcome.TWICE) if one.email in emails else one
                for one in self.classified
            ]
        )

    @property
    def fingerprint(self) -> str:
        """The same for the same list understood alike: tells whether somebody has seen this."""
        seen = "\n".join(f"{one.outcome} {one.entry.text}" for one in self.classified)
        return hashlib.sha256(seen.encode("utf-8", "surrogatepass")).hexdigest()


def classify(account: Account, entries: Sequence[Entry], now: datetime) -> Classification:
    """The outcome of each entry.

    Raises RuleError(LIST_TOO_LONG) past 50,000, and what ``read_all`` does.
    """
    if len(entries) > MAX_ENTRIES:
        raise RuleError(Reason.LIST_TOO_LONG, limit=MAX_ENTRIES)
    understood = read_all(entries)
    emails = sorted({email for email, _, _ in understood if email})
    outcomes = known(account, emails, now)

    classified: list[Classified] = []
    seen: set[str] = set()
    for entry, (email, problem, suggestion) in zip(entries, understood, strict=True):
        if problem is not None:
            outcome = Outcome.INVALID
        elif email in seen:
            outcome = Outcome.TWICE
        else:
            outcome = outcomes.get(email, Outcome.INVITE)
            seen.add(email)
        classified.append(Classified(entry, email, outcome, problem, suggestion))
    return Classification(classified)


def read_all(entries: Sequence[Entry]) -> list[tuple[str, Reason | None, str]]:
    """``read`` of each. Raises RuleError(FILE_UNREADABLE) when that takes the box's whole time.

    A long name of a domain in letters of the world, made for it, takes a thousand times as
    long as one that people have.
    """
    until = time.thread_time() + _SECONDS
    understood: list[tuple[str, Reason | None, str]] = []
    for start in range(0, len(entries), _PIECE):
        understood += [read(entry) for entry in entries[start : start + _PIECE]]
        if time.thread_time() > until:
            raise RuleError(Reason.FILE_UNREADABLE)
    return understood


def read(entry: Entry) -> tuple[str, Reason | None, str]:
    """The canonical address of an entry; or "", the reason, and what was probably meant or "".

    An address at a mistyped provider is a problem too, unless it is meant as written.
    """
    try:
        email = addresses.canonical(entry.text)
    except RuleError as refused:
        two = suggestions.holds_two(entry.text)
        problem = Reason.ADDRESS_TWO if two else refused.reason
        return "", problem, suggestions.suggestion(entry.text, problem)
    right = "" if entry.kept_as_is else suggestions.misspelt(email)
    return ("", Reason.ADDRESS_MISSPELT, right) if right else (email, None, "")


def known(account: Account, emails: Sequence[str], now: datetime) -> dict[str, Outcome]:
    """The outcome of those canonical addresses that the database knows; all others are INVITE.

    Of several outcomes the more telling one wins.
    """
    declined, pending = _invited_before(account, emails, now)
    outcomes = dict.fromkeys(declined, Outcome.DECLINED)
    members = set()
    for email, membership, gone_since in _with_profile(account, emails):
        if membership is None:
            outcomes.setdefault(email, Outcome.INVITE_PROFILE)
        elif gone_since is None:
            outcomes[email] = Outcome.MEMBER
            members.add(email)
        elif declined.get(email, -1) < gone_since:
            outcomes[email] = Outcome.REMOVED
    outcomes.update(dict.fromkeys(pending - members, Outcome.PENDING))
    often = quotas.mailed_often(account, emails, now)
    outcomes.update(dict.fromkeys(often - members, Outcome.OFTEN))
    out = unsubscribe.unsubscribed(account, emails)
    outcomes.update(dict.fromkeys(out - members, Outcome.UNSUBSCRIBED))
    return outcomes


def _invited_before(
    account: Account, emails: Sequence[str], now: datetime
) -> tuple[dict[str, int], set[str]]:
    """Who said no, and when last, whatever became of that invitation later; and who may answer."""
    moment = Invitation.expires_at.db_value(now)
    is_pending = (Invitation.state == InvitationState.PENDING) & (Invitation.expires_at > now)
    said_no = (Invitation.state != InvitationState.ACCEPTED) & Invitation.answered_at.is_null(False)
    rows = db.read(
        db.each(emails, Invitation.email),
        (Invitation.email, Invitation.state, Invitation.expires_at, Invitation.answered_at),
        db.beside(Invitation.account) == account.id,
        is_pending | said_no,
    )
    declined: dict[str, int] = {}
    pending = set()
    for email, state, expires_at, answered_at in rows:
        if state == InvitationState.PENDING and expires_at > moment:
            pending.add(email)
        if answered_at is not None:
            declined[email] = max(answered_at, declined.get(email, 0))
    return declined, pending


def _with_profile(
    account: Account, emails: Sequence[str]
) -> list[tuple[str, int | None, int | None]]:
    """Who has a profile, their membership if any, and since when that is over if it is."""
    is_theirs = (Membership.user == User.id) & (Membership.account == account.id)
    people = db.each(emails, User.email).join(Membership, db.LEFT_OUTER, on=is_theirs)
    rows = db.read(people, (User.email, Membership.id, Membership.deactivated_at))
    return [(email, membership, gone_since) for email, membership, gone_since in rows]
