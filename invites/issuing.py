"""Sending invitations: one press of *Send Invitation* becomes one batch, once."""

from collections.abc import Sequence
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

_EXAMPLES = 200


@dataclass(frozen=True)
class Order:
    """What an admin asks for. ``key`` names the press of the button: the same key sends once."""

    key: str
    entries: Sequence[Entry]
    role: Role
    file_name: str = ""
    removed_too: bool = False


def issue(actor: Membership, order: Order, now: datetime) -> Batch:
    """Make the batch, its invitations and their mails, all or nothing.

    A second call with the same key returns the batch of the first: a double
    click, a second tab and the back button send nothing twice. Raises
    Refused(LIST_EMPTY, LIST_TOO_LONG, NOBODY_TO_INVITE, NOT_ALLOWED).
    """
    if not order.entries:
        raise Refused(Reason.LIST_EMPTY)
    account = actor.account
    with db.transaction():
        earlier = Batch.get_or_none(Batch.key == order.key)
        if earlier is not None:
            return _own(earlier, actor)
        authorize(actor, Action.INVITE, order.role)
        judgement = judging.judge(account, order.entries, now)
        emails = judgement.to_invite(removed_too=order.removed_too)
        if not emails:
            raise Refused(Reason.NOBODY_TO_INVITE)
        batch = Batch.create(
            account=account,
            inviter=actor.user_id,
            role=order.role,
            key=order.key,
            file_name=order.file_name,
            left_out=_left_out(judgement, removed_too=order.removed_too),
            created_at=now,
        )
        _replace_older(account, emails, now)
        _insert_invitations(batch, emails, now)
        outbox.queue_batch(batch, now)
        activity.record(
            Deed.INVITED,
            account,
            actor.user,
            now,
            role=order.role,
            batch=batch.id,
            people=len(emails),
        )
    return batch


def _own(batch: Batch, actor: Membership) -> Batch:
    """The batch of an earlier press; a key that somebody else used is a forged one."""
    if (batch.account_id, batch.inviter_id) != (actor.account_id, actor.user_id):
        raise Refused(Reason.NOT_ALLOWED)
    return batch


def _left_out(judgement: Judgement, *, removed_too: bool) -> dict[str, object]:
    """What was not sent and why, for the batch's page: totals, and the first bad addresses."""
    sent = {Outcome.INVITE, Outcome.INVITE_PROFILE} | ({Outcome.REMOVED} if removed_too else set())
    counts = {o.value: n for o, n in judgement.counts.items() if o not in sent}
    examples = [
        [one.entry.row, one.entry.text[:200], one.problem]
        for one in judgement.of(Outcome.INVALID, _EXAMPLES)
    ]
    return {"counts": counts, "examples": examples}


def _replace_older(account: Account, emails: Sequence[str], now: datetime) -> None:
    """Close the expired and declined invitations that the new ones take the place of."""
    expired = (Invitation.state == InvitationState.PENDING) & (Invitation.expires_at <= now)
    declined = Invitation.state == InvitationState.DECLINED
    Invitation.update(state=InvitationState.REPLACED).where(
        Invitation.account == account, db.among(Invitation.email, emails), expired | declined
    ).execute()


def _insert_invitations(batch: Batch, emails: Sequence[str], now: datetime) -> None:
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
            "state",
            "created_at",
            "expires_at",
        ),
        ((*fixed, email, InvitationState.PENDING.value, moment, expiry) for email in emails),
    )
