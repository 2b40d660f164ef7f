"""The second step of a log-in: digits of an app, and codes on paper."""

from datetime import datetime, timedelta
from threading import Barrier, Thread

import pyotp
import pytest

from invites import db
from invites.core.errors import Reason, RuleError
from invites.core.tokens import Signer
from invites.models import Authenticator, RecoveryCodes, SecurityEvent, User
from invites.people import recovery_codes, sessions, totp, two_step
from tests.conftest import SIGNING_KEY
from tests.people.test_security_notices import told
from tests.support.actions import refused
from tests.support.people import PASSWORD, make_user

HALF_A_MINUTE = timedelta(seconds=30)


@pytest.fixture
def ada(database: None, now: datetime) -> User:
    """Somebody who logs in by password alone."""
    return make_user("Ada Okafor", "ada@example.org", now)


@pytest.fixture
def tom(database: None, signer: Signer, now: datetime) -> User:
    """Somebody with an authenticator app, set up a minute ago."""
    tom = make_user("Tom Reed", "tom@example.org", now)
    set_up(tom, signer, now - timedelta(minutes=1))
    return tom


def set_up(user: User, signer: Signer, now: datetime) -> None:
    two_step.start_authenticator(user, PASSWORD, now)
    two_step.confirm_authenticator(user, digits(user, signer, now), "", signer, now)


def digits(user: User, signer: Signer, at: datetime) -> str:
    """What the app shows: made from what its owner typed or scanned, and nothing else."""
    app = Authenticator.get(Authenticator.user == user)
    return pyotp.parse_uri(totp.provisioning_uri(app, signer, "Box")).at(at)


def test_nobody_is_asked_for_a_two_step_who_did_not_set_one_up(ada: User) -> None:
    assert not two_step.is_on(ada)


def test_an_app_counts_once_it_has_shown_its_digits(
    ada: User, signer: Signer, now: datetime
) -> None:
    two_step.start_authenticator(ada, PASSWORD, now)
    assert not two_step.is_on(ada)
    with refused(Reason.CODE_WRONG):
        two_step.check_code(ada, digits(ada, signer, now), signer, now)
    with refused(Reason.CODE_WRONG):
        two_step.confirm_authenticator(ada, "000000", "", signer, now)
    assert not two_step.is_on(ada)
    two_step.confirm_authenticator(ada, digits(ada, signer, now), "", signer, now)
    assert two_step.is_on(ada)


def test_whoever_found_an_open_session_sets_nothing_up_and_takes_nothing_off(
    ada: User, tom: User, signer: Signer, now: datetime
) -> None:
    with refused(Reason.PASSWORD_WRONG):
        two_step.start_authenticator(ada, "a guess", now)
    assert totp.of(ada) is None
    before = RecoveryCodes.get(RecoveryCodes.user == tom).created_at
    for action in (two_step.remove_authenticator, two_step.make_recovery_codes):
        with refused(Reason.PASSWORD_WRONG):
            action(tom, "a guess", now)
    assert two_step.is_on(tom)
    assert RecoveryCodes.get(RecoveryCodes.user == tom).created_at == before


def test_whoever_never_proved_an_address_cannot_lock_its_owner_out(
    ada: User, now: datetime
) -> None:
    User.update(email_confirmed_at=None).execute()
    with refused(Reason.ADDRESS_UNCONFIRMED):
        two_step.start_authenticator(User.get(), PASSWORD, now)


def test_whoever_sets_one_up_while_the_owner_sets_a_new_password_comes_too_late(
    ada: User, signer: Signer, now: datetime
) -> None:
    two_step.start_authenticator(ada, PASSWORD, now)
    User.update(password_hash="changed").execute()
    with refused(Reason.PASSWORD_WRONG):
        two_step.confirm_authenticator(ada, digits(ada, signer, now), "", signer, now)
    assert not two_step.is_on(ada)


def test_setting_one_up_again_does_not_replace_the_one_in_force(
    tom: User, signer: Signer, now: datetime
) -> None:
    two_step.start_authenticator(tom, PASSWORD, now)
    two_step.check_code(tom, digits(tom, signer, now), signer, now)


@pytest.mark.parametrize("late", [-30, 0, 30])
def test_digits_count_half_a_minute_early_or_late(
    tom: User, signer: Signer, now: datetime, late: int
) -> None:
    shown = digits(tom, signer, now + timedelta(seconds=late))
    two_step.check_code(tom, shown, signer, now)


@pytest.mark.parametrize("late", [-90, -60, 60, 90])
def test_digits_of_another_time_do_not(tom: User, signer: Signer, now: datetime, late: int) -> None:
    shown = digits(tom, signer, now + timedelta(seconds=late))
    with refused(Reason.CODE_WRONG):
        two_step.check_code(tom, shown, signer, now)


def test_digits_work_once_and_none_before_them_after(
    tom: User, signer: Signer, now: datetime
) -> None:
    two_step.check_code(tom, digits(tom, signer, now), signer, now)
    for used_or_older in (now, now - HALF_A_MINUTE):
        with refused(Reason.CODE_WRONG):
            two_step.check_code(tom, digits(tom, signer, used_or_older), signer, now)
    later = now + HALF_A_MINUTE
    two_step.check_code(tom, digits(tom, signer, later), signer, later)


