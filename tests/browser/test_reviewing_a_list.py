"""An uploaded list is reviewed, corrected, kept, and sent as it was read."""

import io

import openpyxl
import pytest
from playwright.sync_api import expect

from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.members import answers
from invites.models import Batch
from tests.browser.conftest import Visit
from tests.browser.visitor import PHONE, Visitor
from tests.support.actions import invite
from tests.support.server import Server
from tests.support.smtp_server import text_of

MIXED = """Name;E-Mail
Ada;ada@gmial.com
Bo;bo@gmial.com
Cleo;cleo.example.org
=1+1;dora example.org
Eve;eve@example.org
Eve;eve@example.org
Mo;mo@example.org
"""


def _drop(visitor: Visitor, text: str = MIXED, name: str = "guests.csv") -> Visitor:
    return visitor.go_to("Create New Invitation").choose_file(name, text.encode())


def test_a_list_is_corrected_with_keys_alone_and_sent(server: Server, olive: Visitor) -> None:
    _drop(olive).sees("Rows in guests.csv", "2 rows end in @gmial.com.")
    olive.page.get_by_role("heading", name="New Invitation").click()

    olive.tab_to(olive.button("Use gmail.com for all")).keys("Enter").misses("2 rows end in")
    olive.sees("2 invalid addresses")
    row = olive.field("Address in row 4")
    olive.tab_to(row).keys("ControlOrMeta+a").page.keyboard.type("cleo@example.org")
    olive.keys("Enter").sees("1 invalid address")
    expect(olive.field("Address in row 5")).to_be_visible()
    olive.tab_to(olive.button("Exclude row 5")).keys("Enter")

    olive.sees("5 people will get an email.")
    olive.tab_to(olive.button("Send Invitation")).keys("Enter").sees("5 of 5 sent")
    assert text_of(server.smtp.wait_for_mail("ada@gmail.com")).startswith("Hello Ada,")


def test_what_was_typed_into_a_row_is_not_lost_by_looking_at_others(
    server: Server, olive: Visitor
) -> None:
    _drop(olive).sees("Rows in guests.csv")
    olive.fill(**{"Address in row 4": "cleo@example.org"}).press("All 7")
    expect(olive.row("cleo@example.org")).to_contain_text("will be invited")
    olive.sees("3 people will get an email.")


def test_what_was_done_to_all_rows_can_be_undone(server: Server, olive: Visitor) -> None:
    _drop(olive).press("Use gmail.com for all").sees("@gmial.com is corrected in all rows.")
    olive.sees("4 people will get an email.")
    olive.press("Undo: @gmial.com is corrected in all rows.").sees("2 people will get an email.")
    olive.sees("2 rows end in @gmial.com.").misses("is corrected in all rows.")


def test_a_right_row_is_changed_with_keys_alone(server: Server, olive: Visitor) -> None:
    _drop(olive).press("All 7")
    change = olive.page.get_by_label("Change row 8", exact=True)
    expect(olive.field("Address in row 8")).to_be_hidden()
    olive.button("Exclude row 7").focus()
    olive.tab_to(change).keys("Enter")
    expect(olive.field("Address in row 8")).to_be_focused()
    olive.keys("ControlOrMeta+a").page.keyboard.type("moritz@example.org")
    olive.keys("Enter")
    expect(olive.row("moritz@example.org")).to_contain_text("will be invited")
    expect(change).to_be_focused()


def test_a_screen_reader_is_told_which_row_what_happens_and_what_can_be_done(
    server: Server, olive: Visitor
) -> None:
    _drop(olive).sees("Rows in guests.csv")
    expect(olive.page.get_by_role("region", name="Rows in guests.csv")).to_match_aria_snapshot(
        """
        - heading "Rows in guests.csv" [level=2]
        - link "Download the 5 rows that won't be invited"
        - text: Column with the addresses
        - combobox "Column with the addresses"
        - text: Column with names, for the greeting
        - combobox "Column with names, for the greeting"
        - group: Separated by semicolons
        - navigation "Show only":
          - button "All 7"
          - button "Will be invited 2"
          - button "Duplicate 1"
          - button "Invalid addresses 4"
        - list:
          - listitem:
            - text: 2 rows end in @gmial.com.
            - button "Use gmail.com for all"
        - table:
          - rowgroup:
            - row "Row Email What happens What you can do"
          - rowgroup:
            - row /^2 /:
              - rowheader "2"
              - cell /Ada/:
                - textbox "Address in row 2": ada@gmial.com
                - button "Save row 2"
              - cell "This looks misspelled, so the email could go to nobody or to a stranger."
              - cell /Exclude/:
                - button "Use ada@gmail.com in row 2"
                - button "Keep row 2 as is"
                - button "Exclude row 2"
        """
    )


def test_50000_rows_are_looked_through_by_what_happens_to_them(
    server: Server, olive: Visitor
) -> None:
    server.member("Mo Diaz", "mo@example.org", Role.MODERATOR)
    rows = "".join(f"Guest {n};guest{n}@example.org\n" for n in range(49_993))
    _drop(olive, MIXED + rows).sees("50,000 rows, listed below", "49,994 people will get an email.")
    expect(olive.field("Address in row 4")).to_have_value("cleo.example.org")
    expect(olive.row("guest1@example.org")).to_have_count(0)

    olive.press("Already a member 1")
    expect(olive.row("mo@example.org")).to_be_visible()
    expect(olive.page.locator(".staged-rows tbody tr")).to_have_count(1)
    olive.press("All 50,000").sees("1 to 20 of 50,000")
    olive.press("Next").sees("21 to 40 of 50,000")
    expect(olive.button("Next")).to_be_focused()
    olive.press("Exclude row 33").sees("49,993 people will get an email.")
    olive.press("Include row 33").sees("49,994 people will get an email.")


