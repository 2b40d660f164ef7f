"""The staged list on New Invitation, with and without JavaScript."""

import csv
import io
import re
from datetime import datetime

import pytest
from bs4 import BeautifulSoup

from invites import db
from invites.core.roles import Role
from invites.invitations import classify, send_invitations, staged_lists, staged_rows, staging
from invites.members import answers
from invites.models import (
    Batch,
    Delivery,
    DeliveryState,
    Invitation,
    Membership,
    StagedList,
    StagedRow,
)
from tests.support.actions import invitation_request, invite
from tests.support.browsing import HTMX, Browser
from tests.support.list_files import workbook
from tests.support.people import People
from tests.support.populated_account import ACCOUNT, signed_in

NEW = f"{ACCOUNT}/invitations/new"
CSV = """Name,E-mail,Boss
Ann,ann@example.org,olive@example.org
Bob,bob@example.org,olive@example.org
Ann again,ANN@example.org,
Nobody,not one,
=1+1,@sum(1),
"""


@pytest.fixture
def looking(olive: Browser) -> Browser:
    """Olive, who uploaded a list, without JavaScript."""
    file = (io.BytesIO(CSV.encode()), "people.csv")
    return olive.open(NEW).press("Send Invitation", email="dora@example.org", csv_file=file)


def rows(page: BeautifulSoup) -> dict[str, str]:
    """Outcome by row number."""
    return {
        row.th.get_text(" ", strip=True).split()[-1]: row.select_one(".row-outcome").get_text(
            " ", strip=True
        )
        for row in page.select("#staged-list tbody tr")
    }


def totals(page: BeautifulSoup) -> dict[str, str]:
    return {
        row.find_all("span")[-1].get_text(): row.select_one(".count").get_text()
        for row in page.select(".outcomes > li")
    }


def place(what: str) -> str:
    return f"{NEW}/list/{StagedList.get().id}/{what}"


def token(browser: Browser) -> str:
    return str(browser.page.select_one("[name=csrf_token]")["value"])


