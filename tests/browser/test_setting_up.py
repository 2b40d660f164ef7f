import re

from tests.browser.conftest import Visit
from tests.support.people import PASSWORD
from tests.support.server import OWNER, Server, flask


def test_the_first_visitor_sets_the_server_up_with_the_code_of_the_console(
    new_server: Server, visit: Visit
) -> None:
    output = flask("welcome", data=new_server.data)
    code = re.search(r"Setup code\s+(\S+)", output)[1]
    visitor = visit(new_server).open("/").sees_heading("Set up Invites")

    visitor.fill(Organization="Riverside Relief", Name="Olive Martin", Email=OWNER)
    visitor.fill(**{"Setup code": "ABCD-EFGH-IJKL", "Password": PASSWORD}).press("Set up")
    visitor.sees("This isn't the setup code")

    visitor.fill(**{"Setup code": code.lower(), "Password": PASSWORD}).press("Set up")
    visitor.sees_heading("New Invitation").sees("Riverside Relief is set up")
    visit(new_server).open("/setup").sees_heading("Log in")


def test_without_a_mail_server_mail_waits_in_the_mailbox(
    server_without_smtp: Server, visit: Visit
) -> None:
    server = server_without_smtp
    olive = visit(server).sign_in().invite("new@example.org")
    olive.sees("the emails are in the Mailbox").follow("Open the Mailbox")

    olive.follow("new@example.org").sees_heading("Invitation")
    frame = olive.page.frame_locator("iframe")
    link = frame.get_by_role("link", name="View the invitation").get_attribute("href")

    newcomer = visit(server).open(link).join("Noa New")
    newcomer.sees("Welcome to Riverside Relief. You are now a member.")
