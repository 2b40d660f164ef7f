"""Says of each entry of a list what sending would do: exactly one outcome each."""

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from invites import addresses, db, opting_out, suggestions
from invites.models import Account, Invitation, InvitationState, Membership, User
from invites.recipients import MAX_ENTRIES, Entry
from invites.refusals import Reason, Refused


class Outcome(StrEnum):
    """What sending does with an entry."""

    INVITE = "invite"
    INVITE_PROFILE = "invite_profile"
    MEMBER = "member"
    REMOVED = "removed"
    DECLINED = "declined"
    PENDING = "pending"
    OPTED_OUT = "opted_out"
    TWICE = "twice"
    LEFT_OUT = "left_out"
    INVALID = "invalid"


# Who is invited; and who is invited, or mailed again, only when the admin says so.
INVITED = frozenset({Outcome.INVITE, Outcome.INVITE_PROFILE})
ON_REQUEST = frozenset({Outcome.REMOVED, Outcome.DECLINED, Outcome.PENDING})


@dataclass(frozen=True, slots=True)
class Judged:
    """An entry, its canonical address and its outcome.

    When it is invalid: no address, but the reason, and what was probably meant or "".
    """

    entry: Entry
    email: str
    outcome: Outcome
    problem: Reason | None = None
    suggestion: str = ""


class Judgement:
    """All entries of a list, judged. The totals add up to the list."""

    def __init__(self, judged: Sequence[Judged]) -> None:
        self.judged = judged
        self.counts = Counter(one.outcome for one in judged)

    def __len__(self) -> int:
        return len(self.judged)

    @property
    def parts(self) -> list[tuple[Outcome, int]]:
        """How many entries have each outcome, in the order of the outcomes."""
        return [(outcome, self.counts[outcome]) for outcome in Outcome]

    def of(self, outcome: Outcome, limit: int | None = None) -> list[Judged]:
        """The entries with ``outcome``, in order."""
        return [one for one in self.judged if one.outcome is outcome][:limit]

    def those_with(self, outcomes: Collection[Outcome]) -> list[tuple[str, str]]:
        """Address and name of each entry with one of ``outcomes``."""
        return [(one.email, one.entry.name) for one in self.judged if one.outcome in outcomes]

    def after(self, emails: Collection[str]) -> "Judgement":
        """The same list after another one that has ``emails`` in it already."""
        return Judgement(
            [
                replace(one, outcome=Outcome.TWICE) if one.email in emails else one
                for one in self.judged
            ]
        )

    @property
    def fingerprint(self) -> str:
        """The same for the same list understood alike: tells whether somebody has seen this."""
        seen = "\n".join(f"{one.outcome} {one.entry.text}" for one in self.judged)
        return hashlib.sha256(seen.encode("utf-8", "surrogatepass")).hexdigest()


def judge(account: Account, entries: Sequence[Entry], now: datetime) -> Judgement:
    """The outcome of each entry. Raises Refused(LIST_TOO_LONG) past 50,000."""
    if len(entries) > MAX_ENTRIES:
        raise Refused(Reason.LIST_TOO_LONG, limit=MAX_ENTRIES)
    understood = [read(entry) for entry in entries]
    emails = list({email for email, _, _ in understood if email})
    outcomes = known(account, emails, now)

    judged: list[Judged] = []
    seen: set[str] = set()
    for entry, (email, problem, suggestion) in zip(entries, understood, strict=True):
        if problem is not None:
            outcome = Outcome.INVALID
        elif email in seen:
            outcome = Outcome.TWICE
        else:
            outcome = outcomes.get(email, Outcome.INVITE)
            seen.add(email)
        judged.append(Judged(entry, email, outcome, problem, suggestion))
    return Judgement(judged)


def read(entry: Entry) -> tuple[str, Reason | None, str]:
    """The canonical address of an entry; or "", the reason, and what was probably meant or "".

    An address at a mistyped provider is a problem too, unless it is meant as written.
    """
    try:
        email = addresses.canonical(entry.text)
    except Refused as refused:
        two = suggestions.holds_two(entry.text)
        problem = Reason.ADDRESS_TWO if two else refused.reason
        return "", problem, suggestions.suggestion(entry.text, problem)
    right = "" if entry.as_written else suggestions.misspelt(email)
    return ("", Reason.ADDRESS_MISSPELT, right) if right else (email, None, "")


def known(account: Account, emails: Sequence[str], now: datetime) -> dict[str, Outcome]:
    """The outcome of those canonical addresses that the database knows; all others are INVITE.

    Of several outcomes the more telling one wins.
    """
    outcomes = dict.fromkeys(_with_profile(emails), Outcome.INVITE_PROFILE)
    declined = _declined(account, emails)
    outcomes.update(dict.fromkeys(declined, Outcome.DECLINED))
    for email, gone_since in _members(account, emails):
        if gone_since is None:
            outcomes[email] = Outcome.MEMBER
        elif email not in declined or declined[email] < gone_since:
            outcomes[email] = Outcome.REMOVED
    for email in _with_pending_invitation(account, emails, now):
        if outcomes.get(email) is not Outcome.MEMBER:
            outcomes[email] = Outcome.PENDING
    for email in opting_out.opted_out(account, emails):
        if outcomes.get(email) is not Outcome.MEMBER:
            outcomes[email] = Outcome.OPTED_OUT
    return outcomes


def _with_profile(emails: Sequence[str]) -> list[str]:
    found = User.select(User.email).where(db.among(User.email, emails))
    return [email for (email,) in db.tuples(found)]


def _with_pending_invitation(account: Account, emails: Sequence[str], now: datetime) -> list[str]:
    rows = Invitation.select(Invitation.email).where(
        db.beside(Invitation.account) == account.id,
        db.among(Invitation.email, emails),
        Invitation.state == InvitationState.PENDING,
        Invitation.expires_at > now,
    )
    return [email for (email,) in db.tuples(rows)]


def _declined(account: Account, emails: Sequence[str]) -> dict[str, datetime]:
    """Who said no, and when last, whatever became of that invitation later."""
    rows = (
        Invitation.select(Invitation.email, Invitation.answered_at)
        .where(
            db.beside(Invitation.account) == account.id,
            db.among(Invitation.email, emails),
            Invitation.state != InvitationState.ACCEPTED,
            Invitation.answered_at.is_null(False),
        )
        .order_by(Invitation.answered_at)
    )
    return dict(db.tuples(rows))


def _members(account: Account, emails: Sequence[str]) -> list[tuple[str, datetime | None]]:
    members = (
        Membership.select(User.email, Membership.deactivated_at)
        .join(User)
        .where(db.beside(Membership.account) == account.id, db.among(User.email, emails))
    )
    return [(email, deactivated_at) for email, deactivated_at in db.tuples(members)]
