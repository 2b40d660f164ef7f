"""Daily limits of invitation mails."""

from datetime import timedelta

import pytest

from invites.core.errors import Reason
from invites.core.roles import Role
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
from tests.support.actions import invitation_request, invite, refused, send
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


def test_a_moderator_invites_as_many_people_a_day_as_the_account_allows(people, owner, now):
    moderator = people[Role.MODERATOR]
    owner.account.moderator_limit = moderator.account.moderator_limit = 3
    owner.account.save()
    send(moderator, now, "a@example.org", "b@example.org")
    with refused(Reason.MODERATOR_LIMIT) as caught:
        send(moderator, now, "c@example.org", "d@example.org")
    assert caught.value.details == {"limit": 3, "left": 1}
    Delivery.update(state=DeliveryState.SENT).execute()
    manage.resend(moderator, Invitation.get(), now)
    with refused(Reason.MODERATOR_LIMIT):
        manage.resend(moderator, Invitation.select().order_by(Invitation.id.desc()).get(), now)
    send(people[Role.ADMIN], now, *(f"p{number}@example.org" for number in range(5)))
    send(moderator, now + timedelta(days=1), "c@example.org", "d@example.org", "e@example.org")


def test_inviting_and_revoking_repeatedly_reaches_the_limit(owner, now):
    invite_and_revoke(owner, now, MAILS_PER_ADDRESS)
    assert outcome(owner, now) is EntryOutcome.RECIPIENT_LIMIT
    with refused(Reason.NOBODY_TO_INVITE):
        send_invitations.send(owner, invitation_request(BO, also=ON_REQUEST), now)
    assert Delivery.select().count() == MAILS_PER_ADDRESS


def test_a_day_later_the_address_can_be_mailed_again(owner, now):
    invite_and_revoke(owner, now, MAILS_PER_ADDRESS)
    almost = now + timedelta(hours=23, minutes=59)
    assert outcome(owner, almost) is EntryOutcome.RECIPIENT_LIMIT
    assert outcome(owner, now + timedelta(days=1)) is EntryOutcome.INVITE


def test_withdrawn_mails_do_not_count(owner, now):
    for _ in range(MAILS_PER_ADDRESS + 1):
        manage.revoke(owner, invite(owner, now, BO), now)
        Delivery.update(state=DeliveryState.WITHDRAWN).execute()  # as the worker does
    assert outcome(owner, now) is EntryOutcome.INVITE


def test_an_address_has_a_limit_across_all_accounts(owner, now):
    others = [other_owner(name, now) for name in ("North", "South", "West")]
    for other in others[:2]:
        invite_and_revoke(other, now, MAILS_PER_ADDRESS)
    assert outcome(others[2], now) is EntryOutcome.RECIPIENT_LIMIT
    assert outcome(owner, now) is EntryOutcome.RECIPIENT_LIMIT


def test_an_accounts_limit_does_not_affect_other_accounts(owner, now):
    invite_and_revoke(owner, now, MAILS_PER_ADDRESS)
    assert outcome(other_owner("North", now), now) is EntryOutcome.INVITE


def test_the_limits_of_50_000_addresses_are_looked_up_at_once(owner, now):
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

    def test_a_batch_above_the_accounts_limit_is_refused_as_a_whole(self, owner, now):
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

    def test_all_accounts_share_the_limit_of_the_installation(self, owner, now):
        send(owner, now, *people("a", 5))
        send(other_owner("North", now), now, *people("b", 3))
        with refused(Reason.SENDER_LIMIT):
            send(other_owner("South", now), now, "one@example.org")

    def test_a_day_later_the_account_can_send_as_many_mails_again(self, owner, now):
        send(owner, now, *people("a", 5))
        with refused(Reason.SENDER_LIMIT):
            send(owner, now + timedelta(hours=23), "one@example.org")
        send(owner, now + timedelta(days=1), *people("b", 5))

    def test_a_list_above_the_daily_limit_is_refused(self, owner, now):
        with refused(Reason.SENDER_LIMIT):
            send(owner, now, *people("a", 6))

    def test_password_resets_are_mailed_even_above_the_limit(self, owner, now):
        send(owner, now, *people("a", 5))
        assert email_tokens.send_link(
            owner.user, EmailTokenPurpose.RESET_PASSWORD, owner.user.email, now
        )


def people(prefix, number):
    return [f"{prefix}{n}@example.org" for n in range(number)]
