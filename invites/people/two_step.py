"""What is asked of a person at the log-in beside their password: digits, a passkey or a code.

A factor is what they have set up; the second step is where a log-in asks for it. People
read of the step only.
"""

from datetime import datetime
from typing import Any

from peewee import ModelSelect, fn

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.core.errors import Reason, RuleError
from invites.core.tokens import Signer
from invites.models import Authenticator, Passkey, RecoveryCodes, SecurityEvent, User
from invites.people import passwords, recovery_codes, security_notices, sessions, totp

_DIGITS = 6


def is_on(user: User) -> bool:
    """Whether ``user`` has an authenticator app or a passkey."""
    return has_authenticator(user) or has_passkey(user)


def has_authenticator(user: User) -> bool:
    """Whether digits of an app are taken."""
    return bool(_authenticators(user).exists())


def has_passkey(user: User) -> bool:
    """Whether any passkey is taken."""
    return bool(_passkeys(user).exists())


def where_off() -> Any:
    """The condition of a query of users that ``is_on`` is not of one."""
    return ~fn.EXISTS(_authenticators(User.id)) & ~fn.EXISTS(_passkeys(User.id))


def start_without(user: User, user_agent: str, now: datetime, *, shared: bool) -> str:
    """Log ``user`` in by their password alone, as ``sessions.start`` does.

    Raises RuleError(PASSWORD_WRONG) when that isn't enough any more: a factor was
    added, or the password changed, since it was checked.
    """
    with db.transaction():
        if is_on(user):
            raise RuleError(Reason.PASSWORD_WRONG)
        return sessions.start(user, user_agent, now, shared=shared)


def check_may_add(user: User, password: str) -> None:
    """Raises RuleError(PASSWORD_WRONG), and ADDRESS_UNPROVEN if the address was never proven.

    Else somebody could lock the owner of a mailbox out of the profile that they
    made with its address.
    """
    passwords.check_right(user.password_hash, password)
    if not user.is_confirmed:
        raise RuleError(Reason.ADDRESS_UNPROVEN)


def offer_authenticator(user: User, password: str, now: datetime) -> None:
    """Make a key for an app that ``user`` sets up. Raises what ``check_may_add`` does."""
    check_may_add(user, password)
    with db.transaction():
        if not has_authenticator(user):
            totp.offer(user, now)


def confirm_authenticator(
    user: User, digits: str, token: str, signer: Signer, now: datetime
) -> None:
    """Ask for the app's digits from now on, as it has shown the right ones.

    All devices but the one of session ``token`` are logged out: they came in
    without. Raises RuleError(CODE_WRONG), NOT_FOUND when no app waits for its
    digits (any more), and what ``added`` does.
    """
    with db.transaction():
        offered = totp.offered(user, now)
        if offered is None:
            raise RuleError(Reason.NOT_FOUND)
        if not totp.use(offered, _tidy(digits), signer, now):
            raise RuleError(Reason.CODE_WRONG)
        offered.confirmed_at = now
        offered.save(only=[Authenticator.confirmed_at])
        added(user, SecurityEvent.AUTHENTICATOR_ADDED, token, now)


def added(user: User, event: SecurityEvent, token: str, now: datetime) -> None:
    """What every new factor entails; in the transaction that adds it.

    Raises RuleError(PASSWORD_WRONG) when the password was changed meanwhile: its
    owner may have done that to shut out whoever adds it.
    """
    sessions.check_in_time(user)
    if not recovery_codes.exist(user):
        recovery_codes.make(user, now)
    sessions.end_all(user, but=token)
    security_notices.tell(user, event, now)


def remove_authenticator(user: User, password: str, now: datetime) -> None:
    """Ask for digits no more. Raises RuleError(PASSWORD_WRONG)."""
    passwords.check_right(user.password_hash, password)
    with db.transaction():
        was_in_force = has_authenticator(user)
        db.delete(Authenticator).where(Authenticator.user == user).execute()
        if was_in_force:
            removed(user, SecurityEvent.AUTHENTICATOR_REMOVED, now)


def removed(user: User, event: SecurityEvent, now: datetime) -> None:
    """What the end of a factor entails; in the transaction that removes it."""
    if not is_on(user):
        recovery_codes.forget(user)
    security_notices.tell(user, event, now)


def make_recovery_codes(user: User, password: str, now: datetime) -> None:
    """Ten new ones; the former end.

    Raises RuleError(PASSWORD_WRONG), and NO_TWO_STEP for whoever has none: codes stand
    in for one.
    """
    passwords.check_right(user.password_hash, password)
    with db.transaction():
        if not is_on(user):
            raise RuleError(Reason.NO_TWO_STEP)
        recovery_codes.make(user, now)
        security_notices.tell(user, SecurityEvent.RECOVERY_CODES_MADE, now)


def check(user: User, code: str, signer: Signer, now: datetime) -> None:
    """Take the digits of an app, or a recovery code, once. Raises RuleError(CODE_WRONG)."""
    code = _tidy(code)
    with db.transaction():
        if len(code) == _DIGITS:
            app = totp.of(user) if has_authenticator(user) else None
            is_right = app is not None and totp.use(app, code, signer, now)
        else:
            is_right = recovery_codes.use(user, code, signer)
            if is_right:
                security_notices.tell(user, SecurityEvent.RECOVERY_CODE_USED, now)
        if not is_right:
            raise RuleError(Reason.CODE_WRONG)


def end(user: User, now: datetime) -> bool:
    """Take all factors off somebody who lost them: for who holds the box.

    False when there were none. Written down in their accounts' audit log.
    """
    with db.transaction():
        if not is_on(user):
            return False
        for factor in (Authenticator, Passkey):
            db.delete(factor).where(factor.user == user).execute()
        removed(user, SecurityEvent.TWO_STEP_DISABLED, now)
        details = {"email": user.email, "name": user.name}
        audit_log.record_in_all(user, AuditAction.TWO_STEP_DISABLED, None, now, **details)
    return True


def forget_derived() -> None:
    """Take off everybody what was derived from a key that is lost."""
    with db.transaction():
        for derived in (Authenticator, RecoveryCodes):
            db.delete(derived).execute()


def _authenticators(user: Any) -> "ModelSelect[Authenticator]":
    confirmed = Authenticator.confirmed_at.is_null(False)
    return Authenticator.select().where(Authenticator.user == user, confirmed)


def _passkeys(user: Any) -> "ModelSelect[Passkey]":
    return Passkey.select().where(Passkey.user == user)


def _tidy(code: str) -> str:
    """Without the spaces that apps show between digits, and what no code has."""
    return "".join(code[:40].split())
