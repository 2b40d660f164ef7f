"""Sending invitations: one press of *Send Invitation* becomes one batch, once."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from invites import activity, db, judging, outbox
from invites.access import Action, authorize
from invites.activity import Deed
from invites.judging import Judgement, Outcome
from invites.models import Account, Batch, Invitation, InvitationState, Membership
from invites.recipients import Entry
from invites.refusals import Reason, Refused
from invites.roles import Role

LIFETIME = timedelta(days=14)
LARGE = 500  # mails; from here on an admin says yes to their number

_EXAMPLES = 200


@dataclass(frozen=True)
class Review:
    """What an admin saw before the press: the fingerprint of the judgement, the mails agreed to."""

    fingerprint: str
    agreed: int | None = None


@dataclass(frozen=True)
class Order:
    """What an admin asks for. ``key`` names the press of the button: the same key sends once.

    ``also``: whom to invite of those left out otherwise. Without a ``review``
    it goes out as it is.
    """

    key: str
    entries: Sequence[Entry]
    role: Role
    file_name: str = ""
    also: frozenset[Outcome] = frozenset()
    review: Review | None = None


def issue(actor: Membership, order: Order, now: datetime) -> Batch:
    """Make the batch, its invitations and their mails, all or nothing.

    A second call with the same key and content returns the batch of the first:
    a double click and the back button send nothing twice. Raises
    Refused(LIST_EMPTY, LIST_TOO_LONG, NOBODY_TO_INVITE, NOT_ALLOWED),
    REVIEW_FIRST when the review showed something else than what would be sent
    now, and CONFIRM_FIRST for very many mails without a yes to their number.
    """
    account = actor.account
    key = _content_key(actor, order)
    with db.transaction():
        earlier = Batch.get_or_none(Batch.key == key)
        if earlier is not None:
            return earlier
        if not order.entries:
            raise Refused(Reason.LIST_EMPTY)
        authorize(actor, Action.INVITE, order.role)
        judgement = judging.judge(account, order.entries, now)
        invited = judgement.to_invite(order.also)
        if not invited:
            raise Refused(Reason.NOBODY_TO_INVITE)
        if order.review is not None:
            _compare(order.review, judgement, len(invited))
        batch = Batch.create(
            account=account,
            inviter=actor.user_id,
            role=order.role,
            key=key,
            file_name=order.file_name,
            left_out=_left_out(judgement, order.also),
            created_at=now,
        )
        _replace_older(account, list(invited), now)
        _insert_invitations(batch, invited, now)
        outbox.queue_batch(batch, now)
        activity.record(
            Deed.INVITED,
            account,
            actor.user,
            now,
            role=order.role,
            batch=batch.id,
            people=len(invited),
        )
    return batch


def _content_key(actor: Membership, order: Order) -> str:
    """The same press with the same content is one batch; other content is another one."""
    parts = [str(actor.id), order.key, str(int(order.role)), ",".join(sorted(order.also))]
    listed = (f"{entry.text}\t{entry.name}\t{entry.as_written}" for entry in order.entries)
    content = "\n".join([*parts, *listed])
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _compare(review: Review, judgement: Judgement, mails: int) -> None:
    """Nothing goes out unseen, and very much only after a yes."""
    if review.fingerprint != judgement.fingerprint:
        raise Refused(Reason.REVIEW_FIRST)
    if mails >= LARGE and review.agreed != mails:
        raise Refused(Reason.CONFIRM_FIRST)


def _left_out(judgement: Judgement, also: Collection[Outcome]) -> dict[str, object]:
    """What was not sent and why, for the batch's page: totals, and the first bad addresses."""
    sent = judging.INVITED.union(also)
    counts = {o.value: n for o, n in judgement.counts.items() if o not in sent}
    examples = [
        [one.entry.row, one.entry.text[:200], one.problem]
        for one in judgement.of(Outcome.INVALID, _EXAMPLES)
    ]
    return {"counts": counts, "examples": examples}


def _replace_older(account: Account, emails: Sequence[str], now: datetime) -> None:
    """Close the expired and declined invitations that the new ones take the place of.

    When somebody declined stays in the row.
    """
    expired = (Invitation.state == InvitationState.PENDING) & (Invitation.expires_at <= now)
    declined = Invitation.state == InvitationState.DECLINED
    Invitation.update(state=InvitationState.REPLACED).where(
        db.beside(Invitation.account) == account.id,
        db.among(Invitation.email, emails),
        expired | declined,
    ).execute()


def _insert_invitations(batch: Batch, invited: Mapping[str, str], now: datetime) -> None:
    """``invited``: each address with its name, or ""."""
    moment = Invitation.created_at.db_value(now)
    expiry = Invitation.expires_at.db_value(now + LIFETIME)
    fixed = (batch.account_id, batch.id, batch.inviter_id, int(batch.role))
    db.insert_rows(
        Invitation,
        (
            "account_id",
            "batch_id",
            "inviter_id",
            "role",
            "email",
            "name",
            "state",
            "created_at",
            "expires_at",
        ),
        (
            (*fixed, email, name, InvitationState.PENDING.value, moment, expiry)
            for email, name in invited.items()
        ),
    )
