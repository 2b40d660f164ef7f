"""The pages Invitations and Active, where rows change in place."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from invites import db
from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.members import memberships
from invites.models import Batch, BatchState, Delivery
from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.support.actions import invite, send
from tests.support.server import Server


@pytest.fixture
def invited(server: Server, olive: Visitor) -> Visitor:
    """Olive on the Invitations page, after three people got their mail."""
    emails = ("amina@example.org", "jon@example.org", "kim@example.net")
    send(server.owner, utcnow(), *emails)
    for email in emails:
        server.smtp.wait_for_mail(email)
    olive.go_to("Invitations")
    expect(olive.row("kim@example.net")).to_contain_text("pending")
    return olive


def test_the_search_narrows_the_list_while_one_types(server: Server, invited: Visitor) -> None:
    invited.type("Search by address", "example.org").misses("kim@example.net")
    expect(invited.row("@example")).to_have_count(2)
    expect(invited.field("Search by address")).to_be_focused()
    expect(invited.page).to_have_url(re.compile(r"search=example\.org"))

    invited.type("Search by address", "x").sees("No invitations found")
    expect(invited.field("Search by address")).to_have_value("example.orgx")


def test_a_filter_shows_only_one_standing_and_keeps_the_search(
    server: Server, invited: Visitor
) -> None:
    invited.press("Revoke the invitation to amina@example.org").sees("Revoked.")
    invited.page.reload()

    invited.type("Search by address", "example.org").misses("kim@example.net")
    invited.page.get_by_role("link", name=re.compile("^Revoked")).click()

    expect(invited.row("@example")).to_have_count(1)
    expect(invited.row("amina@example.org")).to_be_visible()
    expect(invited.page.get_by_role("link", name=re.compile("^Revoked"))).to_have_attribute(
        "aria-current", "true"
    )
    invited.page.go_back()
    expect(invited.row("@example")).to_have_count(2)


def test_an_invitation_is_mailed_again(server: Server, invited: Visitor) -> None:
    invited.press("Resend to jon@example.org").sees("Invitation resent to jon@example.org.")
    first, second = (server.smtp.wait_for_mail("jon@example.org", number) for number in (1, 2))
    assert first["Message-ID"] != second["Message-ID"]


def test_a_revoked_invitation_stops_working_until_that_is_undone(
    server: Server, invited: Visitor, visit: Visit
) -> None:
    link = server.links.mailed_invitation(server.invitation("jon@example.org"))
    invited.press("Revoke the invitation to jon@example.org")
    expect(invited.row("jon@example.org")).to_contain_text("revoked")
    visit(server).open(link).sees_heading("This invitation is no longer valid")

    invited.press("Undo: restore the invitation to jon@example.org")
    expect(invited.row("jon@example.org")).to_contain_text("pending")
    visit(server).open(link).join("Jon Jay").sees("You are now a member.")


def test_the_personal_link_of_one_is_copied_from_their_row(server: Server, visit: Visit) -> None:
    send(server.owner, utcnow(), "jon@example.org")
    olive = visit(server, permissions=["clipboard-read", "clipboard-write"]).sign_in()
    olive.go_to("Invitations").follow("Copy Link for jon@example.org")
    olive.sees("Personal link for jon@example.org").press("Copy Link")
    expect(olive.button("Copied")).to_be_visible()

    link = olive.page.evaluate("navigator.clipboard.readText()")
    visit(server).open(link).sees("Olive Martin invites you to join").join("Jon Jay")


def test_a_role_is_changed_in_the_row(server: Server, olive: Visitor) -> None:
    server.member("Uma Roy", "uma@example.org")
    olive.go_to("Active").press("Edit Uma Roy")
    olive.page.evaluate("window.same_page = true")
    expect(olive.field("Role")).to_be_focused()
    olive.field("Role").select_option("Moderator")
    olive.press("Update User").sees("Uma Roy now has the role Moderator.")

    expect(olive.row("uma@example.org")).to_contain_text("Moderator")
    expect(olive.button("Edit Uma Roy")).to_be_visible()
    assert olive.page.evaluate("window.same_page")


def test_the_picker_offers_only_what_one_may_grant(server: Server, visit: Visit) -> None:
    server.member("Ada Okafor", "ada@example.org", Role.ADMIN)
    server.member("Uma Roy", "uma@example.org")
    ada = visit(server).sign_in("ada@example.org").go_to("Active").press("Edit Uma Roy")

    expect(ada.field("Role").locator("option")).to_have_text(["User", "Moderator", "Admin"])
    expect(ada.button("Edit Olive Martin")).to_have_count(0)


def test_the_last_owner_stays_an_owner(server: Server, olive: Visitor) -> None:
    olive.go_to("Active").press("Deactivate Olive Martin")
    olive.sees("An account needs at least one Account Owner.")
    expect(olive.row("olive@example.org")).not_to_contain_text("inactive")


def test_a_deactivated_person_is_out_at_once_and_can_come_back(
    server: Server, olive: Visitor, visit: Visit
) -> None:
    server.member("Uma Roy", "uma@example.org")
    uma = visit(server).sign_in("uma@example.org").sees_heading("Riverside Relief")
    olive.go_to("Active").press("Deactivate Uma Roy").sees("Uma Roy is now inactive.")
    uma.page.reload()
    uma.sees_heading("You are no longer an active member")
    olive.press("Undo").sees("Uma Roy is active again.").press("Deactivate Uma Roy")
    olive.sees("Uma Roy is now inactive.")

    olive.go_to("Inactive").press("Reactivate Uma Roy").sees("Uma Roy is active again.")
    uma.page.reload()
    uma.sees_heading("Riverside Relief")


def test_going_back_after_logging_out_shows_nothing(server: Server, olive: Visitor) -> None:
    server.member("Uma Roy", "uma@example.org")
    olive.go_to("Active").sees("uma@example.org").press("Log out").sees_heading("Log in")

    olive.page.go_back()

    olive.sees_heading("Log in")
    expect(olive.page.get_by_text("uma@example.org")).to_have_count(0)


def test_a_session_that_ended_leads_to_the_log_in_and_back(server: Server, olive: Visitor) -> None:
    olive.go_to("Active")
    olive.context.clear_cookies()
    olive.type("Search by name or address", "uma").sees_heading("Log in")

    olive.log_in().sees_heading("Active users")


@pytest.mark.parametrize("width", [360, 1280])
def test_what_a_batch_does_just_now_moves_nothing_below_it(
    server: Server, visit: Visit, width: int
) -> None:
    with db.transaction():
        batch = send(server.owner, utcnow(), "jon@example.org")
        Delivery.update(due_at=utcnow() + timedelta(hours=1)).execute()
    olive = visit(server, viewport={"width": width, "height": 800}).sign_in()
    url = f"/accounts/{server.account.slug}/batches/{batch.id}"
    places = []
    for state in (BatchState.PROBING, BatchState.RUNNING):
        Batch.update(state=state).execute()
        olive.open(url)
        assert ("Ten are sent first" in olive.page.inner_text("main")) == (
            state == BatchState.PROBING
        )
        places.append(olive.page.locator(".figures").bounding_box())
    assert places[0] == places[1]


def test_a_resent_invitation_is_counted_anew_above_the_list(server: Server, visit: Visit) -> None:
    ada = server.member("Ada Okafor", "ada@example.org", Role.ADMIN)
    invite(ada, utcnow(), "ann@example.org", Role.ADMIN)
    memberships.change_role(server.owner, ada, Role.MODERATOR, utcnow())
    olive = visit(server).sign_in().go_to("Invitations").follow("Can't be accepted 1")
    chosen = olive.page.locator(".chip[aria-current]")
    expect(chosen).to_have_text("Can't be accepted 1")
    olive.press("Resend to ann@example.org").sees("Invitation resent")
    expect(chosen).to_have_text("Can't be accepted 0")
