"""gmail.com and googlemail.com are one mailbox; each address stays as it was entered."""

from datetime import timedelta

import pytest

from invites.bounces import matching
from invites.bounces.report import DsnAction, RecipientReport, Report
from invites.core import addresses
from invites.core.errors import Reason
from invites.core.tokens import Purpose, Signer
from invites.invitations import classify, edits, manage, staged_rows, staging, unsubscribe
from invites.lists.entries import Entry
from invites.members import answers
from invites.models import (
    Delivery,
    DeliveryState,
    EmailToken,
    EmailTokenPurpose,
    EntryOutcome,
    Invitation,
    InvitationState,
    StagedRow,
    User,
)
from invites.people import confirmation, email_tokens, profiles
from tests.support.actions import attempt_all, invite, new_profile, refused, reread
from tests.support.people import PASSWORD, make_user

GMAIL, GOOGLEMAIL = "kim@gmail.com", "kim@googlemail.com"
BOTH = pytest.mark.parametrize(("one", "other"), [(GMAIL, GOOGLEMAIL), (GOOGLEMAIL, GMAIL)])


def outcomes(account, now, *emails):
    classified = classify.classify(account, [Entry(email) for email in emails], now).classified
    return [one.outcome for one in classified]


def confirm(user, now):
    checked = confirmation.check_password(user, PASSWORD)
    confirmation.confirm_email(EmailToken.get(EmailToken.user == user), checked, now)


@BOTH
def test_both_addresses_are_looked_up_and_neither_is_changed(one, other):
    assert addresses.canonical(one) == one
    assert addresses.spellings([one, "ada@example.org"]) == [one, "ada@example.org", other]
    assert addresses.spellings([one, other]) == [one, other]


@pytest.mark.parametrize(
    "email",
    ["k.im@gmail.com", "kim+x@gmail.com", "kim@hotmail.com", "kim@mail.com", "mail.com@x.org"],
)
def test_other_addresses_are_other_mailboxes(email):
    assert not addresses.is_same_mailbox(GMAIL, email)
    assert not addresses.is_same_mailbox(GOOGLEMAIL, email)


@BOTH
def test_a_list_with_both_invites_one_of_them_as_it_is_written(owner, now, one, other):
    assert outcomes(owner.account, now, one, other) == [
        EntryOutcome.INVITE,
        EntryOutcome.DUPLICATE,
    ]
    assert invite(owner, now, one).email == one


@BOTH
def test_people_are_recognized_by_their_mailbox(owner, account, now, one, other):
    invitation = invite(owner, now, one)
    assert outcomes(account, now, other) == [EntryOutcome.PENDING]
    answers.decline(invitation, now)
    assert outcomes(account, now, other) == [EntryOutcome.DECLINED]
    unsubscribe.unsubscribe(invitation, now)
    assert outcomes(account, now, other) == [EntryOutcome.UNSUBSCRIBED]
    unsubscribe.resubscribe(account, other, now)
    assert outcomes(account, now, one) == [EntryOutcome.DECLINED]


@BOTH
def test_the_weightier_outcome_counts_if_both_are_on_record(owner, account, now, one, other):
    answers.decline(invite(owner, now, one), now)
    Invitation.update(email=other).execute()
    kim = make_user("Kim", one, now)
    assert set(outcomes(account, now, one) + outcomes(account, now, other)) == {
        EntryOutcome.DECLINED
    }
    answers.accept(Invitation.get(), kim, now)
    assert outcomes(account, now, other) == [EntryOutcome.MEMBER]


@BOTH
def test_a_new_invitation_replaces_the_one_to_the_other_address(owner, now, one, other):
    declined = invite(owner, now, one)
    answers.decline(declined, now)
    invite(owner, now + timedelta(days=1), other)
    assert reread(declined).state == InvitationState.REPLACED


@BOTH
def test_an_invitation_is_not_restored_beside_one_to_the_other_address(owner, now, one, other):
    revoked = invite(owner, now, one)
    manage.revoke(owner, revoked, now)
    invite(owner, now, other)
    with refused(Reason.INVITATION_CLOSED):
        manage.restore(owner, revoked, now)
    assert reread(revoked).state == InvitationState.REVOKED


@BOTH
def test_invitations_to_both_addresses_count_together(owner, account, now, one, other):
    for email in (one, other, one):
        invitation = invite(owner, now, email)
        attempt_all(now)
        manage.revoke(owner, invitation, now)
    assert outcomes(account, now, one, other)[0] is EntryOutcome.RECIPIENT_LIMIT
    assert outcomes(account, now, other) == [EntryOutcome.RECIPIENT_LIMIT]
    tomorrow = now + timedelta(days=1)
    assert outcomes(account, tomorrow, other) == [EntryOutcome.INVITE]


