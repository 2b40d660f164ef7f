"""Ten codes on paper, each good for one log-in without one's phone."""

import hmac
from datetime import datetime, timedelta

from invites import db
from invites.core.tokens import Purpose, Signer
from invites.models import RecoveryCodes, User

COUNT = 10
_SHOWN_FOR = timedelta(minutes=10)


def make(user: User, now: datetime) -> None:
    """Ten new ones; the former ones end."""
    forget(user)
    RecoveryCodes.create(user=user, created_at=now)


def forget(user: User) -> None:
    """End them all."""
    db.delete(RecoveryCodes).where(RecoveryCodes.user == user).execute()


def exist(user: User) -> bool:
    """Whether ``user`` has any."""
    return _of(user) is not None


def made_at(user: User) -> datetime | None:
    """When those that ``user`` has were made; None without any."""
    found = _of(user)
    return found.created_at if found else None


def left(user: User) -> int:
    """How many weren't used yet."""
    found = _of(user)
    return COUNT - found.used.bit_count() if found else 0


def fresh(user: User, signer: Signer, now: datetime) -> list[str]:
    """The unused ones, like ``K3QF-7ZTA-M2XW``, for ten minutes after they were made."""
    found = _of(user)
    if found is None or now - found.created_at > _SHOWN_FOR:
        return []
    unused = [number for number in range(COUNT) if not found.used & (1 << number)]
    return [signer.codes(Purpose.RECOVERY_CODE, found, number)[0] for number in unused]


def use(user: User, typed: str, signer: Signer) -> bool:
    """Whether ``typed`` is one that wasn't used yet; then it is now (ASVS 5.0 6.5.1)."""
    found = _of(user)
    if found is None:
        return False
    number = _number_of(found, typed, signer)
    if number is None:
        return False
    bit = 1 << number
    used = RecoveryCodes.update(used=RecoveryCodes.used.bin_or(bit)).where(
        RecoveryCodes.id == found.id, RecoveryCodes.used.bin_and(bit) == 0
    )
    return bool(used.execute())


def _number_of(codes: RecoveryCodes, typed: str, signer: Signer) -> int | None:
    letters = _letters(typed)
    for number in range(COUNT):
        for code in signer.codes(Purpose.RECOVERY_CODE, codes, number):
            if hmac.compare_digest(_letters(code), letters):
                return number
    return None


def _letters(code: str) -> bytes:
    """However it was typed: small, without hyphens, with spaces."""
    return "".join(letter for letter in code.upper() if letter.isalnum()).encode()


def _of(user: User) -> RecoveryCodes | None:
    return RecoveryCodes.get_or_none(RecoveryCodes.user == user)
