import re
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.lists import table
from invites.members import answers
from tests.browser.conftest import Visit
from tests.browser.visitor import PHONE, Visitor
from tests.support.actions import invite
from tests.support.server import Server
from tests.support.smtp_server import link_in, text_of

GUESTS = "Email\namina@example.org\njon@example.org\n"
PDF = b"%PDF-1.7\n\x00\x01\x02\xff\xfe stream"


def test_the_page_understands_addresses_while_they_are_typed(
    server: Server, olive: Visitor
) -> None:
    server.member("Ada Okafor", "ada@example.org", Role.ADMIN)
    olive.go_to("Create New Invitation")

    olive.type("Email", "Amina Bello <amina@example.org>").sees("1 person will get an email.")
    olive.type("Email", ", jon@example.org;kim.example.org").sees("This has no @")
    olive.type("Email", ", ada@example.org").sees("1 already a member")
    olive.type("Email", " amina@example.org").sees("1 duplicate")

    olive.sees("2 will be invited", "2 people will get an email.")
    expect(olive.field("Email")).to_be_focused()


def test_an_invited_person_joins_from_their_phone(
    server: Server, olive: Visitor, visit: Visit
) -> None:
    olive.invite("new@example.org", role="Moderator")
    olive.page.evaluate("window.same_page = true")
    olive.sees("1 of 1 sent")
    assert olive.page.evaluate("window.same_page"), "the page was loaded anew to show the count"

    mail = server.smtp.wait_for_mail("new@example.org")
    assert mail["Subject"] == "Invitation"
    assert "Olive Martin invites you to join Riverside Relief." in text_of(mail)
    newcomer = visit(server, viewport=PHONE, is_mobile=True, has_touch=True).open(link_in(mail))
    newcomer.sees("Olive Martin invites you to join", "Moderator", "n•••@example.org")
    expect(newcomer.button("Accept")).to_be_in_viewport(ratio=1)

    newcomer.join("Noa New").sees("Welcome to Riverside Relief. You are now a member.")

    olive.page.reload()
    expect(olive.figure("accepted")).to_have_text("1")
    olive.go_to("Active")
    expect(olive.row("new@example.org")).to_contain_text("By invitation")
    expect(olive.row("new@example.org")).to_contain_text("Moderator")


def test_a_password_can_be_shown_and_hidden_again(server: Server, visit: Visit) -> None:
    newcomer = visit(server).open(server.invitation_link("new@example.org"))
    newcomer.fill(Password="short").press("Show: Password")
    expect(newcomer.field("Password")).to_have_attribute("type", "text")
    newcomer.press("Show: Password")
    expect(newcomer.field("Password")).to_have_attribute("type", "password")


def test_what_an_invitee_mistypes_is_said_and_the_rest_stays(server: Server, visit: Visit) -> None:
    newcomer = visit(server).open(server.invitation_link("new@example.org"))
    newcomer.fill(Name="Noa New", Password="short").press("Accept")

    newcomer.sees("Use at least 10 characters.")
    expect(newcomer.field("Name")).to_have_value("Noa New")
    expect(newcomer.field("Password")).to_be_focused()
    newcomer.join("Noa New").sees("You are now a member.")


def test_a_dropped_file_is_shown_before_it_is_sent(
    server: Server, olive: Visitor, tmp_path
) -> None:
    file = tmp_path / "guests.csv"
    file.write_text(GUESTS)
    olive.go_to("Create New Invitation").drop_file(file)
    olive.sees("guests.csv", "2 rows, listed below", "2 people will get an email.")

    olive.press("Send Invitation").sees_heading("guests.csv").sees("2 of 2 sent")
    assert server.smtp.wait_for_mail("jon@example.org")["Subject"] == "Invitation"


def test_a_chosen_file_adds_to_what_is_typed_and_can_be_removed(
    server: Server, olive: Visitor
) -> None:
    olive.go_to("Create New Invitation").type("Email", "jon@example.org lee@example.org")
    olive.choose_file("guests.csv", GUESTS.encode()).sees("3 people will get an email.")

    olive.press("Remove the file").sees("2 people will get an email.")
    olive.press("Send Invitation").sees("2 of 2 sent")


