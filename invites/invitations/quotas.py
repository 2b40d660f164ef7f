"""Daily quotas of invitation emails: per address, Moderator, account and installation.

They limit the damage of a stolen login. A day is the last 24 hours.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from peewee import ModelSelect

from invites import db
from invites.authorization.audit_log import AuditAction
from invites.core.addresses import spellings, twins
from invites.core.errors import Reason, RuleError
from invites.core.numbers import number_up_to
from invites.core.roles import Role
from invites.models import Account, AuditEntry, Delivery, DeliveryState, Invitation, Membership

MAILS_PER_ADDRESS = 3  # from one account in a day
_MAILS_PER_ADDRESS_FROM_ALL = 6

MAILS_PER_ACCOUNT = 200_000  # four full lists
MAILS_PER_INSTALLATION = 400_000

_DAY = timedelta(days=1)


def over_recipient_limit(account: Account | int, emails: Sequence[str], now: datetime) -> set[str]:
    """Addresses of mailboxes that may get no more email today. Withdrawn emails don't count."""
    emails = spellings(emails)
    mailboxes = {email: min(email, twin) for email, twin in twins(emails).items()}
    mails = db.lookup(emails, Invitation.email).join(
        Delivery, on=(Delivery.invitation == Invitation.id)
    )
    rows = db.read(
        mails,
        (Invitation.email, Invitation.account),
        db.unindexed(Delivery.created_at) > Delivery.created_at.db_value(now - _DAY),
        db.unindexed(Delivery.state) != DeliveryState.WITHDRAWN,
    )
    account_id = account if isinstance(account, int) else account.id
    from_all = Counter(mailboxes.get(email, email) for email, _sender in rows)
    from_account = Counter(mailboxes.get(email, email) for email, by in rows if by == account_id)
    return set(
        spellings(
            mailbox
            for mailbox, count in from_all.items()
            if count >= _MAILS_PER_ADDRESS_FROM_ALL or from_account[mailbox] >= MAILS_PER_ADDRESS
        )
    )


def clean_moderator_limit(text: str) -> int:
    """Raises RuleError(NUMBER_OUT_OF_RANGE)."""
    return number_up_to(MAILS_PER_ACCOUNT, text)


def check_moderator_limit(actor: Membership, mails: int, now: datetime) -> None:
    """Call it in the transaction that queues the emails. Raises RuleError(MODERATOR_LIMIT)."""
    if actor.role > Role.MODERATOR:
        return
    entries = AuditEntry.select().where(
        AuditEntry.account == actor.account_id,
        AuditEntry.actor == actor.user_id,
        AuditEntry.action.in_((AuditAction.INVITED, AuditAction.RESENT)),
        AuditEntry.created_at > now - _DAY,
    )
    left = actor.account.moderator_limit - sum(one.details.get("people", 1) for one in entries)
    if mails > left:
        limit = actor.account.moderator_limit
        raise RuleError(Reason.MODERATOR_LIMIT, limit=limit, left=max(left, 0))


def check_sender_limits(account: Account | int, mails: int, now: datetime) -> None:
    """Call it in the transaction that queues the emails. Raises RuleError(SENDER_LIMIT)."""
    everyones = Delivery.select(Delivery.created_at)
    for sent, limit in (
        (everyones.where(Delivery.account == account), MAILS_PER_ACCOUNT),
        (everyones, MAILS_PER_INSTALLATION),
    ):
        if mails > limit or _exceeds(sent, limit - mails, now):
            raise RuleError(Reason.SENDER_LIMIT, limit=limit)


def _exceeds(sent: "ModelSelect[Delivery]", limit: int, now: datetime) -> bool:
    """Whether more than ``limit`` emails are from the last 24 hours. Reads only one row."""
    found = sent.order_by(Delivery.id.desc()).offset(limit).first()
    return found is not None and found.created_at > now - _DAY
