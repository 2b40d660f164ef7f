"""The personal link: for new people, people with a profile, others; accepted, declined, closed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from time_machine import travel

from invites.core.roles import Role
from invites.invitations import manage
from invites.members import answers, memberships
from invites.models import (
    Account,
    AuditEntry,
    Delivery,
    Invitation,
    InvitationState,
    JoinedBy,
    Membership,
    User,
)
from tests.support.actions import invite, new_profile, reread
from tests.support.browsing import Browser
from tests.support.people import PASSWORD, People, make_user
from tests.support.populated_account import ACCOUNT, Site, everything, links, path, signed_in


@pytest.fixture
def invitation(owner: Membership, now: datetime) -> Invitation:
    """An invitation to a new person, as Moderator."""
    return invite(owner, now, "noa@example.org", Role.MODERATOR)


@pytest.fixture
def link(app: Flask, invitation: Invitation) -> str:
    """The mailed link."""
    return path(links(app).mailed_invitation(invitation))


@pytest.fixture
def kim(invitation: Invitation, now: datetime) -> User:
    """A person with a profile for the invited address."""
    return make_user("Kim Known", invitation.email, now)


def member(email: str = "noa@example.org") -> Membership:
    return Membership.get(Membership.user == User.get(User.email == email))


class TestNewPerson:
    def test_sees_inviter_account_purpose_and_role(
        self, somebody: Browser, link: str, account: Account
    ) -> None:
        account.purpose = "Help call neighbours."
        account.save()
        somebody.open(link)
        words = ("Olive Martin", "Riverside Relief", "Help call", "Moderator", "n•••@example.org")
        assert [word for word in words if word not in somebody.text] == []
        assert [field["id"] for field in somebody.page.select(".field input")] == [
            "name",
            "password",
            "phone",
        ]

    def test_finds_the_name_of_the_list_and_can_change_it(
        self, somebody: Browser, invitation: Invitation, link: str
    ) -> None:
        invitation.name = 'Noa "N." Ünal'
        invitation.save()
        somebody.open(link)
        assert somebody.page.select_one("#name")["value"] == 'Noa "N." Ünal'
        somebody.press("Accept", name="Noa New", password=PASSWORD)
        assert member().user.name == "Noa New"

    def test_has_to_enter_a_name(
        self, somebody: Browser, invitation: Invitation, link: str
    ) -> None:
        invitation.name = "Noa"
        invitation.save()
        somebody.open(link).press("Accept", name="", password=PASSWORD)
        assert somebody.status == 422
        assert somebody.page.select_one("#name")["value"] == ""

    def test_accepts_and_has_the_role_of_the_invitation(
        self, somebody: Browser, link: str, invitation: Invitation, account: Account
    ) -> None:
        account.assignments_url = "https://tasks.example/"
        account.save()
        somebody.open(link).press("Accept", name="Noa New", password=PASSWORD)
        assert somebody.url == f"{ACCOUNT}/"
        assert somebody.page.select('main a[href="https://tasks.example/"]')
        noa = member()
        assert (noa.role, noa.joined_by) == (Role.MODERATOR, JoinedBy.INVITATION)
        assert noa.user.is_confirmed
        assert reread(invitation).state == InvitationState.ACCEPTED
        assert Delivery.select().count() == 1

    def test_stays_unconfirmed_after_accepting_with_a_copied_link(
        self, app: Flask, somebody: Browser, owner: Membership, invitation: Invitation
    ) -> None:
        somebody.open(path(links(app).copied_invitation(invitation, owner)))
        somebody.press("Accept", name="Noa New", password=PASSWORD)
        assert not member().user.is_confirmed
        assert "Resend the email" in somebody.text

    def test_cannot_forge_address_or_role(self, somebody: Browser, link: str) -> None:
        somebody.open(link).press(
            "Accept", name="Noa", password=PASSWORD, email="eve@evil.example", role="40"
        )
        assert member().role == Role.MODERATOR
        assert User.get_or_none(User.email == "eve@evil.example") is None

    @pytest.mark.parametrize(
        ("field", "wrong"),
        [
            ("name", ""),
            ("name", "Visit www.evil.example"),
            ("password", "short"),
            ("password", "noa@example.org"),
            ("phone", "call me"),
        ],
    )
    def test_a_refused_form_keeps_what_was_typed(
        self, somebody: Browser, link: str, field: str, wrong: str
    ) -> None:
        typed = {"name": "Noa New", "password": PASSWORD, "phone": "020 7946 0000"}
        somebody.open(link).press("Accept", **typed | {field: wrong})
        assert somebody.status == 422
        assert somebody.page.select_one(f"#{field}-error")
        for name in {"name", "phone"} - {field}:
            assert somebody.page.select_one(f"#{name}")["value"] == typed[name]
        assert User.get_or_none(User.email == "noa@example.org") is None

    def test_declines_without_a_profile_and_can_still_accept(
        self, somebody: Browser, link: str, invitation: Invitation
    ) -> None:
        somebody.open(link).press("Decline")
        assert reread(invitation).state == InvitationState.DECLINED
        assert User.get_or_none(User.email == "noa@example.org") is None
        somebody.follow("View the invitation")
        assert not somebody.page.find("button", string="Decline")
        somebody.press("Accept", name="Noa New", password=PASSWORD)
        assert member().role == Role.MODERATOR

    def test_pressing_accept_twice_joins_once(self, app: Flask, link: str) -> None:
        first, second = Browser(app).open(link), Browser(app).open(link)
        first.press("Accept", name="Noa New", password=PASSWORD)
        second.press("Accept", name="Noa Twice", password=PASSWORD)
        assert second.status == 410
        assert User.select().where(User.email == "noa@example.org").count() == 1


class TestPersonWithAProfile:
    @pytest.mark.usefixtures("kim")
    def test_logs_in_and_answers_at_the_bottom_of_the_accounts_page(
        self, somebody: Browser, link: str
    ) -> None:
        somebody.open(link)
        assert somebody.url == "/login"
        somebody.press("Log in", email="noa@example.org", password=PASSWORD)
        assert somebody.url == "/accounts"
        somebody.press("Accept", within="#invitations")
        assert somebody.url == f"{ACCOUNT}/"
        assert member().role == Role.MODERATOR

    def test_sees_the_invitation_on_the_log_in_page(
        self, somebody: Browser, link: str, kim: User
    ) -> None:
        somebody.open(link)
        invited = "Olive Martin invites n•••@example.org to join Riverside Relief."
        assert invited in somebody.text
        assert kim.email not in somebody.response.text
        assert invited in somebody.press("Log in", password="mistyped").text

    @pytest.mark.usefixtures("kim")
    def test_sees_no_closed_or_forged_invitation_on_the_log_in_page(
        self, somebody: Browser, link: str, owner: Membership, invitation: Invitation
    ) -> None:
        manage.revoke(owner, invitation, invitation.created_at)
        for token in (link, f"{link}x", "/invitation/", "/invitation/1-A"):
            somebody.open("/login", query_string={"next": token})
            assert "Riverside Relief" not in somebody.text
            assert not somebody.page.select_one("#email")["value"]

    def test_declines_on_the_accounts_page_and_can_still_accept(
        self, app: Flask, kim: User, invitation: Invitation
    ) -> None:
        browser = signed_in(app, kim).open("/accounts").press("Decline")
        assert reread(invitation).state == InvitationState.DECLINED
        offer = browser.page.select_one("#invitations").get_text()
        assert "You declined." in offer
        assert "Decline" not in [b.get_text(strip=True) for b in browser.page.find_all("button")]
        browser.press("Accept", within="#invitations")
        assert browser.url == f"{ACCOUNT}/"
        assert member().role == Role.MODERATOR

    def test_finds_a_declined_invitation_with_the_link_until_it_expires(
        self, app: Flask, link: str, kim: User, invitation: Invitation, now: datetime
    ) -> None:
        answers.decline(invitation, now)
        browser = signed_in(app, kim).open(link)
        assert browser.url == "/accounts"
        assert browser.page.select("#invitations")
        with travel(now + timedelta(days=15)):
            assert not browser.open("/accounts").page.select("#invitations")

    def test_confirms_the_address_with_the_mailed_link(
        self, app: Flask, link: str, kim: User
    ) -> None:
        User.update(email_confirmed_at=None).where(User.id == kim.id).execute()
        browser = signed_in(app, kim).open(link).press("Accept", password="another password")
        assert browser.status == 422
        browser.press("Accept", password=PASSWORD)
        assert member().user.is_confirmed
        assert member().effective_role == Role.MODERATOR

    def test_confirms_nothing_with_a_copied_link(
        self, app: Flask, kim: User, owner: Membership, invitation: Invitation
    ) -> None:
        User.update(email_confirmed_at=None).where(User.id == kim.id).execute()
        signed_in(app, kim).open(path(links(app).copied_invitation(invitation, owner))).press(
            "Accept"
        )
        assert not member().user.is_confirmed

    def test_is_redirected_to_the_log_in_if_the_profile_was_created_meanwhile(
        self, somebody: Browser, link: str, invitation: Invitation, now: datetime
    ) -> None:
        somebody.open(link)
        make_user("Kim Known", invitation.email, now)
        somebody.press("Accept", name="Noa", password=PASSWORD)
        assert somebody.url == "/login"
        assert reread(invitation).state == InvitationState.PENDING


class TestLoggedInAsSomebodyElse:
    def test_sees_both_addresses_and_cannot_accept(
        self, app: Flask, people: People, link: str, invitation: Invitation
    ) -> None:
        uma = signed_in(app, people[Role.USER].user).open(link)
        assert uma.status == 403
        assert "n•••@example.org" in uma.text
        assert "noa@example.org" not in uma.response.text
        assert "uma@example.org" in uma.text
        token = uma.page.select_one("[name=csrf_token]")["value"]
        uma.post(f"{link}/acceptance", {"csrf_token": token, "name": "U", "password": PASSWORD})
        assert reread(invitation).state == InvitationState.PENDING

    def test_one_button_logs_out_and_continues_as_a_new_person(
        self, app: Flask, people: People, link: str
    ) -> None:
        uma = signed_in(app, people[Role.USER].user).open(link)
        uma.press("Sign out and continue as n•••@example.org")
        assert uma.url == link
        uma.press("Accept", name="Noa New", password=PASSWORD)
        assert member().role == Role.MODERATOR

    def test_one_button_logs_out_and_continues_as_the_invited_person(
        self, app: Flask, people: People, link: str, kim: User
    ) -> None:
        uma = signed_in(app, people[Role.USER].user).open(link)
        uma.press("Sign out and continue as n•••@example.org")
        assert uma.url == "/login"
        uma.press("Log in", email=kim.email, password=PASSWORD).press("Accept")
        assert member().role == Role.MODERATOR


def revoke(owner: Membership, invitation: Invitation, now: datetime) -> None:
    manage.revoke(owner, invitation, now)


def accept(_owner: Membership, invitation: Invitation, now: datetime) -> None:
    answers.accept_as_new(invitation, new_profile(invitation.email), now)


def expire(_owner: Membership, invitation: Invitation, now: datetime) -> None:
    Invitation.update(expires_at=now).where(Invitation.id == invitation.id).execute()


def replace(owner: Membership, invitation: Invitation, now: datetime) -> None:
    expire(owner, invitation, now)
    invite(owner, now + timedelta(seconds=1), invitation.email)


def demote_the_inviter(owner: Membership, _invitation: Invitation, _now: datetime) -> None:
    Membership.update(role=Role.USER).where(Membership.id == owner.id).execute()


def remove_the_inviter(owner: Membership, _invitation: Invitation, now: datetime) -> None:
    Membership.update(deactivated_at=now).where(Membership.id == owner.id).execute()


OVER = [revoke, accept, expire, replace, demote_the_inviter, remove_the_inviter]


Happens = Callable[[Membership, Invitation, datetime], None]


@pytest.mark.parametrize("happens", OVER)
def test_the_link_of_a_closed_invitation_opens_a_page_with_the_reason(
    somebody: Browser,
    owner: Membership,
    invitation: Invitation,
    link: str,
    now: datetime,
    happens: Happens,
) -> None:
    happens(owner, invitation, now)
    assert somebody.open(link).status == 410
    assert "Riverside Relief" in somebody.text
    assert not somebody.page.select("form")


@pytest.mark.parametrize("happens", OVER)
def test_a_closed_invitation_cannot_be_answered_from_a_page_opened_before(
    database: Path,
    somebody: Browser,
    owner: Membership,
    invitation: Invitation,
    link: str,
    now: datetime,
    happens: Happens,
) -> None:
    opened = somebody.open(link).response
    happens(owner, invitation, now)
    before = everything(database)
    for answer, typed in (("Accept", {"name": "Noa", "password": PASSWORD}), ("Decline", {})):
        somebody.response = opened
        assert somebody.press(answer, **typed).status == 410
    assert everything(database) == before


def test_a_link_expires_after_fourteen_days(somebody: Browser, link: str, now: datetime) -> None:
    with travel(now + timedelta(days=13, hours=23)):
        assert somebody.open(link).status == 200
    with travel(now + timedelta(days=14, minutes=1)):
        assert somebody.open(link).status == 410


def test_an_accepted_invitation_says_how_to_log_in(site: Site) -> None:
    link = site.mailed(site.rows.accepted)
    assert "If you accepted it, log in" in site.device("nobody").open(link).text
    ally = site.device("ally").open(link).text
    assert (
        "You are logged in as alma@elsewhere.example, which isn't a member of Riverside Relief"
        in ally
    )
    assert "Go to Riverside Relief" in site.device("user").open(link).text


def test_a_member_who_opens_the_link_again_gets_a_link_to_the_account(
    somebody: Browser, link: str
) -> None:
    somebody.open(link).press("Accept", name="Noa New", password=PASSWORD)
    assert somebody.open(link).status == 410
    assert somebody.page.select(f'main a[href="{ACCOUNT}/"]')


def test_a_forged_link_is_unknown(somebody: Browser, link: str) -> None:
    number = link.rpartition("/")[2].partition("-")[0]
    forged = (f"{number}-{'A' * 24}", f"{link.rpartition('/')[2]}x", number, "x", "²-a", "9" * 30)
    for token in forged:
        assert somebody.open(f"/invitation/{token}").status == 404
        assert "Riverside" not in somebody.text


def test_the_link_of_an_older_mail_works_after_a_resend(
    somebody: Browser, link: str, owner: Membership, invitation: Invitation, now: datetime
) -> None:
    Delivery.update(state="sent").execute()
    manage.resend(owner, invitation, now + timedelta(days=10))
    with travel(now + timedelta(days=20)):
        assert somebody.open(link).status == 200


def test_opening_the_link_changes_nothing_for_any_visitor(
    app: Flask, database: Path, people: People, link: str
) -> None:
    devices = [Browser(app), signed_in(app, people[Role.USER].user)]
    before = everything(database)
    for device in devices:
        for _ in range(3):
            device.open(link)
            device.client.head(link)
    assert everything(database) == before


def test_an_invitation_without_authority_works_again_after_a_resend(
    somebody: Browser, link: str, people: People, invitation: Invitation, now: datetime
) -> None:
    zed = invite(people[Role.ADMIN], now, "zed@example.org")
    memberships.deactivate(people[Role.OWNER], people[Role.ADMIN], now)
    Delivery.update(state="sent").execute()
    manage.resend(people[Role.OWNER], zed, now)
    answers.accept_as_new(reread(zed), new_profile("zed@example.org"), now)
    assert member("zed@example.org").role == Role.USER
    assert AuditEntry.select().where(AuditEntry.action == "resent").count() == 1
