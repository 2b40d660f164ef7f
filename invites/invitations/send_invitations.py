"""Sending invitations: one press of *Send Invitation* becomes one batch, once."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.authorization.permissions import Action, authorize, grantable_roles
from invites.core.errors import Reason, RuleError
from invites.core.roles import Role
from invites.invitations import classify, edits, quotas, reminders, skipped, staging
from invites.invitations.classify import Outcome
from invites.invitations.review import ListReview, overview
from invites.lists.recipients import Entry
from invites.models import Batch, Invitation, InvitationState, Membership, StagedList
from invites.outbox import enqueue

LIFETIME = timedelta(days=14)
LARGE = 500  # mails; from here on an admin says yes to their number


@dataclass(frozen=True)
class Review:
    """What an admin saw before the press: the fingerprint of the judgement, the mails agreed to."""

    fingerprint: str
    agreed: int | None = None


@dataclass(frozen=True)
class InvitationRequest:
    """What an admin asks for: what was typed, and a list that was dropped.

    ``key`` names the press of the button: the same key sends once, and a list
    is sent once whatever the key. ``also``: whom to invite of those left out
    otherwise. Without a ``review`` it goes out as it is.
    """

    key: str
    entries: Sequence[Entry]
    role: Role
    staged: StagedList | None = None
    also: frozenset[Outcome] = frozenset()
    review: Review | None = None


def issue(actor: Membership, order: InvitationRequest, now: datetime) -> Batch:
    """Make the batch, its invitations and their mails, all or nothing.

    A second call with the same key and content returns the batch of the first:
    a double click and the back button send nothing twice. Raises
    RuleError(LIST_EMPTY, LIST_TOO_LONG, NOBODY_TO_INVITE, NOT_ALLOWED), LIST_SENT
    for a list that was sent otherwise, REVIEW_FIRST when the review showed
    something else than what would be sent now, CONFIRM_FIRST for very many
    mails without a yes to their number, and MAILED_ENOUGH.
    """
    account = actor.account
    key = _content_key(actor, order)
    with db.transaction():
        earlier = Batch.get_or_none(Batch.key == key)
        if earlier is not None:
            return earlier
        staged = _still_there(order.staged)
        authorize(actor, Action.INVITE, order.role)
        changes = edits.classify_again(staged, now) if staged else None
        whole = overview(account, order.entries, staged, now)
        if not whole:
            raise RuleError(Reason.LIST_EMPTY)
        people, known = whole.to_invite(order.also), whole.to_remind(order.also)
        again, anew = _remind(actor, known, order.role, now)
        people += anew
        if not people and not again:
            raise RuleError(Reason.NOBODY_TO_INVITE)
        if order.review is not None:
            _compare(order.review, whole, whole.people(order.also), bool(changes))
        quotas.check_room(account, len(people) + len(again), now)
        batch = Batch.create(
            account=account,
            inviter=actor.user_id,
            role=order.role,
            key=key,
            file_name=staged.file_name if staged else "",
            skipped=_skipped(whole, order.also, pending=len(known) - len(again) - len(anew)),
            created_at=now,
        )
        _replace_older(actor, [email for email, _ in people], now)
        _insert_invitations(batch, people, now)
        enqueue.queue_batch(batch, now, again)
        if staged is not None:
            staging.mark_sent(staged, batch)
        audit_log.record(
            AuditAction.INVITED,
            account,
            actor.user,
            now,
            role=order.role,
            batch=batch.id,
            people=len(people) + len(again),
        )
    return batch


def _content_key(actor: Membership, order: InvitationRequest) -> str:
    """The same press with the same content is one batch; other content is another one."""
    press = f"list {staging.identity(order.staged)}" if order.staged else order.key
    parts = [str(actor.id), press, str(int(order.role)), ",".join(sorted(order.also))]
    listed = (f"{entry.text}\t{entry.name}\t{entry.kept_as_is}" for entry in order.entries)
    content = "\n".join([*parts, *listed])
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _still_there(staged: StagedList | None) -> StagedList | None:
    """The list as it is now. Raises RuleError(LIST_SENT) when it was sent meanwhile."""
    fresh = StagedList.get_or_none(StagedList.id == staged.id) if staged else None
    if fresh is not None and fresh.batch_id is not None:
        raise RuleError(Reason.LIST_SENT)
    return fresh


def _compare(review: Review, whole: ListReview, mails: int, changed: bool) -> None:
    """Nothing goes out unseen, and very much only after a yes."""
    if changed or review.fingerprint != whole.fingerprint:
        raise RuleError(Reason.REVIEW_FIRST)
    if mails >= LARGE and review.agreed != mails:
        raise RuleError(Reason.CONFIRM_FIRST)


def _skipped(whole: ListReview, also: Collection[Outcome], *, pending: int) -> dict[str, object]:
    """What was not sent and why, for the batch's page: totals, and the rows."""
    sent = classify.INVITED.union(also)
    counts = {o.value: n for o, n in whole.counts.items() if o not in sent}
    if pending:  # asked for, and yet mailed too often lately, or out of reach
        counts[Outcome.PENDING.value] = pending
    return {"counts": counts, "examples": skipped.of(whole, sent)}


def _remind(
    actor: Membership, emails: Sequence[str], role: Role, now: datetime
) -> tuple[list[int], list[tuple[str, str]]]:
    if not emails:
        return [], []
    return reminders.renew(actor, emails, role, now, now + LIFETIME)


def _replace_older(actor: Membership, emails: Sequence[str], now: datetime) -> None:
    """Close the expired and declined invitations that the new ones take the place of.

    Who declined a role beyond ``actor`` may still think again. When somebody declined stays
    in the row.
    """
    expired = (Invitation.state == InvitationState.PENDING) & (Invitation.expires_at <= now)
    declined = (Invitation.state == InvitationState.DECLINED) & Invitation.role.in_(
        grantable_roles(actor)
    )
    Invitation.update(state=InvitationState.REPLACED).where(
        db.beside(Invitation.account) == actor.account_id,
        db.among(Invitation.email, emails),
        expired | declined,
    ).execute()


def _insert_invitations(batch: Batch, people: Iterable[tuple[str, str]], now: datetime) -> None:
    """``people``: each address with its name, or ""."""
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
        ((*fixed, *person, InvitationState.PENDING.value, moment, expiry) for person in people),
    )
