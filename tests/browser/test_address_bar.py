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
    assert "Open the link in the email again" in other.inner_text("main")


def test_open_in_browser_works_from_the_browser_of_a_mail_app(server: Server, visit: Visit) -> None:
    link = server.invitation_link("noa@example.org")
    in_app = visit(server, has_touch=True, is_mobile=True).open(link)
    in_app.fill(Name="", Password="").press("Accept").sees("This can't be empty")
    noa = visit(server).open(in_app.page.url).sees("Olive Martin invites you")
    noa.join("Noa New").sees("You are now a member")


def test_a_phone_keeps_no_token_once_its_page_is_left(server: Server, visit: Visit) -> None:
    link = server.invitation_link("noa@example.org")
    noa = visit(server, has_touch=True, is_mobile=True).open(link)
    assert noa.page.url == link
    noa.follow("Log in").sees_heading("Log in")
    noa.follow("Forgot your password?").sees_heading("Forgot your password?")
    browser = noa.context.new_cdp_session(noa.page)
    history = [entry["url"] for entry in browser.send("Page.getNavigationHistory")["entries"]]
    assert f"{server.url}{OPENED}" in history
    assert not [url for url in history if link.rpartition("/")[2] in url]
    noa.page.go_back()
    noa.sees_heading("Log in")
    noa.page.go_back()
    noa.join("Noa New").sees("You are now a member")
