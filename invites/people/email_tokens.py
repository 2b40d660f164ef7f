"""Emailed links that prove a mailbox. confirmation.py decides what they do."""

from datetime import datetime, timedelta

from peewee import Expression, fn

from invites import db
from invites.core.addresses import is_same_mailbox, spellings
from invites.core.errors import Reason, RuleError
from invites.models import (
    Delivery,
    DeliveryKind,
    EmailToken,
    EmailTokenPurpose,
    SecurityEvent,
    User,
)
from invites.outbox import enqueue
from invites.people import security_notices, sessions

LIFETIME = {
    EmailTokenPurpose.CONFIRM_EMAIL: timedelta(days=7),
    EmailTokenPurpose.RESET_PASSWORD: timedelta(hours=2),
}
_MAX_PER_HOUR = 5
_MAX_PER_HOUR_FROM_OWN_DEVICE = 10
_MAX_PER_DAY = 10  # then one an hour, so that the mailbox always has one that works


def lifetime_hours(purpose: EmailTokenPurpose) -> int:
    return int(LIFETIME[purpose] / timedelta(hours=1))


def send_link(
    user: User,
    purpose: EmailTokenPurpose,
    email: str,
    now: datetime,
    *,
    mailed: bool = True,
    own_device: bool = False,
) -> bool:
    """Emails a link to ``email`` that proves that ``user`` reads mail there.

    Allows five an hour per user and per address, and one an hour after ten in a day, to prevent
    flooding a mailbox. Links to the user's own address are counted apart from those that others
    send to it, so that nobody else can use them up. Above the limit, sends nothing and returns
    False. If ``mailed`` is False, counts the link but doesn't send it. ``own_device``: allows ten
    an hour.
    """
    with db.transaction():
        asked = EmailToken.user == user
        if not is_same_mailbox(user.email, email):
            was_mailed = fn.EXISTS(Delivery.select().where(Delivery.email_token == EmailToken.id))
            asked |= EmailToken.email.in_(spellings([email])) & was_mailed
        if _is_over_limit(asked, purpose, now, own_device=own_device):
            return False
        email_token = _create(user, purpose, email, now)
        if mailed:
            enqueue.queue_email_token(email_token, DeliveryKind(purpose), now)
        return True


def pretend_to_send(purpose: EmailTokenPurpose, now: datetime) -> None:
    """Writes as much to the disk as ``send_link`` does, so that timing doesn't reveal profiles."""
    with db.transaction():
        somebody = User.select().first()
        if somebody is None:
            return
        email_token = _create(somebody, purpose, somebody.email, now)
        mail = enqueue.queue_email_token(email_token, DeliveryKind(purpose), now)
        db.delete(Delivery).where(Delivery.id == mail.id).execute()
        db.delete(EmailToken).where(EmailToken.id == email_token.id).execute()


def _create(user: User, purpose: EmailTokenPurpose, email: str, now: datetime) -> EmailToken:
    expires_at = now + LIFETIME[purpose]
    return EmailToken.create(
        user=user, purpose=purpose, email=email, created_at=now, expires_at=expires_at
    )


def is_over_limit(user: User, purpose: EmailTokenPurpose, now: datetime) -> bool:
    """Whether ``send_link`` would refuse, not counting links that others sent to the address."""
    return _is_over_limit(EmailToken.user == user, purpose, now)


def _is_over_limit(
    asked: Expression, purpose: EmailTokenPurpose, now: datetime, *, own_device: bool = False
) -> bool:
    links = EmailToken.select().where(asked, EmailToken.purpose == purpose)

    def sent_within(hours: int) -> int:
        return int(links.where(EmailToken.created_at > now - timedelta(hours=hours)).count())

    if own_device:
        return sent_within(1) >= _MAX_PER_HOUR_FROM_OWN_DEVICE
    return sent_within(1) >= (_MAX_PER_HOUR if sent_within(24) < _MAX_PER_DAY else 1)


def is_open(email_token: EmailToken, now: datetime) -> bool:
    return email_token.used_at is None and email_token.expires_at > now


def after_password_change(
    user: User,
    now: datetime,
    *,
    event: SecurityEvent = SecurityEvent.PASSWORD_CHANGED,
    except_token: str | None = None,
) -> None:
    """Closes links to reset the password, ends sessions, and notifies the user.

    Call it in the transaction that sets the password. ``except_token``: the session to keep.
    """
    close_links(user, EmailTokenPurpose.RESET_PASSWORD, now)
    sessions.end_all(user, except_token=except_token)
    security_notices.send(user, event, now)


def close_links(user: User, purpose: EmailTokenPurpose, now: datetime) -> None:
    EmailToken.update(used_at=now).where(
        EmailToken.user == user, EmailToken.purpose == purpose, EmailToken.used_at.is_null()
    ).execute()


def use(email_token: EmailToken, now: datetime) -> None:
    """Raises RuleError(EMAIL_TOKEN_CLOSED) for a used or expired link."""
    used = EmailToken.update(used_at=now).where(
        EmailToken.id == email_token.id,
        EmailToken.used_at.is_null(),
        EmailToken.expires_at > now,
    )
    if used.execute() != 1:
        raise RuleError(Reason.EMAIL_TOKEN_CLOSED)
