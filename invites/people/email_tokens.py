"""Proving to read a mailbox: confirm an address, or set a new password."""

from datetime import datetime, timedelta

from peewee import Expression, IntegrityError, fn

from invites import db
from invites.core.errors import Reason, Refused
from invites.models import Delivery, DeliveryKind, EmailProof, ProofPurpose, SecurityEvent, User
from invites.outbox import enqueue
from invites.people import passwords, security_notices, sessions

LIFETIME = {
    ProofPurpose.CONFIRM_EMAIL: timedelta(days=7),
    ProofPurpose.RESET_PASSWORD: timedelta(hours=2),
}
_KIND = {
    ProofPurpose.CONFIRM_EMAIL: DeliveryKind.CONFIRM_EMAIL,
    ProofPurpose.RESET_PASSWORD: DeliveryKind.RESET_PASSWORD,
}
_PER_HOUR = 5


def ask(
    user: User, purpose: ProofPurpose, email: str, now: datetime, *, mailed: bool = True
) -> bool:
    """Mail a link to ``email`` that proves ``user`` reads it.

    False, and no mail, past five an hour that one user asked for or one address
    got, so that nobody's mailbox can be flooded. Not ``mailed``, it only looks as
    if: nobody gets the link.
    """
    with db.transaction():
        was_mailed = fn.EXISTS(Delivery.select().where(Delivery.proof == EmailProof.id))
        to_address = (EmailProof.email == email) & was_mailed
        if _are_enough((EmailProof.user == user) | to_address, purpose, now):
            return False
        proof = EmailProof.create(
            user=user,
            purpose=purpose,
            email=email,
            created_at=now,
            expires_at=now + LIFETIME[purpose],
        )
        if mailed:
            enqueue.queue_proof(proof, _KIND[purpose], now)
        return True


def has_asked_often(user: User, purpose: ProofPurpose, now: datetime) -> bool:
    """Whether ``user`` alone used up what ``ask`` grants them an hour."""
    return _are_enough(EmailProof.user == user, purpose, now)


def hours(purpose: ProofPurpose) -> int:
    """How long a link of this kind works."""
    return int(LIFETIME[purpose] / timedelta(hours=1))


def is_open(proof: EmailProof, now: datetime) -> bool:
    """Whether the link still works."""
    return proof.used_at is None and proof.expires_at > now


def confirm_email(proof: EmailProof, now: datetime) -> User:
    """Take the proven address as the user's own, confirmed; links to other addresses end.

    Raises Refused(PROOF_CLOSED) for a used or expired link, and
    Refused(PROFILE_EXISTS) when the address became somebody else's meanwhile.
    """
    with db.transaction():
        _use(proof, now)
        before = User.get_by_id(proof.user_id)
        if before.email != proof.email:
            security_notices.tell(before, SecurityEvent.EMAIL_CHANGED, now)  # to the old address
        try:
            User.update(email=proof.email, email_confirmed_at=now).where(
                User.id == proof.user_id
            ).execute()
        except IntegrityError:
            raise Refused(Reason.PROFILE_EXISTS) from None
        close_all(User.get_by_id(proof.user_id), ProofPurpose.CONFIRM_EMAIL, now)
    return User.get_by_id(proof.user_id)


def reset_password(proof: EmailProof, password: str, now: datetime) -> User:
    """Set a new password, end every session, and count the address as confirmed.

    A change of address that waits for its confirmation is dropped: whoever knew
    the old password may have asked for it.

    Raises Refused(PROOF_CLOSED) for a used or expired link, and PASSWORD_*.
    """
    user = User.get_by_id(proof.user_id)
    passwords.check_acceptable(password, email=user.email, name=user.name)
    password_hash = passwords.hash_password(password)
    with db.transaction():
        _use(proof, now)
        proven = User.email == proof.email  # else the address changed since the mail
        changed = (
            User.update(password_hash=password_hash, email_confirmed_at=now)
            .where(User.id == user.id, proven)
            .execute()
        )
        if not changed:
            raise Refused(Reason.PROOF_CLOSED)
        close_all(user, ProofPurpose.CONFIRM_EMAIL, now)
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
    close_all(user, ProofPurpose.RESET_PASSWORD, now)
    sessions.end_all(user, but=but)
    security_notices.tell(user, event, now)


def close_all(user: User, purpose: ProofPurpose, now: datetime) -> None:
    """Make every open link of one purpose useless."""
    EmailProof.update(used_at=now).where(
        EmailProof.user == user, EmailProof.purpose == purpose, EmailProof.used_at.is_null()
    ).execute()


def _are_enough(asked: Expression, purpose: ProofPurpose, now: datetime) -> bool:
    within_the_hour = EmailProof.created_at > now - timedelta(hours=1)
    lately = EmailProof.select().where(asked, EmailProof.purpose == purpose, within_the_hour)
    return bool(lately.count() >= _PER_HOUR)


def _use(proof: EmailProof, now: datetime) -> None:
    used = (
        EmailProof.update(used_at=now)
        .where(EmailProof.id == proof.id, EmailProof.used_at.is_null(), EmailProof.expires_at > now)
        .execute()
    )
    if used != 1:
        raise Refused(Reason.PROOF_CLOSED)
