"""Passkeys: registering, logging in, removing."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invites.core.errors import Reason
from invites.models import Passkey, PasskeyChallenge, SecurityEvent, User
from invites.people import passkeys, recovery_codes, sessions, two_step
from tests.people.test_security_notices import sent_notices
from tests.support.actions import refused
from tests.support.passkey_device import Device, decode, encode
from tests.support.people import PASSWORD, make_user

SITE = "https://invites.example"


@pytest.fixture
def ada(database: None, now: datetime) -> User:
    """A user without two-step verification."""
    return make_user("Ada Okafor", "ada@example.org", now)


@pytest.fixture
def phone(ada: User, now: datetime) -> Device:
    """Ada's phone, which can log her in."""
    phone = Device(SITE)
    add(phone, ada, now)
    return phone


def add(device: Device, user: User, now: datetime, token: str = "") -> None:
    answer = device.make(passkeys.registration_options(user, PASSWORD, SITE, now))
    passkeys.register(user, "Phone", PASSWORD, answer, token, SITE, now)


def log_in(device: Device, now: datetime) -> User:
    return passkeys.authenticate(device.sign(passkeys.login_options(SITE, now)), SITE, now)


def bent(answer: str, **changes: str) -> str:
    """The answer with changed client data."""
    whole = json.loads(answer)
    client_data = json.loads(decode(whole["response"]["clientDataJSON"])) | changes
    whole["response"]["clientDataJSON"] = encode(json.dumps(client_data).encode())
    return json.dumps(whole)


def test_a_passkey_logs_its_owner_in(ada: User, phone: Device, now: datetime) -> None:
    assert log_in(phone, now) == ada
    assert log_in(phone, now) == ada
    assert Passkey.get().used_at == now


def test_the_first_passkey_comes_with_recovery_codes(
    ada: User, phone: Device, now: datetime
) -> None:
    assert two_step.is_on(ada)
    assert recovery_codes.count_unused(ada) == 10
    assert sent_notices() == [("ada@example.org", SecurityEvent.PASSKEY_ADDED)]


def test_another_passkey_keeps_the_recovery_codes(ada: User, phone: Device, now: datetime) -> None:
    before = recovery_codes.made_at(ada)
    add(Device(SITE), ada, now + timedelta(days=1))
    assert recovery_codes.made_at(ada) == before


def test_adding_a_passkey_logs_out_all_other_devices(ada: User, now: datetime) -> None:
    current, elsewhere = (sessions.start(ada, device, now) for device in ("current", "elsewhere"))
    add(Device(SITE), ada, now, current)
    assert sessions.find(current, now)
    assert not sessions.find(elsewhere, now)


def doubling(times: int) -> bytes:
    """An array in CBOR; each of its values is an array of two references to the value before."""
    values = [bytes([0xD8, 28, 0x82, *[0xD8, 29, 0x18, n] * 2]) for n in range(times)]
    return bytes([0x98, times + 1, 0xD8, 28, 0x81, 0]) + b"".join(values)


def test_extensions_are_ignored(ada: User, now: datetime) -> None:
    phone = Device(SITE)
    phone.extensions = b"\xa1\x61a\x01"
    add(phone, ada, now)
    assert log_in(phone, now) == ada


@pytest.mark.parametrize("when", ["added", "used"])
def test_data_that_would_grow_beyond_all_limits_is_refused(
    ada: User, now: datetime, when: str
) -> None:
    phone = Device(SITE)
    if when == "used":
        add(phone, ada, now)
    phone.extensions = doubling(18)
    with refused(Reason.PASSKEY_REFUSED):
        add(phone, ada, now) if when == "added" else log_in(phone, now)


def test_an_unknown_device_is_refused(ada: User, phone: Device, now: datetime) -> None:
    with refused(Reason.PASSKEY_REFUSED):
        log_in(Device(SITE), now)


def test_another_key_with_the_same_id_is_refused(phone: Device, now: datetime) -> None:
    forger = Device(SITE)
    forger.id, forger.count = phone.id, 7
    with refused(Reason.PASSKEY_REFUSED):
        log_in(forger, now)