@pytest.mark.parametrize("typed_first", [True, False], ids=["typed first", "file first"])
def test_the_summary_and_the_number_beside_the_button_agree_in_whatever_order_answers_arrive(
    server: Server, olive: Visitor, typed_first: bool
) -> None:
    olive.go_to("Create New Invitation")
    late: list[Route] = []
    review, upload = "**/invitations/new/review", "**/invitations/new/file"
    olive.page.route(review, lambda route: late.append(route))
    if typed_first:
        with olive.page.expect_request(review):
            olive.fill(Email="jon@example.org lee@example.org")
        olive.choose_file("guests.csv", GUESTS.encode())
    else:
        olive.page.route(upload, lambda route: late.append(route))
        with olive.page.expect_request(upload):
            olive.choose_file("guests.csv", GUESTS.encode())
        with olive.page.expect_request(review):
            olive.fill(Email="jon@example.org lee@example.org")
        late.pop(0).continue_()
    expect(olive.page.get_by_role("heading", name="Rows in guests.csv")).to_be_visible()
    late.pop().continue_()
    olive.rests()
    note = olive.page.locator("#send-note").inner_text().strip()
    summary = olive.page.locator("#review .outcomes > li").first.inner_text()
    assert note.split()[0] == summary.split()[0] == ("3" if typed_first else "2")


def test_a_wrong_file_is_refused_with_a_sentence_and_the_typed_stays(
    server: Server, olive: Visitor
) -> None:
    olive.go_to("Create New Invitation").type("Email", "amina@example.org")
    olive.choose_file("list.pdf", PDF, "application/pdf")

    olive.sees("This file can't be read as a list.", "Choose a CSV file")
    expect(olive.field("Email")).to_have_value("amina@example.org")
    olive.press("Send Invitation").sees("1 of 1 sent")


def test_a_file_with_50000_rows_becomes_a_batch_and_begins_to_drain(
    server: Server, olive: Visitor
) -> None:
    rows = "".join(f"guest{number}@example.org\n" for number in range(50_000))
    olive.go_to("Create New Invitation").choose_file("everybody.csv", f"Email\n{rows}".encode())
    olive.sees("50,000 rows, listed below", "50,000 people will get an email.")

    olive.page.get_by_label("Yes, send 50,000 emails", exact=True).check()
    olive.press("Send Invitation").sees_heading("everybody.csv").sees("of 50,000 sent")
    server.smtp.wait_for_count(50)
    expect(olive.page.get_by_role("main")).not_to_contain_text("0 of 50,000 sent")

    olive.go_to("Invitations").type("Search by address", "guest49999")
    expect(olive.row("guest49999@example.org")).to_be_visible()
    expect(olive.row("@example.org")).to_have_count(1)


def test_a_press_before_the_review_came_shows_it_first(server: Server, olive: Visitor) -> None:
    olive.loses_requests = True
    olive.page.route("**/review", lambda route: route.abort())
    olive.go_to("Create New Invitation").fill(Email="new@example.org").press("Send Invitation")
    olive.sees("Nothing has been sent yet", "1 will be invited")
    expect(olive.page.locator("#unsent")).to_be_focused()
    olive.press("Send Invitation").sees("1 of 1 sent")


def test_very_many_mails_want_a_yes_that_keys_can_give(server: Server, olive: Visitor) -> None:
    emails = " ".join(f"guest{number}@example.org" for number in range(500))
    olive.go_to("Create New Invitation").fill(Email=emails).sees("500 people will get an email.")
    olive.press("Send Invitation").sees("Check this box to confirm")
    expect(olive.page.get_by_label("Yes, send 500 emails", exact=True)).to_be_focused()

    olive.keys("Space").tab_to(olive.button("Send Invitation")).keys("Enter")
    olive.sees("500 people as User")


def test_who_declined_before_is_asked_again_only_on_purpose(server: Server, olive: Visitor) -> None:
    answers.decline(invite(server.owner, utcnow(), "no@example.org"), utcnow())
    olive.go_to("Create New Invitation").type("Email", "no@example.org").sees("1 declined earlier")
    olive.page.get_by_role(
        "checkbox", name=re.compile("^Send a new invitation to the person who declined")
    ).check()
    olive.sees("1 person will get an email.").press("Send Invitation").sees("1 of 1 sent")

    olive.go_to("Invitations")
    expect(olive.row("replaced")).to_contain_text("declined")


