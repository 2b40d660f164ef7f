"""Sessions: a row per device that is logged in."""

from datetime import timedelta

import pytest

from invites.core.errors import Reason
from invites.models import Session
from invites.people import sessions
from tests.support.actions import refused, reread
from tests.support.people import make_user


@pytest.fixture
def ada(database, now):
    return make_user("Ada Okafor", "ada@example.org", now)


def test_a_device_stays_logged_in_until_it_logs_out(ada, now):
    token = sessions.start(ada, "phone", now)
    assert sessions.find(token, now).user == ada
    sessions.end(token)
    assert sessions.find(token, now) is None


def test_logging_out_one_device_leaves_the_others(ada, now):
    laptop, phone = sessions.start(ada, "laptop", now), sessions.start(ada, "phone", now)
    sessions.end(phone)
    assert sessions.find(laptop, now) is not None


def test_logging_out_everywhere_leaves_other_people_alone(ada, now):
    ben = make_user("Ben Ito", "ben@example.org", now)
    his = sessions.start(ben, "phone", now)
    hers = [sessions.start(ada, "phone", now) for _ in range(3)]
    sessions.end_all(ada)
    assert [sessions.find(token, now) for token in hers] == [None, None, None]
    assert sessions.find(his, now) is not None


def test_logging_out_everywhere_else_keeps_this_device(ada, now):
    current, there = sessions.start(ada, "laptop", now), sessions.start(ada, "phone", now)
    sessions.end_all(ada, except_token=current)
    assert sessions.find(current, now) is not None
    assert sessions.find(there, now) is None


def test_a_session_ends_after_30_idle_days(ada, now):
    token = sessions.start(ada, "phone", now)
    assert sessions.find(token, now + timedelta(days=30)) is None


def test_a_session_on_a_shared_computer_ends_after_30_idle_minutes(ada, now):
    token = sessions.start(ada, "library", now, shared=True)
    for minutes in (29, 58, 87):
        assert sessions.find(token, now + timedelta(minutes=minutes)) is not None
    assert sessions.find(token, now + timedelta(minutes=118)) is None


def test_sessions_are_listed_last_used_first_without_expired_ones(ada, now):
    sessions.start(ada, "library", now, shared=True)
    sessions.start(ada, "old", now - timedelta(days=40))
    phone = sessions.start(ada, "phone", now)
    laptop = sessions.start(ada, "laptop", now + timedelta(hours=1))
    later = now + timedelta(hours=2)

    def listed(token="", limit=9):
        found, more = sessions.newest(ada, token, later, limit=limit)
        return [one.user_agent for one in found], more

    assert listed() == (["laptop", "phone"], 0)
    assert listed(phone) == (["phone", "laptop"], 0)
    assert listed(phone, limit=1) == (["phone"], 1)
    sessions.find(phone, later)
    assert listed() == (["phone", "laptop"], 0)
    assert listed(laptop) == (["laptop", "phone"], 0)


def test_only_its_owner_can_end_a_session(ada, now):
    ben = make_user("Ben Ito", "ben@example.org", now)
    token = sessions.start(ada, "phone", now)
    with refused(Reason.NOT_FOUND):
        sessions.end_one(ben, Session.get().id)
    sessions.end_one(ada, Session.get().id)
    assert sessions.find(token, now) is None


def test_a_renewed_session_is_the_same_with_another_token(ada, now):
    token = sessions.start(ada, "phone", now)
    before = sessions.find(token, now)
    fresh = sessions.renew(token)
    assert sessions.find(token, now) is None
    assert sessions.find(fresh, now) == before


def test_expired_sessions_are_deleted(ada, now):
    sessions.start(ada, "library", now, shared=True)
    sessions.start(ada, "phone", now)
    sessions.delete_expired(now + timedelta(hours=1))
    assert Session.get().user_agent == "phone"
    assert Session.select().count() == 1


def test_a_device_in_use_stays_logged_in(ada, now):
    token = sessions.start(ada, "phone", now)
    for weeks in range(1, 20):
        assert sessions.find(token, now + timedelta(weeks=weeks)) is not None


def test_use_is_recorded_at_most_every_ten_minutes(ada, now):
    token = sessions.start(ada, "phone", now)
    sessions.find(token, now + timedelta(minutes=10))
    assert Session.get().seen_at == now
    later = now + timedelta(minutes=11)
    assert reread(sessions.find(token, later)).seen_at == later


def test_polling_does_not_prolong_a_session(ada, now):
    token = sessions.start(ada, "phone", now, shared=True)
    for minutes in range(30):
        at = now + timedelta(minutes=minutes)
        assert sessions.find(token, at, in_use=False) is not None
    assert sessions.find(token, now + timedelta(minutes=30), in_use=False) is None


def test_a_stolen_table_opens_nothing(ada, now):
    token = sessions.start(ada, "phone", now)
    stored = Session.get().token_hash
    assert token not in stored
    assert sessions.find(stored, now) is None


@pytest.mark.parametrize("token", ["", "x", "' OR 1=1 --", "ü\0"])
def test_any_other_token_finds_no_session(ada, now, token):
    sessions.start(ada, "phone", now)
    assert sessions.find(token, now) is None


def test_a_long_user_agent_is_cut(ada, now):
    sessions.start(ada, "x" * 10_000, now)
    assert len(Session.get().user_agent) == 255


def test_a_login_is_refused_if_the_password_has_changed_meanwhile(ada, now):
    as_the_old_password_found_her = reread(ada)
    type(ada).update(password_hash="changed").where(type(ada).id == ada.id).execute()
    with refused(Reason.PASSWORD_WRONG):
        sessions.start(as_the_old_password_found_her, "phone", now)
    assert Session.select().count() == 0