@pytest.mark.parametrize(
    "origin",
    ["https://invites.example.evil.org", "http://invites.example", "https://invites.example:8443"],
)
def test_a_signature_for_another_site_is_refused(
    ada: User, phone: Device, now: datetime, origin: str
) -> None:
    phone.origin = origin
    with refused(Reason.PASSKEY_REFUSED):
        log_in(phone, now)


def test_a_signature_without_user_verification_is_refused(phone: Device, now: datetime) -> None:
    phone.flags = 0x01
    with refused(Reason.PASSKEY_REFUSED):
        log_in(phone, now)


def test_a_signature_works_once(phone: Device, now: datetime) -> None:
    signed = phone.sign(passkeys.login_options(SITE, now))
    passkeys.authenticate(signed, SITE, now)
    with refused(Reason.PASSKEY_REFUSED):
        passkeys.authenticate(signed, SITE, now)


def test_a_challenge_works_for_five_minutes(phone: Device, now: datetime) -> None:
    signed = phone.sign(passkeys.login_options(SITE, now))
    with refused(Reason.PASSKEY_REFUSED):
        passkeys.authenticate(signed, SITE, now + timedelta(minutes=5))


def test_a_challenge_that_was_not_issued_is_refused(phone: Device, now: datetime) -> None:
    with refused(Reason.PASSKEY_REFUSED):
        passkeys.authenticate(phone.sign(json.dumps({"challenge": encode(b"x" * 32)})), SITE, now)


def test_a_registration_challenge_does_not_log_in(ada: User, phone: Device, now: datetime) -> None:
    with refused(Reason.PASSKEY_REFUSED):
        asked = passkeys.registration_options(ada, PASSWORD, SITE, now)
        passkeys.authenticate(phone.sign(asked), SITE, now)


def test_a_challenge_for_one_user_is_refused_from_another(ada: User, now: datetime) -> None:
    ben = make_user("Ben Ito", "ben@example.org", now)
    answer = Device(SITE).make(passkeys.registration_options(ada, PASSWORD, SITE, now))
    with refused(Reason.PASSKEY_REFUSED):
        passkeys.register(ben, "Mine", PASSWORD, answer, "", SITE, now)
    assert not two_step.is_on(ben)


def test_a_copied_passkey_is_refused_because_of_its_counter(phone: Device, now: datetime) -> None:
    log_in(phone, now)
    log_in(phone, now)
    phone.count = 0
    with refused(Reason.PASSKEY_REFUSED):
        log_in(phone, now)


def test_a_passkey_belongs_to_one_user(ada: User, phone: Device, now: datetime) -> None:
    ben = make_user("Ben Ito", "ben@example.org", now)
    with refused(Reason.PASSKEY_REFUSED):
        add(phone, ben, now)
    assert not two_step.is_on(ben)


def test_adding_and_removing_a_passkey_takes_the_password(
    ada: User, phone: Device, now: datetime
) -> None:
    with refused(Reason.PASSWORD_WRONG):
        passkeys.registration_options(ada, "a guess", SITE, now)
    answer = Device(SITE).make(passkeys.registration_options(ada, PASSWORD, SITE, now))
    with refused(Reason.PASSWORD_WRONG):
        passkeys.register(ada, "Mine", "a guess", answer, "", SITE, now)
    with refused(Reason.PASSWORD_WRONG):
        passkeys.remove(ada, Passkey.get().id, "a guess", now)
    assert Passkey.select().count() == 1


def test_an_unconfirmed_user_cannot_set_it_up_and_lock_the_owner_out(
    ada: User, now: datetime
) -> None:
    User.update(email_confirmed_at=None).execute()
    with refused(Reason.ADDRESS_UNCONFIRMED):
        add(Device(SITE), User.get(), now)


def test_removing_the_last_passkey_ends_the_recovery_codes(
    ada: User, phone: Device, now: datetime
) -> None:
    passkeys.remove(ada, Passkey.get().id, PASSWORD, now)
    with refused(Reason.PASSKEY_REFUSED):
        log_in(phone, now)
    assert recovery_codes.count_unused(ada) == 0


