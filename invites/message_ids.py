"""The Message-ID of our mails, by which a mail server's report finds its delivery again."""

import re
from dataclasses import dataclass
from datetime import datetime

_OURS = re.compile(r"<([0-9]{1,18})\.([0-9]{1,18})@[^<>@\s]+>")


@dataclass(frozen=True)
class Origin:
    """The delivery that a Message-ID names.

    ``moment`` is when it was made, in milliseconds: ids come back after a
    backup is restored, and an old report must not find somebody else's mail.
    """

    delivery_id: int
    moment: int

    @classmethod
    def of(cls, delivery_id: int, created_at: datetime) -> "Origin":
        """The origin of a mail, from its row."""
        return cls(delivery_id, round(created_at.timestamp() * 1000))


def message_id(delivery_id: int, created_at: datetime, domain: str) -> str:
    """The same for every attempt, so that a mail that arrives twice can be recognised."""
    origin = Origin.of(delivery_id, created_at)
    return f"<{origin.delivery_id}.{origin.moment}@{domain}>"


def read_origin(text: str) -> Origin | None:
    """The first Message-ID in ``text`` that looks like one of ours; others may look so too."""
    found = _OURS.search(text)
    return Origin(int(found[1]), int(found[2])) if found else None
