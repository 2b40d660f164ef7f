"""How often one mailbox gets invitations."""

from datetime import timedelta

import pytest

from invites import accounts, frequency, invitations, issuing, judging
from invites.frequency import MAILS_A_DAY
from invites.judging import ON_REQUEST, Outcome
from invites.models import Delivery, DeliveryState, Membership
from invites.recipients import Entry
from invites.refusals import Reason
from tests.cast import make_user
from tests.shorthand import invite, order, refused

BO = "bo@example.org"


def outcome(owner, now):
    return judging.judge(owner.account, [Entry(BO)], now).judged[0].outcome


def invite_and_revoke(owner, now, times=1):
    """What somebody does who wants to fill a mailbox."""
    for _ in range(times):
        offered = invite(owner, now, BO)
        Delivery.update(state=DeliveryState.SENT).execute()
        invitations.revoke(owner, offered, now)


def other_owner(name, now):
    zed = make_user(f"Zed of {name}", f"zed@{name.lower()}.example", now)
    account = accounts.found(name, zed, now)
    return Membership.get(Membership.account == account)


def test_inviting_and_revoking_again_and_again_fills_no_mailbox(owner, now):
    invite_and_revoke(owner, now, MAILS_A_DAY)
    assert outcome(owner, now) is Outcome.OFTEN
    with refused(Reason.NOBODY_TO_INVITE):
        issuing.issue(owner, order(BO, also=ON_REQUEST), now)
    assert Delivery.select().count() == MAILS_A_DAY


def test_a_day_later_there_is_room_again(owner, now):
    invite_and_revoke(owner, now, MAILS_A_DAY)
    almost = now + timedelta(hours=23, minutes=59)
    assert outcome(owner, almost) is Outcome.OFTEN
    assert outcome(owner, now + timedelta(days=1)) is Outcome.INVITE


def test_what_was_never_sent_does_not_count(owner, now):
    for _ in range(MAILS_A_DAY + 1):
        invitations.revoke(owner, invite(owner, now, BO), now)
        Delivery.update(state=DeliveryState.WITHDRAWN).execute()  # as the worker does
    assert outcome(owner, now) is Outcome.INVITE


def test_all_accounts_of_the_box_together_have_a_limit_too(owner, now):
    others = [other_owner(name, now) for name in ("North", "South", "West")]
    for other in others[:2]:
        invite_and_revoke(other, now, MAILS_A_DAY)
    assert outcome(others[2], now) is Outcome.OFTEN
    assert outcome(owner, now) is Outcome.OFTEN


def test_other_accounts_have_room_beside_one_that_has_none(owner, now):
    invite_and_revoke(owner, now, MAILS_A_DAY)
    assert outcome(other_owner("North", now), now) is Outcome.INVITE


def test_fifty_thousand_addresses_are_asked_about_at_once(owner, now):
    invite_and_revoke(owner, now, MAILS_A_DAY)
    emails = [BO, *(f"p{n}@example.org" for n in range(50_000))]
    assert frequency.mailed_often(owner.account, emails, now) == {BO}


@pytest.mark.parametrize("state", [DeliveryState.QUEUED, DeliveryState.FAILED])
def test_waiting_and_failed_mails_count(owner, now, state):
    invite_and_revoke(owner, now, MAILS_A_DAY)
    Delivery.update(state=state).execute()
    assert outcome(owner, now) is Outcome.OFTEN
