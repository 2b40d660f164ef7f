"""Limits on sending, set by the operator and read by the worker."""

from dataclasses import dataclass

from invites import db
from invites.core.numbers import number_up_to
from invites.models import MailThrottle

MAX_PER_MINUTE = 100_000
MAX_CONNECTIONS = 32


@dataclass(frozen=True)
class Limits:
    """``per_minute``: mails over all connections, or None. ``connections``: at the same time."""

    per_minute: int | None = None
    connections: int = 4


def read() -> Limits:
    row = MailThrottle.get_or_none(MailThrottle.id == 1)
    return Limits(row.per_minute, row.connections) if row is not None else Limits()


def change(per_minute: str, connections: str) -> None:
    """Stores numbers as typed. Raises RuleError(NUMBER_OUT_OF_RANGE)."""
    chosen = {
        "per_minute": clean_per_minute(per_minute),
        "connections": clean_connections(connections),
    }
    with db.transaction():
        if not MailThrottle.update(chosen).where(MailThrottle.id == 1).execute():
            MailThrottle.insert(id=1, **chosen).execute()


def clean_per_minute(text: str) -> int | None:
    """None for an empty text. Raises RuleError(NUMBER_OUT_OF_RANGE)."""
    return number_up_to(MAX_PER_MINUTE, text) if text.strip() else None


def clean_connections(text: str) -> int:
    """Raises RuleError(NUMBER_OUT_OF_RANGE)."""
    return number_up_to(MAX_CONNECTIONS, text)
