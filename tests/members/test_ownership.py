"""Accounts without an Account Owner, and the rescue commands."""

import pytest

from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.core.errors import Reason
from invites.core.roles import Role
from invites.members import memberships, ownership
from invites.models import (
    Account,
    Authenticator,
    JoinedBy,
    Membership,
    SecurityEvent,
    User,
)
from invites.people import profiles, sessions, totp, two_step
from tests.cli.running import run
from tests.people.test_security_notices import sent_notices
from tests.support.actions import refused, reread
from tests.support.people import make_member, make_user
from tests.support.populated_account import ACCOUNT, signed_in
from tests.test_races import at_once


@pytest.fixture
def lost(people):
    """The account after its Owner was removed in the database."""
    Membership.update(deactivated_at=0).where(Membership.id == people[Role.OWNER].id).execute()
    return people


def owners(people):
    return [user.email for user in memberships.owners(people[Role.OWNER].account)]


def test_an_admin_claims_an_account_without_owner(lost, now):
    ownership.claim(lost[Role.ADMIN], now)
    assert owners(lost) == ["ada@example.org"]
    newest = audit_log.entries(lost[Role.OWNER].account, None, "")[0]
    assert (newest.action, newest.actor.email) == (AuditAction.OWNERSHIP_CLAIMED, "ada@example.org")


def test_the_first_claim_wins_even_at_the_same_time(lost, now):
    account = lost[Role.OWNER].account
    admins = [
        make_member(account, f"Admin {n}", f"a{n}@example.org", Role.ADMIN, now) for n in range(6)
    ]
    results = at_once(*[lambda one=one: ownership.claim(one, now) for one in admins])
    assert sorted(map(str, results)) == sorted(["None"] + ["has_owner"] * 5)
    assert len(owners(lost)) == 1


@pytest.mark.parametrize("role", [Role.USER, Role.MODERATOR])
def test_only_admins_can_claim(lost, now, role):
    with refused(Reason.NOT_ALLOWED):
        ownership.claim(lost[role], now)


def test_an_admin_with_an_unconfirmed_address_cannot_claim(lost, now):
    User.update(email_confirmed_at=None).where(User.id == lost[Role.ADMIN].user_id).execute()
    with refused(Reason.NOT_ALLOWED):
        ownership.claim(reread(lost[Role.ADMIN]), now)
    assert owners(lost) == []


def test_nobody_claims_an_account_with_an_owner(people, now):
    with refused(Reason.HAS_OWNER):
        ownership.claim(people[Role.ADMIN], now)
    assert reread(people[Role.ADMIN]).role == Role.ADMIN


class TestThePage:
    def test_offers_ownership_to_admins_while_there_is_no_owner(self, app, lost):
        ada = signed_in(app, lost[Role.ADMIN].user).open(f"{ACCOUNT}/")
        ada.press("Become Account Owner")
        assert "You are now Account Owner of Riverside Relief." in ada.text
        assert "Become Account Owner" not in ada.text
        assert owners(lost) == ["ada@example.org"]

    def test_names_no_owner_to_former_members_when_there_is_none(self, app, lost):
        uma = lost[Role.USER]
        Membership.update(deactivated_at=0).where(Membership.id == uma.id).execute()
        page = signed_in(app, uma.user).open(f"{ACCOUNT}/")
        assert "You are no longer an active member" in page.text
        assert "ask an Account Owner" not in page.text

    def test_tells_an_admin_who_is_too_late(self, app, lost, now):
        ada = signed_in(app, lost[Role.ADMIN].user).open(f"{ACCOUNT}/")
        make_member(lost[Role.OWNER].account, "Fast", "fast@example.org", Role.OWNER, now)
        ada.press("Become Account Owner")
        assert "This account already has an Account Owner." in ada.text

    @pytest.mark.parametrize("role", [Role.USER, Role.MODERATOR])
    def test_offers_ownership_to_no_other_role(self, app, lost, role):
        assert "no Account Owner" not in signed_in(app, lost[role].user).open(f"{ACCOUNT}/").text

    def test_offers_nothing_if_there_is_an_owner(self, app, people):
        ada = signed_in(app, people[Role.ADMIN].user).open(f"{ACCOUNT}/")
        assert "no Account Owner" not in ada.text


