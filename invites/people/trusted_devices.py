"""Which people a browser has signed in as before: it carries a mark of each, nothing is stored.

A mark is derived from the person's row, so that it can't be made up. It opens
nothing: it says only that a log-in from here is no news to them.
"""

from invites.core.tokens import Purpose, Signer, row_id
from invites.models import User

_MOST = 10  # marks in one browser, the newest first


def knows(marks: str, user: User, signer: Signer) -> bool:
    """Whether ``user`` has signed in before where ``marks`` are carried."""
    return any(
        row_id(mark) == user.id and signer.matches(mark, Purpose.KNOWN_BROWSER, user)
        for mark in marks.split(".")[:_MOST]
    )


def marked(marks: str, user: User, signer: Signer) -> str:
    """``marks`` with that of ``user``."""
    others = without(marks, user)
    mine = signer.token(Purpose.KNOWN_BROWSER, user)
    return ".".join([mine, *filter(None, others.split("."))][:_MOST])


def without(marks: str, user: User) -> str:
    """``marks`` of everybody but ``user``, and nothing that can't be one."""
    numbered = ((mark, row_id(mark)) for mark in marks.split(".") if len(mark) < 50)
    return ".".join(mark for mark, number in numbered if number not in (0, user.id))
