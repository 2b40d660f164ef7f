"""People who don't want to be invited by an account again, and the accounts that honour it."""

from collections.abc import Sequence
from datetime import datetime

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.models import Account, Invitation, InvitationState, UnsubscribedAddress


def unsubscribe(invitation: Invitation, now: datetime) -> None:
    """Invite the person of ``invitation`` no more; what is open counts as declined.

    Doing it twice does it once. Whoever has the mailed link may do it, without
    a log-in: it takes nothing away that an Admin's new link or the permanent
    link couldn't give back.
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
            Invitation.email == invitation.email,
            Invitation.state == InvitationState.PENDING,
        ).execute()
        if added:
            details = {"email": invitation.email}
            audit_log.record(AuditAction.UNSUBSCRIBED, invitation.account, None, now, **details)


def resubscribe(account: Account, email: str, now: datetime) -> None:
    """Let ``account`` invite the person again: they asked for it, or came in by themselves."""
    with db.transaction():
        gone = (
            db.delete(UnsubscribedAddress)
            .where(UnsubscribedAddress.account == account, UnsubscribedAddress.email == email)
            .execute()
        )
        if gone:
            audit_log.record(AuditAction.RESUBSCRIBED, account, None, now, email=email)


def unsubscribed(account: Account | int, emails: Sequence[str]) -> set[str]:
    """Those of ``emails``, tens of thousands if need be, that asked not to be invited."""
    asked = db.lookup(emails, UnsubscribedAddress.email)
    return {
        email
        for (email,) in db.read(
            asked, [UnsubscribedAddress.email], UnsubscribedAddress.account == account
        )
    }


def is_unsubscribed(invitation: Invitation) -> bool:
    """Whether the person of ``invitation`` asked its account not to invite them again."""
    return bool(unsubscribed(invitation.account_id, [invitation.email]))
