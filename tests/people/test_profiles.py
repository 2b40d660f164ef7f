"""Profiles: creating, finding and changing them."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from peewee import OperationalError

from invites import db
from invites.core.errors import Reason
from invites.db import connection
from invites.models import Delivery, EmailToken, EmailTokenPurpose, User
from invites.people import email_tokens, passwords, profiles, sessions
from tests.support.actions import confirm, new_profile, refused, reread
from tests.support.people import PASSWORD, make_user
from tests.support.postgres import sqlite_only

HOUR = timedelta(hours=1)


@pytest.fixture
def ada(database, now):
    return make_user("Ada Okafor", "ada@example.org", now)


def recipients():
    return [delivery.recipient for delivery in Delivery.select().order_by(Delivery.id)]


def test_a_profile_is_checked_and_its_password_hashed():
    profile = profiles.prepare(" Ada  Okafor ", "Ada@Example.org", PASSWORD, "+44 20 7946 0000")
    assert (profile.name, profile.email) == ("Ada Okafor", "ada@example.org")
    assert profile.phone == "+44 20 7946 0000"
    assert passwords.matches(profile.password_hash, PASSWORD)


@pytest.mark.parametrize(
    ("name", "email", "password", "phone", "reason"),
    [
        ("", "ada@example.org", PASSWORD, "", Reason.TEXT_MISSING),
        ("Ada", "ada", PASSWORD, "", Reason.ADDRESS_NO_AT),
        ("Ada", "ada@example.org", "short", "", Reason.PASSWORD_SHORT),
        ("Ada", "ada@example.org", "ADA@example.org", "", Reason.PASSWORD_WEAK),
        ("Ada", "ada@example.org", PASSWORD, "call me", Reason.PHONE_MALFORMED),
    ],
)
def test_a_profile_with_something_wrong_is_refused(name, email, password, phone, reason):
    with refused(reason):
        profiles.prepare(name, email, password, phone)


def test_one_address_has_one_profile(ada, now):
    with refused(Reason.PROFILE_EXISTS):
        profiles.create(new_profile("ada@example.org"), now, confirmed=True)
    assert User.select().count() == 1


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_new_profile_is_confirmed_or_not(database, now, confirmed):
    assert profiles.create(new_profile(), now, confirmed=confirmed).is_confirmed is confirmed


@pytest.mark.parametrize("typed", ["ada@example.org", " ADA@Example.Org "])
def test_a_profile_is_found_however_its_address_is_typed(ada, typed):
    assert profiles.find(typed) == ada
    assert profiles.authenticate(typed, PASSWORD) == ada


@pytest.mark.parametrize("typed", ["", "ada", "ben@example.org", "' OR 1=1 --", "%"])
def test_an_unknown_address_is_not_found_and_cannot_log_in(ada, typed):
    assert profiles.find(typed) is None
    assert profiles.authenticate(typed, PASSWORD) is None


def test_an_outdated_hash_is_replaced_at_login(ada, now, monkeypatch):
    older = reread(ada).password_hash
    monkeypatch.setattr(passwords, "METHOD", "scrypt:2048:1:1")
    assert profiles.authenticate("ada@example.org", "wrong password") is None
    assert reread(ada).password_hash == older
    user = profiles.authenticate("ada@example.org", PASSWORD)
    assert user.password_hash == reread(ada).password_hash != older
    assert sessions.find(sessions.start(user, "phone", now), now)
    assert profiles.authenticate("ada@example.org", PASSWORD) == ada


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + " ", PASSWORD.title()])
def test_a_wrong_password_is_refused(ada, password):
    assert profiles.authenticate("ada@example.org", password) is None


def test_name_and_phone_can_be_changed(ada):
    profiles.update_details(ada, "Ada Obi", "+44 20 7946 0000")
    assert (reread(ada).name, reread(ada).phone) == ("Ada Obi", "+44 20 7946 0000")


def test_a_bad_phone_number_changes_nothing(ada):
    with refused(Reason.PHONE_MALFORMED):
        profiles.update_details(ada, "Ada Obi", "call me")
    assert ada.name == reread(ada).name == "Ada Okafor"


def test_saving_details_late_does_not_undo_a_change_of_password(ada, now):
    other_tab = reread(ada)
    profiles.change_password(ada, PASSWORD, "another long password", "", now)
    profiles.update_details(other_tab, "Ada Obi", "")
    assert profiles.authenticate("ada@example.org", "another long password") == ada


def test_a_new_address_counts_only_when_it_is_confirmed(ada, now):
    profiles.change_email(ada, "New@Example.org", PASSWORD, now)
    assert recipients() == ["new@example.org"]
    assert reread(ada).email == "ada@example.org"
    assert profiles.pending_email(ada, now) == "new@example.org"
    changed = confirm(EmailToken.get(), now)
    assert changed.email == "new@example.org"
    assert profiles.pending_email(changed, now) is None


def test_the_newest_of_two_new_addresses_is_pending_until_its_link_expires(ada, now):
    profiles.change_email(ada, "one@example.org", PASSWORD, now)
    profiles.change_email(ada, "two@example.org", PASSWORD, now)
    assert profiles.pending_email(ada, now) == "two@example.org"
    assert profiles.pending_email(ada, now + timedelta(days=8)) is None


def test_confirming_one_new_address_ends_the_others(ada, now):
    profiles.change_email(ada, "one@example.org", PASSWORD, now)
    profiles.change_email(ada, "two@example.org", PASSWORD, now)
    one, two = EmailToken.select().order_by(EmailToken.id)
    changed = confirm(two, now)
    assert profiles.pending_email(changed, now) is None
    with refused(Reason.EMAIL_TOKEN_CLOSED):
        confirm(one, now)


def test_an_address_with_a_profile_gets_no_mail_and_the_same_answer(ada, now):
    make_user("Ben Ito", "ben@example.org", now)
    assert profiles.change_email(ada, "ben@example.org", PASSWORD, now) is None
    assert recipients() == []


def test_a_sixth_change_within_the_hour_is_refused(ada, now):
    for n in range(5):
        profiles.change_email(ada, f"new{n}@example.org", PASSWORD, now)
    with refused(Reason.TOO_MANY_LINKS):
        profiles.change_email(ada, "new@example.org", PASSWORD, now)
    assert len(recipients()) == 5
    profiles.change_email(ada, "new@example.org", PASSWORD, now + timedelta(hours=1))
    assert recipients()[-1] == "new@example.org"


def test_requests_by_others_are_not_revealed(ada, now):
    for n in range(5):
        other = make_user(f"Ben {n}", f"ben{n}@example.org", now)
        profiles.change_email(other, "new@example.org", PASSWORD, now)
    profiles.change_email(ada, "new@example.org", PASSWORD, now)
    assert len(recipients()) == 5


@pytest.mark.parametrize(
    ("email", "password", "reason"),
    [
        ("new@example.org", "wrong password", Reason.PASSWORD_WRONG),
        ("nobody", PASSWORD, Reason.ADDRESS_NO_AT),
        ("Ada@Example.org", PASSWORD, Reason.ADDRESS_UNCHANGED),
    ],
)
def test_a_refused_change_of_address_mails_nobody(ada, now, email, password, reason):
    with refused(reason):
        profiles.change_email(ada, email, password, now)
    assert recipients() == []


def test_a_new_password_logs_out_all_other_devices(ada, now):
    current, there = (sessions.start(ada, device, now) for device in ("laptop", "phone"))
    profiles.change_password(ada, PASSWORD, "another long password", current, now)
    assert sessions.find(current, now) is not None
    assert sessions.find(there, now) is None
    assert profiles.authenticate("ada@example.org", PASSWORD) is None
    assert profiles.authenticate("ada@example.org", "another long password") == ada


def test_a_new_password_ends_pending_reset_links(ada, now):
    profiles.request_password_reset("ada@example.org", now)
    profiles.change_password(ada, PASSWORD, "another long password", "", now)
    assert not email_tokens.is_open(EmailToken.get(), now)


@pytest.mark.parametrize(
    ("current", "new", "reason"),
    [
        ("wrong password", "another long password", Reason.PASSWORD_WRONG),
        (PASSWORD, "short", Reason.PASSWORD_SHORT),
        (PASSWORD, "Ada Okafor", Reason.PASSWORD_WEAK),
    ],
)
def test_a_refused_change_of_password_changes_nothing(ada, now, current, new, reason):
    token = sessions.start(ada, "phone", now)
    with refused(reason):
        profiles.change_password(ada, current, new, "", now)
    assert profiles.authenticate("ada@example.org", PASSWORD) == ada
    assert sessions.find(token, now) is not None


def test_a_forgotten_password_sends_a_link_to_the_stored_address(ada, now):
    profiles.request_password_reset(" ADA@example.org", now)
    (delivery,) = Delivery.select()
    assert (delivery.recipient, delivery.kind) == ("ada@example.org", "reset_password")
    assert delivery.email_token.purpose == EmailTokenPurpose.RESET_PASSWORD


@pytest.mark.parametrize("typed", ["ben@example.org", "nobody", ""])
def test_a_forgotten_password_of_an_unknown_address_sends_nothing(ada, now, typed):
    profiles.request_password_reset(typed, now)
    assert recipients() == []


def test_a_new_password_does_not_overwrite_a_reset_meanwhile(ada, now):
    as_the_old_password_found_her = reread(ada)
    User.update(password_hash="reset").where(User.id == ada.id).execute()
    with refused(Reason.PASSWORD_WRONG):
        profiles.change_password(
            as_the_old_password_found_her, PASSWORD, "another long one", "token", now
        )
    assert reread(ada).password_hash == "reset"


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
@sqlite_only
def test_while_others_write_the_answer_does_not_reveal_profiles(ada, now, email):
    connection.database.execute_sql("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(db.place(), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            profiles.request_password_reset(email, now)


@sqlite_only
def test_an_unknown_address_waits_for_the_disk_as_long_as_a_known_one(ada, now):
    """A commit that writes nothing is quicker."""
    log = Path(f"{db.place()}-wal")
    connection.database.execute_sql("PRAGMA wal_autocheckpoint = 0")

    def written(email, at=now):
        connection.database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        profiles.request_password_reset(email, at)
        return log.stat().st_size

    profiles.request_password_reset(ada.email, now - timedelta(days=9))  # makes the first pages
    known = written(ada.email)
    assert known > 0
    assert written("nobody@example.org") == known
    for _ in range(6):
        profiles.request_password_reset(ada.email, now)
    assert written(ada.email) == known  # nothing is sent any more
    assert EmailToken.select().count() == Delivery.select().count() == 6
