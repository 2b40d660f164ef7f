import re

from tests.browser.conftest import Visit
from tests.browser.server import OWNER, Box, flask
from tests.support.people import PASSWORD


def test_the_first_visitor_sets_the_box_up_with_the_code_of_the_console(
    fresh_box: Box, visit: Visit
) -> None:
    said = flask("welcome", data=fresh_box.data)
    code = re.search(r"Set-up code\s+(\S+)", said)[1]
    visitor = visit(fresh_box).open("/").sees_heading("Set up Invites")

    visitor.fill(Organisation="Riverside Relief", Name="Olive Martin", Email=OWNER)
    visitor.fill(**{"Set-up code": "ABCD-EFGH-IJKL", "Password": PASSWORD}).press("Set up")
    visitor.sees("That isn't the code on the console")

    visitor.fill(**{"Set-up code": code.lower(), "Password": PASSWORD}).press("Set up")
    visitor.sees_heading("New Invitation").sees("Riverside Relief is set up")
    visit(fresh_box).open("/setup").sees_heading("Log in")


def test_without_a_mail_server_mail_waits_in_the_mailbox(
    box_without_mail_server: Box, visit: Visit
) -> None:
    box = box_without_mail_server
    olive = visit(box).log_in().invite("new@example.org")
    olive.sees("the mails wait in the Mailbox").follow("Open the Mailbox")

    olive.follow("new@example.org").sees_heading("Invitation")
    frame = olive.page.frame_locator("iframe")
    link = frame.get_by_role("link", name="Open the invitation").get_attribute("href")

    newcomer = visit(box).open(link).join("Noa New")
    newcomer.sees("You are in. Welcome to Riverside Relief.")
