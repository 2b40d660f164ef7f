"""Two-step verification: a code from an app, a passkey or a recovery code at login.

A passkey can also replace the password.
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


# Whether it is on


def is_on(user: User) -> bool:
    return has_authenticator(user) or has_passkey(user)


def has_authenticator(user: User) -> bool:
    return bool(_authenticators(user).exists())


def has_passkey(user: User) -> bool:
    return bool(_passkeys(user).exists())


def is_off_for_user() -> Any:
    """``not is_on``, as a condition for a query of users."""
    return ~fn.EXISTS(_authenticators(User.id)) & ~fn.EXISTS(_passkeys(User.id))


def _authenticators(user: Any) -> "ModelSelect[Authenticator]":
    is_confirmed = Authenticator.confirmed_at.is_null(False)
    return Authenticator.select().where(Authenticator.user == user, is_confirmed)


def _passkeys(user: Any) -> "ModelSelect[Passkey]":
    return Passkey.select().where(Passkey.user == user)


# At a login


def log_in_with_password(user: User, user_agent: str, now: datetime, *, shared: bool) -> str:
    """Starts a session with the password alone; see ``sessions.start``.

    Raises RuleError(PASSWORD_WRONG) if two-step verification was set up, or the password changed,
    after the password was checked.
    """
    with db.transaction():
        if is_on(user):
            raise RuleError(Reason.PASSWORD_WRONG)
        return sessions.start(user, user_agent, now, shared=shared)


def check_code(user: User, code: str, signer: Signer, now: datetime) -> None:
    """Uses up an app's code or a recovery code. Raises RuleError(CODE_WRONG)."""
    code = _without_spaces(code)
    with db.transaction():
        if len(code) == _DIGITS:
            app = totp.of(user) if has_authenticator(user) else None
            is_right = app is not None and totp.use(app, code, signer, now)
        else:
            is_right = recovery_codes.use(user, code, signer)
            if is_right:
                security_notices.send(user, SecurityEvent.RECOVERY_CODE_USED, now)
        if not is_right:
            raise RuleError(Reason.CODE_WRONG)


def _without_spaces(code: str) -> str:
    return "".join(code[:40].split())


# Setting it up


def check_may_set_up(user: User, password: str) -> None:
    """Raises RuleError(PASSWORD_WRONG, BUSY), or ADDRESS_UNCONFIRMED: it may be somebody else's."""
    passwords.check_correct(user.password_hash, password)
    if not user.is_confirmed:
        raise RuleError(Reason.ADDRESS_UNCONFIRMED)


def start_authenticator(user: User, password: str, now: datetime) -> None:
    """Raises what ``check_may_set_up`` raises."""
    check_may_set_up(user, password)
    with db.transaction():
        if not has_authenticator(user):
            totp.create(user, now)


def confirm_authenticator(
    user: User, digits: str, token: str, signer: Signer, now: datetime
) -> None:
    """Turns the app on if ``digits`` are right.

    Raises RuleError(CODE_WRONG), NOT_FOUND if no app is being set up, and what ``after_adding``
    raises.
    """
    with db.transaction():
        app = totp.unconfirmed(user, now)
        if app is None:
            raise RuleError(Reason.NOT_FOUND)
        if not totp.use(app, _without_spaces(digits), signer, now):
            raise RuleError(Reason.CODE_WRONG)
        app.confirmed_at = now
        app.save(only=[Authenticator.confirmed_at])
        after_adding(user, SecurityEvent.AUTHENTICATOR_ADDED, token, now)


def after_adding(user: User, event: SecurityEvent, token: str, now: datetime) -> None:
    """Makes the first recovery codes, ends all other sessions, and notifies the user.

    The sessions other than that of ``token`` may have begun without two-step verification. Call
    this in the transaction that adds an app or a passkey. Raises RuleError(PASSWORD_WRONG) if the
    password has since changed, perhaps to lock out the person who adds it.
    """
    sessions.refuse_changed_password(user)
    if recovery_codes.made_at(user) is None:
        recovery_codes.make(user, now)
    sessions.end_all(user, except_token=token)
    security_notices.send(user, event, now)


def make_recovery_codes(user: User, password: str, now: datetime) -> None:
    """The old codes stop working. Raises RuleError(PASSWORD_WRONG, BUSY, TWO_STEP_OFF)."""
    passwords.check_correct(user.password_hash, password)
    with db.transaction():
        if not is_on(user):
            raise RuleError(Reason.TWO_STEP_OFF)
        recovery_codes.make(user, now)
        security_notices.send(user, SecurityEvent.RECOVERY_CODES_MADE, now)


# Turning it off


def remove_authenticator(user: User, password: str, now: datetime) -> None:
    """Raises RuleError(PASSWORD_WRONG)."""
    passwords.check_correct(user.password_hash, password)
    with db.transaction():
        was_on = has_authenticator(user)
        db.delete(Authenticator).where(Authenticator.user == user).execute()
        if was_on:
            after_removing(user, SecurityEvent.AUTHENTICATOR_REMOVED, now)


def after_removing(user: User, event: SecurityEvent, now: datetime) -> None:
    """Call it in the transaction that removes an app or a passkey."""
    if not is_on(user):
        recovery_codes.delete(user)
    security_notices.send(user, event, now)


def disable(user: User, now: datetime) -> bool:
    """For the operator. Recorded in the audit log of each account. Returns False if it was off."""
    with db.transaction():
        if not is_on(user):
            return False
        for model in (Authenticator, Passkey):
            db.delete(model).where(model.user == user).execute()
        after_removing(user, SecurityEvent.TWO_STEP_DISABLED, now)
        details = {"email": user.email, "name": user.name}
        audit_log.record_in_all(user, AuditAction.TWO_STEP_DISABLED, None, now, **details)
    return True


def delete_derived_keys() -> None:
    """Call it when the secret key is lost, because apps and recovery codes depend on it."""
    with db.transaction():
        for model in (Authenticator, RecoveryCodes):
            db.delete(model).execute()
