"""Unsubscribing from an account's invitations."""

from collections.abc import Sequence
from datetime import datetime

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.core.addresses import spellings
from invites.models import Account, Invitation, InvitationState, UnsubscribedAddress


def unsubscribe(invitation: Invitation, now: datetime) -> None:
    """Declines a pending invitation to this address, and prevents later ones.

    The mailed link is enough, without a login, because the same page can undo it. Unsubscribing
    again has no effect.
    """
    with db.transaction():
        added = (
            UnsubscribedAddress.insert(
                account=invitation.account_id, email=invitation.email, created_at=now
            )
            .on_conflict_ignore()
            .as_rowcount()
            .execute()
        )
        Invitation.update(state=InvitationState.DECLINED, answered_at=now).where(
            Invitation.account == invitation.account_id,
            Invitation.email.in_(spellings([invitation.email])),
            Invitation.state == InvitationState.PENDING,
        ).execute()
        if added:
            details = {"email": invitation.email}
            audit_log.record(AuditAction.UNSUBSCRIBED, invitation.account, None, now, **details)


def resubscribe(account: Account, email: str, now: datetime) -> None:
    subscription = db.delete(UnsubscribedAddress).where(
        UnsubscribedAddress.account == account,
        UnsubscribedAddress.email.in_(spellings([email])),
    )
    with db.transaction():
        if subscription.execute():
            audit_log.record(AuditAction.RESUBSCRIBED, account, None, now, email=email)


def unsubscribed(account: Account | int, emails: Sequence[str]) -> set[str]:
    """Those of ``emails`` that unsubscribed. Fast for tens of thousands."""
    column = UnsubscribedAddress.email
    rows = db.read(db.lookup(emails, column), [column], UnsubscribedAddress.account == account)
    return {email for (email,) in rows}


def is_unsubscribed(invitation: Invitation) -> bool:
    return bool(unsubscribed(invitation.account_id, spellings([invitation.email])))