class TestRescue:
    def rescue(self, app, *more, slug="riverside-relief", email="uma@example.org", typed=""):
        who = ("--account", slug, "--email", email)
        return run(app, "rescue-owner", *who, *more, typed=typed)

    def test_makes_a_member_owner_and_records_it(self, app, people):
        done = self.rescue(app)
        assert done.output.startswith(
            "Riverside Relief has another Account Owner: Uma Roy (uma@example.org)."
        )
        assert owners(people) == ["olive@example.org", "uma@example.org"]
        newest = audit_log.entries(people[Role.OWNER].account, None, "")[0]
        assert (newest.action, newest.actor, newest.details) == (
            AuditAction.OWNER_RESCUED,
            None,
            {"email": "uma@example.org", "name": "Uma Roy"},
        )

    def test_says_that_two_step_verification_stays_on(self, app, people, now):
        totp.create(people[Role.USER].user, now)
        Authenticator.update(confirmed_at=now).execute()
        assert "flask disable-two-step --email uma@example.org" in self.rescue(app).output

    @pytest.mark.usefixtures("people")
    def test_notifies_an_owner_who_has_to_set_up_two_step_verification(self, app):
        Account.update(requires_two_step=True).execute()
        assert "flask disable-two-step" not in self.rescue(app).output
        assert sent_notices() == [("uma@example.org", SecurityEvent.TWO_STEP_REQUIRED)]

    def test_reactivates_former_members_and_adds_people_who_never_were(self, app, lost, now):
        make_user("Zed", "zed@example.org", now)
        assert self.rescue(app, email="olive@example.org").exit_code == 0
        assert self.rescue(app, email="zed@example.org").exit_code == 0
        assert owners(lost) == ["olive@example.org", "zed@example.org"]
        assert Membership.get(Membership.joined_by == JoinedBy.RESCUE).is_active

    def test_can_give_a_new_password_which_ends_all_sessions(self, app, people, now):
        uma = people[Role.USER].user
        token = sessions.start(uma, "phone", now)
        done = self.rescue(app, "--password-stdin", typed="a fish in the snow\n")
        assert done.exit_code == 0
        assert sessions.find(token, now) is None
        assert profiles.authenticate("uma@example.org", "a fish in the snow") == uma

    @pytest.mark.parametrize(
        ("changes", "typed", "words"),
        [
            ({"slug": "nowhere"}, "", "Existing accounts: elsewhere, riverside-relief."),
            ({"email": "nobody@example.org"}, "", "Nobody has a profile"),
            ({"email": "rubbish"}, "", "Nobody has a profile"),
            ({}, "short\n", "Use at least 10 characters."),
        ],
    )
    def test_reports_what_is_wrong_and_changes_nothing(self, app, people, changes, typed, words):
        more = ("--password-stdin",) if typed else ()
        done = self.rescue(app, *more, typed=typed, **changes)
        assert done.exit_code == 1
        assert words in done.output
        assert owners(people) == ["olive@example.org"]


class TestForgottenSecondStep:
    def test_a_person_who_lost_everything_logs_in_with_the_password_alone(self, app, people, now):
        uma = people[Role.USER].user
        totp.create(uma, now)
        Authenticator.update(confirmed_at=now).execute()
        done = run(app, "disable-two-step", "--email", "Uma@example.org")
        assert done.output == "Two-step verification is now off for Uma Roy (uma@example.org).\n"
        assert not two_step.is_on(uma)
        newest = audit_log.entries(people[Role.OWNER].account, None, "")[0]
        assert (newest.action, newest.actor) == (AuditAction.TWO_STEP_DISABLED, None)
        again = run(app, "disable-two-step", "--email", "uma@example.org")
        assert "was already off" in again.output
        assert len(sent_notices()) == 1

    def test_reports_an_unknown_address(self, app):
        done = run(app, "disable-two-step", "--email", "nobody@example.org")
        assert done.exit_code == 1
        assert "Nobody has a profile" in done.output


class TestSigningOut:
    @pytest.fixture
    def tokens(self, people, now):
        return [sessions.start(people[role].user, "phone", now) for role in (Role.USER, Role.OWNER)]

    def test_one_person_is_signed_out_on_every_device(self, app, tokens, now):
        done = run(app, "log-out", "--email", "Uma@example.org")
        assert done.output == "Uma Roy (uma@example.org) is logged out everywhere.\n"
        assert [bool(sessions.find(token, now)) for token in tokens] == [False, True]

    def test_everyone_can_be_signed_out(self, app, tokens, now):
        assert run(app, "log-out", "--everybody").exit_code == 0
        assert not any(sessions.find(token, now) for token in tokens)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ((), "either --email ADDRESS or --everybody"),
            (("--everybody", "--email", "uma@example.org"), "either --email ADDRESS or"),
            (("--email", "nobody@example.org"), "Nobody has a profile"),
        ],
    )
    def test_reports_what_is_wrong_and_signs_nobody_out(self, app, tokens, now, options, words):
        done = run(app, "log-out", *options)
        assert done.exit_code != 0
        assert words in done.output
        assert all(sessions.find(token, now) for token in tokens)
