"""Two-step verification: authenticator apps and recovery codes."""

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
from tests.people.test_security_notices import sent_notices
from tests.support.actions import refused
from tests.support.people import PASSWORD, make_user

HALF_A_MINUTE = timedelta(seconds=30)


@pytest.fixture
def ada(database: None, now: datetime) -> User:
    """A user without two-step verification."""
    return make_user("Ada Okafor", "ada@example.org", now)


@pytest.fixture
def tom(database: None, signer: Signer, now: datetime) -> User:
    """A user with an authenticator app, set up a minute ago."""
    tom = make_user("Tom Reed", "tom@example.org", now)
    set_up(tom, signer, now - timedelta(minutes=1))
    return tom


def set_up(user: User, signer: Signer, now: datetime) -> None:
    two_step.start_authenticator(user, PASSWORD, now)
    two_step.confirm_authenticator(user, digits(user, signer, now), "", signer, now)


def digits(user: User, signer: Signer, at: datetime) -> str:
    """What the app shows, from what its owner typed or scanned."""
    app = Authenticator.get(Authenticator.user == user)
    return pyotp.parse_uri(totp.provisioning_uri(app, signer, "Invites")).at(at)


def test_it_is_off_until_it_is_set_up(ada: User) -> None:
    assert not two_step.is_on(ada)


