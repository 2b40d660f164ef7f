"""Trusted devices: a cookie lists the people who have logged in with this browser before.

It has a token for each person, derived from their row; the database stores none. A new password
ends the trust, because somebody else may have known the old one. A token grants no access. It keeps
logins with this browser out of the audit log, and gives the person limits of their own for
resetting the password, which strangers can't use up.
"""

from invites.core.tokens import Purpose, Signer, row_id
from invites.models import User

_MAX_TOKENS = 10  # in one cookie, newest first
_MAX_LENGTH = 50  # of a token


def is_trusted(cookie: str, user: User, signer: Signer) -> bool:
    return any(
        row_id(token) == user.id
        and signer.matches(token, Purpose.TRUSTED_DEVICE, user, _holder(user))
        for token in cookie.split(".")[:_MAX_TOKENS]
    )


def added(cookie: str, user: User, signer: Signer) -> str:
    others = removed(cookie, user)
    own = signer.token(Purpose.TRUSTED_DEVICE, user, _holder(user))
    return ".".join([own, *filter(None, others.split("."))][:_MAX_TOKENS])


def removed(cookie: str, user: User) -> str:
    """Also removes anything that isn't a token."""
    tokens = [token for token in cookie.split(".") if len(token) < _MAX_LENGTH]
    return ".".join(token for token in tokens if row_id(token) not in (0, user.id))


def _holder(user: User) -> str:
    return f"|{user.password_hash}"
