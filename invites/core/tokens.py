"""Links that people hold: derived from a row and the secret key, never stored."""

import hashlib
import hmac
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from invites.core.numbers import whole_number

_MAC_BYTES = 18  # 144 bits: beyond guessing, and without base64 padding


class Purpose(StrEnum):
    """What a token is good for; a token of one purpose never passes for another's.

    A mailed invitation proves that its holder reads that mailbox; a copied one,
    which an admin saw too, proves nothing.
    """

    MAILED_INVITATION = "mailed invitation"
    COPIED_INVITATION = "copied invitation"
    UNSUBSCRIBE = "opt out"
    PERMANENT_LINK = "permanent link"
    CONFIRM_EMAIL = "confirm e-mail"
    RESET_PASSWORD = "reset password"
    MESSAGE_ID = "message id"
    AUTHENTICATOR = "authenticator"
    RECOVERY_CODE = "recovery code"
    TRUSTED_DEVICE = "trusted device"


class Signable(Protocol):
    """A row that tokens can be derived from."""

    @property
    def id(self) -> int:
        """Its primary key."""

    @property
    def created_at(self) -> datetime:
        """When it was made, UTC."""


class Signer:
    """Makes and checks tokens. The first key signs, every key verifies."""

    def __init__(self, keys: Sequence[str]) -> None:
        # Keyed once and copied for each token: that takes half as long as keying anew.
        self._keyed = [hmac.new(key.encode(), digestmod=hashlib.sha256) for key in keys]

    def token(self, purpose: Purpose, row: Signable) -> str:
        """The token for ``row``: its id and a MAC, safe in a URL path.

        The moment of creation goes into the MAC, because ids alone come back
        when a backup is restored, and an old mail must not open a new row.
        """
        return f"{row.id}-{self._mac(self._keyed[0], purpose, row)}"

    def matches(self, token: str, purpose: Purpose, row: Signable) -> bool:
        """Whether ``token`` is the one for ``row`` and ``purpose``, in constant time."""
        mac = token.partition("-")[2].encode()
        return any(
            hmac.compare_digest(mac, self._mac(keyed, purpose, row).encode())
            for keyed in self._keyed
        )

    def setup_code(self) -> str:
        """The code that guards the setup page, like ``K3QF-7ZTA-M2XW``: 60 bits."""
        return _typeable(_authenticated(self._keyed[0], "setup code"))

    def codes(self, purpose: Purpose, row: Signable, number: int) -> list[str]:
        """The code of that number for ``row``, like the one above; by the first key first."""
        part = f"|{number}"
        return [_typeable(self._digest(keyed, purpose, row, part)) for keyed in self._keyed]

    def shared_keys(self, purpose: Purpose, row: Signable) -> list[str]:
        """160 bits in base32 that an app gets to keep; by the first key first."""
        digests = [self._digest(keyed, purpose, row) for keyed in self._keyed]
        return [b32encode(digest[:20]).decode() for digest in digests]

    def _mac(self, keyed: hmac.HMAC, purpose: Purpose, row: Signable) -> str:
        digest = self._digest(keyed, purpose, row)
        return urlsafe_b64encode(digest[:_MAC_BYTES]).decode()

    @staticmethod
    def _digest(keyed: hmac.HMAC, purpose: Purpose, row: Signable, part: str = "") -> bytes:
        return _authenticated(keyed, f"{purpose}|{row.id}|{_spelt(row.created_at)}{part}")


def _authenticated(keyed: hmac.HMAC, message: str) -> bytes:
    mac = keyed.copy()
    mac.update(message.encode())
    return mac.digest()


@lru_cache(64)  # the 50,000 rows of a batch share one moment
def _spelt(moment: datetime) -> str:
    return moment.isoformat()


def _typeable(digest: bytes) -> str:
    code = b32encode(digest).decode()[:12]
    return "-".join((code[:4], code[4:8], code[8:]))


def row_id(token: str) -> int:
    """The row that ``token`` claims to be for; 0, which no row has, when it is malformed."""
    return whole_number(token.partition("-")[0]) or 0
