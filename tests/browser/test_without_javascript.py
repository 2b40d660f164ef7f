"""The main job once more, with JavaScript switched off."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.support.people import PASSWORD
from tests.support.server import Server
from tests.support.smtp_server import link_in

PLAIN = {"java_script_enabled": False}


@pytest.fixture
def olive(server: Server, visit: Visit) -> Visitor:
    return visit(server, **PLAIN).log_in()


def invite(olive: Visitor, emails: str, role: str = "User") -> Visitor:
    """Send an invitation: the first press shows what would happen, the second sends."""
    olive.go_to("Create New Invitation").fill(Email=emails)
    olive.page.get_by_role("radio", name=role, exact=True).check()
    olive.press("Send Invitation").sees("Nothing has been sent yet")
    expect(olive.page.locator("#unsent")).to_be_focused()
    expect(olive.page.locator("#unsent")).to_be_in_viewport()
    return olive.press("Send Invitation").sees("sent")


def test_setting_up_works(new_server: Server, visit: Visit) -> None:
    visitor = visit(new_server, **PLAIN).open("/")
    visitor.fill(Organization="Riverside Relief", Name="Olive Martin", Email="olive@example.org")
    visitor.fill(**{"Setup code": new_server.signer.setup_code(), "Password": PASSWORD})
    visitor.press("Set up").sees("Riverside Relief is set up")


def test_inviting_by_field_and_accepting_work(server: Server, olive: Visitor, visit: Visit) -> None:
    invite(olive, "new@example.org", role="Moderator").sees("1 person as Moderator")

    newcomer = visit(server, **PLAIN).open(link_in(server.smtp.wait_for_mail("new@example.org")))
    newcomer.join("Noa New").sees("Welcome to Riverside Relief. You are now a member.")

    olive.go_to("Active")
    expect(olive.row("new@example.org")).to_contain_text("Moderator")


def test_inviting_by_file_works_and_an_error_loses_nothing(server: Server, olive: Visitor) -> None:
    olive.go_to("Create New Invitation").fill(Email="amina@example.org")
    olive.choose_file("list.pdf", b"%PDF-1.7\x00\x01").press("Send Invitation")
    olive.sees("This file can't be read as a list.")
    expect(olive.field("Email")).to_have_value("amina@example.org")

    olive.choose_file("guests.csv", b"Email\njon@example.org\n").press("Send Invitation")
    olive.sees("Nothing has been sent yet", "2 will be invited").press("Send Invitation")
    olive.sees_heading("guests.csv").sees("2 people as User")
    server.smtp.wait_for_mail("amina@example.org")
    server.smtp.wait_for_mail("jon@example.org")


def test_declining_works(server: Server, visit: Visit) -> None:
    newcomer = visit(server, **PLAIN).open(server.invitation_link("new@example.org"))
    newcomer.press("Decline").sees_heading("You declined the invitation").follow(
        "View the invitation"
    )
    newcomer.join("Noa New").sees("You are now a member.")


def test_the_permanent_link_is_enabled_used_and_deleted(
    server: Server, olive: Visitor, visit: Visit
) -> None:
    olive.go_to("Permanent Invite").press("Enable Permanent Invite")
    olive.sees("The permanent link is enabled.")
    link = olive.field("Permanent link").input_value()
    newcomer = visit(server, **PLAIN).open(link)
    newcomer.fill(Name="Lee Lou", Email="lee@example.org", Password=PASSWORD).press("Join")
    newcomer.sees("You are now a member.")

    olive.press("Delete").sees("It stops working at once").press("Delete the link")
    olive.sees("The permanent link is deleted.")
    visit(server, **PLAIN).open(link).sees_heading("This link no longer works")


def test_a_role_is_changed(server: Server, olive: Visitor) -> None:
    server.member("Uma Roy", "uma@example.org")
    olive.go_to("Active").press("Edit Uma Roy").sees_heading("Edit Uma Roy")
    olive.field("Role").select_option("Admin")
    olive.press("Update User").sees("Uma Roy now has the role Admin.")
    expect(olive.row("uma@example.org")).to_contain_text("Admin")


def test_an_invitation_is_searched_filtered_revoked_and_restored(
    server: Server, olive: Visitor
) -> None:
    invite(olive, "amina@example.org, jon@example.org").go_to("Invitations")
    olive.fill(**{"Search by address": "jon"}).press("Search").misses("amina@example.org")
    olive.press("Revoke the invitation to jon@example.org").sees("Revoked. jon@example.org")
    olive.page.get_by_role("link", name=re.compile("^Revoked")).click()
    olive.misses("amina@example.org").press("Undo: restore the invitation to jon@example.org")
    olive.sees("Invitation restored. jon@example.org can join again.")


def test_a_personal_link_is_shown(server: Server, olive: Visitor, visit: Visit) -> None:
    invite(olive, "new@example.org").go_to("Invitations").follow("Copy Link for new@example.org")
    link = olive.field("Personal link for new@example.org").input_value()
    visit(server, **PLAIN).open(link).join("Noa New").sees("You are now a member.")