def test_an_app_is_on_once_it_has_shown_the_right_digits(
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


def test_changing_it_takes_the_password(
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


def test_an_unconfirmed_user_cannot_set_it_up_and_lock_the_owner_out(
    ada: User, now: datetime
) -> None:
    User.update(email_confirmed_at=None).execute()
    with refused(Reason.ADDRESS_UNCONFIRMED):
        two_step.start_authenticator(User.get(), PASSWORD, now)


def test_an_app_is_refused_if_the_password_has_changed_meanwhile(
    ada: User, signer: Signer, now: datetime
) -> None:
    two_step.start_authenticator(ada, PASSWORD, now)
    User.update(password_hash="changed").execute()
    with refused(Reason.PASSWORD_WRONG):
        two_step.confirm_authenticator(ada, digits(ada, signer, now), "", signer, now)
    assert not two_step.is_on(ada)


def test_setting_up_again_does_not_replace_the_current_app(
    tom: User, signer: Signer, now: datetime
) -> None:
    two_step.start_authenticator(tom, PASSWORD, now)
    two_step.check_code(tom, digits(tom, signer, now), signer, now)


@pytest.mark.parametrize("late", [-30, 0, 30])
def test_digits_work_half_a_minute_early_or_late(
    tom: User, signer: Signer, now: datetime, late: int
) -> None:
    shown = digits(tom, signer, now + timedelta(seconds=late))
    two_step.check_code(tom, shown, signer, now)


@pytest.mark.parametrize("late", [-90, -60, 60, 90])
def test_other_digits_are_wrong(tom: User, signer: Signer, now: datetime, late: int) -> None:
    shown = digits(tom, signer, now + timedelta(seconds=late))
    with refused(Reason.CODE_WRONG):
        two_step.check_code(tom, shown, signer, now)


def test_digits_work_once_and_earlier_ones_not_afterwards(
    tom: User, signer: Signer, now: datetime
) -> None:
    two_step.check_code(tom, digits(tom, signer, now), signer, now)
    for used_or_older in (now, now - HALF_A_MINUTE):
        with refused(Reason.CODE_WRONG):
            two_step.check_code(tom, digits(tom, signer, used_or_older), signer, now)
    later = now + HALF_A_MINUTE
    two_step.check_code(tom, digits(tom, signer, later), signer, later)


def test_the_same_digits_used_at_once_work_once(tom: User, signer: Signer, now: datetime) -> None:
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


def test_apps_work_after_a_key_was_added(tom: User, now: datetime, signer: Signer) -> None:
    shown = digits(tom, signer, now)
    rotated = Signer(["new", SIGNING_KEY])
    two_step.check_code(tom, shown, rotated, now)


def test_the_table_holds_nothing_from_which_digits_can_be_made(
    tom: User, signer: Signer, now: datetime
) -> None:
    app = Authenticator.get(Authenticator.user == tom)
    stolen = Signer(["the thief has the table, and another key"])
    assert totp.key_to_type(app, stolen) != totp.key_to_type(app, signer)


def test_setting_up_logs_out_all_other_devices_and_sends_a_notice(
    ada: User, signer: Signer, now: datetime
) -> None:
    current, phone = (sessions.start(ada, device, now) for device in ("current", "phone"))
    two_step.start_authenticator(ada, PASSWORD, now)
    two_step.confirm_authenticator(ada, digits(ada, signer, now), current, signer, now)
    assert sessions.find(current, now)
    assert not sessions.find(phone, now)
    assert sent_notices() == [("ada@example.org", SecurityEvent.AUTHENTICATOR_ADDED)]


def test_removing_the_app_ends_the_recovery_codes_and_sends_a_notice(
    tom: User, signer: Signer, now: datetime
) -> None:
    two_step.remove_authenticator(tom, PASSWORD, now)
    assert not two_step.is_on(tom)
    assert recovery_codes.count_unused(tom) == 0
    assert sent_notices()[-1] == ("tom@example.org", SecurityEvent.AUTHENTICATOR_REMOVED)


def test_removing_an_unconfirmed_app_sends_no_notice(ada: User, tom: User, now: datetime) -> None:
    two_step.start_authenticator(ada, PASSWORD, now)
    for user in (ada, tom, tom):
        two_step.remove_authenticator(user, PASSWORD, now)
    assert totp.of(ada) is None
    removed = (tom.email, SecurityEvent.AUTHENTICATOR_REMOVED)
    assert [notice for notice in sent_notices() if notice[1] == removed[1]] == [removed]


class TestRecoveryCodes:
    def test_there_are_ten_different_ones_shown_for_ten_minutes(
        self, tom: User, signer: Signer, now: datetime
    ) -> None:
        assert len(set(recovery_codes.just_made(tom, signer, now))) == 10
        assert recovery_codes.just_made(tom, signer, now + timedelta(minutes=10)) == []
        assert recovery_codes.count_unused(tom) == 10

    def test_each_code_works_once_however_it_is_typed(
        self, tom: User, signer: Signer, now: datetime
    ) -> None:
        first, second, *_others = recovery_codes.just_made(tom, signer, now)
        two_step.check_code(tom, first.lower().replace("-", " "), signer, now)
        with refused(Reason.CODE_WRONG):
            two_step.check_code(tom, first, signer, now)
        two_step.check_code(tom, second, signer, now)
        assert recovery_codes.count_unused(tom) == 8
        assert sent_notices()[-1] == ("tom@example.org", SecurityEvent.RECOVERY_CODE_USED)

    def test_new_codes_end_the_old_ones(self, tom: User, signer: Signer, now: datetime) -> None:
        old = recovery_codes.just_made(tom, signer, now)
        two_step.make_recovery_codes(tom, PASSWORD, now)
        new = recovery_codes.just_made(tom, signer, now)
        assert not set(old) & set(new)
        with refused(Reason.CODE_WRONG):
            two_step.check_code(tom, old[0], signer, now)
        two_step.check_code(tom, new[0], signer, now)

    def test_codes_of_somebody_else_are_wrong(
        self, ada: User, tom: User, signer: Signer, now: datetime
    ) -> None:
        with refused(Reason.CODE_WRONG):
            two_step.check_code(ada, recovery_codes.just_made(tom, signer, now)[0], signer, now)

    def test_codes_are_refused_while_it_is_off(
        self, ada: User, signer: Signer, now: datetime
    ) -> None:
        with refused(Reason.TWO_STEP_OFF):
            two_step.make_recovery_codes(ada, PASSWORD, now)
        assert recovery_codes.just_made(ada, signer, now) == []


def test_the_operator_turns_it_off_for_a_user_who_lost_everything(tom: User, now: datetime) -> None:
    two_step.disable(tom, now)
    assert not two_step.is_on(tom)
    assert recovery_codes.count_unused(tom) == 0
    assert sent_notices()[-1] == ("tom@example.org", SecurityEvent.TWO_STEP_DISABLED)
