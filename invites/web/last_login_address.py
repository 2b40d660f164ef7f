"""The address of a log-in that went wrong, kept by this browser for whoever forgot the password.

Not in a URL: those get into logs.
"""

from flask import session

_KEY = "last_login_address"
_LONGEST = 254


def keep(address: str | None) -> None:
    """Remember what was typed."""
    session[_KEY] = (address or "")[:_LONGEST]


def take() -> str:
    """What was typed, once."""
    return str(session.pop(_KEY, ""))
