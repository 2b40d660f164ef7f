"""The only door to an account's rows."""

from datetime import timedelta

import pytest

from invites.core.errors import Reason
from invites.core.paging import PAGE_SIZE
from invites.core.roles import Role
from invites.invitations import manage
from invites.members import answers, memberships
from invites.members.account_invitations import Flag
from invites.members.scope import Scope
from invites.models import Delivery, DeliveryState, InvitationStatus
from invites.outbox.retry import SendResult
from tests.support.actions import attempt_all, invite, refused, send
from tests.support.people import make_member


@pytest.fixture
def scope(people, account):
    return Scope(account)


def names(page):
    return [membership.user.name for membership in page]


def emails(page):
    return [listed.invitation.email for listed in page]


def members(scope, *, active=True, search="", page=1):
    return scope.members.page(page, active=active, search=search)


def listed(scope, now, *, which=None, search="", page=1):
    return scope.invitations.page(page, which=which, search=search, now=now)


def test_what_belongs_to_the_account_is_found(scope, owner, now):
    invitation = invite(owner, now)
    assert scope.invitations.find(invitation.id) == invitation
    assert scope.batches.find(invitation.batch_id) == invitation.batch
    assert scope.members.find(owner.id) == owner


@pytest.mark.parametrize("missing", [0, -1, 999])
def test_somebody_elses_number_answers_like_one_that_does_not_exist(scope, people, now, missing):
    theirs = invite(people.stranger, now)
    for find, number in (
        (scope.invitations.find, theirs.id),
        (scope.batches.find, theirs.batch_id),
        (scope.members.find, people.stranger.id),
        (scope.invitations.find, missing),
        (scope.batches.find, missing),
        (scope.members.find, missing),
    ):
        with refused(Reason.NOT_FOUND):
            find(number)


def test_members_are_listed_by_name(scope):
    assert names(members(scope)) == ["Ada Okafor", "Mo Diaz", "Olive Martin", "Uma Roy"]


def test_removed_members_are_listed_apart(scope, people, owner, now):
    memberships.deactivate(owner, people[Role.USER], now)
    assert "Uma Roy" not in names(members(scope))
    assert names(members(scope, active=False)) == ["Uma Roy"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("okafor", ["Ada Okafor"]),
        ("MO@EXAMPLE", ["Mo Diaz"]),
        ("m", ["Ada Okafor", "Mo Diaz", "Olive Martin", "Uma Roy"]),
        ("%", []),
        ("_", []),
        ("'", []),
        ("zoe", []),
    ],
)
def test_members_are_found_by_a_part_of_name_or_address(scope, search, found):
    assert names(members(scope, search=search)) == found


def test_members_are_found_and_ordered_whatever_the_case_and_accents(scope, account, now):
    for number, name in enumerate(["Önder", "ödön", "Muller", "MÜLLER", "Zed", "Ærø"]):
        make_member(account, name, f"p{number}@example.org", Role.USER, now)
    assert names(members(scope, search="müller")) == ["Muller", "MÜLLER"]
    assert names(members(scope, search="OD")) == ["ödön"]
    everybody = names(members(scope))
    assert everybody[2:6] == ["Muller", "MÜLLER", "ödön", "Olive Martin"]
    assert everybody.index("Önder") < everybody.index("Uma Roy")


def test_a_long_list_comes_in_pages(scope, account, now):
    for number in range(PAGE_SIZE):
        make_member(account, f"Zed {number:03}", f"z{number}@example.org", Role.USER, now)
    first, second = members(scope), members(scope, page=2)
    assert (first.first, first.last, first.total, first.has_next) == (1, 50, 54, True)
    assert (second.first, second.last, second.total, second.has_next) == (51, 54, 54, False)
    assert not set(names(first)) & set(names(second))


@pytest.mark.parametrize(("asked", "shown"), [(-5, 1), (0, 1), (2, 1), (10**30, 1)])
def test_a_page_that_does_not_exist_is_the_nearest_that_does(scope, asked, shown):
    assert members(scope, page=asked).number == shown


def test_an_empty_list_is_one_empty_page(scope):
    page = members(scope, search="nobody")
    assert (page.number, page.first, page.last, page.total, page.has_next) == (1, 0, 0, 0, False)


