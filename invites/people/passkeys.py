"""Passkeys: a person's device or password manager signs them in, with no password (WebAuthn).

The device asks for a finger, a face or a PIN first, so one is two factors in one.
"""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from invites import db
from invites.core import text_fields
from invites.core.errors import Reason, RuleError
from invites.models import Passkey, PasskeyChallenge, SecurityEvent, User
from invites.people import passwords, two_step

MAX_PASSKEYS = 20
_PATIENCE = timedelta(minutes=5)  # for whoever looks for their key


def can_be_used(base_url: str) -> bool:
    """Whether browsers allow them at this address: by a name, and with TLS unless it is local."""
    parts = urlsplit(base_url)
    domain = parts.hostname or ""
    try:
        ip_address(domain)
    except ValueError:
        return parts.scheme == "https" or domain == "localhost"
    return False


def of(user: User) -> list[Passkey]:
    """Those of ``user``, the oldest first."""
    return list(Passkey.select().where(Passkey.user == user).order_by(Passkey.id))


def ask_for_new(user: User, password: str, base_url: str, now: datetime) -> str:
    """What a browser needs to make one for ``user``, as JSON.

    Raises RuleError(PASSWORD_WRONG), ADDRESS_UNPROVEN and TOO_MANY_PASSKEYS.
    """
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers import structs

    _check_may_add(user, password)
    required = structs.AuthenticatorSelectionCriteria(
        resident_key=structs.ResidentKeyRequirement.REQUIRED,
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    options = generate_registration_options(
        rp_id=_domain(base_url),
        rp_name=_domain(base_url),
        user_id=f"user {user.id}".encode(),
        user_name=user.email,
        user_display_name=user.name,
        challenge=_challenge(user, now),
        authenticator_selection=required,
        exclude_credentials=[
            structs.PublicKeyCredentialDescriptor(bytes(one.credential_id)) for one in of(user)
        ],
    )
    return options_to_json(options)


def add(
    user: User, name: str, password: str, answer: str, token: str, base_url: str, now: datetime
) -> None:
    """Take the passkey that the browser made, as JSON, for the log-in of ``user``.

    All devices but the one of session ``token`` are logged out. Raises
    RuleError(PASSWORD_WRONG), ADDRESS_UNPROVEN, TEXT_* for the name,
    TOO_MANY_PASSKEYS, PASSKEY_REFUSED.
    """
    from webauthn import verify_registration_response

    two_step.check_may_add(user, password)
    name = text_fields.clean_name(name)
    challenge = _taken_challenge(answer, user, now)
    with _junk_refused():
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=_domain(base_url),
            expected_origin=base_url,
            require_user_verification=True,
        )
    with db.transaction():
        _check_room(user)
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
        two_step.added(user, SecurityEvent.PASSKEY_ADDED, token, now)


def remove(user: User, passkey_id: int, password: str, now: datetime) -> None:
    """Take one off. Raises RuleError(PASSWORD_WRONG), and NOT_FOUND for any but one's own."""
    passwords.check_right(user.password_hash, password)
    with db.transaction():
        found = Passkey.get_or_none(Passkey.user == user, Passkey.id == passkey_id)
        if found is None:
            raise RuleError(Reason.NOT_FOUND)
        found.delete_instance()
        two_step.removed(user, SecurityEvent.PASSKEY_REMOVED, now)


def ask_at_login(base_url: str, now: datetime) -> str:
    """What a browser needs to sign somebody in, as JSON. It asks who that is."""
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import UserVerificationRequirement

    options = generate_authentication_options(
        rp_id=_domain(base_url),
        challenge=_challenge(None, now),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def authenticate(answer: str, base_url: str, now: datetime) -> User:
    """The person whose passkey signed. Raises RuleError(PASSKEY_REFUSED)."""
    from webauthn import verify_authentication_response

    challenge = _taken_challenge(answer, None, now)
    with _junk_refused():
        found = Passkey.get(Passkey.credential_id == _credential_id(answer))
        signed = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=_domain(base_url),
            expected_origin=base_url,
            credential_public_key=bytes(found.public_key),
            credential_current_sign_count=found.sign_count,
            require_user_verification=True,
        )
    Passkey.update(sign_count=signed.new_sign_count, used_at=now).where(
        Passkey.id == found.id
    ).execute()
    return User.get_by_id(found.user_id)


def _check_may_add(user: User, password: str) -> None:
    two_step.check_may_add(user, password)
    _check_room(user)


def _check_room(user: User) -> None:
    if len(of(user)) >= MAX_PASSKEYS:
        raise RuleError(Reason.TOO_MANY_PASSKEYS, limit=MAX_PASSKEYS)


def _domain(base_url: str) -> str:
    return urlsplit(base_url).hostname or ""


def _challenge(user: User | None, now: datetime) -> bytes:
    value = secrets.token_bytes(32)
    with db.transaction():
        db.delete(PasskeyChallenge).where(PasskeyChallenge.created_at < now - _PATIENCE).execute()
        PasskeyChallenge.create(value=value, user=user, created_at=now)
    return value


def _taken_challenge(answer: str, user: User | None, now: datetime) -> bytes:
    """The challenge that the answer signs, which was ours and isn't any more."""
    from webauthn.helpers import base64url_to_bytes, parse_client_data_json

    with _junk_refused():
        said = base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"])
        signed = parse_client_data_json(said).challenge
    whose = PasskeyChallenge.user.is_null() if user is None else (PasskeyChallenge.user == user)
    ours = (PasskeyChallenge.value == signed) & (PasskeyChallenge.created_at > now - _PATIENCE)
    if not db.delete(PasskeyChallenge).where(ours, whose).execute():
        raise RuleError(Reason.PASSKEY_REFUSED)
    return signed


def _credential_id(answer: str) -> bytes:
    from webauthn.helpers import base64url_to_bytes

    return base64url_to_bytes(json.loads(answer)["rawId"])


@contextmanager
def _junk_refused() -> Iterator[None]:
    """For what a stranger sent: on junk, the library's parsers raise all kinds of errors."""
    try:
        yield
    except Exception as error:
        raise RuleError(Reason.PASSKEY_REFUSED) from error
