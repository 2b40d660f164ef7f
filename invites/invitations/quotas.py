"""How many invitations one mailbox, one account and the box have in a day: none is a cannon."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from peewee import ModelSelect

from invites import db
from invites.core.errors import Reason, RuleError
from invites.models import Account, Delivery, DeliveryState, Invitation

MAILS_A_DAY = 3  # from one account
_OF_ALL = 6  # from all accounts of the box together

ACCOUNT_A_DAY = 200_000  # four full lists
BOX_A_DAY = 400_000

_DAY = timedelta(days=1)


def mailed_often(account: Account | int, emails: Sequence[str], now: datetime) -> set[str]:
    """Those of ``emails``, tens of thousands if need be, that get no more from ``account`` today.

    A day is the last 24 hours. Mails that weren't sent in the end don't count.
    """
    mails = db.each(emails, Invitation.email).join(
        Delivery, on=(Delivery.invitation == Invitation.id)
    )
    rows = db.read(
        mails,
        (Invitation.email, Invitation.account),
        db.beside(Delivery.created_at) > Delivery.created_at.db_value(now - _DAY),
        db.beside(Delivery.state) != DeliveryState.WITHDRAWN,
    )
    number = account if isinstance(account, int) else account.id
    ours = Counter(email for email, sender in rows if sender == number)
    all_of_them = Counter(email for email, _sender in rows)
    often = {email for email, count in ours.items() if count >= MAILS_A_DAY}
    return often | {email for email, count in all_of_them.items() if count >= _OF_ALL}


def check_room(account: Account | int, mails: int, now: datetime) -> None:
    """Raises RuleError(MAILED_ENOUGH) when ``mails`` more are too many today.

    For whoever got hold of an admin's log-in, or of the box. In the transaction
    that queues them.
    """
    ours = Delivery.select(Delivery.created_at).where(Delivery.account == account)
    everybodys = Delivery.select(Delivery.created_at)
    for sent, limit in ((ours, ACCOUNT_A_DAY), (everybodys, BOX_A_DAY)):
        if mails > limit or _is_of_today(sent, limit - mails, now):
            raise RuleError(Reason.MAILED_ENOUGH, limit=limit)


def _is_of_today(sent: "ModelSelect[Delivery]", before: int, now: datetime) -> bool:
    """Whether the mail that ``before`` others followed was queued in the last 24 hours."""
    found = sent.order_by(Delivery.id.desc()).offset(before).first()
    return found is not None and found.created_at > now - _DAY
