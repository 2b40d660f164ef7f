"""Logging in by a passkey."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invites.core.errors import Reason
from invites.models import Passkey, PasskeyChallenge, SecurityEvent, User
from invites.people import passkeys, recovery_codes, sessions, two_step
from tests.people.test_security_notices import told
from tests.support.actions import refused
from tests.support.passkey_device import Device, decode, encode
from tests.support.people import PASSWORD, make_user

BOX = "https://box.example"


@pytest.fixture
def ada(database: None, now: datetime) -> User:
    """Somebody who logs in by password."""
    return make_user("Ada Okafor", "ada@example.org", now)


@pytest.fixture
def phone(ada: User, now: datetime) -> Device:
    """Ada's phone, which can log her in."""
    phone = Device(BOX)
    add(phone, ada, now)
    return phone


def add(device: Device, user: User, now: datetime, token: str = "") -> None:
    answer = device.make(passkeys.registration_options(user, PASSWORD, BOX, now))
    passkeys.register(user, "Phone", PASSWORD, answer, token, BOX, now)


def log_in(device: Device, now: datetime) -> User:
    return passkeys.authenticate(device.sign(passkeys.login_options(BOX, now)), BOX, now)


def bent(answer: str, **changes: str) -> str:
    """An answer with something else in what the browser said."""
    whole = json.loads(answer)
    said = json.loads(decode(whole["response"]["clientDataJSON"])) | changes
    whole["response"]["clientDataJSON"] = encode(json.dumps(said).encode())
    return json.dumps(whole)


def test_whoever_holds_it_is_its_owner(ada: User, phone: Device, now: datetime) -> None:
    assert log_in(phone, now) == ada
    assert log_in(phone, now) == ada
    assert Passkey.get().used_at == now


def test_it_is_a_two_step_with_codes_on_paper(ada: User, phone: Device, now: datetime) -> None:
    assert two_step.is_on(ada)
    assert recovery_codes.count_unused(ada) == 10
    assert told() == [("ada@example.org", SecurityEvent.PASSKEY_ADDED)]


def test_another_one_leaves_the_codes_on_paper_as_they_are(
    ada: User, phone: Device, now: datetime
) -> None:
    before = recovery_codes.made_at(ada)
    add(Device(BOX), ada, now + timedelta(days=1))
    assert recovery_codes.made_at(ada) == before


def test_adding_one_logs_all_other_devices_out(ada: User, now: datetime) -> None:
    current, elsewhere = (sessions.start(ada, device, now) for device in ("current", "elsewhere"))
    add(Device(BOX), ada, now, current)
    assert sessions.find(current, now)
    assert not sessions.find(elsewhere, now)


def test_another_device_is_nobody(ada: User, phone: Device, now: datetime) -> None:
    with refused(Reason.PASSKEY_REFUSED):
        log_in(Device(BOX), now)


def test_another_key_that_says_it_is_this_one_is_nobody(phone: Device, now: datetime) -> None:
    forger = Device(BOX)
    forger.id, forger.count = phone.id, 7
    with refused(Reason.PASSKEY_REFUSED):
        log_in(forger, now)


@pytest.mark.parametrize(
    "origin", ["https://box.example.evil.org", "http://box.example", "https://box.example:8443"]
)
def test_what_was_signed_for_another_site_is_worth_nothing(
    ada: User, phone: Device, now: datetime, origin: str
) -> None:
    phone.origin = origin
    with refused(Reason.PASSKEY_REFUSED):
        log_in(phone, now)


def test_a_device_that_did_not_ask_for_finger_or_pin_is_not_enough(
    phone: Device, now: datetime
) -> None:
    phone.flags = 0x01
    with refused(Reason.PASSKEY_REFUSED):
        log_in(phone, now)


def test_what_was_signed_counts_once(phone: Device, now: datetime) -> None:
    signed = phone.sign(passkeys.login_options(BOX, now))
    passkeys.authenticate(signed, BOX, now)
    with refused(Reason.PASSKEY_REFUSED):
        passkeys.authenticate(signed, BOX, now)


def test_what_was_signed_counts_for_five_minutes(phone: Device, now: datetime) -> None:
    signed = phone.sign(passkeys.login_options(BOX, now))
    with refused(Reason.PASSKEY_REFUSED):
        passkeys.authenticate(signed, BOX, now + timedelta(minutes=5))


def test_nobody_brings_a_question_of_their_own(phone: Device, now: datetime) -> None:
    with refused(Reason.PASSKEY_REFUSED):
        passkeys.authenticate(phone.sign(json.dumps({"challenge": encode(b"x" * 32)})), BOX, now)


def test_the_question_for_a_new_one_is_no_log_in(ada: User, phone: Device, now: datetime) -> None:
    with refused(Reason.PASSKEY_REFUSED):
        asked = passkeys.registration_options(ada, PASSWORD, BOX, now)
        passkeys.authenticate(phone.sign(asked), BOX, now)


def test_the_question_for_one_person_is_not_answered_by_another(ada: User, now: datetime) -> None:
    ben = make_user("Ben Ito", "ben@example.org", now)
    answer = Device(BOX).make(passkeys.registration_options(ada, PASSWORD, BOX, now))
    with refused(Reason.PASSKEY_REFUSED):
        passkeys.register(ben, "Mine", PASSWORD, answer, "", BOX, now)
    assert not two_step.is_on(ben)


def test_a_copied_device_is_noticed_by_its_counter(phone: Device, now: datetime) -> None:
    log_in(phone, now)
    log_in(phone, now)
    phone.count = 0
    with refused(Reason.PASSKEY_REFUSED):
        log_in(phone, now)


