"""Accepting and declining invitations."""

from datetime import timedelta

import pytest

from invites.authorization.permissions import Action, authorize, fresh, is_allowed
from invites.core.errors import Reason
from invites.core.roles import Role
from invites.invitations import manage
from invites.members import answers, memberships, permanent_link
from invites.models import Delivery, EmailToken, InvitationState, JoinedBy, Membership, User
from invites.people import confirmation, profiles
from tests.support.actions import actions, confirm, invite, new_profile, refused, reread, send
from tests.support.people import PASSWORD, make_user

INSTANT = timedelta(microseconds=1)


@pytest.fixture
def invitation(owner, now):
    return invite(owner, now)


@pytest.fixture
def noa_unconfirmed(database, now):
    return make_user("Noa New", "new@example.org", now, confirmed=False)


@pytest.fixture
def noa(database, now):
    return make_user("Noa New", "new@example.org", now)


def test_accepting_gives_the_role_of_the_invitation(owner, noa, now):
    invitation = invite(owner, now, role=Role.MODERATOR)
    membership = answers.accept(invitation, noa, now)
    assert (membership.account, membership.user) == (owner.account, noa)
    assert membership.role is Role.MODERATOR
    assert membership.is_active
    assert (membership.joined_by, membership.invitation) == (JoinedBy.INVITATION, invitation)
    assert reread(invitation).state == InvitationState.ACCEPTED
    assert reread(invitation).answered_at == now
    assert actions(owner.account)[-1] == "accepted"


def test_an_invitation_is_accepted_once(invitation, noa, now):
    answers.accept(invitation, noa, now)
    with refused(Reason.INVITATION_CLOSED):
        answers.accept(invitation, noa, now)
    assert actions(invitation.account).count("accepted") == 1


def test_an_invitation_can_be_accepted_until_it_expires(owner, noa, now):
    first, second = send(owner, now, "new@example.org", "late@example.org").invitations
    late = make_user("Lea Late", "late@example.org", now)
    assert answers.accept(first, noa, first.expires_at - INSTANT).is_active
    with refused(Reason.INVITATION_CLOSED):
        answers.accept(second, late, second.expires_at)
    assert memberships.find(owner.account, late) is None


def test_a_revoked_invitation_cannot_be_accepted_or_declined(owner, invitation, noa, now):
    manage.revoke(owner, invitation, now)
    with refused(Reason.INVITATION_CLOSED):
        answers.accept(invitation, noa, now)
    with refused(Reason.INVITATION_CLOSED):
        answers.decline(invitation, now)
    assert memberships.find(owner.account, noa) is None


def test_an_invitation_for_somebody_else_cannot_be_accepted(people, invitation, now):
    with refused(Reason.WRONG_PERSON):
        answers.accept(invitation, people.stranger.user, now)
    with refused(Reason.WRONG_PERSON):
        answers.accept_as_new(invitation, new_profile("x@example.org"), now)
    assert reread(invitation).is_open(now)


@pytest.mark.parametrize("becomes", [Role.USER, None])
def test_an_invitation_cannot_be_accepted_after_its_inviter_lost_authority(
    people, owner, noa, now, becomes
):
    invitation = invite(people[Role.ADMIN], now, role=Role.ADMIN)
    if becomes is None:
        memberships.deactivate(owner, people[Role.ADMIN], now)
    else:
        memberships.change_role(owner, people[Role.ADMIN], becomes, now)
    with refused(Reason.INVITER_WITHOUT_AUTHORITY):
        answers.accept(invitation, noa, now)
    assert reread(invitation).state == InvitationState.PENDING
    assert memberships.find(owner.account, noa) is None


def test_a_new_person_accepts_with_a_profile_for_the_invited_address(invitation, now):
    membership = answers.accept_as_new(invitation, new_profile(), now)
    user = User.get(User.email == "new@example.org")
    assert membership.user == user
    assert user.is_confirmed
    assert Delivery.select().where(Delivery.email_token.is_null(False)).count() == 0


def test_a_copied_link_proves_no_mailbox_so_a_confirmation_is_mailed(owner, invitation, now):
    membership = answers.accept_as_new(invitation, new_profile(), now, copier=owner)
    assert not membership.user.is_confirmed
    mail = Delivery.get(Delivery.email_token.is_null(False))
    assert (mail.recipient, mail.kind) == ("new@example.org", "confirm_email")


def test_the_mailed_link_and_the_password_confirm_a_profile(owner, noa_unconfirmed, now):
    invitation = invite(owner, now, role=Role.ADMIN)
    checked = confirmation.check_password(noa_unconfirmed, PASSWORD)
    membership = answers.accept_and_confirm(invitation, checked, now)
    assert reread(noa_unconfirmed).is_confirmed
    assert membership.effective_role is Role.ADMIN


