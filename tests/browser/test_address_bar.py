"""The token of a mailed link, and who comes to the computer next."""

from tests.browser.conftest import Visit
from tests.support.server import Server

OPENED = "/invitation/opened"


def test_it_leaves_the_address_bar_and_the_page_still_works(server: Server, visit: Visit) -> None:
    link = server.invitation_link("noa@example.org")
    noa = visit(server).open(link).sees("Olive Martin invites you").is_at(OPENED)
    noa.page.reload()
    noa.sees("Olive Martin invites you").is_at(OPENED)
    noa.fill(Name="").press("Accept").sees("This can't be empty").is_at(OPENED)
    noa.follow("Log in").sees_heading("Log in")
    assert noa.page.url.endswith("/login?next=opened")
    noa.page.go_back()
    noa.sees("Olive Martin invites you").is_at(OPENED)
    noa.join("Noa New").sees("You are now a member")


def test_another_tab_finds_nothing_behind_it(server: Server, visit: Visit) -> None:
    noa = visit(server).open(server.invitation_link("noa@example.org")).is_at(OPENED)
    other = noa.context.new_page()
    other.goto(OPENED)
    assert "This link isn't valid" in other.inner_text("main")
