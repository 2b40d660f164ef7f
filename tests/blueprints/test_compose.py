"""New Invitation: typed addresses, files, the review, and sending once."""

import io
import re
from datetime import datetime

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from invites.core.roles import Role
from invites.core.settings import Settings, load_settings
from invites.factory import create_app
from invites.invitations import send_invitations, staged_lists, staging
from invites.lists.entries import MAX_ENTRIES
from invites.members import answers, memberships
from invites.models import Batch, Delivery, Invitation, Membership, StagedList
from invites.web.form_limits import LIST
from invites.web.labels import ROLE, ROLE_MEANS
from tests.support.actions import ends_soon, invite
from tests.support.browsing import HTMX, Browser
from tests.support.people import People, make_user
from tests.support.populated_account import ACCOUNT, signed_in
from tests.support.queries import queries

NEW = f"{ACCOUNT}/invitations/new"
UNSENT = "Nothing has been sent yet"
CSV = b"Name,E-mail\nAnn,ann@example.org\nBob,bob@example.org\n"


def csv(content: bytes = CSV, name: str = "people.csv") -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def invited() -> list[str]:
    return [invitation.email for invitation in Invitation.select().order_by(Invitation.id)]


def value(browser: Browser, selector: str) -> str:
    field = browser.page.select_one(selector)
    return field.get_text().strip() if field.name == "textarea" else field.get("value", "")


def error(browser: Browser, field: str) -> str:
    found = browser.page.select_one(f"#{field}-error")
    return found.get_text(" ", strip=True) if found else ""


def send(browser: Browser, **typed: object) -> Browser:
    """Fills the form, presses the button, and presses it again after the review."""
    browser.press("Send Invitation", **typed)
    assert UNSENT in browser.text
    assert browser.status == 200
    return browser.press("Send Invitation")


def ask(browser: Browser, place: str, **form: object) -> BeautifulSoup:
    """The fragment that htmx gets for the form with these changes."""
    form = {"csrf_token": value(browser, "[name=csrf_token]"), "role": "10"} | form
    answer = browser.client.post(
        f"{NEW}/{place}", data=form, headers=HTMX, buffered=True, content_type="multipart/form-data"
    )
    return BeautifulSoup(answer.text, "html.parser")


def outcomes(page: BeautifulSoup) -> dict[str, int]:
    """The counts of the review by outcome."""
    return {
        re.search(r"segment-(\w+)", str(row))[1]: int(row.select_one(".count").get_text())
        for row in page.select(".outcomes > li")
    }


