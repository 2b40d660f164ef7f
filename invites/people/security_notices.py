"""Emails that tell people what happened to their login, in case they didn't do it (ASVS 5.0 6.3.7).

Sent only to confirmed addresses: the owner of an unconfirmed one may never have heard of us.
"""

from datetime import datetime, timedelta

from invites import db
from invites.models import SecurityEvent, SecurityNotice, User
from invites.outbox import enqueue


def send(user: User, event: SecurityEvent, now: datetime) -> None:
    """Call it in the transaction of the event."""
    if not user.is_confirmed:
        return
    with db.transaction():
        notice = SecurityNotice.create(user=user, event=event, created_at=now)
        enqueue.queue_notice(notice, user.email, now)


def send_once_an_hour(user: User, event: SecurityEvent, now: datetime) -> None:
    """For events that somebody else can cause repeatedly."""
    with db.transaction():
        recent = SecurityNotice.select().where(
            SecurityNotice.user == user,
            SecurityNotice.event == event,
            SecurityNotice.created_at > now - timedelta(hours=1),
        )
        if not recent.exists():
            send(user, event, now)
