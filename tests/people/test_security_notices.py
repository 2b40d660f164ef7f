"""Who is told by mail when something about a log-in changes."""

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
from invites.people import email_tokens, profiles, security_notices
from tests.support.people import PASSWORD, make_user

NEW_PASSWORD = "another long password"


@pytest.fixture
def ada(database: None, now: datetime) -> User:
    """Somebody whose address is proven."""
    return make_user("Ada Okafor", "ada@example.org", now)


def told() -> list[tuple[str, str]]:
    """Who was mailed what, in order."""
    mails = Delivery.select().where(Delivery.kind == DeliveryKind.SECURITY_NOTICE)
    return [(mail.recipient, mail.security_notice.event) for mail in mails.order_by(Delivery.id)]


def test_a_new_password_is_told(ada: User, now: datetime) -> None:
    profiles.change_password(ada, PASSWORD, NEW_PASSWORD, "", now)
    assert told() == [("ada@example.org", SecurityEvent.PASSWORD_CHANGED)]


def test_a_password_that_was_reset_by_mail_or_by_the_keeper_is_told(
    ada: User, now: datetime
) -> None:
    profiles.set_password(ada, NEW_PASSWORD, now)
    email_tokens.send_link(ada, EmailTokenPurpose.RESET_PASSWORD, ada.email, now)
    email_tokens.reset_password(EmailToken.get(), PASSWORD, now)
    events = [SecurityEvent.PASSWORD_GIVEN, SecurityEvent.PASSWORD_CHANGED]
    assert told() == [("ada@example.org", event) for event in events]


def test_a_new_address_is_told_to_the_old_one(ada: User, now: datetime) -> None:
    profiles.change_email(ada, "new@example.org", PASSWORD, now)
    assert told() == []
    email_tokens.confirm_email(EmailToken.get(), now)
    assert told() == [("ada@example.org", SecurityEvent.EMAIL_CHANGED)]


def test_confirming_the_same_address_tells_nothing(ada: User, now: datetime) -> None:
    email_tokens.send_link(ada, EmailTokenPurpose.CONFIRM_EMAIL, ada.email, now)
    email_tokens.confirm_email(EmailToken.get(), now)
    assert told() == []


def test_whoever_never_proved_an_address_cannot_have_it_mailed(ada: User, now: datetime) -> None:
    User.update(email_confirmed_at=None).execute()
    profiles.change_password(User.get(), PASSWORD, NEW_PASSWORD, "", now)
    assert told() == []


def test_what_others_can_cause_is_told_once_an_hour(ada: User, now: datetime) -> None:
    event = SecurityEvent.TWO_STEP_GUESSED
    for minutes in (0, 10, 59, 61):
        security_notices.send_once_an_hour(ada, event, now + timedelta(minutes=minutes))
    assert told() == [("ada@example.org", event)] * 2
