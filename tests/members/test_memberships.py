"""The members of an account: joining, roles, deactivating, leaving."""

from datetime import timedelta

import pytest

from invites.core.errors import Reason
from invites.core.roles import Role
from invites.members import accounts, answers, memberships
from invites.models import InvitationState, JoinedBy, Membership
from tests.conftest import NOW
from tests.support.actions import actions, invite, refused, reread
from tests.support.people import make_member, make_user

LATER = timedelta(days=1)


@pytest.fixture
def second_owner(people, account, now):
    return make_member(account, "Otto Berg", "otto@example.org", Role.OWNER, now)


def test_joining_twice_creates_one_member_with_the_first_role(account, now):
    noa = make_user("Noa New", "noa@example.org", now)
    first = memberships.join(account, noa, Role.MODERATOR, now, joined_by=JoinedBy.INVITATION)
    again = memberships.join(account, noa, Role.ADMIN, now, joined_by=JoinedBy.PERMANENT_LINK)
    assert again == first
    assert (again.role, again.joined_by) == (Role.MODERATOR, JoinedBy.INVITATION)


def test_a_member_is_found_active_or_not(people, owner, now):
    uma = people[Role.USER]
    memberships.deactivate(owner, uma, now)
    assert memberships.find(owner.account, uma.user) == uma
    assert memberships.find(owner.account, people.stranger.user) is None


def test_giving_a_member_their_present_role_changes_nothing(people, owner, now):
    before = actions(owner.account)
    memberships.change_role(owner, people[Role.MODERATOR], Role.MODERATOR, now)
    assert actions(owner.account) == before


def test_deactivating_or_reactivating_twice_is_recorded_once(people, owner, now):
    for action in (memberships.deactivate, memberships.reactivate):
        action(owner, people[Role.USER], now)
        action(owner, people[Role.USER], now)
    assert actions(owner.account)[-2:] == ["deactivated", "reactivated"]


@pytest.mark.parametrize("role", [Role.USER, Role.ADMIN, Role.OWNER])
def test_an_owner_gives_any_role(people, owner, now, role):
    memberships.change_role(owner, people[Role.MODERATOR], role, now)
    assert reread(people[Role.MODERATOR]).role is role
    assert actions(owner.account)[-1] == "role_changed"


@pytest.mark.parametrize(
    ("actor", "target", "role"),
    [
        (Role.USER, Role.USER, Role.USER),
        (Role.USER, Role.USER, Role.OWNER),
        (Role.MODERATOR, Role.USER, Role.MODERATOR),
        (Role.MODERATOR, Role.MODERATOR, Role.ADMIN),
        (Role.ADMIN, Role.ADMIN, Role.OWNER),
        (Role.ADMIN, Role.USER, Role.OWNER),
        (Role.ADMIN, Role.OWNER, Role.USER),
    ],
)
def test_nobody_grants_or_takes_away_a_role_above_their_reach(people, now, actor, target, role):
    with refused(Reason.NOT_ALLOWED):
        memberships.change_role(people[actor], people[target], role, now)
    assert reread(people[target]).role is target


def test_an_admin_may_step_down(people, now):
    memberships.change_role(people[Role.ADMIN], people[Role.ADMIN], Role.USER, now)
    assert reread(people[Role.ADMIN]).role is Role.USER


def test_a_member_who_was_just_demoted_cannot_change_roles(people, owner, now):
    in_an_open_tab = reread(people[Role.ADMIN])
    memberships.change_role(owner, people[Role.ADMIN], Role.USER, now)
    with refused(Reason.NOT_ALLOWED):
        memberships.change_role(in_an_open_tab, people[Role.USER], Role.ADMIN, now)


def test_a_member_who_just_became_owner_is_out_of_an_admins_reach(people, owner, now):
    in_an_open_tab = reread(people[Role.MODERATOR])
    memberships.change_role(owner, people[Role.MODERATOR], Role.OWNER, now)
    with refused(Reason.NOT_ALLOWED):
        memberships.deactivate(people[Role.ADMIN], in_an_open_tab, now)


def test_an_unconfirmed_member_gets_no_higher_role(owner, account, now):
    unproven = make_member(account, "Una", "una@example.org", Role.USER, now, confirmed=False)
    with refused(Reason.MEMBER_UNCONFIRMED):
        memberships.change_role(owner, unproven, Role.MODERATOR, now)
    assert reread(unproven).role is Role.USER


def test_an_unconfirmed_member_can_be_demoted(owner, account, now):
    unproven = make_member(account, "Una", "una@example.org", Role.ADMIN, now, confirmed=False)
    memberships.change_role(owner, unproven, Role.USER, now)
    assert reread(unproven).role is Role.USER


def test_a_deactivated_member_can_be_reactivated(people, owner, now):
    memberships.deactivate(owner, people[Role.MODERATOR], now)
    assert reread(people[Role.MODERATOR]).deactivated_at == now
    memberships.reactivate(owner, people[Role.MODERATOR], now + LATER)
    back = reread(people[Role.MODERATOR])
    assert (back.is_active, back.role) == (True, Role.MODERATOR)
    assert actions(owner.account)[-2:] == ["deactivated", "reactivated"]


@pytest.mark.parametrize("role", [Role.USER, Role.MODERATOR, Role.ADMIN])
def test_every_member_can_leave_and_be_reactivated(people, owner, now, role):
    memberships.leave(people[role], now)
    assert reread(people[role]).deactivated_at == now
    memberships.reactivate(owner, people[role], now + LATER)
    assert (reread(people[role]).is_active, reread(people[role]).role) == (True, role)
    assert actions(owner.account)[-2:] == ["left", "reactivated"]


