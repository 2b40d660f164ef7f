"""Sessions: one row per logged-in device. Deleting the row logs the device out at once.

A session ends after 30 days without a request, or after 30 minutes if other people use the device.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from peewee import Expression

from invites import db
from invites.core.errors import Reason, RuleError
from invites.models import Session, User

IDLE_TIMEOUT = timedelta(days=30)
SHARED_IDLE_TIMEOUT = timedelta(minutes=30)

# A request updates ``seen_at`` only if it is older than this.
_SEEN_PRECISION = timedelta(minutes=10)
_SHARED_SEEN_PRECISION = timedelta(minutes=1)


def start(user: User, user_agent: str, now: datetime, *, shared: bool = False) -> str:
    """Returns the token for the cookie. Raises what ``refuse_changed_password`` raises."""
    token = secrets.token_urlsafe(32)
    with db.transaction():
        refuse_changed_password(user)
        Session.create(
            user=user,
            token_hash=_hash(token),
            user_agent=user_agent[:255],
            is_shared=shared,
            created_at=now,
            seen_at=now,
        )
    return token


def refuse_changed_password(user: User) -> None:
    """Raises RuleError(PASSWORD_WRONG) if the password has changed since ``user`` was read.

    A new password ends all sessions. Call this in the transaction that starts one.
    """
    if User.get_by_id(user.id).password_hash != user.password_hash:
        raise RuleError(Reason.PASSWORD_WRONG)


def find(token: str, now: datetime, *, in_use: bool = True) -> Session | None:
    """``in_use``: False for requests that a page makes by itself, which don't extend a session."""
    session = (
        Session.select(Session, User)
        .join(User)
        .where(Session.token_hash == _hash(token), _is_active(now))
        .get_or_none()
    )
    if session is None or not in_use:
        return session
    if now - session.seen_at > (_SHARED_SEEN_PRECISION if session.is_shared else _SEEN_PRECISION):
        Session.update(seen_at=now).where(Session.id == session.id).execute()
    return session


def newest(user: User, token: str, now: datetime, *, limit: int) -> tuple[list[Session], int]:
    """The session of ``token``, then the most recently used ones; and how many more there are.

    A person may have tens of thousands, because each login starts one.
    """
    active = Session.select().where(Session.user == user, _is_active(now))
    is_other = Session.token_hash != _hash(token)
    first = active.order_by(is_other, Session.seen_at.desc(), Session.id.desc()).limit(limit)
    return list(first), max(0, active.count() - limit)


def has_token(session: Session, token: str) -> bool:
    return bool(session.token_hash == _hash(token))


def renew(token: str) -> str:
    renewed = secrets.token_urlsafe(32)
    Session.update(token_hash=_hash(renewed)).where(Session.token_hash == _hash(token)).execute()
    return renewed


def end(token: str) -> None:
    db.delete(Session).where(Session.token_hash == _hash(token)).execute()


def end_one(user: User, session_id: int) -> None:
    """Raises RuleError(NOT_FOUND)."""
    if not db.delete(Session).where(Session.user == user, Session.id == session_id).execute():
        raise RuleError(Reason.NOT_FOUND)


def end_all(user: User, *, except_token: str | None = None) -> None:
    ended = Session.user == user
    if except_token is not None:
        ended &= Session.token_hash != _hash(except_token)
    db.delete(Session).where(ended).execute()


def end_all_of_everyone() -> None:
    db.delete(Session).execute()


def delete_expired(now: datetime) -> None:
    db.delete(Session).where(~_is_active(now)).execute()


def _is_active(now: datetime) -> Expression:
    own = ~Session.is_shared & (Session.seen_at > now - IDLE_TIMEOUT)
    shared = Session.is_shared & (Session.seen_at > now - SHARED_IDLE_TIMEOUT)
    active: Expression = own | shared
    return active


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
