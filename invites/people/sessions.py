"""Log-ins: a row per device, so that ending one takes effect on the next request."""

import hashlib
import secrets
from datetime import datetime, timedelta

from peewee import Expression

from invites import db
from invites.core.errors import Reason, RuleError
from invites.models import Session, User

IDLE = timedelta(days=30)
IDLE_SHARED = timedelta(minutes=30)
_NOTED_EVERY = timedelta(minutes=10)
_NOTED_EVERY_SHARED = timedelta(minutes=1)


def start(user: User, user_agent: str, now: datetime, *, shared: bool = False) -> str:
    """Log ``user`` in on a device; returns the token for its cookie, kept nowhere else.

    ``shared``: others use the device, too, so the session ends after 30 idle minutes.
    Raises what ``check_in_time`` does.
    """
    token = secrets.token_urlsafe(32)
    with db.transaction():
        check_in_time(user)
        Session.create(
            user=user,
            token_hash=_hashed(token),
            user_agent=user_agent[:255],
            is_shared=shared,
            created_at=now,
            seen_at=now,
        )
    return token


def check_in_time(user: User) -> None:
    """Raises RuleError(PASSWORD_WRONG) when the password was changed since ``user`` was read.

    Who was let in by the old one comes too late: call it inside the transaction
    of what would let them in again.
    """
    if User.get_by_id(user.id).password_hash != user.password_hash:
        raise RuleError(Reason.PASSWORD_WRONG)


def find(token: str, now: datetime, *, in_use: bool = True) -> Session | None:
    """The session of ``token``, with its user; None when ended, or idle for too long.

    Not ``in_use``, it was a page that asked by itself: that keeps no session alive.
    """
    session = (
        Session.select(Session, User)
        .join(User)
        .where(Session.token_hash == _hashed(token), _is_alive(now))
        .get_or_none()
    )
    if session is None or not in_use:
        return session
    noted_every = _NOTED_EVERY_SHARED if session.is_shared else _NOTED_EVERY
    if now - session.seen_at > noted_every:
        Session.update(seen_at=now).where(Session.id == session.id).execute()
    return session


def of(user: User, now: datetime) -> list[Session]:
    """Where ``user`` is logged in, the device used last first."""
    alive = Session.select().where(Session.user == user, _is_alive(now))
    return list(alive.order_by(Session.seen_at.desc(), Session.id.desc()))


def is_of(session: Session, token: str) -> bool:
    """Whether ``token`` is the one of this session."""
    return bool(session.token_hash == _hashed(token))


def renew(token: str) -> str:
    """Another token for the same session; the old one finds nobody any more."""
    fresh = secrets.token_urlsafe(32)
    Session.update(token_hash=_hashed(fresh)).where(Session.token_hash == _hashed(token)).execute()
    return fresh


def end(token: str) -> None:
    """Log one device out."""
    db.delete(Session).where(Session.token_hash == _hashed(token)).execute()


def end_one(user: User, session_id: int) -> None:
    """Log ``user`` out on one of their devices. Raises RuleError(NOT_FOUND) for any other one."""
    found = Session.get_or_none(Session.user == user, Session.id == session_id)
    if found is None:
        raise RuleError(Reason.NOT_FOUND)
    found.delete_instance()


def end_all(user: User, *, but: str | None = None) -> None:
    """Log ``user`` out everywhere, except on the device of the token ``but``."""
    others = Session.user == user
    if but is not None:
        others &= Session.token_hash != _hashed(but)
    db.delete(Session).where(others).execute()


def end_everybodys() -> None:
    """Log all people out on all their devices."""
    db.delete(Session).execute()


def sweep(now: datetime) -> None:
    """Forget the sessions that were idle for too long."""
    db.delete(Session).where(~_is_alive(now)).execute()


def _is_alive(now: datetime) -> Expression:
    of_others_too = Session.is_shared & (Session.seen_at > now - IDLE_SHARED)
    alive: Expression = (~Session.is_shared & (Session.seen_at > now - IDLE)) | of_others_too
    return alive


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
