"""The Accounts page, the start page of an account, adding and switching accounts."""

from datetime import datetime

import pytest
from flask import Flask

from invites.core.roles import Role
from invites.members import accounts, memberships
from invites.models import Account, Invitation, Membership, User
from tests.support.actions import invite
from tests.support.browsing import Browser
from tests.support.people import People
from tests.support.populated_account import ACCOUNT, Site, signed_in


@pytest.fixture
def installer(olive: Browser, owner: Membership) -> Browser:
    """The device of Olive, the installer."""
    User.update(is_installer=True).where(User.id == owner.user_id).execute()
    return olive


def test_only_the_installer_sees_the_version_below_a_page(installer: Browser, ada: Browser) -> None:
    assert "Invites 0.1.0" in installer.open("/accounts").response.text
    assert "Invites 0.1.0" not in ada.open("/accounts").response.text


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{ACCOUNT}/invitations/new", "Create New Invitation"),
        (f"{ACCOUNT}/invitations", "Invitations"),
        (f"{ACCOUNT}/users/inactive?search=gil", "Inactive"),
        (f"{ACCOUNT}/settings", "Settings"),
    ],
)
def test_the_navigation_marks_the_page_that_is_open(olive: Browser, path: str, name: str) -> None:
    marked = olive.open(path).page.select('.site-header [aria-current="page"]')
    assert [link.get_text(strip=True) for link in marked] == [name]


def test_the_installer_adds_an_account_and_owns_it(installer: Browser) -> None:
    installer.open("/accounts").follow("Add an account").press("Add account", name="Hill Farm")
    assert installer.url == "/accounts/hill-farm/invitations/new"
    founded = Membership.get(Membership.account == Account.get(Account.name == "Hill Farm"))
    assert (founded.role, founded.user.email) == (Role.OWNER, "olive@example.org")


@pytest.mark.parametrize("name", ["", "x" * 101, "www.evil.example", "a\u202eb"])
def test_an_invalid_name_is_refused_and_kept(installer: Browser, name: str) -> None:
    installer.open("/accounts/new").press("Add account", name=name)
    assert installer.status == 422
    assert installer.page.select_one("#name")["value"] == name


@pytest.mark.parametrize("name", ["new", "Confirmation", "invitations", "Riverside Relief", "救援"])
def test_every_account_has_its_own_url(installer: Browser, name: str) -> None:
    installer.open("/accounts/new").press("Add account", name=name)
    account = Account.get(Account.id == Account.select().count())
    assert installer.open(f"/accounts/{account.slug}/").title == name
    assert installer.open(f"{ACCOUNT}/").title == "Riverside Relief"


def test_people_see_and_switch_between_their_own_accounts_only(
    app: Flask, people: People, now: datetime
) -> None:
    accounts.create("Hill Farm", people[Role.USER].user, now)
    uma = signed_in(app, people[Role.USER].user).open("/accounts")
    names = [link.get_text(strip=True) for link in uma.page.select("main h2 a")]
    assert names == ["Hill Farm", "Riverside Relief"]
    assert uma.follow("Hill Farm").url == "/accounts/hill-farm/"
    assert not uma.page.find("a", string="Add an account")


def test_an_answered_invitation_cannot_be_answered_again(
    app: Flask, people: People, now: datetime
) -> None:
    invitation = invite(people.stranger, now, "uma@example.org")
    uma = signed_in(app, people[Role.USER].user).open("/accounts")
    page = uma.response
    uma.press("Accept")
    uma.response, uma.url = page, "/accounts"
    uma.press("Decline")
    assert uma.page.select_one("#notices .problem")
    assert Invitation.get_by_id(invitation.id).state == "accepted"


def test_a_user_gets_the_assignments_link_and_no_admin_pages(
    app: Flask, people: People, account: Account
) -> None:
    account.assignments_url = "https://tasks.example/"
    account.assignments_label = "Open the list"
    account.save()
    uma = signed_in(app, people[Role.USER].user).open(f"{ACCOUNT}/")
    assert uma.page.select_one('main a[href="https://tasks.example/"]').get_text(strip=True) == (
        "Open the list"
    )
    assert "Create New Invitation" not in uma.page.get_text()
    assert "Settings" not in uma.page.get_text()


def test_the_menu_has_the_labels_of_the_guide(olive: Browser, people: People) -> None:
    menu = [link.get_text(strip=True) for link in olive.open(f"{ACCOUNT}/").page.select("header a")]
    wanted = ["Create New Invitation", "Invitations", "Permanent Invite", "Active", "Inactive"]
    assert [item for item in menu if item in wanted] == wanted


class TestBarOnPagesOutsideAccounts:
    """Accounts, Profile, Mail and Mailbox."""

    @staticmethod
    def bar(browser: Browser) -> list[str]:
        """The URLs of the links in the bar."""
        return [str(link["href"]) for link in browser.page.select(".site-nav a")]

    @pytest.mark.parametrize("place", ["/accounts", "/profile", "/mailbox"])
    def test_it_shows_the_only_account(self, site: Site, place: str) -> None:
        bar = self.bar(site.device("owner").open(place))
        assert f"{ACCOUNT}/invitations" in bar
        assert f"{ACCOUNT}/settings" in bar

    def test_it_shows_the_last_account(self, site: Site) -> None:
        elsewhere = accounts.create("Zoo", site.rows.owner.user, site.rows.now)
        olive = site.device("owner")
        assert not [link for link in self.bar(olive.open("/profile")) if "/invitations" in link]
        for slug in (elsewhere.slug, site.rows.account.slug):
            olive.open(f"/accounts/{slug}/")
            assert f"/accounts/{slug}/invitations" in self.bar(olive.open("/profile"))

    def test_it_does_not_show_an_account_in_which_one_is_inactive(self, site: Site) -> None:
        ada = site.device("admin").open(f"{ACCOUNT}/")
        memberships.deactivate(site.rows.owner, site.rows.people[Role.ADMIN], site.rows.now)
        assert self.bar(ada.open("/profile")) == ["/accounts"]