@BOTH
def test_an_invitation_is_answered_by_the_profile_of_the_mailbox(owner, now, one, other):
    kim, invitation = make_user("Kim", one, now), invite(owner, now, other)
    assert answers.open_invitations(kim, now) == [invitation]
    assert answers.find(invitation.id, kim) == invitation
    assert answers.accept(invitation, kim, now).is_active


@BOTH
def test_accepting_confirms_the_address_of_the_profile(owner, now, one, other):
    kim, invitation = make_user("Kim", one, now, confirmed=False), invite(owner, now, other)
    checked = confirmation.check_password(kim, PASSWORD)
    assert answers.accept_and_confirm(invitation, checked, now).is_active
    assert (reread(kim).email, reread(kim).is_confirmed) == (one, True)


def test_an_invitation_confirms_no_other_address(owner, now):
    kim = make_user("Kim", "kim@example.org", now, confirmed=False)
    checked, invitation = confirmation.check_password(kim, PASSWORD), invite(owner, now, GMAIL)
    with refused(Reason.WRONG_PERSON):
        answers.accept_and_confirm(invitation, checked, now)
    assert (reread(kim).email, reread(kim).is_confirmed) == ("kim@example.org", False)


@BOTH
def test_typed_and_uploaded_addresses_of_a_mailbox_are_duplicates(owner, now, one, other):
    staged = staging.stage(owner, "people.csv", f"{one}\nada@example.com\n{other}\n".encode(), now)
    rows = {row.number: row.outcome for row in StagedRow.select()}
    assert rows == {1: "invite", 2: "invite", 3: "duplicate"}
    assert staged_rows.first_rows(staged, [other]) == {one: 1, other: 1}
    entry = Entry(other)
    (typed,) = classify.classify(owner.account, [entry], now, staged).classified
    assert typed.outcome is EntryOutcome.DUPLICATE
    edits.exclude(staged, 1, now)
    edits.edit_row(staged, 1, "bob@example.com", now)
    assert [row.outcome for row in StagedRow.select().order_by(StagedRow.number)] == ["invite"] * 3


@BOTH
def test_a_mailbox_has_one_profile_and_either_address_logs_in(database, now, one, other):
    kim = profiles.create(new_profile(one), now, confirmed=True)
    assert profiles.find(other) == kim
    assert profiles.authenticate(other, PASSWORD) == kim
    assert kim.email == one
    with refused(Reason.PROFILE_EXISTS):
        profiles.create(new_profile(other), now, confirmed=True)


def test_the_exact_address_counts_if_an_older_version_made_two_profiles(database, now):
    first, second = make_user("Kim", GMAIL, now), make_user("Kim", GOOGLEMAIL, now)
    assert (profiles.find(GMAIL), profiles.find(GOOGLEMAIL)) == (first, second)


@BOTH
def test_a_profile_can_change_to_the_other_address_and_nobody_else_can(database, now, one, other):
    kim = make_user("Kim", one, now)
    stranger = make_user("Stranger", "stranger@example.org", now)
    profiles.change_email(kim, other, PASSWORD, now)
    profiles.change_email(stranger, other, PASSWORD, now)
    assert [mail.recipient for mail in Delivery.select()] == [other]
    with refused(Reason.PROFILE_EXISTS):
        confirm(stranger, now)
    confirm(kim, now)
    assert User.get_by_id(kim.id).email == other


@BOTH
def test_a_bounce_that_names_the_other_address_is_not_called_forwarded(owner, now, one, other):
    invite(owner, now, one)
    attempt_all(now)
    delivery, signer = Delivery.get(), Signer(["key"])
    failed = RecipientReport(frozenset({other}), DsnAction.FAILED, 550, "Nobody")
    report = Report(signer.token(Purpose.MESSAGE_ID, delivery), (failed,))
    matching.record(report, signer, now)
    assert (reread(delivery).state, reread(delivery).reply_text) == (
        DeliveryState.BOUNCED,
        "Nobody",
    )


@BOTH
def test_links_to_either_address_count_together(database, now, one, other):
    kim = make_user("Kim", "kim@example.org", now)
    lee = make_user("Lee", "lee@example.org", now)
    purpose = EmailTokenPurpose.CONFIRM_EMAIL
    assert all(email_tokens.send_link(kim, purpose, one, now) for _ in range(5))
    assert not email_tokens.send_link(lee, purpose, other, now)
