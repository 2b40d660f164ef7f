"""How often one mailbox gets invitations in a day, so that nobody is bombed with this box."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from invites import db
from invites.models import Account, Delivery, DeliveryState, Invitation

MAILS_A_DAY = 3  # from one account
_OF_ALL = 6  # from all accounts of the box together


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
        db.beside(Delivery.created_at) > Delivery.created_at.db_value(now - timedelta(days=1)),
        db.beside(Delivery.state) != DeliveryState.WITHDRAWN,
    )
    number = account if isinstance(account, int) else account.id
    ours = Counter(email for email, sender in rows if sender == number)
    all_of_them = Counter(email for email, _sender in rows)
    often = {email for email, count in ours.items() if count >= MAILS_A_DAY}
    return often | {email for email, count in all_of_them.items() if count >= _OF_ALL}
