"""Limits on sending, set by the operator and read by the worker."""

from dataclasses import asdict, dataclass

from invites import db
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


def change(limits: Limits) -> None:
    values = asdict(limits)
    with db.transaction():
        if not MailThrottle.update(values).where(MailThrottle.id == 1).execute():
            MailThrottle.insert(id=1, **values).execute()
