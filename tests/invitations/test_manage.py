"""Resending, correcting, revoking and restoring invitations."""

from datetime import timedelta

import pytest

from invites.authorization.authority import has_authority
from invites.core.errors import Reason
from invites.core.roles import Role
from invites.core.tokens import Purpose
from invites.invitations import manage, send_invitations
from invites.lists.email_field import read_field
from invites.members import answers, memberships, permanent_link
from invites.models import (
    BatchState,
    Delivery,
    DeliveryState,
    EntryOutcome,
    Invitation,
    InvitationState,
    InvitationStatus,
)
from invites.outbox.retry import SendResult
from tests.support.actions import actions, attempt_all, invite, new_profile, refused, reread

DAY = timedelta(days=1)


@pytest.fixture
def invitation(owner, now):
    invitation = invite(owner, now)
    attempt_all(now)
    return invitation


def mails(invitation):
    return Delivery.select().where(Delivery.invitation == invitation).count()


def test_resending_mails_again_and_renews_the_expiry(owner, invitation, now):
    manage.resend(owner, invitation, now + DAY)
    assert mails(invitation) == 2
    assert reread(invitation).expires_at == now + DAY + send_invitations.LIFETIME
    assert actions(owner.account)[-1] == "resent"


def test_resending_brings_an_expired_invitation_back(owner, invitation, now):
    late = invitation.expires_at + DAY
    assert invitation.status(late) is InvitationStatus.EXPIRED
    manage.resend(owner, invitation, late)
    assert reread(invitation).is_open(late)


def test_the_link_in_an_earlier_mail_works_after_resending(owner, invitation, now, signer):
    from_first_mail = signer.token(Purpose.MAILED_INVITATION, invitation)
    manage.resend(owner, invitation, now + DAY)
    assert signer.matches(from_first_mail, Purpose.MAILED_INVITATION, reread(invitation))


def test_nothing_is_resent_while_the_last_mail_is_queued(owner, now):
    invitation = invite(owner, now)
    with refused(Reason.EMAIL_STILL_QUEUED):
        manage.resend(owner, invitation, now)
    assert mails(invitation) == 1


def invitation_request(entries, **more):
    return send_invitations.InvitationRequest(
        key="k", entries=read_field(entries), role=Role.USER, **more
    )


def test_another_address_revokes_the_invitation_to_the_wrong_one(owner, invitation, now):
    batch = manage.correct(owner, invitation, invitation_request("right@example.org"), now)
    assert [one.email for one in batch.invitations] == ["right@example.org"]
    assert reread(invitation).state == InvitationState.REVOKED
    assert actions(owner.account)[-2:] == ["invited", "revoked"]
    assert manage.correct(owner, invitation, invitation_request("right@example.org"), now) == batch


def test_an_invitation_mailed_again_or_answered_is_not_revoked(owner, invitation, now):
    again = invitation_request("new@example.org", also=frozenset({EntryOutcome.PENDING}))
    manage.correct(owner, invitation, again, now)
    assert reread(invitation).state == InvitationState.PENDING
    answers.accept_as_new(invitation, new_profile(), now)
    manage.correct(owner, invitation, invitation_request("right@example.org"), now)
    assert reread(invitation).state == InvitationState.ACCEPTED


def test_nothing_is_revoked_when_nothing_is_sent(owner, invitation, now):
    with refused(Reason.NOBODY_TO_INVITE):
        manage.correct(owner, invitation, invitation_request("new@example.org"), now)
    assert reread(invitation).state == InvitationState.PENDING


def test_an_invitation_to_a_higher_role_cannot_be_corrected(people, owner, now):
    above = invite(owner, now, role=Role.ADMIN)
    with refused(Reason.NOT_ALLOWED):
        manage.correct(people[Role.MODERATOR], above, invitation_request("right@example.org"), now)
    assert reread(above).state == InvitationState.PENDING
    assert not Invitation.select().where(Invitation.email == "right@example.org").exists()


def test_resending_is_possible_after_a_failed_mail(owner, now):
    invitation = invite(owner, now)
    attempt_all(now, SendResult.FAILED)
    manage.resend(owner, invitation, now)
    assert mails(invitation) == 2


def test_resending_for_an_inviter_who_left_changes_the_inviter(people, owner, now):
    invitation = invite(people[Role.ADMIN], now)
    attempt_all(now)
    memberships.deactivate(owner, people[Role.ADMIN], now)
    assert not has_authority(reread(invitation))
    manage.resend(owner, invitation, now)
    assert reread(invitation).inviter == owner.user
    assert has_authority(reread(invitation))


def test_a_queued_mail_from_an_inviter_who_left_is_replaced(people, owner, now):
    invitation = invite(people[Role.ADMIN], now)
    memberships.deactivate(owner, people[Role.ADMIN], now)
    manage.resend(owner, invitation, now)
    assert reread(invitation).inviter == owner.user
    states = [mail.state for mail in Delivery.select().order_by(Delivery.id)]
    assert states == [DeliveryState.WITHDRAWN, DeliveryState.QUEUED]
    assert reread(invitation.batch).state == BatchState.DONE


def test_a_mail_being_sent_blocks_resending_even_if_its_inviter_left(people, owner, now):
    invitation = invite(people[Role.ADMIN], now)
    memberships.deactivate(owner, people[Role.ADMIN], now)
    Delivery.update(state=DeliveryState.SENDING).execute()
    with refused(Reason.EMAIL_STILL_QUEUED):
        manage.resend(owner, invitation, now)
    assert mails(invitation) == 1


