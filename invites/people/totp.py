"""Authenticator apps, which show a new code of six digits every 30 seconds (TOTP, RFC 6238)."""

import hmac
from datetime import datetime, timedelta

from invites import db
from invites.core.tokens import Purpose, Signer
from invites.models import Authenticator, User

_STEP = 30  # seconds
_DRIFT = (0, -1, 1)  # steps by which a phone's clock may be off (RFC 6238, 5.2)
_SETUP_TIME = timedelta(minutes=15)


def create(user: User, now: datetime) -> Authenticator:
    """Takes effect once ``confirmed_at`` is set."""
    db.delete(Authenticator).where(Authenticator.user == user).execute()
    return Authenticator.create(user=user, created_at=now)


def of(user: User) -> Authenticator | None:
    """Confirmed or not."""
    return Authenticator.get_or_none(Authenticator.user == user)


def unconfirmed(user: User, now: datetime) -> Authenticator | None:
    """The app being set up; None if it was created more than 15 minutes ago."""
    is_recent = Authenticator.created_at > now - _SETUP_TIME
    return Authenticator.get_or_none(
        Authenticator.user == user, Authenticator.confirmed_at.is_null(), is_recent
    )


def key_to_type(authenticator: Authenticator, signer: Signer) -> str:
    """32 letters and digits, for apps that can't read a QR code."""
    return signer.shared_keys(Purpose.AUTHENTICATOR, authenticator)[0]


def provisioning_uri(authenticator: Authenticator, signer: Signer, issuer: str) -> str:
    """The ``otpauth:`` URI of the QR code; the app shows ``issuer`` beside the digits."""
    import pyotp

    code = pyotp.TOTP(key_to_type(authenticator, signer))
    return code.provisioning_uri(name=authenticator.user.email, issuer_name=issuer)


def use(authenticator: Authenticator, digits: str, signer: Signer, now: datetime) -> bool:
    """Whether ``digits`` are right. If so, they and earlier ones stop working (ASVS 5.0 6.5.1)."""
    step = _step_of(authenticator, digits, signer, now)
    used = Authenticator.update(last_step=step).where(
        Authenticator.id == authenticator.id, Authenticator.last_step < step
    )
    return bool(used.execute())


def _step_of(authenticator: Authenticator, digits: str, signer: Signer, now: datetime) -> int:
    """The number of the 30-second step; 0 if ``digits`` are wrong."""
    import pyotp

    current = int(now.timestamp()) // _STEP
    for key in signer.shared_keys(Purpose.AUTHENTICATOR, authenticator):
        for step in (current + drift for drift in _DRIFT):
            expected = pyotp.TOTP(key).generate_otp(step)
            if hmac.compare_digest(expected.encode(), digits.encode()):
                return step
    return 0
