"""Authenticator apps: six digits on a phone, new ones every 30 seconds (TOTP, RFC 6238)."""

import hmac
from datetime import datetime, timedelta

from invites import db
from invites.core.tokens import Purpose, Signer
from invites.models import Authenticator, User

_STEP = 30  # seconds
_OFFERED_FOR = timedelta(minutes=15)
_DRIFT = (0, -1, 1)  # steps by which a phone's clock may be wrong (RFC 6238, 5.2)


def offer(user: User, now: datetime) -> Authenticator:
    """A new key for an app of ``user``, in force once its digits were typed."""
    db.delete(Authenticator).where(Authenticator.user == user).execute()
    return Authenticator.create(user=user, created_at=now)


def of(user: User) -> Authenticator | None:
    """The app that ``user`` has, or is about to have."""
    return Authenticator.get_or_none(Authenticator.user == user)


def offered(user: User, now: datetime) -> Authenticator | None:
    """The one that waits for its digits, for a quarter of an hour."""
    lately = Authenticator.created_at > now - _OFFERED_FOR
    waiting = Authenticator.confirmed_at.is_null() & lately
    return Authenticator.get_or_none(Authenticator.user == user, waiting)


def typed_key(authenticator: Authenticator, signer: Signer) -> str:
    """The key, for apps that can't take a picture: 32 letters and digits."""
    return signer.shared_keys(Purpose.AUTHENTICATOR, authenticator)[0]


def address(authenticator: Authenticator, signer: Signer, box: str) -> str:
    """The otpauth: address that the app reads from a QR code; ``box`` names this box in it."""
    import pyotp

    code = pyotp.TOTP(typed_key(authenticator, signer))
    return code.provisioning_uri(name=authenticator.user.email, issuer_name=box)


def use(authenticator: Authenticator, digits: str, signer: Signer, now: datetime) -> bool:
    """Whether these are its digits now; they, and all before them, never are again.

    ASVS 5.0 6.5.1.
    """
    step = _step_of(authenticator, digits, signer, now)
    used = Authenticator.update(last_step=step).where(
        Authenticator.id == authenticator.id, Authenticator.last_step < step
    )
    return bool(used.execute())


def _step_of(authenticator: Authenticator, digits: str, signer: Signer, now: datetime) -> int:
    """The 30 seconds to which ``digits`` belong; 0, which is long used, for any others."""
    import pyotp

    present = int(now.timestamp()) // _STEP
    for key in signer.shared_keys(Purpose.AUTHENTICATOR, authenticator):
        for step in (present + drift for drift in _DRIFT):
            right = pyotp.TOTP(key).generate_otp(step)
            if hmac.compare_digest(right.encode(), digits.encode()):
                return step
    return 0
