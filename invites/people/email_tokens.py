"""Proving to read a mailbox: confirm an address, or set a new password."""

from datetime import datetime, timedelta

from peewee import Expression, IntegrityError, fn

from invites import db
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
from invites.people import passwords, security_notices, sessions

LIFETIME = {
    EmailTokenPurpose.CONFIRM_EMAIL: timedelta(days=7),
    EmailTokenPurpose.RESET_PASSWORD: timedelta(hours=2),
}
_KIND = {
    EmailTokenPurpose.CONFIRM_EMAIL: DeliveryKind.CONFIRM_EMAIL,
    EmailTokenPurpose.RESET_PASSWORD: DeliveryKind.RESET_PASSWORD,
}
_PER_HOUR = 5


def ask(
    user: User, purpose: EmailTokenPurpose, email: str, now: datetime, *, mailed: bool = True
) -> bool:
    """Mail a link to ``email`` that proves ``user`` reads it.

    False, and no mail, past five an hour that one user asked for or one address
    got, so that nobody's mailbox can be flooded. Not ``mailed``, it only looks as
    if: nobody gets the link.
    """
    with db.transaction():
        was_mailed = fn.EXISTS(Delivery.select().where(Delivery.email_token == EmailToken.id))
        to_address = (EmailToken.email == email) & was_mailed
        if _are_enough((EmailToken.user == user) | to_address, purpose, now):
            return False
        email_token = EmailToken.create(
            user=user,
            purpose=purpose,
            email=email,
            created_at=now,
            expires_at=now + LIFETIME[purpose],
        )
        if mailed:
            enqueue.queue_email_token(email_token, _KIND[purpose], now)
        return True


def has_asked_often(user: User, purpose: EmailTokenPurpose, now: datetime) -> bool:
    """Whether ``user`` alone used up what ``ask`` grants them an hour."""
    return _are_enough(EmailToken.user == user, purpose, now)


def hours(purpose: EmailTokenPurpose) -> int:
    """How long a link of this kind works."""
    return int(LIFETIME[purpose] / timedelta(hours=1))


def is_open(email_token: EmailToken, now: datetime) -> bool:
    """Whether the link still works."""
    return email_token.used_at is None and email_token.expires_at > now


def confirm_email(email_token: EmailToken, now: datetime) -> User:
    """Take the proven address as the user's own, confirmed; links to other addresses end.

    Raises RuleError(EMAIL_TOKEN_CLOSED) for a used or expired link, and
    RuleError(PROFILE_EXISTS) when the address became somebody else's meanwhile.
    """
    with db.transaction():
        _use(email_token, now)
        before = User.get_by_id(email_token.user_id)
        if before.email != email_token.email:
            security_notices.tell(before, SecurityEvent.EMAIL_CHANGED, now)  # to the old address
        try:
            User.update(email=email_token.email, email_confirmed_at=now).where(
                User.id == email_token.user_id
            ).execute()
        except IntegrityError:
            raise RuleError(Reason.PROFILE_EXISTS) from None
        close_all(User.get_by_id(email_token.user_id), EmailTokenPurpose.CONFIRM_EMAIL, now)
    return User.get_by_id(email_token.user_id)


def reset_password(email_token: EmailToken, password: str, now: datetime) -> User:
    """Set a new password, end every session, and count the address as confirmed.

    A change of address that waits for its confirmation is dropped: whoever knew
    the old password may have asked for it.

    Raises RuleError(EMAIL_TOKEN_CLOSED) for a used or expired link, and PASSWORD_*.
    """
    user = User.get_by_id(email_token.user_id)
    passwords.check_acceptable(password, email=user.email, name=user.name)
    password_hash = passwords.hash_password(password)
    with db.transaction():
        _use(email_token, now)
        proven = User.email == email_token.email  # else the address changed since the mail
        changed = (
            User.update(password_hash=password_hash, email_confirmed_at=now)
            .where(User.id == user.id, proven)
            .execute()
        )
        if not changed:
            raise RuleError(Reason.EMAIL_TOKEN_CLOSED)
        close_all(user, EmailTokenPurpose.CONFIRM_EMAIL, now)
        renewed = User.get_by_id(user.id)
        password_was_set(renewed, now)
    return renewed


def password_was_set(
    user: User,
    now: datetime,
    *,
    event: SecurityEvent = SecurityEvent.PASSWORD_CHANGED,
    but: str | None = None,
) -> None:
    """What every new password entails; in the transaction that sets it.

    Log-ins end, except on the device of the session token ``but``, and so do
    links to set another one.
    """
    close_all(user, EmailTokenPurpose.RESET_PASSWORD, now)
    sessions.end_all(user, but=but)
    security_notices.tell(user, event, now)


def close_all(user: User, purpose: EmailTokenPurpose, now: datetime) -> None:
    """Make every open link of one purpose useless."""
    EmailToken.update(used_at=now).where(
        EmailToken.user == user, EmailToken.purpose == purpose, EmailToken.used_at.is_null()
    ).execute()


def _are_enough(asked: Expression, purpose: EmailTokenPurpose, now: datetime) -> bool:
    within_the_hour = EmailToken.created_at > now - timedelta(hours=1)
    lately = EmailToken.select().where(asked, EmailToken.purpose == purpose, within_the_hour)
    return bool(lately.count() >= _PER_HOUR)


def _use(email_token: EmailToken, now: datetime) -> None:
    used = (
        EmailToken.update(used_at=now)
        .where(
            EmailToken.id == email_token.id,
            EmailToken.used_at.is_null(),
            EmailToken.expires_at > now,
        )
        .execute()
    )
    if used != 1:
        raise RuleError(Reason.EMAIL_TOKEN_CLOSED)
