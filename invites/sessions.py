"""Log-ins: a row per device, so that ending one takes effect on the next request."""

import hashlib
import secrets
from datetime import datetime, timedelta

from invites import db
from invites.models import Session, User
from invites.refusals import Reason, Refused

IDLE = timedelta(days=30)
_NOTED_EVERY = timedelta(minutes=10)


def start(user: User, device: str, now: datetime) -> str:
    """Log ``user`` in on a device; returns the token for its cookie, kept nowhere else.

    Raises Refused(PASSWORD_WRONG) when the password was changed since ``user``
    was read: who was let in by the old one comes too late.
    """
    token = secrets.token_urlsafe(32)
    with db.transaction():
        if User.get_by_id(user.id).password_hash != user.password_hash:
            raise Refused(Reason.PASSWORD_WRONG)
        Session.create(
            user=user,
            token_hash=_hashed(token),
            device=device[:255],
            created_at=now,
            seen_at=now,
        )
    return token


def find(token: str, now: datetime) -> Session | None:
    """The session of ``token``, with its user; None when ended or idle for 30 days."""
    session = (
        Session.select(Session, User)
        .join(User)
        .where(Session.token_hash == _hashed(token), Session.seen_at > now - IDLE)
        .get_or_none()
    )
    if session is not None and now - session.seen_at > _NOTED_EVERY:
        Session.update(seen_at=now).where(Session.id == session.id).execute()
    return session


def end(token: str) -> None:
    """Log one device out."""
    db.delete(Session).where(Session.token_hash == _hashed(token)).execute()


def end_all(user: User, *, but: str | None = None) -> None:
    """Log ``user`` out everywhere, except on the device of the token ``but``."""
    others = Session.user == user
    if but is not None:
        others &= Session.token_hash != _hashed(but)
    db.delete(Session).where(others).execute()


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