def test_leaving_twice_is_recorded_once(people, now):
    for _ in range(2):
        memberships.leave(people[Role.USER], now)
    assert actions(people[Role.USER].account).count("left") == 1


def test_the_last_owner_stays_until_there_is_another_one(people, owner, now):
    assert memberships.is_last_owner(owner)
    with refused(Reason.LAST_OWNER):
        memberships.leave(owner, now)
    memberships.change_role(owner, people[Role.ADMIN], Role.OWNER, now)
    assert not memberships.is_last_owner(owner)
    memberships.leave(owner, now)
    assert not reread(owner).is_active
    assert memberships.is_last_owner(people[Role.ADMIN].get_by_id(people[Role.ADMIN].id))


def test_deactivating_twice_keeps_the_first_time(people, owner, now):
    memberships.deactivate(owner, people[Role.USER], now)
    memberships.deactivate(owner, people[Role.USER], now + LATER)
    assert reread(people[Role.USER]).deactivated_at == now


@pytest.mark.parametrize(
    ("action", "since"), [(memberships.deactivate, None), (memberships.reactivate, NOW)]
)
@pytest.mark.parametrize(
    ("actor", "target"),
    [
        (Role.USER, Role.USER),
        (Role.MODERATOR, Role.MODERATOR),
        (Role.MODERATOR, Role.ADMIN),
        (Role.ADMIN, Role.OWNER),
    ],
)
def test_nobody_deactivates_or_reactivates_above_their_reach(
    people, now, action, since, actor, target
):
    touched = make_member(people[target].account, "Tim", "tim@example.org", target, now)
    Membership.update(deactivated_at=since).where(Membership.id == touched.id).execute()
    with refused(Reason.NOT_ALLOWED):
        action(people[actor], touched, now)
    assert reread(touched).deactivated_at == since


def test_nobody_reaches_into_another_account(people, now):
    for target in Role:
        with refused(Reason.NOT_ALLOWED):
            memberships.change_role(people.stranger, people[target], Role.USER, now)
        with refused(Reason.NOT_ALLOWED):
            memberships.deactivate(people.stranger, people[target], now)
        with refused(Reason.NOT_ALLOWED):
            memberships.reactivate(people.stranger, people[target], now)


def test_deactivation_in_one_account_leaves_the_others(people, owner, now):
    zoe = memberships.join(
        owner.account, people.stranger.user, Role.USER, now, joined_by=JoinedBy.INVITATION
    )
    memberships.deactivate(owner, zoe, now)
    assert reread(people.stranger).is_active


def test_deactivation_revokes_open_invitations(people, owner, now):
    noa = make_user("Noa New", "new@example.org", now)
    pending, theirs = invite(owner, now), invite(people.stranger, now)
    memberships.join(owner.account, noa, Role.USER, now, joined_by=JoinedBy.PERMANENT_LINK)
    memberships.deactivate(owner, memberships.find(owner.account, noa), now)
    assert reread(pending).state == InvitationState.REVOKED
    assert answers.open_invitations(noa, now) == [theirs]


def test_leaving_with_an_unconfirmed_address_revokes_no_invitation(people, owner, account, now):
    offer = invite(owner, now, role=Role.ADMIN)
    unconfirmed = make_member(account, "Sly", "new@example.org", Role.USER, now, confirmed=False)
    memberships.leave(unconfirmed, now)
    assert reread(offer).is_open(now)


@pytest.mark.parametrize(
    ("actor", "remains"), [(Role.MODERATOR, True), (Role.ADMIN, False), (Role.OWNER, False)]
)
def test_deactivation_revokes_no_invitation_above_the_actors_reach(
    people, owner, account, now, actor, remains
):
    offer = invite(owner, now, role=Role.ADMIN)
    unconfirmed = make_member(account, "Sly", "new@example.org", Role.USER, now, confirmed=False)
    memberships.deactivate(people[actor], unconfirmed, now)
    assert reread(offer).is_open(now) == remains


def test_the_last_owner_can_neither_step_down_nor_be_deactivated(owner, now):
    with refused(Reason.LAST_OWNER):
        memberships.change_role(owner, owner, Role.ADMIN, now)
    with refused(Reason.LAST_OWNER):
        memberships.deactivate(owner, owner, now)
    assert reread(owner).role is Role.OWNER
    assert reread(owner).is_active


def test_one_of_two_owners_can_leave(owner, second_owner, now):
    memberships.change_role(owner, owner, Role.USER, now)
    with refused(Reason.LAST_OWNER):
        memberships.deactivate(second_owner, second_owner, now)


def test_an_inactive_owner_does_not_count(owner, second_owner, now):
    memberships.deactivate(owner, second_owner, now)
    with refused(Reason.LAST_OWNER):
        memberships.deactivate(owner, owner, now)


def test_an_owner_of_another_account_does_not_count(owner, people, now):
    assert accounts.memberships_of(people.stranger.user)[0].role is Role.OWNER
    with refused(Reason.LAST_OWNER):
        memberships.deactivate(owner, owner, now)


def test_the_role_of_an_inactive_member_cannot_be_changed(owner, second_owner, now):
    memberships.deactivate(owner, second_owner, now)
    with refused(Reason.NOT_FOUND):
        memberships.change_role(owner, second_owner, Role.USER, now)
    memberships.reactivate(owner, second_owner, now)
    assert reread(second_owner).role is Role.OWNER