class TestSending:
    def test_a_typed_list_becomes_a_batch_with_a_page(self, olive: Browser) -> None:
        olive.open(f"{ACCOUNT}/").follow("Create New Invitation")
        assert olive.title == "New Invitation"
        send(
            olive,
            email="ann@example.org; Bob <BOB@Example.org>\ncara@example.org ann@example.org",
            role="20",
        )
        batch = Batch.get()
        assert olive.url == f"{ACCOUNT}/batches/{batch.id}"
        assert invited() == ["ann@example.org", "bob@example.org", "cara@example.org"]
        assert (batch.role, batch.inviter.name) == (Role.MODERATOR, "Olive Martin")
        assert Delivery.select().count() == 3

    def test_a_csv_file_works_without_javascript(self, olive: Browser) -> None:
        send(olive.open(NEW), csv_file=csv())
        assert invited() == ["ann@example.org", "bob@example.org"]
        assert Batch.get().file_name == "people.csv"

    def test_pressing_twice_with_an_uploaded_file_sends_once(self, olive: Browser) -> None:
        form = olive.open(NEW).press("Send Invitation", csv_file=csv()).response
        first = olive.press("Send Invitation").url
        olive.response, olive.url = form, NEW
        assert olive.press("Send Invitation").url == first
        assert Batch.select().count() == 1

    def test_field_and_file_become_one_batch(self, olive: Browser) -> None:
        send(olive.open(NEW), email="cara@example.org", csv_file=csv())
        assert sorted(invited()) == ["ann@example.org", "bob@example.org", "cara@example.org"]

    @pytest.mark.slow
    def test_fifty_thousand_rows_are_one_batch(self, olive: Browser) -> None:
        rows = "".join(f"person{n}@example.org\n" for n in range(MAX_ENTRIES))
        olive.open(NEW).press("Send Invitation", csv_file=csv(b"email\n" + rows.encode()))
        assert "50,000 people will get an email" in olive.text
        olive.press("Send Invitation", agreed="50000")
        assert olive.url == f"{ACCOUNT}/batches/1"
        assert Invitation.select().count() == Delivery.select().count() == MAX_ENTRIES

    def test_pressing_twice_sends_once(self, olive: Browser) -> None:
        form = olive.open(NEW).press("Send Invitation", email="ann@example.org").response
        first = olive.press("Send Invitation").url
        olive.response, olive.url = form, NEW
        assert olive.press("Send Invitation").url == first
        assert Batch.select().count() == Delivery.select().count() == 1

    def test_another_persons_key_shows_nothing_of_theirs(
        self, olive: Browser, ada: Browser
    ) -> None:
        send(olive.open(NEW), email="ann@example.org")
        ada.open(NEW)
        ada.press("Send Invitation", email="bob@example.org", key=Batch.get().key)
        ada.press("Send Invitation")
        assert ada.url == f"{ACCOUNT}/batches/2"
        assert "ann@example.org" not in ada.response.text

    def test_invalid_entries_are_skipped_and_the_rest_is_sent(self, olive: Browser) -> None:
        send(olive.open(NEW), email="ann@example.org, rubbish, a@@b.org")
        assert invited() == ["ann@example.org"]
        assert "rubbish" in olive.text
        assert "a@@b.org" in olive.text

    def test_members_and_pending_people_get_no_second_mail(
        self, olive: Browser, owner: Membership, now
    ) -> None:
        invite(owner, now, "pending@example.org")
        everybody = "uma@example.org pending@example.org ann@example.org"
        send(olive.open(NEW), email=everybody)
        assert invited() == ["pending@example.org", "ann@example.org"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ({"email": ""}, "at least one"),
            ({"email": " ,; \n"}, "at least one"),
            ({"email": "rubbish"}, "nobody to invite"),
            ({"email": "uma@example.org"}, "nobody to invite"),
        ],
    )
    def test_nobody_to_invite_is_an_error_of_the_field(
        self, olive: Browser, typed: dict[str, str], words: str
    ) -> None:
        olive.open(NEW).press("Send Invitation", **typed)
        assert olive.status == 422
        assert words in error(olive, "email")
        assert value(olive, "#email") == typed["email"].strip()
        assert Batch.select().count() == 0

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "empty"),
            (b"\n \n", "empty"),
            (b"name\nAnn\n", "no email addresses"),
            (b"%PDF-1.4 ...", "CSV"),
            (b"PK\x03\x04...", "workbook"),
            (bytes(range(256)) * 10, "CSV"),
            (b'email\n"ann@example.org\n' + b"x" * 200_000, "quotation mark"),
            (b"email\n" + b"a@example.org\n" * (MAX_ENTRIES + 1), "50,000"),
            (b"email\n" + b"a" * 20 * 1024 * 1024 + b"@example.org", "20 MB"),
        ],
        ids=lambda case: case[:12] if isinstance(case, bytes) else case,
    )
    def test_an_unreadable_file_is_refused_and_keeps_what_was_typed(
        self, olive: Browser, content: bytes, words: str
    ) -> None:
        olive.open(NEW).press(
            "Send Invitation", email="ann@example.org", role="30", csv_file=csv(content)
        )
        assert olive.status == 422
        assert words.lower() in error(olive, "csv_file").lower()
        assert value(olive, "#email") == "ann@example.org"
        assert olive.page.select_one("input[name=role][checked]")["value"] == "30"
        assert Batch.select().count() == StagedList.select().count() == 0

    def test_an_error_elsewhere_keeps_the_file(self, olive: Browser) -> None:
        olive.open(NEW).press("Send Invitation", email="x@y", csv_file=csv(), role="77")
        assert olive.status == 422
        assert "people.csv" in olive.text
        send(olive, email="", role="10")
        assert invited() == ["ann@example.org", "bob@example.org"]

    @pytest.mark.parametrize("wanted", ["20", "30", "40", "0", "-1", "owner", ""])
    def test_a_moderator_can_only_invite_users(self, mo: Browser, wanted: str) -> None:
        mo.open(NEW)
        assert [field["value"] for field in mo.page.select("input[name=role]")] == ["10"]
        mo.press("Send Invitation", email="ann@example.org", role=wanted)
        assert mo.status == 422
        assert value(mo, "#email") == "ann@example.org"
        assert Invitation.select().count() == 0

    def test_an_admin_cannot_invite_an_owner(self, ada: Browser) -> None:
        ada.open(NEW).press("Send Invitation", email="ann@example.org", role="40")
        assert ada.status == 422
        assert Invitation.select().count() == 0

    @pytest.mark.slow
    def test_more_than_fifty_thousand_in_field_and_file_together_are_refused(
        self, olive: Browser
    ) -> None:
        rows = "".join(f"person{n}@example.org\n" for n in range(MAX_ENTRIES))
        olive.open(NEW).press("Send Invitation", email="a@b.org", csv_file=csv(rows.encode()))
        assert olive.status == 422
        assert "50,000" in error(olive, "email")
        assert Batch.select().count() == 0

    def test_every_request_of_the_page_can_hold_a_large_list(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        """Large forms are read only if they are multipart."""
        staging.stage(owner, "people.csv", b"a@gmial.com,Ann\nb@gmial.com,Bob\nc@d\n", now)
        page = olive.open(NEW).page
        form = page.select_one("#compose")
        assert form["enctype"] == form["hx-encoding"] == "multipart/form-data"
        sending = page.select("[hx-post], [formaction]")
        assert len(sending) > 10
        for element in sending:
            assert element.find_parent("form") is form
            assert not element.has_attr("hx-encoding")

    def test_a_flood_is_refused_before_it_is_read(self, olive: Browser) -> None:
        flood = {"CONTENT_LENGTH": str(LIST.request + 1)}
        answer = olive.client.post(NEW, data={"email": "x"}, environ_overrides=flood)
        assert answer.status_code == 413


class TestReview:
    """Nothing is sent unseen, with JavaScript or without."""

    def test_the_first_press_shows_what_would_happen_and_sends_nothing(
        self, olive: Browser
    ) -> None:
        olive.open(NEW).press("Send Invitation", email="ann@example.org uma@example.org")
        assert (olive.url, olive.status) == (NEW, 200)
        assert outcomes(olive.page) == {"invite": 1, "member": 1}
        assert olive.page.select_one("[autofocus]").get_text(strip=True).startswith(UNSENT)
        assert Batch.select().count() == 0
        olive.press("Send Invitation")
        assert invited() == ["ann@example.org"]

    def test_the_first_press_reads_the_file_and_keeps_it(self, olive: Browser) -> None:
        olive.open(NEW).press("Send Invitation", csv_file=csv())
        assert outcomes(olive.page) == {"invite": 2}
        assert Batch.select().count() == 0
        olive.press("Send Invitation")
        assert Batch.get().file_name == "people.csv"

    def test_what_was_reviewed_while_typing_is_sent_with_one_press(self, olive: Browser) -> None:
        seen = ask(olive.open(NEW), "review", email="ann@example.org")
        olive.press(
            "Send Invitation", email="ann@example.org", seen=seen.select_one("#seen")["value"]
        )
        assert invited() == ["ann@example.org"]

    def test_a_file_that_was_reviewed_is_sent_with_one_press(self, olive: Browser) -> None:
        page = ask(olive.open(NEW), "file", csv_file=csv())
        upload, seen = (page.select_one(field)["value"] for field in ("#list_id", "#seen"))
        olive.press("Send Invitation", list_id=upload, seen=seen)
        assert invited() == ["ann@example.org", "bob@example.org"]

    def test_a_list_that_changed_after_the_review_is_reviewed_again(self, olive: Browser) -> None:
        olive.open(NEW).press("Send Invitation", email="ann@example.org")
        olive.press("Send Invitation", email="bob@example.org")
        assert UNSENT in olive.text
        assert Batch.select().count() == 0

    def test_people_whose_status_changed_after_the_review_are_reviewed_again(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        olive.open(NEW).press("Send Invitation", email="ann@example.org bob@example.org")
        invite(owner, now, "bob@example.org")
        olive.press("Send Invitation")
        assert UNSENT in olive.text
        assert outcomes(olive.page) == {"invite": 1, "pending": 1}
        assert invited() == ["bob@example.org"]

    def test_an_empty_page_promises_nothing(self, olive: Browser) -> None:
        assert UNSENT not in olive.open(NEW).text


class TestVeryManyMails:
    MANY = "".join(f"p{n}@example.org\n" for n in range(send_invitations.LARGE))

    def test_need_a_confirmation_of_their_number(self, olive: Browser) -> None:
        olive.open(NEW).press("Send Invitation", email=self.MANY)
        assert "500 people will get an email." in olive.text
        assert "Yes, send 500 emails" in olive.text
        olive.press("Send Invitation")
        assert olive.status == 422
        assert UNSENT in error(olive, "agreed")
        assert olive.page.select_one("[autofocus]")["name"] == "agreed"
        assert Batch.select().count() == 0
        olive.press("Send Invitation", agreed="500")
        assert len(invited()) == send_invitations.LARGE

    def test_a_confirmation_of_another_number_does_not_count(self, olive: Browser) -> None:
        olive.open(NEW).press("Send Invitation", email=self.MANY)
        olive.press("Send Invitation", email=self.MANY + "more@example.org", agreed="500")
        assert not olive.page.select_one("#agreed").has_attr("checked")
        assert Batch.select().count() == 0

    @pytest.mark.parametrize("agreed", ["", "y", "-1", "500.0", "²", "9" * 30])
    def test_a_forged_confirmation_does_not_count(self, olive: Browser, agreed: str) -> None:
        olive.open(NEW).press("Send Invitation", email=self.MANY)
        olive.press("Send Invitation", agreed=agreed)
        assert olive.status == 422
        assert Batch.select().count() == 0

    def test_the_confirmation_appears_and_disappears_with_the_list(self, olive: Browser) -> None:
        olive.open(NEW)
        few = ask(olive, "review", email="ann@example.org").select_one("#agreement")
        many = ask(olive, "review", email=self.MANY, agreed="500").select_one("#agreement")
        assert few["hx-swap-oob"] == many["hx-swap-oob"] == "true"
        assert few.select("input") == []
        assert many.select_one("input").has_attr("checked")


class TestCorrectingTypedEntries:
    @pytest.mark.parametrize(
        ("typed", "corrected"),
        [
            ("Jo <jo@gmial.com>, x@example.org", "Jo <jo@gmail.com>, x@example.org"),
            ("jo@gmial.com. mojo@gmial.com", "jo@gmail.com. mojo@gmial.com"),
            ("jo@gmail.co,jo@gmail.com", "jo@gmail.com,jo@gmail.com"),
            ("jo@yahoo.c jo@yahoo.co.uk", "jo@yahoo.com jo@yahoo.co.uk"),
        ],
    )
    def test_a_suggestion_replaces_only_that_address(
        self, olive: Browser, typed: str, corrected: str
    ) -> None:
        page = ask(olive.open(NEW), "typed", email=typed, use="0")
        assert page.select_one("#email").get_text().strip() == corrected

    def test_an_entry_that_is_kept_as_is_is_invited(self, olive: Browser) -> None:
        page = ask(olive.open(NEW), "typed", email="jo@gmial.com", keep="0")
        assert page.select_one("#email").get_text().strip() == "jo@gmial.com"
        assert outcomes(page) == {"invite": 1}


class TestSkippedUnlessRequested:
    @pytest.fixture(
        autouse=True,
        params=[("uma@example.org", "removed_too"), ("no@example.org", "declined_too")],
    )
    def case(
        self, request: pytest.FixtureRequest, people: People, now: datetime
    ) -> tuple[str, str]:
        """An address that is skipped by default, and the checkbox that requests it."""
        memberships.deactivate(people[Role.OWNER], people[Role.USER], now)
        answers.decline(invite(people[Role.OWNER], now, "no@example.org"), now)
        case: tuple[str, str] = request.param
        return case

    def test_people_in_each_of_these_cases_are_skipped(
        self, olive: Browser, case: tuple[str, str]
    ) -> None:
        email, _box = case
        olive.open(NEW).press("Send Invitation", email=email)
        assert olive.status == 422
        assert Batch.select().count() == 1

    def test_people_in_each_of_these_cases_are_invited_on_request(
        self, olive: Browser, case: tuple[str, str]
    ) -> None:
        email, box = case
        olive.open(NEW).press("Send Invitation", email=email)
        olive.press("Send Invitation", **{box: "y"})
        assert invited() == ["no@example.org", email]

    def test_a_ticked_checkbox_counts_among_the_mails(
        self, olive: Browser, case: tuple[str, str]
    ) -> None:
        email, box = case
        page = ask(olive.open(NEW), "review", email=f"{email} a@example.org", **{box: "y"})
        assert page.select_one("#send-note").get_text().startswith("2 ")
        assert page.select_one(f"#{box}").has_attr("checked")

    def test_the_list_still_shows_when_somebody_declined(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        invite(owner, now, "no@example.org")
        assert f"replaced declined on {now.day} " in olive.open(f"{ACCOUNT}/invitations").text


class TestPage:
    def test_the_email_field_has_the_focus(self, olive: Browser) -> None:
        assert olive.open(NEW).page.select_one("[autofocus]")["name"] == "email"

    def test_entries_that_need_attention_are_counted_beside_the_button(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        olive.open(NEW).press("Send Invitation", email="ann@example.org, bob@@example.org")
        link = olive.page.select_one(".send #send-note a")
        assert link.get_text(strip=True) == "1 entry needs attention"
        assert olive.page.select_one(link["href"]).find(string="Needs attention")
        staging.stage(owner, "people.csv", b"a@example.org\nc@d\n", now)
        link = olive.open(NEW).page.select_one(".send #send-note a")
        assert "c@d" in str(olive.page.select_one(link["href"]))

    def test_says_how_long_an_invitation_is_valid(self, olive: Browser) -> None:
        assert f"accepted for {send_invitations.LIFETIME.days} days" in olive.open(NEW).text

    def test_accepts_every_supported_kind_of_file(self, olive: Browser) -> None:
        accepted = olive.open(NEW).page.select_one("#csv_file")["accept"].split(",")
        assert {".csv", ".tsv", ".txt", ".xlsx", ".xls", ".xlsb", ".ods", ".vcf"} <= set(accepted)

    def test_describes_each_role_for_screen_readers(self, olive: Browser) -> None:
        olive.open(NEW)
        for field in olive.page.select("input[name=role]"):
            name, means = (
                olive.page.select_one(f"#{field[attribute]}").get_text()
                for attribute in ("aria-labelledby", "aria-describedby")
            )
            role = Role(int(field["value"]))
            assert (name, means) == (str(ROLE[role]), str(ROLE_MEANS[role]))

    @pytest.mark.parametrize(
        ("mail_server", "base_url", "warns"),
        [
            ("", "http://localhost:8000", False),
            ("smtp.example.org", "http://localhost:8000", True),
            ("smtp.example.org", "http://127.0.0.1:8000", True),
            ("smtp.example.org", "https://invites.example.org", False),
        ],
    )
    def test_warns_if_links_in_mails_work_on_this_machine_only(
        self,
        owner: Membership,
        settings: Settings,
        mail_server: str,
        base_url: str,
        warns: bool,
    ) -> None:
        environ = {"INVITES_MAIL_SERVER": mail_server, "INVITES_BASE_URL": base_url}
        box = load_settings(environ | {"INVITES_DATA": str(settings.data)})
        olive = signed_in(create_app(box), owner.user)
        assert ("INVITES_BASE_URL" in olive.open(NEW).text) is warns


class TestReviewWhileTyping:
    def test_every_entry_has_one_outcome(
        self, olive: Browser, owner: Membership, people: People, now
    ) -> None:
        make_user("Kim Known", "kim@example.org", now)
        invite(owner, now, "pending@example.org")
        answers.decline(invite(owner, now, "no@example.org"), now)
        memberships.deactivate(owner, people[Role.MODERATOR], now)
        typed = (
            "ann@example.org, kim@example.org, uma@example.org, mo@example.org, "
            "pending@example.org, no@example.org, ANN@example.org, rubbish"
        )
        olive.open(NEW)
        assert outcomes(ask(olive, "review", email=typed)) == {
            "invite": 2,
            "member": 1,
            "removed": 1,
            "declined": 1,
            "pending": 1,
            "duplicate": 1,
            "invalid": 1,
        }
        assert Batch.select().count() == 2

    def test_a_suggestion_is_taken_with_and_without_javascript(self, olive: Browser) -> None:
        typed = "ann@gmial.com bob@example.org"
        olive.open(NEW).press("Send Invitation", email=typed).press("Use ann@gmail.com")
        assert value(olive, "#email") == "ann@gmail.com bob@example.org"
        assert "2 will be invited" in olive.text
        page = ask(olive, "typed", email=typed, use="0")
        assert page.select_one("#email").get_text().strip() == "ann@gmail.com bob@example.org"
        assert page.select_one("#review")["hx-swap-oob"] == "true"

    def test_an_entry_that_is_kept_as_is_stays_so(self, olive: Browser) -> None:
        olive.open(NEW).press("Send Invitation", email="ann@gmial.com").press("Keep as is")
        assert "1 will be invited" in olive.text
        olive.press("Send Invitation")
        assert Invitation.get().email == "ann@gmial.com"

    def test_a_thousand_kept_entries_of_a_long_list_are_enough(self, olive: Browser) -> None:
        typed = " ".join(f"ann{n}@gmial.com" for n in range(30_000))
        olive.open(NEW)
        with ends_soon():
            page = ask(olive, "review", email=typed, kept_as_is=typed)
        assert page.select_one(".outcomes .count").get_text() == "1,000"

    @pytest.mark.parametrize(
        ("typed", "count"), [("a@example.org", 1), ("a@example.org b@example.org", 2)]
    )
    def test_the_note_beside_the_button_counts_the_mails(
        self, olive: Browser, typed: str, count: int
    ) -> None:
        note = ask(olive.open(NEW), "review", email=typed).select_one("#send-note")
        assert note["hx-swap-oob"] == "innerHTML"
        assert note.get_text().startswith(f"{count} ")

    def test_an_uploaded_file_is_read_stored_and_reviewed(self, olive: Browser) -> None:
        page = ask(olive.open(NEW), "file", email="cara@example.org", csv_file=csv())
        upload = StagedList.get()
        assert page.select_one("#list_id")["value"] == str(upload.id)
        assert "people.csv" in page.get_text()
        assert outcomes(page) == {"invite": 3}

    def test_an_unreadable_file_shows_the_reason_in_its_place(self, olive: Browser) -> None:
        page = ask(olive.open(NEW), "file", csv_file=csv(b"%PDF"))
        assert page.find(True)["id"] == "email-csv-file"
        assert "CSV" in page.select_one("#csv_file-error").get_text()

    def test_another_file_replaces_the_first(self, olive: Browser) -> None:
        ask(olive.open(NEW), "file", csv_file=csv())
        first = StagedList.get()
        page = ask(
            olive, "file", list_id=str(first.id), csv_file=csv(b"email\nzed@example.org\n", "z.csv")
        )
        assert outcomes(page) == {"invite": 1}
        assert "z.csv" in page.get_text()

    def test_a_file_can_be_removed(self, olive: Browser) -> None:
        ask(olive.open(NEW), "file", csv_file=csv())
        page = ask(olive, "file/removal", list_id=str(StagedList.get().id))
        assert page.select_one("#list_id").get("value", "") == ""
        assert StagedList.select().count() == 0

    def test_another_persons_file_is_never_sent(
        self, app: Flask, olive: Browser, people: People, now
    ) -> None:
        theirs = staging.stage(people[Role.ADMIN], "secret.csv", CSV, now)
        olive.open(NEW).press("Send Invitation", email="", list_id=str(theirs.id))
        assert olive.status == 422
        assert Invitation.select().count() == 0
        ada = signed_in(app, people[Role.ADMIN].user)
        ada.open(NEW).press("Send Invitation")
        assert invited() == ["ann@example.org", "bob@example.org"]

    def test_a_list_is_queried_once_per_request(self, olive: Browser) -> None:
        upload = ask(olive.open(NEW), "file", csv_file=csv()).select_one("#list_id")["value"]
        with queries() as seen:
            assert outcomes(ask(olive, "review", list_id=upload)) == {"invite": 2}
        assert len([query for query in seen if 'FROM "staged_list"' in query]) == 1

    def test_sending_deletes_expired_lists(
        self, olive: Browser, people: People, now: datetime
    ) -> None:
        old = staging.stage(people[Role.ADMIN], "old.csv", CSV, now - staged_lists.KEPT)
        send(olive.open(NEW), csv_file=csv())
        assert [upload.file_name for upload in StagedList.select()] == ["people.csv"]
        assert staged_lists.find(people[Role.ADMIN], old.id) is None

    @pytest.mark.parametrize("upload", ["", "0", "-1", "x", "²", "9" * 30])
    def test_a_forged_list_id_is_ignored(self, olive: Browser, upload: str) -> None:
        send(olive.open(NEW), email="ann@example.org", list_id=upload)
        assert invited() == ["ann@example.org"]