def test_the_50001st_row_refuses_the_file_whole(server: Server, olive: Visitor) -> None:
    rows = "".join(f"guest{number}@example.org\n" for number in range(50_001))
    olive.go_to("Create New Invitation").choose_file("everybody.csv", f"Email\n{rows}".encode())
    olive.sees("more than 50,000 rows", "Nothing was added")


def test_a_full_mailbox_is_told_in_the_words_of_the_mail_server(
    server: Server, olive: Visitor
) -> None:
    olive.invite("full@example.org new@example.org").sees("1 of 2 sent")
    expect(olive.figure("failed")).to_have_text("1")
    expect(olive.row("full@example.org")).to_contain_text("The mailbox is full")


@pytest.mark.parametrize("typed", ["", "   ", "kim.example.org"])
def test_nothing_to_send_is_said_where_it_was_typed(
    server: Server, olive: Visitor, typed: str
) -> None:
    olive.go_to("Create New Invitation").fill(Email=typed).press("Send Invitation")
    expect(olive.field("Email")).to_have_attribute("aria-invalid", "true")
    expect(olive.field("Email")).to_have_value(typed)


def test_keys_alone_are_enough_to_invite(server: Server, olive: Visitor) -> None:
    menu = olive.page.get_by_role("navigation", name="Main")
    olive.tab_to(menu.get_by_text("Users", exact=True)).keys("Enter")
    olive.tab_to(menu.get_by_role("link", name="Create New Invitation")).keys("Enter")
    olive.sees_heading("New Invitation")

    olive.tab_to(olive.field("Email")).page.keyboard.type("new@example.org")
    olive.tab_to(olive.page.get_by_role("radio", name="User", exact=True)).keys("ArrowRight")
    olive.sees("1 person will get an email.").tab_to(olive.button("Send Invitation")).keys("Enter")

    olive.sees("1 person as Moderator", "1 of 1 sent")


def test_escape_closes_the_menu_and_returns_to_its_button(server: Server, olive: Visitor) -> None:
    users = olive.page.get_by_role("navigation", name="Main").get_by_text("Users", exact=True)
    entry = olive.page.get_by_role("link", name="Permanent Invite", exact=True)
    users.press("Enter")
    expect(entry).to_be_visible()

    olive.keys("Escape")
    expect(entry).to_be_hidden()
    expect(users).to_be_focused()


def test_who_is_logged_out_while_they_type_logs_in_beside_and_goes_on(olive: Visitor) -> None:
    olive.go_to("Create New Invitation")
    olive.fill(Email="amina@example.org").sees("1 person will get an email.")
    olive.context.clear_cookies()
    olive.fill(Email="amina@example.org, jon@example.org").sees("You have been logged out.")
    with olive.context.expect_page() as opened:
        olive.follow("Log in (opens a new tab)")
    first_tab, olive.page = olive.page, opened.value
    olive.log_in()
    olive.page.close()
    olive.page = first_tab

    olive.press("Send Invitation").sees("Nothing has been sent yet, because you logged in again.")
    expect(olive.field("Email")).to_have_value("amina@example.org, jon@example.org")
    olive.press("Send Invitation").sees("2 of 2 sent")


def test_a_file_that_is_too_large_is_refused_at_its_field_by_its_name(
    olive: Visitor, tmp_path: Path
) -> None:
    file = tmp_path / "people $& of 2026.csv"
    file.write_bytes(b"x" * (table.MAX_BYTES + 1))
    olive.go_to("Create New Invitation").choose_path(file)
    refusal = olive.page.get_by_role("alert")
    expect(refusal).to_contain_text("“people $& of 2026.csv”: This file is larger than 20 MB.")
    expect(olive.page.locator("#email-csv-file")).to_have_class(re.compile("invalid"))
    olive.choose_file("people.csv", b"email\njon@example.org\n").sees("people.csv")
    expect(refusal).to_be_hidden()
