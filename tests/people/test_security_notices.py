"""Security notices: who is notified of what."""

from datetime import datetime, timedelta

import pytest

from invites.models import (
    Delivery,
    DeliveryKind,
    EmailToken,
    EmailTokenPurpose,
    SecurityEvent,
    User,
)
from invites.people import confirmation, email_tokens, profiles, security_notices
from tests.support.actions import confirm
from tests.support.people import PASSWORD, make_user

NEW_PASSWORD = "another long password"


@pytest.fixture
def ada(database: None, now: datetime) -> User:
    """A user with a confirmed address."""
    return make_user("Ada Okafor", "ada@example.org", now)


def sent_notices() -> list[tuple[str, str]]:
    """Recipients and events of the notices, in order."""
    mails = Delivery.select().where(Delivery.kind == DeliveryKind.SECURITY_NOTICE)
    return [(mail.recipient, mail.security_notice.event) for mail in mails.order_by(Delivery.id)]


def test_a_new_password_sends_a_notice(ada: User, now: datetime) -> None:
    profiles.change_password(ada, PASSWORD, NEW_PASSWORD, "", now)
    assert sent_notices() == [("ada@example.org", SecurityEvent.PASSWORD_CHANGED)]


def test_a_reset_by_email_or_by_the_operator_sends_a_notice(ada: User, now: datetime) -> None:
    confirmation.set_password(ada, NEW_PASSWORD, now)
    email_tokens.send_link(ada, EmailTokenPurpose.RESET_PASSWORD, ada.email, now)
    confirmation.reset_password(EmailToken.get(), PASSWORD, now)
    events = [SecurityEvent.PASSWORD_GIVEN, SecurityEvent.PASSWORD_CHANGED]
    assert sent_notices() == [("ada@example.org", event) for event in events]


def test_a_new_address_sends_a_notice_to_the_old_one(ada: User, now: datetime) -> None:
    profiles.change_email(ada, "new@example.org", PASSWORD, now)
    assert sent_notices() == []
    confirm(EmailToken.get(), now)
    assert sent_notices() == [("ada@example.org", SecurityEvent.EMAIL_CHANGED)]


def test_confirming_the_same_address_sends_no_notice(ada: User, now: datetime) -> None:
    email_tokens.send_link(ada, EmailTokenPurpose.CONFIRM_EMAIL, ada.email, now)
    confirm(EmailToken.get(), now)
    assert sent_notices() == []


def test_an_unconfirmed_address_gets_no_notice(ada: User, now: datetime) -> None:
    User.update(email_confirmed_at=None).execute()
    profiles.change_password(User.get(), PASSWORD, NEW_PASSWORD, "", now)
    assert sent_notices() == []


def test_events_that_others_can_cause_send_one_notice_an_hour(ada: User, now: datetime) -> None:
    event = SecurityEvent.TWO_STEP_GUESSED
    for minutes in (0, 10, 59, 61):
        security_notices.send_once_an_hour(ada, event, now + timedelta(minutes=minutes))
    assert sent_notices() == [("ada@example.org", event)] * 2