def test_the_mailed_link_confirms_nothing_for_people_who_do_not_know_the_password(
    invitation, noa_unconfirmed, now
):
    with refused(Reason.PASSWORD_WRONG):
        confirmation.check_password(noa_unconfirmed, "another password")
    checked = confirmation.check_password(noa_unconfirmed, PASSWORD)
    confirmation.set_password(noa_unconfirmed, "a fish in the snow", now)  # meanwhile
    with refused(Reason.PASSWORD_WRONG):
        answers.accept_and_confirm(invitation, checked, now)
    assert reread(invitation).is_open(now)


@pytest.mark.parametrize("offered", Role)
def test_an_unconfirmed_person_is_a_user_until_the_address_is_confirmed(
    owner, noa_unconfirmed, now, offered
):
    membership = answers.accept(
        invite(owner, now, role=offered), noa_unconfirmed, now, copier=owner
    )
    assert membership.effective_role is Role.USER
    assert membership.is_role_waiting is (offered > Role.USER)
    assert not is_allowed(membership, Action.SEE_PEOPLE)
    with refused(Reason.NOT_ALLOWED):
        authorize(membership, Action.SEE_PEOPLE)
    confirmation.set_password(noa_unconfirmed, "a fish in the snow", now)
    assert fresh(membership).effective_role is offered


def test_confirming_another_address_than_the_invited_one_gives_no_higher_role(owner, now):
    invitation = invite(owner, now, role=Role.OWNER)
    member = answers.accept_as_new(invitation, new_profile(), now, copier=owner)
    profiles.change_email(member.user, "thief@elsewhere.example", PASSWORD, now)
    confirm(EmailToken.get(email="thief@elsewhere.example"), now)
    assert fresh(member).effective_role is fresh(member).role is Role.USER
    assert actions(owner.account)[-2:] == ["role_changed", "email_confirmed"]


def test_confirming_the_other_address_of_an_invited_gmail_mailbox_gives_the_role(owner, now):
    invitation = invite(owner, now, "noa@gmail.com", role=Role.ADMIN)
    member = answers.accept_as_new(invitation, new_profile("noa@gmail.com"), now, copier=owner)
    profiles.change_email(member.user, "noa@googlemail.com", PASSWORD, now)
    confirm(EmailToken.get(email="noa@googlemail.com"), now)
    assert fresh(member).effective_role is Role.ADMIN


@pytest.mark.parametrize("loses_it", ["removed", "demoted", "unconfirmed"])
def test_a_copied_link_dies_when_its_copier_may_no_longer_copy_it(
    people, owner, noa, now, loses_it
):
    admin = people[Role.ADMIN]
    invitation = invite(owner, now, role=Role.ADMIN)
    if loses_it == "removed":
        memberships.deactivate(owner, admin, now)
    elif loses_it == "demoted":
        memberships.change_role(owner, admin, Role.MODERATOR, now)
    else:
        User.update(email_confirmed_at=None).where(User.id == admin.user_id).execute()
    with refused(Reason.LINK_CLOSED):
        answers.accept(invitation, noa, now, copier=admin)
    with refused(Reason.LINK_CLOSED):
        answers.decline(invitation, now, copier=admin)
    assert answers.accept(invitation, noa, now).is_active  # with the link in the mail


def test_a_copied_link_does_not_confirm_a_profile(owner, invitation, now):
    user = make_user("Noa New", "new@example.org", now, confirmed=False)
    answers.accept(invitation, user, now, copier=owner)
    assert not reread(user).is_confirmed


def test_an_address_with_a_profile_gets_no_second_one(invitation, noa, now):
    with refused(Reason.PROFILE_EXISTS):
        answers.accept_as_new(invitation, new_profile(), now)
    assert reread(invitation).is_open(now)


def test_a_refused_acceptance_creates_no_profile(owner, invitation, now):
    manage.revoke(owner, invitation, now)
    with refused(Reason.INVITATION_CLOSED):
        answers.accept_as_new(invitation, new_profile(), now, copier=owner)
    assert User.get_or_none(User.email == "new@example.org") is None
    assert Delivery.select().where(Delivery.email_token.is_null(False)).count() == 0


def test_declining_needs_no_profile_and_is_recorded(invitation, now):
    answers.decline(invitation, now)
    assert reread(invitation).state == InvitationState.DECLINED
    assert reread(invitation).answered_at == now
    assert actions(invitation.account)[-1] == "declined"


