"""Mails that tell a person what became of their log-in, in case it wasn't them."""

from datetime import datetime, timedelta

from invites import db
from invites.models import SecurityEvent, SecurityNotice, User
from invites.outbox import enqueue


def tell(user: User, event: SecurityEvent, now: datetime) -> None:
    """Mail ``user`` that ``event`` happened; in the transaction of the deed (ASVS 5.0 6.3.7).

    Not to an address that they haven't proven: its owner may never have heard of us.
    """
    if not user.is_confirmed:
        return
    with db.transaction():
        notice = SecurityNotice.create(user=user, event=event, created_at=now)
        enqueue.queue_notice(notice, user.email, now)


def tell_once_an_hour(user: User, event: SecurityEvent, now: datetime) -> None:
    """The same, for what somebody else can cause again and again."""
    with db.transaction():
        lately = SecurityNotice.select().where(
            SecurityNotice.user == user,
            SecurityNotice.event == event,
            SecurityNotice.created_at > now - timedelta(hours=1),
        )
        if not lately.exists():
            tell(user, event, now)
