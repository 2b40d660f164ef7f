"""Creates, authenticates and changes profiles, which are people's logins."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from invites import db
from invites.core import addresses, text_fields
from invites.core.errors import Reason, RuleError
from invites.models import EmailToken, EmailTokenPurpose, User
from invites.people import email_tokens, passwords


@dataclass(frozen=True)
class NewProfile:
    """Checked values, which can be stored in any transaction."""

    name: str
    email: str
    phone: str
    password_hash: str


def prepare(name: str, email: str, password: str, phone: str = "") -> NewProfile:
    """Hashes the password, so call it outside of any transaction. Raises RuleError."""
    name = text_fields.clean_name(name)
    email = addresses.canonical(email)
    phone = text_fields.clean_phone(phone)
    passwords.check_acceptable(password, email=email, name=name)
    return NewProfile(name, email, phone, passwords.hash_password(password))


def create(profile: NewProfile, now: datetime, *, confirmed: bool) -> User:
    """Raises RuleError(PROFILE_EXISTS)."""
    with db.transaction():
        if find(profile.email):
            raise RuleError(Reason.PROFILE_EXISTS)
        confirmed_at = now if confirmed else None
        return User.create(**asdict(profile), email_confirmed_at=confirmed_at, created_at=now)


def find(email: str) -> User | None:
    """The profile of this mailbox, however the address is spelled."""
    try:
        address = addresses.canonical(email)
    except RuleError:
        return None
    found = User.select().where(User.email.in_(addresses.spellings([address])))
    exact_first = found.order_by(User.email != address)  # older versions allowed one per spelling
    user: User | None = exact_first.first()
    return user


def authenticate(email: str, password: str) -> User | None:
    """Takes the same time for an unknown address, so timing doesn't reveal profiles."""
    user = find(email)
    is_right = passwords.matches(user.password_hash if user else None, password)
    if user is None or not is_right:
        return None
    if passwords.is_outdated(user.password_hash):
        return _rehash(user, password)
    return user


def _rehash(user: User, password: str) -> User | None:
    """Checks the password again if it has since changed."""
    if not _replace_password(user, passwords.hash_password(password)):
        return authenticate(user.email, password)
    return User.get_by_id(user.id)


def update_details(user: User, name: str, phone: str) -> None:
    """Raises RuleError(TEXT_*, PHONE_MALFORMED)."""
    user.name, user.phone = text_fields.clean_name(name), text_fields.clean_phone(phone)
    user.save(only=[User.name, User.phone])


def change_email(user: User, email: str, password: str, now: datetime) -> None:
    """Emails a confirmation link to the new address; the old one is kept until it is used.

    If the address already has a profile, sends nothing and returns as usual, so that the page
    doesn't reveal it. Raises RuleError(PASSWORD_WRONG, BUSY, ADDRESS_*), and TOO_MANY_LINKS above
    the limits of ``email_tokens.send_link``.
    """
    passwords.check_correct(user.password_hash, password)
    email = addresses.canonical(email)
    if email == user.email:
        raise RuleError(Reason.ADDRESS_UNCHANGED)
    purpose = EmailTokenPurpose.CONFIRM_EMAIL
    if email_tokens.is_over_limit(user, purpose, now):
        raise RuleError(Reason.TOO_MANY_LINKS)
    is_free = find(email) in (None, user)
    email_tokens.send_link(user, purpose, email, now, mailed=is_free)


def pending_email(user: User, now: datetime) -> str | None:
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


def change_password(user: User, current: str, new: str, token: str, now: datetime) -> None:
    """Ends all sessions but that of ``token``. Raises RuleError(PASSWORD_*, BUSY)."""
    passwords.check_correct(user.password_hash, current)
    passwords.check_acceptable(new, email=user.email, name=user.name)
    password_hash = passwords.hash_password(new)
    with db.transaction():
        if not _replace_password(user, password_hash):
            raise RuleError(Reason.PASSWORD_WRONG)  # since reset, perhaps to end this session
        email_tokens.after_password_change(user, now, except_token=token)


def request_password_reset(
    email: str, now: datetime, is_own_device: Callable[[User], bool] = lambda _user: False
) -> None:
    """Emails the profile's stored address, not the typed one, which may be spelled differently.

    Waits for the write lock and for the disk even if nothing is sent, so that timing doesn't reveal
    profiles.
    """
    purpose, is_sent = EmailTokenPurpose.RESET_PASSWORD, False
    with db.transaction():
        user = find(email)
        if user is not None:
            own_device = is_own_device(user)
            is_sent = email_tokens.send_link(user, purpose, user.email, now, own_device=own_device)
        if not is_sent:
            email_tokens.pretend_to_send(purpose, now)


def _replace_password(user: User, password_hash: str) -> bool:
    """False if the password has changed since ``user`` was read."""
    is_unchanged = (User.id == user.id) & (User.password_hash == user.password_hash)
    return bool(User.update(password_hash=password_hash).where(is_unchanged).execute())
