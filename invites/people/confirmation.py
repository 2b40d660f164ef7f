"""Confirms addresses. Only this module and ``profiles.create`` do so; see docs/security.md.

Reading the mailbox isn't enough, because somebody else may have created the profile. The person
must also know its password, or replace it, which ends all sessions.
"""

from dataclasses import dataclass
from datetime import datetime

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.authorization.authority import has_authority
from invites.core.addresses import is_same_mailbox, spellings
from invites.core.errors import Reason, RuleError
from invites.core.roles import Role
from invites.models import EmailToken, EmailTokenPurpose, Membership, SecurityEvent, User
from invites.people import email_tokens, passwords, security_notices, sessions


@dataclass(frozen=True)
class CheckedPassword:
    """Evidence that the password of ``user`` was checked. Only ``check_password`` makes one."""

    user: User


def send_link(user: User, now: datetime) -> None:
    """Raises RuleError(TOO_MANY_LINKS)."""
    if not email_tokens.send_link(user, EmailTokenPurpose.CONFIRM_EMAIL, user.email, now):
        raise RuleError(Reason.TOO_MANY_LINKS)


def check_password(user: User, password: str) -> CheckedPassword:
    """Takes 0.2 seconds, so never call it in a transaction.

    Raises RuleError(PASSWORD_WRONG, BUSY).
    """
    passwords.check_correct(user.password_hash, password)
    return CheckedPassword(user)


def confirm(checked: CheckedPassword, email: str, now: datetime) -> User:
    """Makes ``email`` the person's address. They must have proven that they read its mail.

    Raises RuleError(PASSWORD_WRONG) if the password has since changed, and PROFILE_EXISTS if
    another profile has the address.
    """
    with db.transaction():
        sessions.refuse_changed_password(checked.user)
        return _confirm(checked.user, email, now)


def confirm_email(email_token: EmailToken, checked: CheckedPassword, now: datetime) -> User:
    """Raises RuleError(EMAIL_TOKEN_CLOSED) and what ``confirm`` raises."""
    with db.transaction():
        email_tokens.use(email_token, now)
        if checked.user.id != email_token.user_id:
            raise RuleError(Reason.EMAIL_TOKEN_CLOSED)
        return confirm(checked, email_token.email, now)


def reset_password(email_token: EmailToken, password: str, now: datetime) -> User:
    """Raises RuleError(EMAIL_TOKEN_CLOSED, PASSWORD_*, BUSY)."""
    user = User.get_by_id(email_token.user_id)
    password_hash = _acceptable_hash(user, password)
    with db.transaction():
        email_tokens.use(email_token, now)
        if User.get_by_id(user.id).email != email_token.email:  # changed since the link was sent
            raise RuleError(Reason.EMAIL_TOKEN_CLOSED)
        return _replace_password(user, password_hash, SecurityEvent.PASSWORD_CHANGED, now)


def set_password(user: User, password: str, now: datetime) -> User:
    """For the operator, who vouches for the person. Raises RuleError(PASSWORD_*, BUSY)."""
    password_hash = _acceptable_hash(user, password)
    with db.transaction():
        return _replace_password(user, password_hash, SecurityEvent.PASSWORD_GIVEN, now)


def _acceptable_hash(user: User, password: str) -> str:
    passwords.check_acceptable(password, email=user.email, name=user.name)
    return passwords.hash_password(password)


def _replace_password(user: User, password_hash: str, event: SecurityEvent, now: datetime) -> User:
    """Ends all sessions and confirms the address."""
    User.update(password_hash=password_hash).where(User.id == user.id).execute()
    user = _confirm(User.get_by_id(user.id), user.email, now)
    email_tokens.after_password_change(user, now, event=event)
    return user


def _confirm(user: User, email: str, now: datetime) -> User:
    """Other links that confirm an address stop working: somebody else may have requested them."""
    if user.email != email:
        security_notices.send(user, SecurityEvent.EMAIL_CHANGED, now)  # to the old address
    if not user.is_confirmed:
        _give_up_waiting_roles(user, email, now)
        audit_log.record_in_all(user, AuditAction.EMAIL_CONFIRMED, user, now, email=email)
    elif user.email != email:
        details = {"former": user.email, "email": email}
        audit_log.record_in_all(user, AuditAction.EMAIL_CHANGED, user, now, **details)
    others = User.select().where(User.email.in_(spellings([email])), User.id != user.id)
    if user.email != email and others.exists():
        raise RuleError(Reason.PROFILE_EXISTS)
    User.update(email=email, email_confirmed_at=now).where(User.id == user.id).execute()
    email_tokens.close_links(user, EmailTokenPurpose.CONFIRM_EMAIL, now)
    return User.get_by_id(user.id)


def _give_up_waiting_roles(user: User, email: str, now: datetime) -> None:
    """Those offered to another address, or by a member who may no longer grant them."""
    for member in Membership.select().where(Membership.user == user, Membership.role > Role.USER):
        is_offered = member.invitation is None or has_authority(member.invitation)
        if is_offered and is_same_mailbox(user.email, email):
            continue
        details = {"email": user.email, "before": member.role, "after": Role.USER}
        audit_log.record(AuditAction.ROLE_CHANGED, member.account, user, now, **details)
        Membership.update(role=Role.USER).where(Membership.id == member.id).execute()
