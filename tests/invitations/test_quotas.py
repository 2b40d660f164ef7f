"""How often one mailbox gets invitations."""

from datetime import timedelta

import pytest

from invites.core.errors import Reason
from invites.invitations import classify, manage, quotas, send_invitations
from invites.invitations.quotas import MAILS_PER_ADDRESS
from invites.lists.entries import Entry
from invites.members import accounts
from invites.models import (
    ON_REQUEST,
    Delivery,
    DeliveryState,
    EmailTokenPurpose,
    EntryOutcome,
    Invitation,
    Membership,
)
from invites.people import email_tokens
from tests.support.actions import invite, order, refused, send
from tests.support.people import make_user

BO = "bo@example.org"


def outcome(owner, now):
    return classify.classify(owner.account, [Entry(BO)], now).classified[0].outcome


def invite_and_revoke(owner, now, times=1):
    """What somebody does who wants to fill a mailbox."""
    for _ in range(times):
        offered = invite(owner, now, BO)
        Delivery.update(state=DeliveryState.SENT).execute()
        manage.revoke(owner, offered, now)


def other_owner(name, now):
    zed = make_user(f"Zed of {name}", f"zed@{name.lower()}.example", now)
    account = accounts.create(name, zed, now)
    return Membership.get(Membership.account == account)


def test_inviting_and_revoking_again_and_again_fills_no_mailbox(owner, now):
    invite_and_revoke(owner, now, MAILS_PER_ADDRESS)
    assert outcome(owner, now) is EntryOutcome.RECIPIENT_LIMIT
    with refused(Reason.NOBODY_TO_INVITE):
        send_invitations.send(owner, order(BO, also=ON_REQUEST), now)
    assert Delivery.select().count() == MAILS_PER_ADDRESS


def test_a_day_later_there_is_room_again(owner, now):
    invite_and_revoke(owner, now, MAILS_PER_ADDRESS)
    almost = now + timedelta(hours=23, minutes=59)
    assert outcome(owner, almost) is EntryOutcome.RECIPIENT_LIMIT
    assert outcome(owner, now + timedelta(days=1)) is EntryOutcome.INVITE


def test_what_was_never_sent_does_not_count(owner, now):
    for _ in range(MAILS_PER_ADDRESS + 1):
        manage.revoke(owner, invite(owner, now, BO), now)
        Delivery.update(state=DeliveryState.WITHDRAWN).execute()  # as the worker does
    assert outcome(owner, now) is EntryOutcome.INVITE


def test_all_accounts_of_the_box_together_have_a_limit_too(owner, now):
    others = [other_owner(name, now) for name in ("North", "South", "West")]
    for other in others[:2]:
        invite_and_revoke(other, now, MAILS_PER_ADDRESS)
    assert outcome(others[2], now) is EntryOutcome.RECIPIENT_LIMIT
    assert outcome(owner, now) is EntryOutcome.RECIPIENT_LIMIT


def test_other_accounts_have_room_beside_one_that_has_none(owner, now):
    invite_and_revoke(owner, now, MAILS_PER_ADDRESS)
    assert outcome(other_owner("North", now), now) is EntryOutcome.INVITE


def test_fifty_thousand_addresses_are_asked_about_at_once(owner, now):
    invite_and_revoke(owner, now, MAILS_PER_ADDRESS)
    emails = [BO, *(f"p{n}@example.org" for n in range(50_000))]
    assert quotas.over_recipient_limit(owner.account, emails, now) == {BO}


@pytest.mark.parametrize("state", [DeliveryState.QUEUED, DeliveryState.FAILED])
def test_waiting_and_failed_mails_count(owner, now, state):
    invite_and_revoke(owner, now, MAILS_PER_ADDRESS)
    Delivery.update(state=state).execute()
    assert outcome(owner, now) is EntryOutcome.RECIPIENT_LIMIT


class TestRoom:
    @pytest.fixture(autouse=True)
    def _limits(self, monkeypatch):
        monkeypatch.setattr(quotas, "MAILS_PER_ACCOUNT", 5)
        monkeypatch.setattr(quotas, "MAILS_PER_INSTALLATION", 8)

    def test_an_account_has_so_many_mails_a_day_and_no_part_of_more(self, owner, now):
        send(owner, now, *people("a", 3))
        with refused(Reason.SENDER_LIMIT):
            send(owner, now, *people("b", 3))
        assert Delivery.select().count() == Invitation.select().count() == 3
        send(owner, now, *people("b", 2))
        with refused(Reason.SENDER_LIMIT):
            send(owner, now, "one@example.org")

    def test_mailing_again_counts_too(self, owner, now):
        first = invite(owner, now, BO)
        send(owner, now, *people("a", 4))
        Delivery.update(state=DeliveryState.SENT).execute()
        with refused(Reason.SENDER_LIMIT):
            manage.resend(owner, first, now)

    def test_all_accounts_of_the_box_share_one_limit(self, owner, now):
        send(owner, now, *people("a", 5))
        send(other_owner("North", now), now, *people("b", 3))
        with refused(Reason.SENDER_LIMIT):
            send(other_owner("South", now), now, "one@example.org")

    def test_a_day_later_there_is_room_for_all_of_them_again(self, owner, now):
        send(owner, now, *people("a", 5))
        with refused(Reason.SENDER_LIMIT):
            send(owner, now + timedelta(hours=23), "one@example.org")
        send(owner, now + timedelta(days=1), *people("b", 5))

    def test_a_list_longer_than_a_day_is_refused(self, owner, now):
        with refused(Reason.SENDER_LIMIT):
            send(owner, now, *people("a", 6))

    def test_a_forgotten_password_is_mailed_all_the_same(self, owner, now):
        send(owner, now, *people("a", 5))
        assert email_tokens.send_link(
            owner.user, EmailTokenPurpose.RESET_PASSWORD, owner.user.email, now
        )


def people(prefix, number):
    return [f"{prefix}{n}@example.org" for n in range(number)]
