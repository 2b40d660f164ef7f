"""Passkeys: a device or a password manager logs its owner in without a password (WebAuthn).

It asks for a fingerprint, a face or a PIN first, so a passkey is two factors in one.
"""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import BytesIO
from ipaddress import ip_address
from typing import NoReturn
from urllib.parse import urlsplit

from invites import db
from invites.core import text_fields
from invites.core.errors import Reason, RuleError
from invites.models import Passkey, PasskeyChallenge, SecurityEvent, User
from invites.people import passwords, two_step

MAX_PASSKEYS = 20
_CHALLENGE_LIFETIME = timedelta(minutes=5)


def are_possible(base_url: str) -> bool:
    """Browsers don't allow passkeys on IP addresses, and require TLS except on localhost."""
    parts = urlsplit(base_url)
    domain = parts.hostname or ""
    try:
        ip_address(domain)
    except ValueError:
        return parts.scheme == "https" or domain == "localhost"
    return False


def of(user: User) -> list[Passkey]:
    """Oldest first."""
    return list(Passkey.select().where(Passkey.user == user).order_by(Passkey.id))


def registration_options(user: User, password: str, base_url: str, now: datetime) -> str:
    """JSON. Raises RuleError(TOO_MANY_PASSKEYS), and what ``two_step.check_may_set_up`` raises."""
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers import structs

    two_step.check_may_set_up(user, password)
    _check_count(user)
    selection = structs.AuthenticatorSelectionCriteria(
        resident_key=structs.ResidentKeyRequirement.REQUIRED,
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    options = generate_registration_options(
        rp_id=_domain(base_url),
        rp_name=_domain(base_url),
        user_id=f"user {user.id}".encode(),
        user_name=user.email,
        user_display_name=user.name,
        challenge=_new_challenge(user, now),
        authenticator_selection=selection,
        exclude_credentials=[
            structs.PublicKeyCredentialDescriptor(bytes(one.credential_id)) for one in of(user)
        ],
    )
    return options_to_json(options)


def register(
    user: User, name: str, password: str, answer: str, token: str, base_url: str, now: datetime
) -> None:
    """Stores a new passkey; ``answer`` is the browser's JSON.

    Raises RuleError(TEXT_*) for the name, TOO_MANY_PASSKEYS, PASSKEY_REFUSED, and what
    ``two_step.check_may_set_up`` and ``two_step.after_adding`` raise.
    """
    from webauthn import verify_registration_response

    two_step.check_may_set_up(user, password)
    name = text_fields.clean_name(name)
    challenge = _use_challenge(answer, user, now)
    with _malformed_refused():
        _refuse_references(answer)
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=_domain(base_url),
            expected_origin=base_url,
            require_user_verification=True,
        )
    with db.transaction():
        _check_count(user)
        if Passkey.select().where(Passkey.credential_id == made.credential_id).exists():
            raise RuleError(Reason.PASSKEY_REFUSED)
        Passkey.create(
            user=user,
            name=name,
            credential_id=made.credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            created_at=now,
        )
        two_step.after_adding(user, SecurityEvent.PASSKEY_ADDED, token, now)


def remove(user: User, passkey_id: int, password: str, now: datetime) -> None:
    """Raises RuleError(PASSWORD_WRONG), and NOT_FOUND unless it is the user's own."""
    passwords.check_correct(user.password_hash, password)
    with db.transaction():
        own = (Passkey.user == user) & (Passkey.id == passkey_id)
        if not db.delete(Passkey).where(own).execute():
            raise RuleError(Reason.NOT_FOUND)
        two_step.after_removing(user, SecurityEvent.PASSKEY_REMOVED, now)


def login_options(base_url: str, now: datetime) -> str:
    """JSON that names no user: the passkey says who logs in."""
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import UserVerificationRequirement

    options = generate_authentication_options(
        rp_id=_domain(base_url),
        challenge=_new_challenge(None, now),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def authenticate(answer: str, base_url: str, now: datetime) -> User:
    """The owner of the passkey that signed. Raises RuleError(PASSKEY_REFUSED)."""
    from webauthn import verify_authentication_response
    from webauthn.helpers import base64url_to_bytes

    challenge = _use_challenge(answer, None, now)
    with _malformed_refused():
        _refuse_references(answer)
        credential_id = base64url_to_bytes(json.loads(answer)["rawId"])
        passkey = Passkey.get(Passkey.credential_id == credential_id)
        signed = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=_domain(base_url),
            expected_origin=base_url,
            credential_public_key=bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    Passkey.update(sign_count=signed.new_sign_count, used_at=now).where(
        Passkey.id == passkey.id
    ).execute()
    return User.get_by_id(passkey.user_id)


def _check_count(user: User) -> None:
    if len(of(user)) >= MAX_PASSKEYS:
        raise RuleError(Reason.TOO_MANY_PASSKEYS, limit=MAX_PASSKEYS)


def _domain(base_url: str) -> str:
    return urlsplit(base_url).hostname or ""


def _new_challenge(user: User | None, now: datetime) -> bytes:
    value = secrets.token_bytes(32)
    is_expired = PasskeyChallenge.created_at < now - _CHALLENGE_LIFETIME
    with db.transaction():
        db.delete(PasskeyChallenge).where(is_expired).execute()
        PasskeyChallenge.create(value=value, user=user, created_at=now)
    return value


def _use_challenge(answer: str, user: User | None, now: datetime) -> bytes:
    """Returns the signed challenge, which works once. Raises RuleError(PASSKEY_REFUSED)."""
    from webauthn.helpers import base64url_to_bytes, parse_client_data_json

    with _malformed_refused():
        client_data = base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"])
        signed = parse_client_data_json(client_data).challenge
    used = db.delete(PasskeyChallenge).where(
        PasskeyChallenge.value == signed,
        PasskeyChallenge.created_at > now - _CHALLENGE_LIFETIME,
        PasskeyChallenge.user.is_null() if user is None else PasskeyChallenge.user == user,
    )
    if not used.execute():
        raise RuleError(Reason.PASSKEY_REFUSED)
    return signed


def _refuse_references(answer: str) -> None:
    """Raises CBORDecodeError if a value in the authenticator data refers to another one.

    The library encodes these values again, so 200 bytes could become gigabytes. CTAP 2 allows no
    tags.
    """
    from cbor2 import CBORDecoder, loads
    from webauthn.helpers import base64url_to_bytes

    response = json.loads(answer)["response"]
    if "attestationObject" in response:
        attestation = base64url_to_bytes(response["attestationObject"])
        data = loads(attestation, semantic_decoders=_NO_REFERENCES)["authData"]
    else:
        data = base64url_to_bytes(response["authenticatorData"])
    has_key = data[32] & 0x40  # WebAuthn, 6.1
    values = BytesIO(data[55 + int.from_bytes(data[53:55]) if has_key else 37 :])
    decoder = CBORDecoder(values, semantic_decoders=_NO_REFERENCES)
    while values.tell() < len(values.getvalue()):
        decoder.decode()


def _refuse_reference(*_: object) -> NoReturn:
    raise ValueError


# The CBOR tags of repeated strings and values.
_NO_REFERENCES = dict.fromkeys((25, 28, 29, 256), _refuse_reference)


@contextmanager
def _malformed_refused() -> Iterator[None]:
    """The library's parsers raise exceptions of many types for malformed input."""
    try:
        yield
    except Exception as error:
        raise RuleError(Reason.PASSKEY_REFUSED) from error
