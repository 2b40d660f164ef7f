"""Sends invitations. A press of *Send Invitation* makes one batch, even if it is repeated."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.authorization.permissions import Action, authorize, grantable_roles
from invites.core import addresses
from invites.core.errors import Reason, RuleError
from invites.core.roles import Role
from invites.invitations import classify, edits, quotas, staged_lists
from invites.invitations.review import Review, review_entries
from invites.invitations.skipped import skipped_entries
from invites.lists.entries import Entry
from invites.models import (
    Batch,
    Delivery,
    EntryOutcome,
    Invitation,
    InvitationState,
    Membership,
    StagedList,
)
from invites.outbox import enqueue
from invites.outbox.deliveries import IS_QUEUED, IS_SENDING

LIFETIME = timedelta(days=14)  # how long an invitation is valid
LARGE = 500  # emails; the member must confirm this number or more


@dataclass(frozen=True)
class Approval:
    fingerprint: str
    mail_count: int | None = None


@dataclass(frozen=True)
class InvitationRequest:
    """The people a member wants to invite: typed entries and a staged list.

    ``key`` identifies the press of the button: the same key and content are sent once. A list is
    sent once, whatever the key. ``also``: outcomes of ON_REQUEST that the member selected.
    ``approval``: None if no approval is needed.
    """

    key: str
    entries: Sequence[Entry]
    role: Role
    staged: StagedList | None = None
    also: frozenset[EntryOutcome] = frozenset()
    approval: Approval | None = None


@dataclass(frozen=True)
class _Recipients:
    """``skipped``: how many pending people get no email, although the member asked for it."""

    invited: list[tuple[str, str]]  # pairs of address and name
    reminded: list[int]  # ids of pending invitations
    skipped: int

    @property
    def mail_count(self) -> int:
        return len(self.invited) + len(self.reminded)


def send(actor: Membership, request: InvitationRequest, now: datetime) -> Batch:
    """Creates the batch, its invitations and their deliveries, all or nothing.

    A second call with the same key and content returns the first batch, so a double click or the
    back button sends nothing twice.

    Raises RuleError: LIST_EMPTY, LIST_TOO_LONG, NOBODY_TO_INVITE, NOT_ALLOWED, *_LIMIT;
    LIST_SENT if the list was sent with another request; REVIEW_FIRST if the approved review is out
    of date; CONFIRM_FIRST if the number of emails wasn't confirmed.
    """
    key = _idempotency_key(actor, request)
    with db.transaction():
        earlier = Batch.get_or_none(Batch.key == key)
        if earlier is not None:
            return earlier
        authorize(actor, Action.INVITE, request.role)
        staged = _unsent(actor, request.staged)
        has_changed = bool(staged and edits.reclassify(staged, now))
        review = review_entries(actor.account, request.entries, staged, now)
        if not review:
            raise RuleError(Reason.LIST_EMPTY)
        recipients = _recipients(actor, request, review, now)
        if not recipients.mail_count:
            raise RuleError(Reason.NOBODY_TO_INVITE)
        _check_approval(request, review, has_changed)
        quotas.check_moderator_limit(actor, recipients.mail_count, now)
        quotas.check_sender_limits(actor.account, recipients.mail_count, now)

        batch = Batch.create(
            account=actor.account,
            inviter=actor.user_id,
            role=request.role,
            key=key,
            file_name=staged.file_name if staged else "",
            skipped=_skipped(request, review, recipients),
            created_at=now,
        )
        _replace_closed(actor, [email for email, _ in recipients.invited], now)
        _insert_invitations(batch, recipients.invited, now)
        enqueue.queue_batch(batch, now, recipients.reminded)
        if staged is not None:
            staged_lists.mark_sent(staged, batch)
        details = {"role": request.role, "batch": batch.id, "people": recipients.mail_count}
        audit_log.record(AuditAction.INVITED, actor.account, actor.user, now, **details)
    return batch


def _idempotency_key(actor: Membership, request: InvitationRequest) -> str:
    """A hash of sender and content: other content with the same key is another batch."""
    press = f"list {staged_lists.identity(request.staged)}" if request.staged else request.key
    parts = [str(actor.id), press, str(int(request.role)), ",".join(sorted(request.also))]
    entries = (f"{entry.text}\t{entry.name}\t{entry.kept_as_is}" for entry in request.entries)
    content = "\n".join([*parts, *entries])
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _unsent(actor: Membership, staged: StagedList | None) -> StagedList | None:
    """None if it was deleted. Raises RuleError(LIST_SENT)."""
    current = staged_lists.find(actor, staged.id) if staged else None
    if current is not None and current.batch_id is not None:
        raise RuleError(Reason.LIST_SENT)
    return current


def _recipients(
    actor: Membership, request: InvitationRequest, review: Review, now: datetime
) -> _Recipients:
    pending = review.to_remind(request.also)
    reminded, replaced = _renew(actor, pending, request.role, now) if pending else ([], [])
    return _Recipients(
        invited=review.to_invite(request.also) + replaced,
        reminded=reminded,
        skipped=len(pending) - len(reminded) - len(replaced),
    )


def _renew(
    actor: Membership, emails: Sequence[str], role: Role, now: datetime
) -> tuple[list[int], list[tuple[str, str]]]:
    """Renews the pending invitations of these addresses, or replaces those to another role.

    Returns the ids of the renewed ones, and address and name of people to invite again with
    ``role``. Skips invitations whose email is still queued, and those to a role that ``actor``
    can't grant. ``actor`` becomes the inviter.
    """
    unsent = Delivery.select(Delivery.invitation).where(IS_QUEUED | IS_SENDING)
    found = Invitation.select(
        Invitation.id, Invitation.role, Invitation.email, Invitation.name
    ).where(
        db.unindexed(Invitation.account) == actor.account_id,
        db.among(Invitation.email, addresses.spellings(emails)),
        Invitation.state == InvitationState.PENDING,
        Invitation.expires_at > now,
        Invitation.role.in_(grantable_roles(actor)),
        Invitation.id.not_in(unsent.where(Delivery.invitation.is_null(False))),
    )
    rows = db.tuples(found.order_by(Invitation.id))
    renewed = [number for number, offered, _email, _name in rows if offered == role]
    replaced = [number for number, offered, _email, _name in rows if offered != role]
    Invitation.update(expires_at=now + LIFETIME, inviter=actor.user_id).where(
        db.among(Invitation.id, renewed)
    ).execute()
    Invitation.update(state=InvitationState.REPLACED).where(
        db.among(Invitation.id, replaced)
    ).execute()
    return renewed, [(email, name) for _number, offered, email, name in rows if offered != role]


def _check_approval(request: InvitationRequest, review: Review, has_changed: bool) -> None:
    if request.approval is None:
        return
    if has_changed or request.approval.fingerprint != review.fingerprint:
        raise RuleError(Reason.REVIEW_FIRST)
    mails = review.mail_count(request.also)
    if mails >= LARGE and request.approval.mail_count != mails:
        raise RuleError(Reason.CONFIRM_FIRST)


def _skipped(
    request: InvitationRequest, review: Review, recipients: _Recipients
) -> dict[str, object]:
    invited = classify.invited(request.also)
    counts = {str(one): count for one, count in review.counts.items() if one not in invited}
    if recipients.skipped:
        counts[EntryOutcome.PENDING.value] = recipients.skipped
    return {"counts": counts, "examples": skipped_entries(review, invited)}


def _replace_closed(actor: Membership, emails: Sequence[str], now: datetime) -> None:
    """Replaces expired and declined invitations to these addresses.

    Keeps a declined one to a role that ``actor`` can't grant: it can still be accepted.
    """
    has_expired = (Invitation.state == InvitationState.PENDING) & (Invitation.expires_at <= now)
    has_declined = (Invitation.state == InvitationState.DECLINED) & Invitation.role.in_(
        grantable_roles(actor)
    )
    Invitation.update(state=InvitationState.REPLACED).where(
        db.unindexed(Invitation.account) == actor.account_id,
        db.among(Invitation.email, addresses.spellings(emails)),
        has_expired | has_declined,
    ).execute()


def _insert_invitations(batch: Batch, people: Iterable[tuple[str, str]], now: datetime) -> None:
    """``people``: pairs of address and name."""
    same_for_all = {
        "account_id": batch.account_id,
        "batch_id": batch.id,
        "inviter_id": batch.inviter_id,
        "role": batch.role,
        "created_at": Invitation.created_at.db_value(now),
        "expires_at": Invitation.expires_at.db_value(now + LIFETIME),
    }
    state = InvitationState.PENDING.value
    rows = ((email, name, state) for email, name in people)
    db.insert_rows(Invitation, ("email", "name", "state"), rows, **same_for_all)