def test_resending_keeps_an_inviter_with_authority(people, invitation, now):
    manage.resend(people[Role.ADMIN], invitation, now)
    assert reread(invitation).inviter.name == "Olive Martin"


def test_a_revoked_invitation_is_closed_until_it_is_restored(owner, invitation, now):
    manage.revoke(owner, invitation, now)
    assert not reread(invitation).is_open(now)
    manage.restore(owner, invitation, now)
    assert reread(invitation).is_open(now)
    assert actions(owner.account)[-2:] == ["revoked", "restored"]


def test_a_withdrawn_mail_is_sent_after_restoring(owner, now):
    invitation = invite(owner, now)
    manage.revoke(owner, invitation, now)
    attempt_all(now)
    manage.restore(owner, invitation, now)
    assert mails(invitation) == 2


def test_restoring_does_not_repeat_a_sent_mail(owner, invitation, now):
    manage.revoke(owner, invitation, now)
    manage.restore(owner, invitation, now)
    assert mails(invitation) == 1


def test_a_declined_invitation_can_be_revoked(owner, invitation, now):
    answers.decline(invitation, now)
    manage.revoke(owner, invitation, now)
    assert not reread(invitation).is_open(now)


def test_one_person_gets_at_most_three_mails_a_day(owner, invitation, now):
    for _ in range(2):
        manage.resend(owner, invitation, now)
        attempt_all(now)
    with refused(Reason.RECIPIENT_LIMIT):
        manage.resend(owner, invitation, now)
    manage.resend(owner, invitation, now + DAY)


def test_restoring_does_not_bring_back_a_removed_member(people, owner, now):
    removed = people[Role.USER]
    memberships.deactivate(owner, removed, now)
    again = invite(owner, now, removed.user.email)
    manage.revoke(owner, again, now)
    with refused(Reason.INVITATION_CLOSED):
        manage.restore(owner, again, now)


def test_somebody_who_joined_otherwise_is_not_mailed_again(owner, invitation, now):
    permanent_link.join_as_new(permanent_link.enable(owner, now), new_profile(), now)
    with refused(Reason.ALREADY_MEMBER):
        manage.resend(owner, invitation, now + DAY)
    assert mails(invitation) == 1
    assert reread(invitation).expires_at == invitation.expires_at


def test_the_invitation_of_somebody_who_joined_otherwise_is_not_restored(owner, invitation, now):
    manage.revoke(owner, invitation, now)
    permanent_link.join_as_new(permanent_link.enable(owner, now), new_profile(), now)
    with refused(Reason.ALREADY_MEMBER):
        manage.restore(owner, invitation, now)
    assert reread(invitation).state == InvitationState.REVOKED


def test_restoring_an_expired_invitation_sends_no_mail(owner, now):
    invitation = invite(owner, now)
    manage.revoke(owner, invitation, now)
    attempt_all(now)
    manage.restore(owner, invitation, invitation.expires_at)
    assert mails(invitation) == 1
    manage.resend(owner, invitation, invitation.expires_at)
    assert reread(invitation).is_open(invitation.expires_at)


def test_restoring_does_not_extend_the_expiry(owner, invitation, now):
    manage.revoke(owner, invitation, now)
    manage.restore(owner, invitation, now + DAY)
    assert reread(invitation).expires_at == invitation.expires_at


def test_an_invitation_is_not_restored_if_there_is_a_newer_one(owner, invitation, now):
    manage.revoke(owner, invitation, now)
    newer = invite(owner, now)
    with refused(Reason.INVITATION_CLOSED):
        manage.restore(owner, invitation, now)
    assert reread(invitation).state == InvitationState.REVOKED
    assert reread(newer).state == InvitationState.PENDING


def accept(invitation, owner, now):
    answers.accept_as_new(invitation, new_profile(), now)


def revoke(invitation, owner, now):
    manage.revoke(owner, invitation, now)


def decline(invitation, owner, now):
    answers.decline(invitation, now)


def nothing(invitation, owner, now):
    """The invitation stays pending."""


@pytest.mark.parametrize(
    ("before", "action"),
    [
        (accept, manage.resend),
        (accept, manage.revoke),
        (accept, manage.restore),
        (revoke, manage.resend),
        (revoke, manage.revoke),
        (decline, manage.resend),
        (decline, manage.restore),
        (nothing, manage.restore),
    ],
)
def test_an_action_that_does_not_fit_the_state_is_refused_and_changes_nothing(
    owner, invitation, now, before, action
):
    before(invitation, owner, now)
    state, written, mailed = reread(invitation).state, actions(owner.account), mails(invitation)
    with refused(Reason.INVITATION_CLOSED):
        action(owner, invitation, now)
    assert reread(invitation).state == state
    assert (actions(owner.account), mails(invitation)) == (written, mailed)


@pytest.mark.parametrize("action", [manage.resend, manage.revoke, manage.restore])
@pytest.mark.parametrize(
    ("actor", "role"),
    [(Role.USER, Role.USER), (Role.MODERATOR, Role.MODERATOR), (Role.ADMIN, Role.OWNER)],
)
def test_nobody_touches_an_invitation_above_their_reach(people, owner, now, action, actor, role):
    invitation = invite(owner, now, role=role)
    with refused(Reason.NOT_ALLOWED):
        action(people[actor], invitation, now)


@pytest.mark.parametrize("action", [manage.resend, manage.revoke, manage.restore])
def test_nobody_touches_an_invitation_of_another_account(people, invitation, now, action):
    with refused(Reason.NOT_ALLOWED):
        action(people.stranger, invitation, now)