def test_invitations_are_listed_newest_first_without_those_of_others(scope, people, owner, now):
    send(owner, now, "one@example.org", "two@example.org")
    invite(owner, now, "three@example.org")
    invite(people.stranger, now, "theirs@example.org")
    assert emails(listed(scope, now)) == ["three@example.org", "two@example.org", "one@example.org"]


def test_invitations_are_filtered_by_where_the_person_stands(scope, owner, now):
    batch = send(owner, now, *(f"{s}@example.org" for s in ("pending", "declined", "revoked")))
    _, declined, revoked = batch.invitations
    answers.decline(declined, now)
    manage.revoke(owner, revoked, now)
    late = declined.expires_at
    for status, moment in (
        (InvitationStatus.PENDING, now),
        (InvitationStatus.DECLINED, now),
        (InvitationStatus.REVOKED, late),
    ):
        found = listed(scope, moment, which=status)
        assert emails(found) == [f"{status}@example.org"]
    assert emails(listed(scope, late, which=InvitationStatus.EXPIRED)) == ["pending@example.org"]
    assert emails(listed(scope, late, which=InvitationStatus.PENDING)) == []


def test_invitations_are_found_by_a_part_of_the_address(scope, owner, now):
    send(owner, now, "a_b@example.org", "axb@example.org")
    assert emails(listed(scope, now, search="A_B")) == ["a_b@example.org"]
    assert emails(listed(scope, now, search="%")) == []


def test_invitations_whose_last_mail_failed_are_found_until_another_goes_out(scope, owner, now):
    bad = invite(owner, now, "bad@example.org")
    attempt_all(now, SendResult.FAILED)
    invite(owner, now, "good@example.org")
    attempt_all(now, SendResult.SENT)
    assert emails(listed(scope, now, which=Flag.FAILED)) == ["bad@example.org"]
    assert scope.invitations.flag_totals(now)[Flag.FAILED] == 1
    manage.resend(owner, bad, now)
    assert emails(listed(scope, now, which=Flag.FAILED)) == []
    assert scope.invitations.flag_totals(now)[Flag.FAILED] == 0


def test_an_invitation_whose_mail_came_back_counts_as_failed_until_another_goes_out(
    scope, owner, now
):
    back = invite(owner, now, "back@example.org")
    Delivery.update(state=DeliveryState.BOUNCED).execute()
    invite(owner, now, "good@example.org")
    assert emails(listed(scope, now, which=Flag.FAILED)) == ["back@example.org"]
    assert scope.invitations.flag_totals(now)[Flag.FAILED] == 1
    manage.resend(owner, back, now)
    assert scope.invitations.flag_totals(now)[Flag.FAILED] == 0


def test_each_invitation_comes_with_its_newest_mail(scope, owner, now):
    invitation = invite(owner, now)
    attempt_all(now, SendResult.SENT)
    manage.resend(owner, invitation, now)
    (one,) = listed(scope, now)
    assert one.delivery.state == DeliveryState.QUEUED


def test_the_totals_say_how_many_stand_where(scope, people, owner, now):
    batch = send(owner, now, *(f"p{n}@example.org" for n in range(4)))
    answers.decline(batch.invitations[0], now)
    invite(people.stranger, now)
    late = batch.invitations[0].expires_at
    nowhere = dict.fromkeys(InvitationStatus, 0)
    assert scope.invitations.totals(now) == nowhere | {"declined": 1, "pending": 3}
    assert scope.invitations.totals(late) == nowhere | {"declined": 1, "expired": 3}


def test_the_newest_batches_come_first_with_how_many_people_they_mail(scope, people, owner, now):
    sent = [send(owner, now, *(f"p{n}{m}@example.org" for m in range(n + 1))) for n in range(4)]
    manage.revoke(owner, sent[3].invitations[0], now)
    send(people.stranger, now, "x@example.org")
    found = scope.batches.page(1, size=3)
    assert [(one.batch, one.people) for one in found] == [(sent[3], 4), (sent[2], 3), (sent[1], 2)]
    assert found.total == 4
    assert [one.batch for one in scope.batches.page(2, size=3)] == [sent[0]]


def test_who_is_mailed_again_counts_once_in_each_batch(scope, owner, now):
    first = send(owner, now, "p@example.org")
    attempt_all(now)
    manage.resend(owner, first.invitations[0], now)
    attempt_all(now)
    send(owner, now + timedelta(days=2), "p@example.org", "q@example.org")
    assert [one.people for one in scope.batches.page(1)] == [2, 1]