def test_nobody_removes_another_users_passkey(ada: User, phone: Device, now: datetime) -> None:
    ben = make_user("Ben Ito", "ben@example.org", now)
    for number in (Passkey.get().id, 999):
        with refused(Reason.NOT_FOUND):
            passkeys.remove(ben, number, PASSWORD, now)
    assert two_step.is_on(ada)


def test_a_passkey_is_refused_if_the_password_has_changed_meanwhile(
    ada: User, now: datetime
) -> None:
    phone = Device(SITE)
    answer = phone.make(passkeys.registration_options(ada, PASSWORD, SITE, now))
    User.update(password_hash="changed").execute()  # while the old one is being checked
    with refused(Reason.PASSWORD_WRONG):
        passkeys.register(ada, "Phone", PASSWORD, answer, "", SITE, now)
    assert Passkey.select().count() == 0


def test_a_user_has_at_most_twenty_passkeys(ada: User, now: datetime) -> None:
    for _ in range(passkeys.MAX_PASSKEYS - 1):
        add(Device(SITE), ada, now)
    one_more = Device(SITE).make(passkeys.registration_options(ada, PASSWORD, SITE, now))
    add(Device(SITE), ada, now)
    with refused(Reason.TOO_MANY_PASSKEYS):
        passkeys.registration_options(ada, PASSWORD, SITE, now)
    with refused(Reason.TOO_MANY_PASSKEYS):
        passkeys.register(ada, "Phone", PASSWORD, one_more, "", SITE, now)


def test_expired_challenges_are_deleted(database: None, now: datetime) -> None:
    for _ in range(3):
        passkeys.login_options(SITE, now)
    passkeys.login_options(SITE, now + timedelta(minutes=6))
    assert PasskeyChallenge.select().count() == 1


@pytest.mark.parametrize(
    ("base_url", "works"),
    [
        ("https://invites.example.org", True),
        ("http://localhost:8000", True),
        ("http://invites.example.org", False),
        ("http://127.0.0.1:8000", False),
        ("https://192.0.2.7", False),
        ("https://[2001:db8::1]", False),
    ],
)
def test_passkeys_need_a_host_name_and_tls(base_url: str, works: bool) -> None:
    assert passkeys.are_possible(base_url) is works


_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=9), inside),
    max_leaves=9,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(what=_ANY_JSON, part=st.sampled_from(["rawId", "response", "type"]))
@pytest.mark.slow
def test_any_malformed_answer_is_refused(
    phone: Device, now: datetime, what: object, part: str
) -> None:
    whole = json.loads(phone.sign(passkeys.login_options(SITE, now)))
    for answer in (what, whole | {part: what}):
        with refused(Reason.PASSKEY_REFUSED):
            passkeys.authenticate(json.dumps(answer), SITE, now)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200), part=st.sampled_from(["authenticatorData", "signature"]))
@pytest.mark.slow
def test_a_malformed_answer_with_a_valid_challenge_is_refused(
    phone: Device, now: datetime, data: bytes, part: str
) -> None:
    whole = json.loads(phone.sign(passkeys.login_options(SITE, now)))
    whole["response"][part] = encode(data)
    with refused(Reason.PASSKEY_REFUSED):
        passkeys.authenticate(json.dumps(whole), SITE, now)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
@pytest.mark.slow
def test_a_malformed_registration_is_refused(ada: User, now: datetime, data: bytes) -> None:
    whole = json.loads(Device(SITE).make(passkeys.registration_options(ada, PASSWORD, SITE, now)))
    whole["response"]["attestationObject"] = encode(data)
    with refused(Reason.PASSKEY_REFUSED):
        passkeys.register(ada, "Mine", PASSWORD, json.dumps(whole), "", SITE, now)


@pytest.mark.parametrize("answer", ["", "{", "[]", "null", "\x00", "[" * 100_000, "é" * 9])
def test_text_that_is_not_json_is_refused(database: None, now: datetime, answer: str) -> None:
    with refused(Reason.PASSKEY_REFUSED):
        passkeys.authenticate(answer, SITE, now)


def test_another_kind_of_answer_is_refused(phone: Device, now: datetime) -> None:
    signed = phone.sign(passkeys.login_options(SITE, now))
    with refused(Reason.PASSKEY_REFUSED):
        passkeys.authenticate(bent(signed, type="webauthn.create"), SITE, now)