def test_declining_twice_is_recorded_once(invitation, now):
    for minutes in (0, 1):
        answers.decline(invitation, now + timedelta(minutes=minutes))
    assert reread(invitation).answered_at == now
    assert actions(invitation.account).count("declined") == 1


def test_a_declined_invitation_can_still_be_accepted_until_it_expires(invitation, noa, now):
    answers.decline(invitation, now)
    with refused(Reason.INVITATION_CLOSED):
        answers.accept(invitation, noa, invitation.expires_at)
    assert answers.accept(invitation, noa, invitation.expires_at - INSTANT).is_active


def test_an_accepted_or_expired_invitation_cannot_be_declined(owner, noa, now):
    first, second = send(owner, now, "new@example.org", "late@example.org").invitations
    answers.accept(first, noa, now)
    with refused(Reason.INVITATION_CLOSED):
        answers.decline(first, now)
    with refused(Reason.INVITATION_CLOSED):
        answers.decline(second, second.expires_at)


def test_a_member_who_accepts_keeps_the_role_they_have(owner, noa, now):
    invitation = invite(owner, now, role=Role.ADMIN)
    memberships.join(owner.account, noa, Role.USER, now, joined_by=JoinedBy.PERMANENT_LINK)
    assert answers.accept(invitation, noa, now).role is Role.USER
    assert Membership.select().where(Membership.user == noa).count() == 1


def test_a_deactivated_member_comes_back_with_the_role_of_the_new_invitation(people, owner, now):
    moderator = people[Role.MODERATOR]
    memberships.deactivate(owner, moderator, now)
    invitation = invite(owner, now, "mo@example.org", role=Role.USER)
    again = answers.accept(invitation, moderator.user, now + INSTANT)
    assert again == moderator
    assert (again.role, again.is_active, again.joined_at) == (Role.USER, True, now + INSTANT)
    assert again.invitation == invitation


def test_a_deactivated_member_cannot_come_back_with_an_older_invitation(
    owner, invitation, noa, now
):
    answers.decline(invitation, now)
    permanent_link.join(permanent_link.enable(owner, now), noa, now)
    memberships.deactivate(owner, memberships.find(owner.account, noa), now)
    with refused(Reason.INVITATION_CLOSED):
        answers.accept(invitation, noa, now)


def test_an_accepted_invitation_cannot_be_used_again_after_deactivation(
    owner, invitation, noa, now
):
    memberships.deactivate(owner, answers.accept(invitation, noa, now), now)
    with refused(Reason.INVITATION_CLOSED):
        answers.accept(invitation, noa, now)


def test_accepting_closes_the_accounts_other_invitations_to_the_person(owner, noa, now):
    older = invite(owner, now)
    manage.revoke(owner, older, now)
    newer = invite(owner, now)
    answers.decline(newer, now)
    manage.restore(owner, older, now)
    answers.accept(older, noa, now)
    assert reread(newer).state == InvitationState.REPLACED


def test_accepting_with_a_copied_link_closes_no_other_invitation(people, owner, now):
    higher = invite(owner, now, role=Role.ADMIN)
    answers.decline(higher, now)
    copied = invite(people[Role.MODERATOR], now)
    answers.accept_as_new(copied, new_profile(), now, copier=owner)
    assert reread(higher).is_open(now)


def test_the_open_invitations_of_all_accounts_are_listed(people, owner, noa, now):
    for actor in (owner, people.stranger):
        invite(actor, now)
    found = answers.open_invitations(noa, now)
    assert [one.account.name for one in found] == ["Riverside Relief", "Elsewhere"]
    assert [one.inviter.name for one in found] == ["Olive Martin", "Zoe Blank"]


def test_closed_expired_and_other_peoples_invitations_are_not_listed(
    people, owner, invitation, noa, now
):
    invite(owner, now, "other@example.org")
    revoked = invite(people.stranger, now)
    manage.revoke(people.stranger, revoked, now)
    assert answers.open_invitations(noa, now) == [invitation]
    assert answers.open_invitations(noa, invitation.expires_at) == []


def test_declined_invitations_are_listed_last_until_they_expire(people, owner, noa, now):
    declined, waiting = invite(owner, now), invite(people.stranger, now)
    answers.decline(declined, now)
    assert answers.open_invitations(noa, now) == [waiting, declined]
    assert answers.open_invitations(noa, declined.expires_at) == []


def test_only_pending_invitations_count_as_unanswered(invitation, noa, now):
    assert answers.has_unanswered(noa, now)
    answers.decline(invitation, now)
    assert not answers.has_unanswered(noa, now)


def test_an_unconfirmed_person_gets_no_list(invitation, now):
    user = make_user("Noa New", "new@example.org", now, confirmed=False)
    assert answers.open_invitations(user, now) == []
