"""Active and inactive members, roles, deactivating and reactivating."""

from datetime import datetime

import pytest
from flask import Flask

from invites.core.roles import Role
from invites.members import memberships, permanent_link, two_step_policy
from invites.models import Account, Delivery, Membership, User
from tests.members.test_two_step_policy import have_two_step
from tests.support.actions import invite, new_profile, reread
from tests.support.browsing import Browser
from tests.support.people import People, make_member
from tests.support.populated_account import ACCOUNT, signed_in

ACTIVE = f"{ACCOUNT}/users"
INACTIVE = f"{ACCOUNT}/users/inactive"


def names(browser: Browser) -> list[str]:
    return [
        next(cell.stripped_strings) for cell in browser.page.select("table.data-table tbody th")
    ]


def row(membership: Membership) -> str:
    return f"#user-{membership.id}"


def buttons(browser: Browser, membership: Membership) -> list[str]:
    return [b.get_text(strip=True) for b in browser.page.select(f"{row(membership)} button")]


class TestLists:
    def test_active_members_are_listed_with_role_and_how_they_joined(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        link = permanent_link.enable(owner, now)
        permanent_link.join_as_new(link, new_profile("bea@example.org", "bea Walker"), now)
        olive.open(f"{ACCOUNT}/").follow("Active")
        assert names(olive) == ["Ada Okafor", "bea Walker", "Mo Diaz", "Olive Martin", "Uma Roy"]
        text = " ".join(olive.page.find("table").get_text(" ").split())
        for word in ("Account Owner", "Moderator", "By invitation", "By permanent link"):
            assert word in text
        assert "unconfirmed" in text

    @pytest.mark.parametrize(
        ("search", "found"),
        [
            ("ROY", ["Uma Roy"]),
            ("ada@example", ["Ada Okafor"]),
            ("%", []),
            ("zoe", []),
            (" o ", ["Ada Okafor", "Mo Diaz", "Olive Martin", "Uma Roy"]),
        ],
    )
    def test_search_finds_name_and_address(
        self, olive: Browser, search: str, found: list[str]
    ) -> None:
        assert names(olive.open(ACTIVE).press("Search", search=search)) == found

    def test_many_members_have_pages(self, olive: Browser, account: Account, now: datetime) -> None:
        for number in range(56):
            make_member(account, f"Ann {number:02}", f"a{number}@example.org", Role.USER, now)
        assert len(names(olive.open(ACTIVE))) == 50
        assert len(names(olive.follow("Next"))) == 10
        assert len(names(olive.follow("Previous"))) == 50

    def test_inactive_members_are_listed_apart(
        self, olive: Browser, people: People, now: datetime
    ) -> None:
        memberships.deactivate(people[Role.OWNER], people[Role.USER], now)
        assert "Uma Roy" not in names(olive.open(ACTIVE))
        assert names(olive.follow("Inactive")) == ["Uma Roy"]


class TestRoles:
    def test_a_role_is_edited_with_update_user(self, olive: Browser, people: People) -> None:
        uma = people[Role.USER]
        olive.open(ACTIVE).press("Edit", within=row(uma)).press("Update User", role="30")
        assert olive.url == ACTIVE
        assert "Uma Roy" in olive.page.select_one("#notices").get_text()
        assert reread(uma).role == Role.ADMIN

    def test_giving_a_role_says_that_two_step_verification_is_missing(
        self, olive: Browser, people: People, now: datetime
    ) -> None:
        have_two_step(people[Role.OWNER].user, now)
        two_step_policy.require(people[Role.OWNER], True, now)
        uma = people[Role.USER]
        olive.open(ACTIVE).press("Edit", within=row(uma)).press("Update User", role="20")
        told = "Uma Roy now has the role Moderator. They must set up two-step verification"
        assert told in olive.page.select_one("#notices").get_text()
        olive.open(ACTIVE).press("Edit", within=row(uma)).press("Update User", role="10")
        assert "two-step" not in olive.page.select_one("#notices").get_text()

    @pytest.mark.parametrize(
        ("who", "offered"),
        [(Role.ADMIN, ["10", "20", "30"]), (Role.OWNER, ["10", "20", "30", "40"])],
    )
    def test_the_choice_offers_only_grantable_roles(
        self, app: Flask, people: People, who: Role, offered: list[str]
    ) -> None:
        browser = signed_in(app, people[who].user).open(f"{ACTIVE}/{people[Role.USER].id}/edit")
        options = browser.page.select("select[name=role] option")
        assert [option["value"] for option in options] == offered
        assert [o["value"] for o in options if o.has_attr("selected")] == ["10"]

    @pytest.mark.parametrize("role", ["40", "77", "-1", "owner", ""])
    def test_an_admin_cannot_grant_a_role_above_admin(
        self, ada: Browser, people: People, role: str
    ) -> None:
        uma = people[Role.USER]
        ada.open(f"{ACTIVE}/{uma.id}/edit").press("Update User", role=role)
        assert ada.status == 422
        assert reread(uma).role == Role.USER

    def test_an_admin_cannot_change_an_owner(self, ada: Browser, people: People) -> None:
        owner = people[Role.OWNER]
        assert buttons(ada.open(ACTIVE), owner) == []
        token = ada.page.select_one("[name=csrf_token]")["value"]
        for action in ("edit", "deactivation"):
            ada.post(f"{ACTIVE}/{owner.id}/{action}", {"role": "10", "csrf_token": token})
        assert (reread(owner).role, reread(owner).is_active) == (Role.OWNER, True)
        assert ada.open(f"{ACTIVE}/{owner.id}/edit").status == 403

    def test_a_moderator_cannot_change_roles(self, mo: Browser, people: People) -> None:
        assert buttons(mo.open(ACTIVE), people[Role.USER]) == ["Deactivate"]
        assert buttons(mo, people[Role.ADMIN]) == []

    def test_the_last_owner_cannot_get_another_role(
        self, olive: Browser, owner: Membership
    ) -> None:
        olive.open(f"{ACTIVE}/{owner.id}/edit").press("Update User", role="30")
        assert olive.status == 409
        assert "at least one Account Owner" in olive.text
        assert reread(owner).role == Role.OWNER

    def test_an_owner_can_make_another_owner(self, olive: Browser, people: People) -> None:
        owner, ada = people[Role.OWNER], people[Role.ADMIN]
        olive.open(f"{ACTIVE}/{ada.id}/edit").press("Update User", role="40")
        olive.open(f"{ACTIVE}/{owner.id}/edit").press("Update User", role="10")
        assert (reread(owner).role, reread(ada).role) == (Role.USER, Role.OWNER)

    def test_an_unconfirmed_member_cannot_get_a_higher_role(
        self, olive: Browser, account: Account, now: datetime
    ) -> None:
        una = make_member(account, "Una", "una@example.org", Role.USER, now, confirmed=False)
        olive.open(f"{ACTIVE}/{una.id}/edit").press("Update User", role="20")
        assert olive.status == 409
        assert reread(una).role == Role.USER
        User.update(email_confirmed_at=now).where(User.id == una.user_id).execute()
        olive.press("Update User", role="20")
        assert reread(una).role == Role.MODERATOR

    def test_roles_that_would_be_refused_cannot_be_chosen_and_the_editor_says_why(
        self, olive: Browser, account: Account, owner: Membership, now: datetime
    ) -> None:
        una = make_member(account, "Una", "una@example.org", Role.MODERATOR, now, confirmed=False)

        def disabled() -> list[str]:
            return [one["value"] for one in olive.page.select("option[disabled]")]

        olive.open(f"{ACTIVE}/{una.id}/edit")
        assert disabled() == ["30", "40"]
        assert "unconfirmed" in olive.text
        assert "hasn't confirmed their email address yet" in olive.text
        olive.open(f"{ACTIVE}/{owner.id}/edit")
        assert disabled() == ["10", "20", "30"]
        assert "needs at least one Account Owner" in olive.text

    @pytest.mark.parametrize("htmx", [True, False])
    def test_the_confirmation_of_an_address_is_mailed_again_five_times_an_hour(
        self, olive: Browser, account: Account, now: datetime, htmx: bool
    ) -> None:
        una = make_member(account, "Una", "una@example.org", Role.USER, now, confirmed=False)
        olive.open(f"{ACTIVE}/{una.id}/edit").htmx = htmx
        for _time in range(5):
            olive.press("Resend the confirmation email")
            assert "Confirmation email sent to una@example.org." in olive.text
        olive.press("Resend the confirmation email")
        assert olive.status == 429
        assert "Several of these emails were sent within an hour" in olive.text
        assert Delivery.select().where(Delivery.recipient == "una@example.org").count() == 5

    def test_only_those_who_may_change_roles_send_it(
        self, mo: Browser, account: Account, now: datetime
    ) -> None:
        una = make_member(account, "Una", "una@example.org", Role.USER, now, confirmed=False)
        token = mo.open(ACTIVE).page.select_one("[name=csrf_token]")["value"]
        mo.post(f"{ACTIVE}/{una.id}/confirmation", {"csrf_token": token})
        assert mo.status == 403
        assert not Delivery.select().exists()


class TestLeaving:
    def test_deactivating_takes_effect_at_once(
        self, app: Flask, olive: Browser, people: People
    ) -> None:
        uma = signed_in(app, people[Role.USER].user)
        olive.open(ACTIVE).press("Deactivate", within=row(people[Role.USER]))
        assert "Uma Roy" not in names(olive)
        assert uma.open(f"{ACCOUNT}/").status == 403
        assert uma.open("/accounts").status == 200

    def test_it_can_be_undone_where_it_is_told(self, olive: Browser, people: People) -> None:
        olive.open(ACTIVE).press("Deactivate", within=row(people[Role.USER]))
        assert not reread(people[Role.USER]).is_active
        olive.press("Undo")
        assert reread(people[Role.USER]).is_active
        assert "Uma Roy is active again." in olive.text
        assert "Uma Roy" in names(olive)

    def test_reactivating_restores_the_former_role(
        self, olive: Browser, people: People, now: datetime
    ) -> None:
        mo = people[Role.MODERATOR]
        memberships.deactivate(people[Role.OWNER], mo, now)
        olive.open(INACTIVE).press("Reactivate", within=row(mo))
        assert "Mo Diaz" in names(olive)
        assert (reread(mo).is_active, reread(mo).role) == (True, Role.MODERATOR)

    def test_the_last_owner_cannot_leave(self, olive: Browser, owner: Membership) -> None:
        olive.open(ACTIVE).press("Deactivate", within=row(owner))
        assert "at least one Account Owner" in olive.text
        assert reread(owner).is_active

    @pytest.mark.parametrize("role", [Role.MODERATOR, Role.ADMIN, Role.OWNER])
    def test_a_moderator_deactivates_users_only(
        self, mo: Browser, people: People, role: Role
    ) -> None:
        token = mo.open(ACTIVE).page.select_one("[name=csrf_token]")["value"]
        mo.post(f"{ACTIVE}/{people[role].id}/deactivation", {"csrf_token": token})
        assert reread(people[role]).is_active
        mo.open(ACTIVE).press("Deactivate", within=row(people[Role.USER]))
        assert not reread(people[Role.USER]).is_active

    def test_deactivating_oneself_takes_effect_at_once(self, ada: Browser, people: People) -> None:
        ada.open(ACTIVE).press("Deactivate", within=row(people[Role.ADMIN]))
        assert ada.status == 403
        assert not reread(people[Role.ADMIN]).is_active

    def test_a_deactivated_member_comes_back_with_a_new_invitation(
        self, app: Flask, people: People, now: datetime
    ) -> None:
        memberships.deactivate(people[Role.OWNER], people[Role.USER], now)
        invite(people[Role.OWNER], now, "uma@example.org", Role.MODERATOR)
        uma = signed_in(app, people[Role.USER].user).open("/accounts").press("Accept")
        assert uma.url == f"{ACCOUNT}/"
        assert reread(people[Role.USER]).role == Role.MODERATOR
