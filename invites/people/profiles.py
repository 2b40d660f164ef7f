"""People with a log-in: making, recognising and changing them."""

from dataclasses import dataclass
from datetime import datetime

from peewee import IntegrityError

from invites import db
from invites.core import addresses, text_fields
from invites.core.errors import Reason, RuleError
from invites.models import EmailToken, EmailTokenPurpose, SecurityEvent, User
from invites.people import email_tokens, passwords


@dataclass(frozen=True)
class NewProfile:
    """A profile that was checked and can be stored in any transaction."""

    name: str
    email: str
    phone: str
    password_hash: str


def prepare(name: str, email: str, password: str, phone: str = "") -> NewProfile:
    """Check what a person typed and hash the password, outside of any transaction.

    Raises RuleError with the reason of the first thing that is wrong.
    """
    name = text_fields.clean_name(name)
    email = addresses.canonical(email)
    phone = text_fields.clean_phone(phone)
    passwords.check_acceptable(password, email=email, name=name)
    return NewProfile(name, email, phone, passwords.hash_password(password))


def create(profile: NewProfile, now: datetime, *, confirmed: bool) -> User:
    """Store a new profile. Raises RuleError(PROFILE_EXISTS) when the address has one."""
    try:
        with db.transaction():
            return User.create(
                name=profile.name,
                email=profile.email,
                phone=profile.phone,
                password_hash=profile.password_hash,
                email_confirmed_at=now if confirmed else None,
                created_at=now,
            )
    except IntegrityError:
        raise RuleError(Reason.PROFILE_EXISTS) from None


def find(email: str) -> User | None:
    """The profile of a typed address, if any."""
    try:
        return User.get_or_none(User.email == addresses.canonical(email))
    except RuleError:
        return None


def authenticate(email: str, password: str) -> User | None:
    """The person with that address and password; takes as long for nobody."""
    user = find(email)
    matches = passwords.password_matches(user.password_hash if user else None, password)
    if user is None or not matches:
        return None
    if passwords.is_outdated(user.password_hash):
        return _with_new_hash(user, password)
    return user


def _with_new_hash(user: User, password: str) -> User | None:
    """The person as they are then; None when the password was changed meanwhile."""
    password_hash = passwords.hash_password(password)
    is_same = (User.id == user.id) & (User.password_hash == user.password_hash)
    if not User.update(password_hash=password_hash).where(is_same).execute():
        return authenticate(user.email, password)
    return User.get_by_id(user.id)


def update_details(user: User, name: str, phone: str) -> None:
    """Change name and phone. Raises RuleError for what can't be one."""
    user.name, user.phone = text_fields.clean_name(name), text_fields.clean_phone(phone)
    user.save(only=[User.name, User.phone])


def change_email(user: User, email: str, password: str, now: datetime) -> None:
    """Mail a confirmation link to the new address; the old one stays until it is used.

    An address that has a profile gets no mail and the same answer: the profile
    page must not tell who has one. Raises RuleError(PASSWORD_WRONG), ADDRESS_*, and
    ASKED_OFTEN after five in an hour.
    """
    email = addresses.canonical(email)
    if email == user.email:
        raise RuleError(Reason.ADDRESS_YOURS)
    passwords.check_right(user.password_hash, password)
    if email_tokens.has_asked_often(user, EmailTokenPurpose.CONFIRM_EMAIL, now):
        raise RuleError(Reason.ASKED_OFTEN)
    email_tokens.ask(user, EmailTokenPurpose.CONFIRM_EMAIL, email, now, mailed=find(email) is None)


def change_password(user: User, current: str, new: str, token: str, now: datetime) -> None:
    """Set a new password and log out all devices but the one of session ``token``.

    Raises RuleError(PASSWORD_WRONG) and PASSWORD_*.
    """
    passwords.check_right(user.password_hash, current)
    passwords.check_acceptable(new, email=user.email, name=user.name)
    password_hash = passwords.hash_password(new)
    with db.transaction():
        changed = (
            User.update(password_hash=password_hash)
            .where(User.id == user.id, User.password_hash == user.password_hash)
            .execute()
        )
        if not changed:  # somebody reset it meanwhile, perhaps to shut us out
            raise RuleError(Reason.PASSWORD_WRONG)
        email_tokens.password_was_set(user, now, but=token)


def give_password(user: User, new: str, now: datetime) -> None:
    """Set somebody's password and log them out everywhere: for who holds the box.

    Raises RuleError(PASSWORD_*).
    """
    passwords.check_acceptable(new, email=user.email, name=user.name)
    password_hash = passwords.hash_password(new)
    with db.transaction():
        User.update(password_hash=password_hash).where(User.id == user.id).execute()
        email_tokens.password_was_set(user, now, event=SecurityEvent.PASSWORD_GIVEN)


def request_reset(email: str, now: datetime) -> None:
    """Mail a reset link to the *stored* address, if the typed one has a profile."""
    user = find(email)
    if user is not None:
        email_tokens.ask(user, EmailTokenPurpose.RESET_PASSWORD, user.email, now)


def pending_email(user: User, now: datetime) -> str | None:
    """The new address that waits for confirmation, if any."""
    email_token = (
        EmailToken.select()
        .where(
            EmailToken.user == user,
            EmailToken.purpose == EmailTokenPurpose.CONFIRM_EMAIL,
            EmailToken.email != user.email,
            EmailToken.used_at.is_null(),
            EmailToken.expires_at > now,
        )
        .order_by(EmailToken.id.desc())
        .first()
    )
    return email_token.email if email_token else None
