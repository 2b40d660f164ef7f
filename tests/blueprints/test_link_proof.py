"""A link gives no more than its proof: every kind of link in every kind of session."""

import re
from datetime import datetime

import pytest
from flask import Flask

from invites.core.roles import Role
from invites.core.settings import PROJECT_ROOT
from invites.members import memberships
from invites.models import EmailToken, EmailTokenPurpose, Invitation, Membership, User
from invites.people import confirmation, profiles
from tests.support.actions import invite, reread
from tests.support.browsing import Browser
from tests.support.people import PASSWORD, People, make_user
from tests.support.populated_account import ask_email_token, links, path, signed_in

NOA = "noa@example.org"
GUESS = "a fish in the snow"

# What the address ends up as: with the offered role, as User until it is confirmed, or not at all.
RESULTS = {
    "mailed": {
        "nobody": "offered",
        "attacker's session": "nothing",
        "own, unconfirmed": "offered",
        "own, confirmed": "offered",
        "somebody else": "nothing",
    },
    "copied": {
        "nobody": "user",
        "attacker's session": "user",
        "own, unconfirmed": "user",
        "own, confirmed": "offered",
        "somebody else": "nothing",
    },
}
RESULTS["copied by a removed Admin"] = RESULTS["copied by a demoted Admin"] = dict.fromkeys(
    RESULTS["mailed"], "nothing"
)


def opened_link(
    app: Flask, people: People, invitation: Invitation, kind: str, now: datetime
) -> str:
    owner, admin = people[Role.OWNER], people[Role.ADMIN]
    if kind == "mailed":
        return path(links(app).mailed_invitation(invitation))
    link = path(links(app).copied_invitation(invitation, admin))
    if "removed" in kind:
        memberships.deactivate(owner, admin, now)
    if "demoted" in kind:
        memberships.change_role(owner, admin, Role.USER, now)
    return link


def device(app: Flask, people: People, session: str, now: datetime) -> Browser:
    if session == "nobody":
        return Browser(app)
    if session == "somebody else":
        return signed_in(app, people[Role.USER].user)
    confirmed = session == "own, confirmed"
    return signed_in(app, make_user("Noa New", NOA, now, confirmed=confirmed))


def accept(browser: Browser, link: str, password: str) -> None:
    """Presses the button, and sends the form even where there is none."""
    if browser.open(link).page.find("button", string="Accept"):
        browser.press("Accept", name="Noa New", password=password)
    browser.client.application.config["WTF_CSRF_ENABLED"] = False
    browser.post(f"{link}/acceptance", {"name": "Noa New", "password": password, "role": "40"})


def result(offered: Role) -> str:
    user = User.get_or_none(User.email == NOA)
    found = Membership.get_or_none(Membership.user == user) if user else None
    if found is None:
        return "nothing"
    assert found.role is offered
    if not user.is_confirmed:
        assert found.effective_role is Role.USER
        return "user"
    return "offered"


@pytest.mark.parametrize("offered", [Role.USER, Role.ADMIN])
@pytest.mark.parametrize("session", RESULTS["mailed"])
@pytest.mark.parametrize("kind", RESULTS)
def test_a_link_gives_no_more_than_its_proof(
    app: Flask, people: People, now: datetime, kind: str, session: str, offered: Role
) -> None:
    invitation = invite(people[Role.OWNER], now, NOA, offered)
    link = opened_link(app, people, invitation, kind, now)
    browser = device(app, people, session, now)
    was_confirmed = User.select().where(User.email == NOA, User.email_confirmed_at.is_null(False))
    knew_password = session != "attacker's session" or was_confirmed.exists()
    accept(browser, link, PASSWORD if knew_password else GUESS)
    assert result(offered) == RESULTS[kind][session]


@pytest.mark.parametrize("offered", Role)
def test_the_attack_of_a_removed_admin_fails_and_the_mail_still_works(
    app: Flask, people: People, now: datetime, offered: Role
) -> None:
    invitation = invite(people[Role.OWNER], now, NOA, offered)
    copied = opened_link(app, people, invitation, "copied by a removed Admin", now)
    accept(Browser(app), copied, GUESS)
    assert User.get_or_none(User.email == NOA) is None
    Browser(app).open(path(links(app).mailed_invitation(invitation))).press(
        "Accept", name="Noa New", password=PASSWORD
    )
    assert Membership.get(Membership.invitation == invitation).effective_role is offered