@pytest.mark.parametrize("javascript", [True, False])
def test_why_very_many_mails_are_not_sent_yet_is_in_sight(
    server: Server, visit: Visit, javascript: bool
) -> None:
    olive = visit(server, java_script_enabled=javascript).sign_in()
    _drop(olive, "".join(f"p{n}@example.org\n" for n in range(600)))
    if javascript:
        olive.sees("600 rows, listed below")
    else:
        olive.press("Send Invitation").sees("Nothing has been sent yet")
    olive.press("Send Invitation").sees("Check this box to confirm")
    expect(olive.field("Yes, send 600 emails")).to_be_focused()
    expect(olive.page.locator("#agreed-error")).to_be_in_viewport(ratio=1)


def test_why_a_file_cannot_be_read_is_in_sight_without_javascript(
    server: Server, visit: Visit
) -> None:
    olive = visit(server, java_script_enabled=False, viewport=PHONE).sign_in()
    _drop(olive, "%PDF", "list.pdf").press("Send Invitation").sees("can't be read as a list")
    expect(olive.page.locator("#csv_file-error")).to_be_in_viewport(ratio=1)


def test_a_list_waits_through_a_reload_and_a_log_out_and_can_be_dropped(
    server: Server, olive: Visitor
) -> None:
    _drop(olive).sees("Rows in guests.csv").press("Exclude row 4").sees("1 excluded by you")
    olive.page.reload()
    olive.sees("Rows in guests.csv", "1 excluded by you")

    olive.press("Log out")
    olive.log_in().go_to("Create New Invitation").sees("Rows in guests.csv", "1 excluded by you")
    olive.press("Remove the file").misses("Rows in guests.csv")
    olive.page.reload()
    olive.sees_heading("New Invitation").misses("Rows in guests.csv")


def test_what_changed_while_a_list_waited_is_told_before_it_is_sent(
    server: Server, olive: Visitor
) -> None:
    _drop(olive).sees("2 people will get an email.")
    newcomer = invite(server.owner, utcnow(), "mo@example.org")
    answers.decline(newcomer, utcnow())

    olive.press("Send Invitation").sees("Nothing has been sent yet", "1 declined earlier")
    olive.press("Send Invitation").sees("1 of 1 sent")


def test_the_same_list_sent_from_two_tabs_makes_one_batch(server: Server, olive: Visitor) -> None:
    _drop(olive).sees("2 people will get an email.")
    other = Visitor(olive.context, server)
    other.open(olive.page.url).sees("Rows in guests.csv")

    olive.press("Send Invitation").sees("2 of 2 sent")
    other.press("Send Invitation").sees("sent")
    assert Batch.select().count() == 1


def test_the_rows_that_are_left_can_be_opened_in_a_spreadsheet(
    server: Server, olive: Visitor
) -> None:
    _drop(olive).sees("Rows in guests.csv")
    with olive.page.expect_download() as download:
        olive.follow("Download the 5 rows that won't be invited")
    text = download.value.path().read_text("utf-8-sig")

    assert "cleo.example.org" in text
    assert "'=1+1" in text
    assert "eve@example.org" in text


def test_a_workbook_and_contacts_are_lists_too(server: Server, olive: Visitor) -> None:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in (["Vorname", "E-Mail-Adresse"], ["Jörg", "joerg@example.org"]):
        book.active.append(row)
    book.save(file)
    olive.go_to("Create New Invitation").choose_file("Gäste.xlsx", file.getvalue())
    olive.sees("Rows in Gäste.xlsx", "1 person will get an email.")

    card = "BEGIN:VCARD\nVERSION:3.0\nFN:Zoë Kim\nEMAIL;TYPE=HOME:zoe@example.org\nEND:VCARD\n"
    olive.choose_file("people.vcf", card.encode(), "text/vcard").sees("Rows in people.vcf")
    olive.press("Send Invitation").sees("1 of 1 sent")
    assert text_of(server.smtp.wait_for_mail("zoe@example.org")).startswith("Hello Zoë Kim,")


def test_a_file_can_be_read_with_another_encoding_with_keys_alone(
    server: Server, olive: Visitor
) -> None:
    rows = "Imię;E-mail\nŁukasz;lukasz@example.org\nŻaneta;zaneta@example.org\n"
    olive.go_to("Create New Invitation").choose_file("lista.csv", rows.encode("cp1250"))
    olive.sees("Read as Central European (Windows-1250), separated by semicolons")
    expect(olive.row("lukasz@example.org")).to_contain_text("Łukasz")

    summary = olive.page.get_by_text("Read as Central European")
    olive.field("Column with names, for the greeting").focus()
    olive.tab_to(summary).keys("Enter")
    encoding = olive.field("Encoding of the file")
    olive.tab_to(encoding)
    encoding.select_option("cp1252")
    olive.sees("Read as Western (Windows-1252), separated by semicolons")
    expect(encoding).to_be_focused()
    expect(olive.row("lukasz@example.org")).not_to_contain_text("Łukasz")
    encoding.select_option("cp1250")
    expect(olive.row("lukasz@example.org")).to_contain_text("Łukasz")


def test_another_column_can_be_read(server: Server, olive: Visitor) -> None:
    text = "Work;Private\n" + "".join(f"w{n}@example.org;p{n}@example.net\n" for n in range(3))
    _drop(olive, text).sees("w0@example.org")
    olive.field("Column with the addresses").select_option("1")
    expect(olive.row("p0@example.net")).to_have_count(1)
    olive.press("Send Invitation").sees("3 of 3 sent")
    assert server.smtp.wait_for_mail("p2@example.net")