def test_one_passkey_is_nobody_elses_too(ada: User, phone: Device, now: datetime) -> None:
    ben = make_user("Ben Ito", "ben@example.org", now)
    with refused(Reason.PASSKEY_REFUSED):
        add(phone, ben, now)
    assert not two_step.is_on(ben)


def test_only_whoever_knows_the_password_adds_and_removes(
    ada: User, phone: Device, now: datetime
) -> None:
    with refused(Reason.PASSWORD_WRONG):
        passkeys.registration_options(ada, "a guess", BOX, now)
    answer = Device(BOX).make(passkeys.registration_options(ada, PASSWORD, BOX, now))
    with refused(Reason.PASSWORD_WRONG):
        passkeys.register(ada, "Mine", "a guess", answer, "", BOX, now)
    with refused(Reason.PASSWORD_WRONG):
        passkeys.remove(ada, Passkey.get().id, "a guess", now)
    assert Passkey.select().count() == 1


def test_whoever_never_proved_an_address_cannot_lock_its_owner_out(
    ada: User, now: datetime
) -> None:
    User.update(email_confirmed_at=None).execute()
    with refused(Reason.ADDRESS_UNCONFIRMED):
        add(Device(BOX), User.get(), now)


def test_a_removed_one_logs_nobody_in_and_the_codes_end(
    ada: User, phone: Device, now: datetime
) -> None:
    passkeys.remove(ada, Passkey.get().id, PASSWORD, now)
    with refused(Reason.PASSKEY_REFUSED):
        log_in(phone, now)
    assert recovery_codes.count_unused(ada) == 0


def test_nobody_removes_that_of_another(ada: User, phone: Device, now: datetime) -> None:
    ben = make_user("Ben Ito", "ben@example.org", now)
    for number in (Passkey.get().id, 999):
        with refused(Reason.NOT_FOUND):
            passkeys.remove(ben, number, PASSWORD, now)
    assert two_step.is_on(ada)


def test_whoever_adds_one_by_a_password_that_changed_meanwhile_comes_too_late(
    ada: User, now: datetime
) -> None:
    phone = Device(BOX)
    answer = phone.make(passkeys.registration_options(ada, PASSWORD, BOX, now))
    User.update(password_hash="changed").execute()  # while the old one is being checked
    with refused(Reason.PASSWORD_WRONG):
        passkeys.register(ada, "Phone", PASSWORD, answer, "", BOX, now)
    assert Passkey.select().count() == 0


def test_twenty_are_enough_for_anybody_also_from_two_pages(ada: User, now: datetime) -> None:
    for _ in range(passkeys.MAX_PASSKEYS - 1):
        add(Device(BOX), ada, now)
    one_more = Device(BOX).make(passkeys.registration_options(ada, PASSWORD, BOX, now))
    add(Device(BOX), ada, now)
    with refused(Reason.TOO_MANY_PASSKEYS):
        passkeys.registration_options(ada, PASSWORD, BOX, now)
    with refused(Reason.TOO_MANY_PASSKEYS):
        passkeys.register(ada, "Phone", PASSWORD, one_more, "", BOX, now)


def test_questions_that_nobody_answered_go(database: None, now: datetime) -> None:
    for _ in range(3):
        passkeys.login_options(BOX, now)
    passkeys.login_options(BOX, now + timedelta(minutes=6))
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
def test_browsers_allow_them_at_names_with_tls(base_url: str, works: bool) -> None:
    assert passkeys.are_possible(base_url) is works


_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=9), inside),
    max_leaves=9,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(what=_ANY_JSON, part=st.sampled_from(["rawId", "response", "type"]))
@pytest.mark.slow
def test_junk_is_refused_whatever_it_is(
    phone: Device, now: datetime, what: object, part: str
) -> None:
    whole = json.loads(phone.sign(passkeys.login_options(BOX, now)))
    for answer in (what, whole | {part: what}):
        with refused(Reason.PASSKEY_REFUSED):
            passkeys.authenticate(json.dumps(answer), BOX, now)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200), part=st.sampled_from(["authenticatorData", "signature"]))
@pytest.mark.slow
def test_junk_that_a_browser_could_have_signed_is_refused(
    phone: Device, now: datetime, data: bytes, part: str
) -> None:
    whole = json.loads(phone.sign(passkeys.login_options(BOX, now)))
    whole["response"][part] = encode(data)
    with refused(Reason.PASSKEY_REFUSED):
        passkeys.authenticate(json.dumps(whole), BOX, now)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
@pytest.mark.slow
def test_junk_for_a_new_one_is_refused(ada: User, now: datetime, data: bytes) -> None:
    whole = json.loads(Device(BOX).make(passkeys.registration_options(ada, PASSWORD, BOX, now)))
    whole["response"]["attestationObject"] = encode(data)
    with refused(Reason.PASSKEY_REFUSED):
        passkeys.register(ada, "Mine", PASSWORD, json.dumps(whole), "", BOX, now)


@pytest.mark.parametrize("answer", ["", "{", "[]", "null", "\x00", "[" * 100_000, "é" * 9])
def test_what_is_no_answer_at_all_is_refused(database: None, now: datetime, answer: str) -> None:
    with refused(Reason.PASSKEY_REFUSED):
        passkeys.authenticate(answer, BOX, now)


def test_another_kind_of_answer_is_refused(phone: Device, now: datetime) -> None:
    signed = phone.sign(passkeys.login_options(BOX, now))
    with refused(Reason.PASSKEY_REFUSED):
        passkeys.authenticate(bent(signed, type="webauthn.create"), BOX, now)
