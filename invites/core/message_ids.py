"""Message-IDs, by which delivery reports are matched to deliveries."""

import re

from invites.core.tokens import Purpose, Signable, Signer, row_id

_OURS = re.compile(r"<([0-9]+-[\w-]{24})@[^<>@\s]+>", re.ASCII)


def message_id(signer: Signer, mail: Signable, domain: str) -> str:
    """The same for every attempt, so mail programs recognize duplicates. Can't be guessed."""
    return f"<{signer.token(Purpose.MESSAGE_ID, mail)}@{domain}>"


def read_origin(text: str) -> str:
    """The token in the first Message-ID in ``text`` that looks like one of ours, or ""."""
    found = _OURS.search(text)
    return found[1] if found and row_id(found[1]) else ""
