"""Email tokens: confirming an address, setting a new password."""

from datetime import timedelta

import pytest

from invites.core.errors import Reason
from invites.models import Delivery, EmailToken, EmailTokenPurpose, User
from invites.people import confirmation, email_tokens, profiles, sessions
from tests.support.actions import confirm, refused, reread
from tests.support.people import PASSWORD, make_user

CONFIRM, RESET = EmailTokenPurpose.CONFIRM_EMAIL, EmailTokenPurpose.RESET_PASSWORD
NEW_PASSWORD = "another long password"


@pytest.fixture
def ada(database, now):
    return make_user("Ada Okafor", "ada@example.org", now, confirmed=False)


def ask(user, purpose, now, email=None):
    email_tokens.send_link(user, purpose, email or user.email, now)
    return EmailToken.select().order_by(EmailToken.id.desc()).get()


def test_the_link_confirms_the_address_and_works_once(ada, now):
    email_token = ask(ada, CONFIRM, now)
    assert confirm(email_token, now).email_confirmed_at == now
    with refused(Reason.EMAIL_TOKEN_CLOSED):
        confirm(email_token, now)


@pytest.mark.parametrize(
    ("purpose", "lifetime"), [(CONFIRM, timedelta(days=7)), (RESET, timedelta(hours=2))]
)
def test_a_link_works_until_the_moment_it_expires(ada, now, purpose, lifetime):
    email_token = ask(ada, purpose, now)
    assert email_tokens.is_open(email_token, now + lifetime - timedelta(microseconds=1))
    assert not email_tokens.is_open(email_token, now + lifetime)


def test_an_expired_link_changes_nothing(ada, now):
    late = now + timedelta(days=8)
    confirming, reset = ask(ada, CONFIRM, now), ask(ada, RESET, now)
    with refused(Reason.EMAIL_TOKEN_CLOSED):
        confirm(confirming, late)
    with refused(Reason.EMAIL_TOKEN_CLOSED):
        confirmation.reset_password(reset, NEW_PASSWORD, late)
    assert not reread(ada).is_confirmed
    assert profiles.authenticate("ada@example.org", PASSWORD) == ada


def test_an_address_that_somebody_else_has_by_now_is_refused(ada, now):
    email_token = ask(ada, CONFIRM, now, "new@example.org")
    make_user("Ben Ito", "new@example.org", now)
    with refused(Reason.PROFILE_EXISTS):
        confirm(email_token, now)
    assert reread(ada).email == "ada@example.org"
    assert email_tokens.is_open(reread(email_token), now)


def test_a_reset_sets_the_password_logs_out_everywhere_and_confirms(ada, now):
    token = sessions.start(ada, "phone", now)
    user = confirmation.reset_password(ask(ada, RESET, now), NEW_PASSWORD, now)
    assert user.is_confirmed
    assert sessions.find(token, now) is None
    assert profiles.authenticate("ada@example.org", PASSWORD) is None
    assert profiles.authenticate("ada@example.org", NEW_PASSWORD) == ada


def test_one_reset_ends_all_reset_links(ada, now):
    first, second = ask(ada, RESET, now), ask(ada, RESET, now)
    confirmation.reset_password(second, NEW_PASSWORD, now)
    for email_token in (first, second):
        with refused(Reason.EMAIL_TOKEN_CLOSED):
            confirmation.reset_password(email_token, "yet another password", now)


def test_a_reset_drops_a_pending_change_of_address(ada, now):
    change = ask(ada, CONFIRM, now, "thief@example.org")
    confirmation.reset_password(ask(ada, RESET, now), NEW_PASSWORD, now)
    with refused(Reason.EMAIL_TOKEN_CLOSED):
        confirm(change, now, NEW_PASSWORD)
    assert reread(ada).email == "ada@example.org"


@pytest.mark.parametrize(
    ("password", "reason"),
    [("short", Reason.PASSWORD_SHORT), ("ada okafor", Reason.PASSWORD_WEAK)],
)
def test_a_refused_password_leaves_the_link_open(ada, now, password, reason):
    email_token = ask(ada, RESET, now)
    with refused(reason):
        confirmation.reset_password(email_token, password, now)
    assert email_tokens.is_open(reread(email_token), now)


def test_a_reset_link_to_a_former_address_is_refused(ada, now):
    email_token = ask(ada, RESET, now)
    User.update(email="new@example.org").where(User.id == ada.id).execute()
    with refused(Reason.EMAIL_TOKEN_CLOSED):
        confirmation.reset_password(email_token, NEW_PASSWORD, now)
    assert profiles.authenticate("new@example.org", PASSWORD) == ada


def test_at_most_five_mails_an_hour_are_sent(ada, now):
    mailed = [email_tokens.send_link(ada, RESET, ada.email, now) for _ in range(20)]
    assert mailed == [True] * 5 + [False] * 15
    assert Delivery.select().count() == EmailToken.select().count() == 5
    email_tokens.send_link(ada, CONFIRM, ada.email, now)
    email_tokens.send_link(ada, RESET, ada.email, now + timedelta(hours=1))
    assert Delivery.select().count() == EmailToken.select().count() == 7


def test_strangers_cannot_use_up_the_links_of_a_persons_own_device(ada, now):
    for _ in range(20):
        email_tokens.send_link(ada, RESET, ada.email, now)
    asked = [email_tokens.send_link(ada, RESET, ada.email, now, own_device=True) for _ in range(20)]
    assert asked == [True] * 5 + [False] * 15


def test_in_a_day_a_mailbox_is_not_flooded_and_always_has_a_link_that_works(ada, now):
    for minutes in range(0, 24 * 60, 5):
        moment = now + timedelta(minutes=minutes)
        email_tokens.send_link(ada, RESET, ada.email, moment)
        assert any(email_tokens.is_open(link, moment) for link in EmailToken.select())
    assert Delivery.select().count() <= 10 + 24


def test_an_address_gets_five_links_an_hour_from_all_profiles_together(ada, now):
    others = [make_user(f"Ben {n}", f"ben{n}@example.org", now) for n in range(7)]
    for user in others:
        email_tokens.send_link(user, CONFIRM, "victim@example.org", now)
    assert Delivery.select().where(Delivery.recipient == "victim@example.org").count() == 5


def test_others_cannot_use_up_the_links_to_a_persons_own_address(ada, now):
    for number in range(7):
        user = make_user(f"Ben {number}", f"ben{number}@example.org", now)
        email_tokens.send_link(user, CONFIRM, "cem@example.org", now)
    cem = make_user("Cem", "cem@example.org", now, confirmed=False)
    assert email_tokens.send_link(cem, CONFIRM, cem.email, now)


def test_links_that_were_not_mailed_do_not_count_for_the_owner_of_the_address(ada, now):
    eve = make_user("Eve", "eve@example.org", now)
    for _ in range(5):
        email_tokens.send_link(eve, CONFIRM, ada.email, now, mailed=False)
    assert email_tokens.send_link(ada, CONFIRM, ada.email, now)
    assert not email_tokens.send_link(eve, CONFIRM, "another@example.org", now)
    assert [mail.recipient for mail in Delivery.select()] == [ada.email]