def test_who_owns_the_mailbox_ends_the_access_of_who_used_a_copied_link(
    app: Flask, people: People, now: datetime
) -> None:
    invitation = invite(people[Role.OWNER], now, NOA, Role.ADMIN)
    attacker = Browser(app).open(path(links(app).copied_invitation(invitation, people[Role.ADMIN])))
    assert "You become Admin once you confirm this address by email." in attacker.text
    attacker.press("Accept", name="Noa", password=GUESS)
    assert "Confirm your email address to become Admin" in attacker.text
    active = signed_in(app, people[Role.OWNER].user).open("/accounts/riverside-relief/users")
    assert "Admin once they confirm their address" in active.text
    assert attacker.open("/accounts/riverside-relief/users").status == 403

    noa = Browser(app).open(path(links(app).mailed_invitation(invitation)))
    assert "Set a new password" in noa.text
    token = ask_email_token(User.get(User.email == NOA), EmailTokenPurpose.RESET_PASSWORD, now)
    noa.open(path(links(app).email_token(token)))
    noa.press("Set password", password=PASSWORD, again=PASSWORD)
    assert noa.open("/accounts/riverside-relief/users").status == 200
    assert attacker.open("/accounts").url == "/login"
    assert profiles.authenticate(NOA, GUESS) is None


@pytest.mark.parametrize("address", ["eve@evil.example", NOA])
def test_a_confirmation_link_in_an_attackers_session_confirms_nothing(
    app: Flask, people: People, now: datetime, address: str
) -> None:
    """The profile has somebody else's address, from joining or from changing it."""
    eve = make_user("Eve", address, now, confirmed=address != NOA)
    token = ask_email_token(eve, EmailTokenPurpose.CONFIRM_EMAIL, now, NOA)
    left_open = signed_in(app, eve).open(path(links(app).email_token(token)))
    left_open.press("Confirm", password=GUESS)
    assert left_open.status == 422
    left_open.press("Confirm")
    assert (reread(eve).email, reread(eve).is_confirmed) == (address, address != NOA)


def test_a_copied_link_and_another_mailbox_give_no_higher_role(
    app: Flask, people: People, now: datetime
) -> None:
    invitation = invite(people[Role.OWNER], now, NOA, Role.OWNER)
    eve = Browser(app).open(path(links(app).copied_invitation(invitation, people[Role.ADMIN])))
    assert eve.status == 410  # an Admin can't copy this one
    eve.open(path(links(app).copied_invitation(invitation, people[Role.OWNER])))
    eve.press("Accept", name="Eve", password=GUESS)
    profiles.change_email(User.get(email=NOA), "eve@elsewhere.example", GUESS, now)
    token = EmailToken.get(email="eve@elsewhere.example")
    eve.open(path(links(app).email_token(token)))
    assert f"You were offered the role Account Owner at {NOA}." in eve.text
    eve.press("Confirm", password=GUESS)
    assert "eve@elsewhere.example is confirmed." in eve.text
    assert eve.open("/accounts/riverside-relief/settings").status == 403


@pytest.mark.parametrize(
    ("inviter_becomes", "granted"),
    [(Role.OWNER, Role.ADMIN), (Role.USER, Role.USER), (None, Role.USER)],
)
def test_a_waiting_role_is_granted_only_while_its_inviter_could_grant_it(
    app: Flask, people: People, now: datetime, inviter_becomes: Role | None, granted: Role
) -> None:
    owner, admin = people[Role.OWNER], people[Role.ADMIN]
    invitation = invite(admin, now, NOA, Role.ADMIN)
    accept(Browser(app), path(links(app).copied_invitation(invitation, admin)), GUESS)
    if inviter_becomes is None:
        memberships.deactivate(owner, admin, now)
    else:
        memberships.change_role(owner, admin, inviter_becomes, now)
    noa = User.get(User.email == NOA)
    confirmation.reset_password(
        ask_email_token(noa, EmailTokenPurpose.RESET_PASSWORD, now), PASSWORD, now
    )
    assert Membership.get(Membership.user == noa).effective_role is granted


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_copied_link_opens_the_same_page_whether_or_not_there_is_a_profile(
    app: Flask, people: People, now: datetime, confirmed: bool
) -> None:
    invitation = invite(people[Role.OWNER], now, NOA)
    link = path(links(app).copied_invitation(invitation, people[Role.MODERATOR]))
    pages = [link, f"/login?next={link}"]

    def shown() -> list[str]:
        opened = [Browser(app).open(page) for page in pages]
        return [f"{one.url} {re.sub('csrf_token.*?>', '', one.response.text)}" for one in opened]

    without = shown()
    assert NOA not in "".join(without)
    make_user("Noa New", NOA, now, confirmed=confirmed)
    assert shown() == without


def test_only_two_places_confirm_an_address() -> None:
    files = [*(PROJECT_ROOT / "invites").rglob("*.py")]
    found = {
        file.name
        for file in files
        if file.parent.name != "migrations" and re.search(r"email_confirmed_at=", file.read_text())
    }
    assert found == {"confirmation.py", "profiles.py"}
