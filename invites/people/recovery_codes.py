"""Recovery codes: ten codes, each for one login without the app or passkey."""

import hmac
from datetime import datetime, timedelta

from invites import db
from invites.core.tokens import Purpose, Signer
from invites.models import RecoveryCodes, User

COUNT = 10
_SHOWN_FOR = timedelta(minutes=10)


def make(user: User, now: datetime) -> None:
    """The old codes stop working."""
    delete(user)
    RecoveryCodes.create(user=user, created_at=now)


def delete(user: User) -> None:
    db.delete(RecoveryCodes).where(RecoveryCodes.user == user).execute()


def made_at(user: User) -> datetime | None:
    codes = _of(user)
    return codes.created_at if codes else None


def count_unused(user: User) -> int:
    codes = _of(user)
    return COUNT - codes.used.bit_count() if codes else 0


def just_made(user: User, signer: Signer, now: datetime) -> list[str]:
    """The unused codes, or none if they were made more than 10 minutes ago."""
    codes = _of(user)
    if codes is None or now - codes.created_at > _SHOWN_FOR:
        return []
    unused = [number for number in range(COUNT) if not codes.used & (1 << number)]
    return [signer.codes(Purpose.RECOVERY_CODE, codes, number)[0] for number in unused]


def use(user: User, typed: str, signer: Signer) -> bool:
    """A code works once (ASVS 5.0 6.5.1)."""
    codes = _of(user)
    number = _number_of(codes, typed, signer) if codes else None
    if codes is None or number is None:
        return False
    bit = 1 << number
    used = RecoveryCodes.update(used=RecoveryCodes.used.bin_or(bit)).where(
        RecoveryCodes.id == codes.id, RecoveryCodes.used.bin_and(bit) == 0
    )
    return bool(used.execute())


def _number_of(codes: RecoveryCodes, typed: str, signer: Signer) -> int | None:
    for number in range(COUNT):
        for code in signer.codes(Purpose.RECOVERY_CODE, codes, number):
            if hmac.compare_digest(_normalized(code), _normalized(typed)):
                return number
    return None


def _normalized(code: str) -> bytes:
    return "".join(letter for letter in code.upper() if letter.isalnum()).encode()


def _of(user: User) -> RecoveryCodes | None:
    return RecoveryCodes.get_or_none(RecoveryCodes.user == user)
