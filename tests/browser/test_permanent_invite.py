import pytest
from playwright.sync_api import expect

from invites.core.clock import utcnow
from invites.members import permanent_link
from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.support.people import PASSWORD
from tests.support.server import Server
from tests.support.smtp_server import link_in

CLIPBOARD = ["clipboard-read", "clipboard-write"]
NO_CLIPBOARD = "Object.defineProperty(Navigator.prototype, 'clipboard', {get: () => undefined})"
REFUSED_CLIPBOARD = "Clipboard.prototype.writeText = () => Promise.reject(new DOMException('no'))"


@pytest.fixture
def link(server: Server) -> str:
    return server.links.permanent(permanent_link.enable(server.owner, utcnow()))


def _join(visitor: Visitor, name: str, email: str) -> None:
    visitor.fill(Name=name, Email=email, Password=PASSWORD).press("Join")
    visitor.sees("Welcome to Riverside Relief. You are now a member.")


def test_a_copied_permanent_link_lets_somebody_new_join(server: Server, visit: Visit) -> None:
    olive = visit(server, permissions=CLIPBOARD).sign_in().go_to("Permanent Invite")
    olive.press("Enable Permanent Invite").press("Copy Link")
    expect(olive.button("Copied")).to_be_visible()
    link = olive.page.evaluate("navigator.clipboard.readText()")
    assert link == olive.field("Permanent link").input_value()

    newcomer = visit(server).open(link).sees("You are invited to join", "Riverside Relief")
    _join(newcomer, "Lee Lou", "lee@example.org")

    olive.go_to("Active")
    for words in ("By permanent link", "User", "unconfirmed"):
        expect(olive.row("lee@example.org")).to_contain_text(words)


def test_who_joined_by_the_link_confirms_their_address(
    server: Server, visit: Visit, link: str
) -> None:
    newcomer = visit(server).open(link)
    _join(newcomer, "Lee Lou", "lee@example.org")
    newcomer.sees("open the link in the email we sent to lee@example.org")

    newcomer.open(link_in(server.smtp.wait_for_mail("lee@example.org")))
    newcomer.fill(**{"Your password": PASSWORD}).press("Confirm")

    newcomer.sees("lee@example.org is confirmed.").misses("open the link in the email")


@pytest.mark.parametrize("trouble", [NO_CLIPBOARD, REFUSED_CLIPBOARD])
def test_where_the_clipboard_is_refused_the_link_is_selected(
    server: Server, visit: Visit, link: str, trouble: str
) -> None:
    olive = visit(server).sign_in().go_to("Permanent Invite")
    olive.page.add_init_script(trouble)
    olive.page.reload()

    olive.press("Copy Link")
    expect(olive.button("Press Ctrl+C to copy")).to_be_visible()
    expect(olive.field("Permanent link")).to_be_focused()
    assert olive.page.evaluate("getSelection().toString()") == link


def test_the_permanent_link_stands_on_the_invitations_page_too(
    server: Server, visit: Visit, link: str
) -> None:
    olive = visit(server, permissions=CLIPBOARD).sign_in().go_to("Invitations").press("Copy Link")
    expect(olive.button("Copied")).to_be_visible()
    assert olive.page.evaluate("navigator.clipboard.readText()") == link


def test_log_in_instead_returns_to_the_link_by_itself(
    server: Server, visit: Visit, link: str
) -> None:
    server.account_of("Elsewhere")
    zoe = visit(server).open(link).follow("Log in instead").log_in("elsewhere@elsewhere.example")

    zoe.sees("You are invited to join", "elsewhere@elsewhere.example").press("Accept")

    zoe.sees("Welcome to Riverside Relief. You are now a member.")
    zoe.open(link).sees_heading("You are already a member").follow("Go to Riverside Relief")
    zoe.sees_heading("Riverside Relief")


def test_deleting_asks_first_and_the_old_link_never_comes_back(
    server: Server, olive: Visitor, visit: Visit, link: str
) -> None:
    olive.go_to("Permanent Invite").press("Delete").sees("It stops working at once")
    olive.follow("Keep the link").misses("It stops working at once")
    visit(server).open(link).sees("You are invited to join")

    olive.press("Delete").press("Delete the link").sees("The permanent link is deleted.")
    visit(server).open(link).sees_heading("This link no longer works")

    olive.press("Enable Permanent Invite")
    expect(olive.field("Permanent link")).not_to_have_value(link)
    visit(server).open(link).sees_heading("This link no longer works")