class TestShowingRows:
    def test_invalid_rows_come_first(self, looking: Browser) -> None:
        assert list(rows(looking.page)) == ["5", "6"]
        assert "no @" in rows(looking.page)["5"]

    def test_invalid_rows_come_first_in_the_next_list_too(self, looking: Browser) -> None:
        again = (io.BytesIO(CSV.replace("Bob", "Rob").encode()), "again.csv")
        looking.press("All 5").press("Send Invitation", csv_file=again)
        assert list(rows(looking.page)) == ["5", "6"]

    def test_rows_can_be_filtered_by_outcome(self, looking: Browser) -> None:
        looking.press("All 5")
        assert list(rows(looking.page)) == ["2", "3", "4", "5", "6"]
        looking.press("Duplicate 1")
        assert rows(looking.page) == {"4": "duplicate of row 2"}

    def test_the_email_field_is_kept_while_paging(self, looking: Browser) -> None:
        looking.press("All 5", role="30")
        assert looking.page.select_one("#email").get_text().strip() == "dora@example.org"
        assert looking.page.select_one("input[name=role][checked]")["value"] == "30"
        assert looking.status == 200

    def test_a_long_list_has_pages(self, olive: Browser, owner: Membership, now) -> None:
        content = "".join(f"p{n}@example.org\n" for n in range(45)).encode()
        staging.stage(owner, "p.csv", content, now)
        olive.open(NEW).press("Next")
        assert next(iter(rows(olive.page))) == "21"
        assert "21 to 40 of 45" in olive.text
        olive.press("Next").press("Previous")
        assert "21 to 40 of 45" in olive.text

    @pytest.mark.parametrize("go", ["", "x", "rubbish:1", "invalid:0", ":99999", "member:-1"])
    def test_a_forged_place_shows_some_rows(self, looking: Browser, go: str) -> None:
        looking.post(place("rows"), {"go": go, "csrf_token": token(looking)})
        assert looking.status == 200
        assert rows(looking.page)

    def test_the_list_is_kept_after_logging_out(self, looking: Browser) -> None:
        looking.press("Log out").log_in("olive@example.org", "a horse in the rain")
        assert list(rows(looking.open(NEW).page)) == ["5", "6"]

    def test_an_unsent_list_shows_its_age_and_can_be_removed(self, looking: Browser) -> None:
        assert "hasn't been sent yet" not in looking.text
        looking.open(NEW)
        assert re.search(r"This list from \d\d:\d\d hasn't been sent yet", looking.text)
        assert not looking.press("Remove the file").page.select("#staged-list h2")
        assert not looking.open(NEW).page.select("#staged-list h2")

    def test_a_replaced_list_does_not_come_back(self, looking: Browser) -> None:
        other = (io.BytesIO(b"zed@example.org\n"), "other.csv")
        looking.press("Send Invitation", csv_file=other).press("Send Invitation")
        assert Batch.get().file_name == "other.csv"
        assert not looking.open(NEW).page.select("#staged-list h2")

    @pytest.mark.parametrize("send", [NEW, f"{NEW}/file"])
    def test_an_unreadable_file_is_named_and_the_list_stays(
        self, looking: Browser, send: str
    ) -> None:
        wrong = (io.BytesIO(b"%PDF"), "<b>.pdf")
        list_id = looking.page.select_one("#list_id")["value"]
        looking.post(send, {"csrf_token": token(looking), "list_id": list_id, "csv_file": wrong})
        shown = looking.page.select_one("#csv_file-error").get_text(" ", strip=True)
        assert shown.startswith("“<b>.pdf”: This file can't be read as a list.")
        assert shown.endswith("The list “people.csv” is still here.")
        assert list(rows(looking.page)) == ["5", "6"]

    def test_lists_of_two_tabs_are_each_sent_once(self, looking: Browser) -> None:
        tab = looking.response
        other = (io.BytesIO(b"zed@example.org\n"), "other.csv")
        looking.press("Send Invitation", email="", csv_file=other, list_id="")
        first = looking.press("Send Invitation").url
        looking.response, looking.url = tab, NEW
        second = looking.press("Send Invitation").url
        looking.response, looking.url = tab, NEW
        assert looking.press("Send Invitation").url == second != first
        assert [one.file_name for one in Batch.select()] == ["other.csv", "people.csv"]

    def test_sheets_that_were_not_read_are_named(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        people = [["Email"], ["ada@example.org"]]
        staging.stage(owner, "p.xlsx", workbook({"Board": people, "<b>Old": people}), now)
        shown = olive.open(NEW).page.select_one("#email-csv-file").get_text(" ", strip=True)
        assert "Only the sheet “Board” was read, not: <b>Old." in shown

    def test_a_fragment_comes_without_the_page(self, looking: Browser) -> None:
        answer = looking.client.post(
            place("rows"), data={"go": ":1", "csrf_token": token(looking)}, headers=HTMX
        )
        assert answer.text.lstrip().startswith('<section id="staged-list"')
        assert 'id="review"' not in answer.text

    @pytest.mark.parametrize("cards", [False, True])
    def test_a_row_without_an_address_shows_its_other_cells(
        self, olive: Browser, owner: Membership, now: datetime, cards: bool
    ) -> None:
        content = "Our volunteers,\nName,Email\nAda,ada@x.org\n,\nSum <b>,  \n, kim.x.org\n"
        row = "5"
        if cards:
            card = "BEGIN:VCARD\nVERSION:3.0\nFN:%s\nEND:VCARD\n"
            row, content = "1", card % "Sum <b>" + card % "Ada\nEMAIL:ada@x.org"
        staging.stage(owner, "p.csv", content.encode(), now)
        olive.open(NEW)
        assert rows(olive.page)[row] == "This row has no address."
        assert "Content of the row: Sum <b>" in olive.text
        assert olive.page.select_one(f"[name=text-{row}]")["value"] == ""
        assert "Our volunteers" not in olive.text

    def test_pages_never_read_the_file_which_may_be_large(
        self, olive: Browser, owner: Membership, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        staging.stage(owner, "p.csv", b"Name,Email\nAda,ada@x.org\nSum,\n,p@gmial.com\n", now)
        monkeypatch.setattr(staged_rows, "with_content", None)
        assert "Content of the row: Sum" in olive.open(NEW).text

    def test_shared_and_bounced_addresses_are_marked(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        old = invite(owner, now, "back@example.org")
        Delivery.update(state=DeliveryState.BOUNCED).execute()
        answers.decline(old, now)
        staging.stage(owner, "p.csv", b"info@example.org\nback@example.org\n", now)
        shown = rows(olive.open(NEW).page)
        assert "shared address" in shown["1"]
        assert "bounced" in shown["2"]


class TestEditingRows:
    def test_a_row_is_edited_in_place(self, looking: Browser) -> None:
        looking.press("Save", within="#staged-list tbody tr", **{"text-5": "nobody@example.org"})
        assert list(rows(looking.page)) == ["6"]
        assert totals(looking.page)["will be invited"] == "4"

    def test_an_invalid_edit_stays_invalid(self, looking: Browser) -> None:
        looking.press("Save", within="#staged-list tbody tr", **{"text-5": "still @ not"})
        assert looking.page.select_one("[name=text-5]")["value"] == "still @ not"
        assert looking.status == 200

    def test_valid_rows_can_be_edited_too(self, looking: Browser) -> None:
        looking.press("All 5").press("Save", within="#staged-list tbody tr", **{"text-2": "x"})
        assert "no @" in rows(looking.page)["2"]
        assert rows(looking.page)["4"] == "will be invited"

    def test_an_excluded_row_is_included_again_before_it_can_be_edited(
        self, looking: Browser
    ) -> None:
        looking.press("All 5").press("Exclude", within="#staged-list tbody tr")
        assert not looking.page.select("[name=text-2]")
        assert looking.press("Include").page.select("[name=text-2]")

    def test_an_old_page_does_not_undo_an_edit_of_another_tab(self, looking: Browser) -> None:
        tab = looking.press("All 5").response
        looking.press("Save", within="#staged-list tbody tr", **{"text-2": "new@example.org"})
        looking.response = tab
        looking.press("Exclude", within="#staged-list tbody tr:nth-of-type(2)")
        assert looking.page.select_one("[name=text-2]")["value"] == "new@example.org"

    def test_a_list_is_sent_after_its_review_without_javascript(self, looking: Browser) -> None:
        looking.press("All 5").press("Exclude", within="#staged-list tbody tr")
        looking.press("Send Invitation")
        assert looking.url.startswith(f"{ACCOUNT}/batches/")
        assert Invitation.select().count() == 3

    def test_a_row_is_excluded_and_included_again(self, looking: Browser) -> None:
        looking.press("All 5").press("Exclude", within="#staged-list tbody tr")
        assert rows(looking.page)["2"] == "excluded by you"
        assert rows(looking.page)["4"] == "will be invited"
        looking.press("Include")
        assert rows(looking.page)["2"] == "will be invited"
        assert rows(looking.page)["4"] == "duplicate of row 2"

    def test_another_column_can_be_picked(self, looking: Browser) -> None:
        looking.press("Use these columns", email_column="2", name_column="")
        looking.press("All 5")
        assert rows(looking.page)["2"] == "already a member"
        assert rows(looking.page)["3"] == "duplicate of row 2"

    def test_chosen_columns_are_read_and_reviewed_before_sending(self, looking: Browser) -> None:
        looking.press("Send Invitation", email_column="2", name_column="")
        assert "Nothing has been sent yet" in looking.text
        assert rows(looking.press("All 5").page)["2"] == "already a member"
        assert not Batch.select().exists()

    def test_typed_edits_are_saved_and_reviewed_before_sending(self, looking: Browser) -> None:
        looking.press("Send Invitation", **{"text-5": "nobody@example.org"})
        assert "Nothing has been sent yet" in looking.text
        assert totals(looking.page)["will be invited"] == "4"

    def test_typed_edits_are_saved_when_another_button_is_pressed(self, looking: Browser) -> None:
        row = "#staged-list tbody tr:nth-of-type(2)"
        looking.press("Exclude", within=row, **{"text-5": "nobody@example.org"})
        assert totals(looking.page)["will be invited"] == "4"
        assert totals(looking.page)["excluded by you"] == "1"

    @pytest.mark.parametrize("button", ["All 5", "Duplicate 1"])
    def test_typed_edits_are_saved_when_another_page_is_shown(
        self, looking: Browser, button: str
    ) -> None:
        looking.press(button, **{"text-5": "nobody@example.org"})
        assert totals(looking.page)["will be invited"] == "4"
        assert rows(looking.press("All 5").page)["5"] == "will be invited"

    def test_typed_edits_are_saved_when_a_file_is_unreadable(self, looking: Browser) -> None:
        typed = {"text-5": "nobody@example.org", "csrf_token": token(looking)}
        typed["list_id"] = looking.page.select_one("#list_id")["value"]
        for url in (f"{NEW}/file", NEW):
            typed["text-5"] = f"x{typed['text-5']}"
            wrong = (io.BytesIO(b"%PDF"), "list.pdf")
            looking.post(url, {**typed, "csv_file": wrong})
            assert looking.status == 422
            assert StagedRow.get(StagedRow.number == 5).text == typed["text-5"]

    def test_typed_edits_are_saved_when_the_form_is_refused(self, looking: Browser) -> None:
        looking.press("Send Invitation", role="99", **{"text-5": "nobody@example.org"})
        assert looking.status == 422
        assert totals(looking.page)["will be invited"] == "4"

    def test_totals_follow_edits_that_paging_saves(self, looking: Browser) -> None:
        data = {"csrf_token": token(looking), "go": ":1", "text-5": "nobody@example.org"}
        answer = looking.client.post(place("rows"), data=data, headers=HTMX)
        page = BeautifulSoup(answer.text, "html.parser")
        assert totals(page)["will be invited"] == "3"

    @pytest.mark.parametrize(("edited", "status"), [(20, 200), (21, 400)])
    def test_no_more_rows_are_edited_at_once_than_a_page_has(
        self, looking: Browser, edited: int, status: int
    ) -> None:
        """Reading thousands of them would take seconds, in which nobody else can write."""
        data = {"csrf_token": token(looking)} | {f"text-{n}": "x@-" for n in range(edited)}
        assert looking.client.post(place("rows"), data=data).status_code == status

    def test_line_breaks_in_a_cell_are_not_an_edit(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        cell = b'Email\n"not\nthis one"\nann@example.org\n'
        staging.stage(owner, "p.csv", cell, now)
        olive.open(NEW).press("Exclude", **{"text-2": "notthis one"})
        assert StagedRow.get(StagedRow.number == 2).text == "not\nthis one"

    def test_unknown_rows_are_not_found(self, looking: Browser) -> None:
        for what in ("rows/1/exclusion", "rows/99/inclusion", "rows/7/text", "columns"):
            data = {"csrf_token": token(looking), "email_column": "99"}
            assert looking.client.post(place(what), data=data).status_code == 404

    def test_an_edit_updates_the_totals(self, looking: Browser) -> None:
        data = {"csrf_token": token(looking), "email": "dora@example.org"}
        answer = looking.client.post(place("rows/2/exclusion"), data=data, headers=HTMX)
        page = BeautifulSoup(answer.text, "html.parser")
        assert page.select_one("#review")["hx-swap-oob"] == "true"
        assert totals(page)["excluded by you"] == "1"
        note = page.select_one("#send-note").get_text(" ", strip=True)
        assert note == "3 people will get an email. 2 entries need attention"

    def test_a_column_that_takes_too_long_to_read_is_refused(
        self, looking: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(classify, "_MAX_SECONDS", 0)
        answer = looking.client.post(
            place("columns"), data={"csrf_token": token(looking), "email_column": "2"}
        )
        assert answer.status_code == 422
        assert "took too much time or memory" in answer.text
        assert StagedList.get().email_column == 1


class TestReadingTheFileInAnotherWay:
    POLISH = "Imię;E-mail\nŁukasz;lukasz@example.org\nŻaneta;zaneta@example.org\n"

    @pytest.fixture
    def polish(self, olive: Browser, owner: Membership, now: datetime) -> Browser:
        staging.stage(owner, "p.csv", self.POLISH.encode("cp1250"), now)
        return olive.open(NEW)

    def test_the_page_says_how_the_file_was_read(self, polish: Browser) -> None:
        details = polish.page.select_one("#staged-list details.disclosure")
        shown = "Read as Central European (Windows-1250), separated by semicolons"
        assert details.summary.get_text(strip=True) == shown
        assert "open" not in details.attrs
        assert "Łukasz" in polish.text

    def test_another_encoding_can_be_chosen(self, polish: Browser) -> None:
        polish.press("Read the file again", list_encoding="cp1251")
        assert StagedList.get().encoding == "cp1251"
        assert "\u0408ukasz" in polish.text
        polish.press("Read the file again", list_encoding="cp1250")
        assert "Łukasz" in polish.text

    def test_another_separator_can_be_chosen(self, polish: Browser) -> None:
        polish.press("Read the file again", list_delimiter=",")
        assert StagedList.get().delimiter == ","
        assert "Łukasz;lukasz@example.org" in polish.text

    def test_what_was_chosen_is_shown_before_anything_is_sent(self, polish: Browser) -> None:
        polish.press("Send Invitation", list_encoding="cp1251")
        assert not Batch.select().exists()
        assert StagedList.get().encoding == "cp1251"
        assert "\u0408ukasz" in polish.text

    def test_unrecognized_letters_are_told(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        content = b"Name;Email\nAda;ada@example.org\nG\x81\x90\xff\xfe;g@example.org\n"
        staging.stage(owner, "p.csv", content, now)
        olive.open(NEW)
        assert "Some letters couldn't be recognized" in olive.text
        assert "open" in olive.page.select_one("#staged-list details.disclosure").attrs
        assert StagedRow.get(StagedRow.email == "g@example.org").name == ""

    @pytest.fixture
    def wide(self, olive: Browser, owner: Membership, now: datetime) -> Browser:
        """A list that can't be read with commas."""
        content = b"Name;Email\nAda;ada@example.org\n" + b"," * 20_000 + b";b@example.org\n"
        staging.stage(owner, "p.csv", content, now)
        return olive.open(NEW)

    def test_a_way_in_which_it_cannot_be_read_is_refused_and_changes_nothing(
        self, wide: Browser
    ) -> None:
        wide.press("Read the file again", list_delimiter=",")
        assert "columns" in wide.page.select_one("#staged-list .error").get_text()
        assert StagedList.get().delimiter == ";"

    def test_nothing_is_sent_while_it_cannot_be_read_as_chosen(self, wide: Browser) -> None:
        wide.press("Send Invitation", list_delimiter=",")
        assert "columns" in wide.page.select_one("#csv_file-error").get_text()
        assert not Batch.select().exists()

    def test_forged_choices_are_refused(self, polish: Browser) -> None:
        for data in ({"list_delimiter": ";", "list_encoding": "utf-7"}, {"list_delimiter": "x"}):
            form = {"csrf_token": token(polish), **data}
            polish.client.post(place("format"), data=form)
        assert StagedList.get().encoding == "cp1250"

    def test_the_encoding_of_plain_letters_is_no_question(self, looking: Browser) -> None:
        assert "Separated by commas" in looking.text
        assert looking.page.select_one("#list-encoding") is None

    def test_workbooks_and_contacts_are_read_in_one_way(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        staging.stage(owner, "p.xlsx", workbook({"A": [["Email"], ["ada@example.org"]]}), now)
        assert olive.open(NEW).page.select_one("#list-delimiter") is None


def test_the_second_address_of_a_google_contact_is_offered(
    olive: Browser, owner: Membership, now: datetime
) -> None:
    content = b"Name,E-mail 1 - Value\nAda,ada@example.org ::: ada@example.net\n"
    staging.stage(owner, "p.csv", content, now)
    assert StagedRow.get().email == "ada@example.org"
    olive.open(NEW).press("Use ada@example.net")
    assert StagedRow.get().email == "ada@example.net"


class TestTwoAddressesInOneRow:
    @pytest.fixture
    def couple(self, olive: Browser, owner: Membership, now: datetime) -> Browser:
        """Olive, who looks at a row with two addresses, without JavaScript."""
        content = b'Name,Email\n"Ek, Bo ""B"" Z","bo@example.org, kim@gmial.com"\n'
        staging.stage(owner, "p.csv", content, now)
        return olive.open(NEW)

    @pytest.mark.parametrize("email", ["bo@example.org", "kim@gmail.com"])
    def test_either_can_be_chosen(self, couple: Browser, email: str) -> None:
        couple.press(f"Use {email}").press("Send Invitation")
        assert [one.email for one in Invitation.select()] == [email]

    def test_both_can_be_invited_and_the_totals_still_add_up(self, couple: Browser) -> None:
        couple.press("Use both", email="ada@x.org")
        typed = couple.page.select_one("#email").get_text().strip()
        assert re.split(r"\s*\n", typed) == ["ada@x.org", "\"Ek, Bo 'B' Z\" <kim@gmail.com>"]
        assert "Added to the Email field above: kim@gmail.com" in couple.text
        assert list(rows(couple.page)) == ["2"]
        assert totals(couple.page) == {"will be invited": "3"}
        couple.press("Send Invitation")
        names = {one.email: one.name for one in Invitation.select()}
        assert names["kim@gmail.com"] == "Ek, Bo 'B' Z"

    def test_field_and_totals_follow_with_javascript(self, couple: Browser) -> None:
        data = {"csrf_token": token(couple), "list_id": str(StagedList.get().id)}
        answer = couple.client.post(place("rows/2/split"), data=data, headers=HTMX)
        page = BeautifulSoup(answer.text, "html.parser")
        assert page.select_one("#typed[hx-swap-oob] #email").get_text().strip().endswith(">")
        assert totals(page) == {"will be invited": "2"}

    def test_only_the_first_addresses_of_a_row_are_used(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        many = " ".join(f"p{n}@example.org" for n in range(4))
        staging.stage(owner, "p.csv", f"Name,Email\nAda,{many}\n".encode(), now)
        buttons = [
            b.get_text(strip=True) for b in olive.open(NEW).page.select(".row-actions button")
        ]
        assert buttons[0] == "Use p0@example.org"
        assert "Use all" not in buttons

    def test_a_row_without_addresses_is_not_split(self, looking: Browser) -> None:
        data = {"csrf_token": token(looking)}
        assert looking.client.post(place("rows/5/split"), data=data).status_code == 404
        assert looking.client.post(place("rows/77/split"), data=data).status_code == 404


class TestUndoing:
    @pytest.fixture
    def misspelled(self, olive: Browser, owner: Membership, now: datetime) -> Browser:
        """Olive, who looks at a list with misspelled addresses, without JavaScript."""
        staging.stage(owner, "p.csv", b"ann@gmial.com\nbob@gmial.com\ncem@x.org\n", now)
        return olive.open(NEW)

    @pytest.mark.parametrize(
        ("button", "shown"),
        [
            ("Use gmail.com for all", "@gmial.com is corrected in all rows."),
            ("Use ann@gmail.com", "Row 1 is changed."),
            ("Keep as is", "Row 1 is kept as is."),
            ("Exclude", "Row 1 is excluded."),
        ],
    )
    def test_an_edit_is_reported_and_can_be_undone(
        self, misspelled: Browser, button: str, shown: str
    ) -> None:
        misspelled.press("All 3")
        before = totals(misspelled.page), rows(misspelled.page)
        misspelled.press(button)
        assert shown in misspelled.page.select_one("#staged-list [role=status]").get_text()
        assert totals(misspelled.page) != before[0]
        misspelled.press("Undo")
        assert (totals(misspelled.page), rows(misspelled.page)) == before

    def test_undo_restores_the_former_text(self, misspelled: Browser) -> None:
        row = "#staged-list tbody tr"
        misspelled.press("Save", within=row, **{"text-1": "new@example.org"}).press("Undo")
        assert misspelled.page.select_one("[name=text-1]")["value"] == "ann@gmial.com"

    def test_an_undo_can_be_undone_too(self, misspelled: Browser) -> None:
        misspelled.press("All 3").press("Use ann@gmail.com").press("Undo").press("Undo")
        assert rows(misspelled.page)["1"] == "will be invited"

    def test_a_row_is_emptied_and_filled_again(self, misspelled: Browser) -> None:
        misspelled.press("Save", within="#staged-list tbody tr", **{"text-1": ""})
        assert misspelled.page.select_one("[name=text-1]")["value"] == ""
        misspelled.press("Undo").press("Undo")
        assert misspelled.page.select_one("[name=text-1]")["value"] == ""


class TestDownload:
    def test_rows_that_will_not_be_invited_can_be_downloaded_with_the_reasons(
        self, looking: Browser
    ) -> None:
        answer = looking.client.get(place("not-invited.csv"))
        assert answer.mimetype == "text/csv"
        assert "attachment" in answer.headers["Content-Disposition"]
        lines = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
        assert lines[0][:4] == ["Row", "Email", "Name", "Reason"]
        assert [line[0] for line in lines[1:]] == ["4", "5", "6"]
        assert lines[1][3] == "duplicate of row 2"
        assert "no @" in lines[2][3]

    def test_excluded_rows_are_not_reported_as_invalid(self, looking: Browser) -> None:
        looking.press("Exclude", within="#staged-list tbody tr")
        answer = looking.client.get(place("not-invited.csv"))
        lines = list(csv.reader(io.StringIO(answer.text)))
        assert lines[2][3] == "excluded by you"

    def test_the_download_keeps_no_database_connection(self, looking: Browser) -> None:
        answer = looking.client.get(place("not-invited.csv"))
        db.close()  # the one of this test
        assert "not one" in answer.text
        assert db.database.is_closed()

    def test_formulas_become_text(self, looking: Browser) -> None:
        lines = list(csv.reader(io.StringIO(looking.client.get(place("not-invited.csv")).text)))
        assert lines[-1][1:3] == ["'@sum(1)", "'=1+1"]

    @pytest.mark.parametrize(
        ("cell", "safe"),
        [
            ("=1+1", "'=1+1"),
            ("not one; =1+1", "not one; '=1+1"),
            ("not one\n-1+1", "not one\n'-1+1"),
            ("\uff1d1+1", "'\uff1d1+1"),
            ("ada+bo-co@x", "ada+bo-co@x"),
        ],
    )
    def test_formulas_become_text_after_other_separators(
        self, olive: Browser, owner: Membership, now: datetime, cell: str, safe: str
    ) -> None:
        staging.stage(owner, "p.csv", f'ann@example.org,\n"{cell}",x\n'.encode(), now)
        answer = olive.client.get(place("not-invited.csv"))
        lines = list(csv.reader(io.StringIO(answer.text, newline="")))
        assert lines[1][1] == safe


class TestSending:
    def test_field_and_rows_become_one_batch(self, looking: Browser) -> None:
        looking.press("Send Invitation")
        emails = [one.email for one in Invitation.select().order_by(Invitation.id)]
        assert emails == ["ann@example.org", "bob@example.org", "dora@example.org"]
        assert Batch.get().file_name == "people.csv"
        assert StagedRow.select().count() == 0
        assert not looking.open(NEW).page.select("#staged-list h2")

    def test_changes_since_the_review_are_shown(
        self, looking: Browser, owner: Membership, now: datetime
    ) -> None:
        invite(owner, now, "bob@example.org")
        looking.press("Send Invitation")
        assert "Nothing has been sent yet" in looking.text
        assert "1 row changed from “will be invited” to “already invited”" in looking.text
        assert Batch.select().count() == 1
        looking.press("Send Invitation")
        assert Batch.select().count() == 2

    def test_sending_in_a_second_tab_opens_the_batch_of_the_first(self, looking: Browser) -> None:
        tab = looking.response
        first = looking.press("Send Invitation").url
        looking.response, looking.url = tab, NEW
        assert looking.press("Send Invitation", key="of another tab").url == first
        assert Batch.select().count() == 1

    def test_a_list_that_was_sent_meanwhile_is_refused_and_typed_entries_stay(
        self, looking: Browser, owner: Membership, now: datetime
    ) -> None:
        staged = StagedList.get()
        send_invitations.send(
            owner, send_invitations.InvitationRequest("k", [], Role.ADMIN, staged), now
        )
        looking.press("Send Invitation")
        assert looking.status == 409
        assert "already sent" in looking.text
        assert looking.page.select_one("#email").get_text().strip() == "dora@example.org"
        looking.press("Send Invitation")
        assert Invitation.select().where(Invitation.email == "dora@example.org").count() == 1

    def test_a_button_of_a_deleted_list_says_so(self, looking: Browser) -> None:
        staged_lists.delete(StagedList.get())
        looking.press("Exclude", within="#staged-list tbody tr")
        assert looking.status == 404
        assert "This list is no longer here" in looking.text

    def test_another_persons_list_is_not_found(
        self, app, owner: Membership, people: People, now
    ) -> None:
        staging.stage(owner, "p.csv", CSV.encode(), now)
        ada = signed_in(app, people[Role.ADMIN].user)
        assert not ada.open(NEW).page.select("#staged-list h2")
        ada.open(place("not-invited.csv"))
        assert ada.status == 404
        assert invitation_request("x@example.org").staged is None
