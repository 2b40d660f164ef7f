from playwright.sync_api import expect

from invites.core.addresses import masked
from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.support.people import PASSWORD
from tests.support.server import Server
from tests.support.smtp_server import link_in

ZOE = "elsewhere@elsewhere.example"


def _zoe_opens_her_mail(server: Server, olive: Visitor, visit: Visit) -> Visitor:
    server.account_of("Elsewhere")
    olive.invite(ZOE)
    mail = server.smtp.wait_for_mail(ZOE)
    assert mail["Subject"] == "Invitation for Riverside Relief"
    return visit(server).open(link_in(mail)).sees_heading("Log in").log_in(ZOE)


def test_an_existing_person_logs_in_and_accepts_at_the_bottom_of_their_accounts(
    server: Server, olive: Visitor, visit: Visit
) -> None:
    zoe = _zoe_opens_her_mail(server, olive, visit).sees_heading("Accounts")
    headings = zoe.page.get_by_role("main").get_by_role("heading")
    expect(headings).to_have_text(["Accounts", "Elsewhere", "Your invitations", "Riverside Relief"])

    zoe.press("Accept").sees("Welcome to Riverside Relief.")

    zoe.open("/accounts").misses("Your invitations").sees("Elsewhere", "Riverside Relief")


def test_an_existing_person_declines_among_their_accounts(
    server: Server, olive: Visitor, visit: Visit
) -> None:
    zoe = _zoe_opens_her_mail(server, olive, visit)
    zoe.press("Decline").sees("You declined the invitation to Riverside Relief.")

    olive.go_to("Invitations")
    expect(olive.row(ZOE)).to_contain_text("declined")

    zoe.sees("You can still accept until").press("Accept")
    zoe.sees("Welcome to Riverside Relief.")


def test_somebody_new_declines_without_a_profile_and_changes_their_mind(
    server: Server, olive: Visitor, visit: Visit
) -> None:
    newcomer = visit(server).open(server.invitation_link("new@example.org"))
    newcomer.press("Decline").sees_heading("You declined the invitation")
    olive.go_to("Invitations")
    expect(olive.row("new@example.org")).to_contain_text("declined")

    newcomer.follow("View the invitation").sees("You can still accept until").join("Noa New")

    newcomer.sees("Welcome to Riverside Relief. You are now a member.")


def test_an_impatient_double_click_accepts_once_and_leads_in(server: Server, visit: Visit) -> None:
    newcomer = visit(server).open(server.invitation_link("new@example.org"))
    newcomer.fill(Name="Noa New", Password=PASSWORD).button("Accept").dblclick(delay=60)
    newcomer.sees("Welcome to Riverside Relief. You are now a member.")


def test_the_wrong_person_signs_out_and_goes_on_as_the_right_one(
    server: Server, visit: Visit
) -> None:
    server.member("Uma Roy", "uma@example.org")
    server.account_of("Elsewhere")
    shared_computer = visit(server).sign_in("uma@example.org")

    shared_computer.open(server.invitation_link(ZOE))
    shared_computer.sees_heading("This invitation is for someone else")
    shared_computer.sees(masked(ZOE), "uma@example.org").misses(ZOE)
    expect(shared_computer.page.get_by_role("button")).to_have_count(1)
    shared_computer.press(f"Sign out and continue as {masked(ZOE)}")

    shared_computer.sees_heading("Log in").log_in(ZOE).press("Accept")
    shared_computer.sees("Welcome to Riverside Relief.")
    expect(shared_computer.page.get_by_text("Zoe of Elsewhere")).to_be_visible()


def test_links_that_are_used_or_unknown_lead_to_a_calm_page(server: Server, visit: Visit) -> None:
    link = server.invitation_link("new@example.org")
    visit(server).open(link).join("Noa New").sees("You are now a member.")

    visit(server).open(link).sees_heading("This invitation has been accepted").follow("Log in")
    visit(server).open(f"{link}x").sees_heading("This link isn't valid")