def test_of_many_at_once_with_the_same_digits_one_gets_in(
    tom: User, signer: Signer, now: datetime
) -> None:
    shown, start, let_in = digits(tom, signer, now), Barrier(8), []

    def try_it() -> None:
        db.connect()
        start.wait()
        try:
            two_step.check_code(tom, shown, signer, now)
            let_in.append(1)
        except RuleError:
            pass
        finally:
            db.close()

    threads = [Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(let_in) == 1


@pytest.mark.parametrize(
    "typed",
    ["", "0", "12345", "1234567", "000000", "\u0661\u0662\u0663\u0664\u0665\u0666", "x" * 10_000],
)
def test_anything_else_is_wrong(tom: User, signer: Signer, now: datetime, typed: str) -> None:
    with refused(Reason.CODE_WRONG):
        two_step.check_code(tom, typed, signer, now)


def test_the_digits_of_somebody_else_are_wrong(
    ada: User, tom: User, signer: Signer, now: datetime
) -> None:
    set_up(ada, signer, now)
    later = now + HALF_A_MINUTE
    with refused(Reason.CODE_WRONG):
        two_step.check_code(ada, digits(tom, signer, later), signer, later)


def test_digits_may_be_typed_as_the_app_shows_them(
    tom: User, signer: Signer, now: datetime
) -> None:
    shown = digits(tom, signer, now)
    two_step.check_code(tom, f" {shown[:3]} {shown[3:]} ", signer, now)


def test_apps_work_after_a_new_key_was_put_on_top(tom: User, now: datetime, signer: Signer) -> None:
    shown = digits(tom, signer, now)
    rotated = Signer(["new", SIGNING_KEY])
    two_step.check_code(tom, shown, rotated, now)


def test_the_table_holds_nothing_from_which_digits_can_be_made(
    tom: User, signer: Signer, now: datetime
) -> None:
    app = Authenticator.get(Authenticator.user == tom)
    stolen = Signer(["the thief has the table, and another key"])
    assert totp.key_to_type(app, stolen) != totp.key_to_type(app, signer)


def test_setting_up_logs_all_other_devices_out_and_is_told(
    ada: User, signer: Signer, now: datetime
) -> None:
    current, phone = (sessions.start(ada, device, now) for device in ("current", "phone"))
    two_step.start_authenticator(ada, PASSWORD, now)
    two_step.confirm_authenticator(ada, digits(ada, signer, now), current, signer, now)
    assert sessions.find(current, now)
    assert not sessions.find(phone, now)
    assert told() == [("ada@example.org", SecurityEvent.AUTHENTICATOR_ADDED)]


def test_taking_it_off_ends_the_codes_too_and_is_told(
    tom: User, signer: Signer, now: datetime
) -> None:
    two_step.remove_authenticator(tom, PASSWORD, now)
    assert not two_step.is_on(tom)
    assert recovery_codes.count_unused(tom) == 0
    assert told()[-1] == ("tom@example.org", SecurityEvent.AUTHENTICATOR_REMOVED)


def test_only_an_app_that_is_in_force_is_told_to_be_taken_off(
    ada: User, tom: User, now: datetime
) -> None:
    two_step.start_authenticator(ada, PASSWORD, now)
    for user in (ada, tom, tom):
        two_step.remove_authenticator(user, PASSWORD, now)
    assert totp.of(ada) is None
    taken_off = (tom.email, SecurityEvent.AUTHENTICATOR_REMOVED)
    assert [notice for notice in told() if notice[1] == taken_off[1]] == [taken_off]


class TestRecoveryCodes:
    def test_there_are_ten_different_ones_shown_for_ten_minutes(
        self, tom: User, signer: Signer, now: datetime
    ) -> None:
        assert len(set(recovery_codes.just_made(tom, signer, now))) == 10
        assert recovery_codes.just_made(tom, signer, now + timedelta(minutes=10)) == []
        assert recovery_codes.count_unused(tom) == 10

    def test_each_works_once_however_it_is_typed(
        self, tom: User, signer: Signer, now: datetime
    ) -> None:
        first, second, *_others = recovery_codes.just_made(tom, signer, now)
        two_step.check_code(tom, first.lower().replace("-", " "), signer, now)
        with refused(Reason.CODE_WRONG):
            two_step.check_code(tom, first, signer, now)
        two_step.check_code(tom, second, signer, now)
        assert recovery_codes.count_unused(tom) == 8
        assert told()[-1] == ("tom@example.org", SecurityEvent.RECOVERY_CODE_USED)

    def test_new_ones_end_the_old(self, tom: User, signer: Signer, now: datetime) -> None:
        old = recovery_codes.just_made(tom, signer, now)
        two_step.make_recovery_codes(tom, PASSWORD, now)
        new = recovery_codes.just_made(tom, signer, now)
        assert not set(old) & set(new)
        with refused(Reason.CODE_WRONG):
            two_step.check_code(tom, old[0], signer, now)
        two_step.check_code(tom, new[0], signer, now)

    def test_those_of_somebody_else_are_wrong(
        self, ada: User, tom: User, signer: Signer, now: datetime
    ) -> None:
        with refused(Reason.CODE_WRONG):
            two_step.check_code(ada, recovery_codes.just_made(tom, signer, now)[0], signer, now)

    def test_they_are_not_made_for_whoever_has_no_two_step(
        self, ada: User, signer: Signer, now: datetime
    ) -> None:
        with refused(Reason.TWO_STEP_OFF):
            two_step.make_recovery_codes(ada, PASSWORD, now)
        assert recovery_codes.just_made(ada, signer, now) == []


def test_the_keeper_of_the_box_takes_it_all_off_somebody_who_lost_it(
    tom: User, now: datetime
) -> None:
    two_step.disable(tom, now)
    assert not two_step.is_on(tom)
    assert recovery_codes.count_unused(tom) == 0
    assert told()[-1] == ("tom@example.org", SecurityEvent.TWO_STEP_DISABLED)
