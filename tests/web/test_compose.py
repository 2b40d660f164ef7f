"""New Invitation: addresses typed and in a file, what is understood, and sending once."""

import io
import re

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from invites import memberships, uploads
from invites.models import Batch, Delivery, Invitation, Membership, Upload
from invites.recipients import MAX_ENTRIES
from invites.roles import Role
from tests.browsing import HTMX, Browser
from tests.cast import Cast, make_user
from tests.shorthand import invite
from tests.web.world import ACCOUNT, signed_in

NEW = f"{ACCOUNT}/invitations/new"
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


def ask(browser: Browser, place: str, **form: object) -> BeautifulSoup:
    """What htmx gets for the form as it stands, with changes."""
    form = {"csrf_token": value(browser, "[name=csrf_token]"), "role": "10"} | form
    answer = browser.client.post(f"{NEW}/{place}", data=form, headers=HTMX, buffered=True)
    return BeautifulSoup(answer.text, "html.parser")


def outcomes(page: BeautifulSoup) -> dict[str, int]:
    """The counts of the understanding, by outcome."""
    return {
        re.search(r"part-(\w+)", str(row))[1]: int(row.select_one(".count").get_text())
        for row in page.select(".outcomes > li")
    }


class TestSending:
    def test_a_typed_list_becomes_a_batch_with_a_page(self, olive: Browser) -> None:
        olive.open(f"{ACCOUNT}/").follow("Create New Invitation")
        assert olive.title == "New Invitation"
        olive.press(
            "Send Invitation",
            email="ann@example.org; Bob <BOB@Example.org>\ncara@example.org ann@example.org",
            role="20",
        )
        batch = Batch.get()
        assert olive.url == f"{ACCOUNT}/batches/{batch.id}"
        assert invited() == ["ann@example.org", "bob@example.org", "cara@example.org"]
        assert (batch.role, batch.inviter.name) == (Role.MODERATOR, "Olive Martin")
        assert Delivery.select().count() == 3

    def test_a_csv_file_works_without_javascript(self, olive: Browser) -> None:
        olive.open(NEW).press("Send Invitation", csv_file=csv())
        assert invited() == ["ann@example.org", "bob@example.org"]
        assert Batch.get().file_name == "people.csv"

    def test_pressing_twice_with_a_dropped_file_sends_once(self, olive: Browser) -> None:
        page = ask(olive.open(NEW), "file", csv_file=csv())
        dropped = page.select_one("#upload")["value"]
        form = olive.open(NEW).response
        first = olive.press("Send Invitation", upload=dropped).url
        olive.response, olive.url = form, NEW
        assert olive.press("Send Invitation", upload=dropped).url == first
        assert Batch.select().count() == 1

    def test_field_and_file_go_together(self, olive: Browser) -> None:
        olive.open(NEW).press("Send Invitation", email="cara@example.org", csv_file=csv())
        assert sorted(invited()) == ["ann@example.org", "bob@example.org", "cara@example.org"]

    def test_fifty_thousand_rows_are_one_batch(self, olive: Browser) -> None:
        rows = "".join(f"person{n}@example.org\n" for n in range(MAX_ENTRIES))
        olive.open(NEW).press("Send Invitation", csv_file=csv(b"email\n" + rows.encode()))
        assert olive.status == 200
        assert Invitation.select().count() == Delivery.select().count() == MAX_ENTRIES

    def test_pressing_twice_sends_once(self, olive: Browser) -> None:
        form = olive.open(NEW).response
        olive.press("Send Invitation", email="ann@example.org")
        first = olive.url
        olive.response, olive.url = form, NEW
        olive.press("Send Invitation", email="ann@example.org")
        assert olive.url == first
        assert Batch.select().count() == Delivery.select().count() == 1

    def test_somebody_elses_key_shows_nothing_of_theirs(self, olive: Browser, ada: Browser) -> None:
        olive.open(NEW).press("Send Invitation", email="ann@example.org")
        ada.open(NEW).press("Send Invitation", email="bob@example.org", key=Batch.get().key)
        assert ada.url == f"{ACCOUNT}/batches/2"
        assert "ann@example.org" not in ada.response.text

    def test_bad_addresses_are_left_out_and_the_rest_goes_on(self, olive: Browser) -> None:
        olive.open(NEW).press("Send Invitation", email="ann@example.org, rubbish, a@@b.org")
        assert invited() == ["ann@example.org"]
        assert "rubbish" in olive.text
        assert "a@@b.org" in olive.text

    def test_who_is_a_member_or_invited_already_gets_no_second_mail(
        self, olive: Browser, owner: Membership, now
    ) -> None:
        invite(owner, now, "pending@example.org")
        everybody = "uma@example.org pending@example.org ann@example.org"
        olive.open(NEW).press("Send Invitation", email=everybody)
        assert invited() == ["pending@example.org", "ann@example.org"]


class TestRefusal:
    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ({"email": ""}, "at least one"),
            ({"email": " ,; \n"}, "at least one"),
            ({"email": "rubbish"}, "nobody to invite"),
            ({"email": "uma@example.org"}, "nobody to invite"),
        ],
    )
    def test_nobody_to_invite_is_said_at_the_field(
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
            (b"name\nAnn\n", "no e-mail address"),
            (b"%PDF-1.4 ...", "CSV"),
            (b"PK\x03\x04...", "spreadsheet"),
            (bytes(range(256)) * 10, "CSV"),
            (b'email\n"ann@example.org\n' + b"x" * 200_000, "quotation mark"),
            (b"email\n" + b"a@example.org\n" * (MAX_ENTRIES + 1), "50,000"),
            (b"email\n" + b"a" * 20 * 1024 * 1024 + b"@example.org", "20 MB"),
        ],
        ids=lambda case: case[:12] if isinstance(case, bytes) else case,
    )
    def test_a_file_that_cannot_be_read_is_refused_whole_and_keeps_what_was_typed(
        self, olive: Browser, content: bytes, words: str
    ) -> None:
        olive.open(NEW).press(
            "Send Invitation", email="ann@example.org", role="30", csv_file=csv(content)
        )
        assert olive.status == 422
        assert words.lower() in error(olive, "csv_file").lower()
        assert value(olive, "#email") == "ann@example.org"
        assert olive.page.select_one("input[name=role][checked]")["value"] == "30"
        assert Batch.select().count() == Upload.select().count() == 0

    def test_an_error_elsewhere_keeps_the_file(self, olive: Browser) -> None:
        olive.open(NEW).press("Send Invitation", email="x@y", csv_file=csv(), role="77")
        assert olive.status == 422
        assert "people.csv" in olive.text
        olive.press("Send Invitation", email="", role="10")
        assert invited() == ["ann@example.org", "bob@example.org"]

    @pytest.mark.parametrize("wanted", ["20", "30", "40", "0", "-1", "owner", ""])
    def test_a_moderator_grants_no_role_but_user(self, mo: Browser, wanted: str) -> None:
        mo.open(NEW)
        assert [field["value"] for field in mo.page.select("input[name=role]")] == ["10"]
        mo.press("Send Invitation", email="ann@example.org", role=wanted)
        assert mo.status == 422
        assert value(mo, "#email") == "ann@example.org"
        assert Invitation.select().count() == 0

    def test_an_admin_makes_no_owner(self, ada: Browser) -> None:
        ada.open(NEW).press("Send Invitation", email="ann@example.org", role="40")
        assert ada.status == 422
        assert Invitation.select().count() == 0

    def test_more_than_fifty_thousand_in_field_and_file_together_are_refused(
        self, olive: Browser
    ) -> None:
        rows = "".join(f"person{n}@example.org\n" for n in range(MAX_ENTRIES))
        olive.open(NEW).press("Send Invitation", email="a@b.org", csv_file=csv(rows.encode()))
        assert olive.status == 422
        assert "50,000" in error(olive, "email")
        assert Batch.select().count() == 0

    def test_a_flood_is_refused_before_it_is_read(self, olive: Browser) -> None:
        flood = {"CONTENT_LENGTH": str(65 * 1024 * 1024)}
        answer = olive.client.post(NEW, data={"email": "x"}, environ_overrides=flood)
        assert answer.status_code == 413


class TestRemovedMembers:
    @pytest.fixture(autouse=True)
    def _uma_was_removed(self, people: Cast, now) -> None:
        memberships.deactivate(people[Role.OWNER], people[Role.USER], now)

    def test_are_not_invited_by_accident(self, olive: Browser) -> None:
        olive.open(NEW).press("Send Invitation", email="uma@example.org")
        assert olive.status == 422
        assert Invitation.select().count() == 0

    def test_are_invited_when_the_checkbox_says_so(self, olive: Browser) -> None:
        olive.open(NEW).press("Send Invitation", email="uma@example.org")
        olive.press("Send Invitation", removed_too="y")
        assert invited() == ["uma@example.org"]


class TestUnderstanding:
    def test_every_entry_has_one_outcome(
        self, olive: Browser, owner: Membership, people: Cast, now
    ) -> None:
        make_user("Kim Known", "kim@example.org", now)
        invite(owner, now, "pending@example.org")
        memberships.deactivate(owner, people[Role.MODERATOR], now)
        typed = (
            "ann@example.org, kim@example.org, uma@example.org, mo@example.org, "
            "pending@example.org, ANN@example.org, rubbish"
        )
        olive.open(NEW)
        assert outcomes(ask(olive, "understanding", email=typed)) == {
            "invite": 1,
            "invite_profile": 1,
            "member": 1,
            "removed": 1,
            "pending": 1,
            "twice": 1,
            "invalid": 1,
        }
        assert Batch.select().count() == 1

    @pytest.mark.parametrize(
        ("typed", "count"), [("a@example.org", 1), ("a@example.org b@example.org", 2)]
    )
    def test_the_note_at_the_button_counts_the_mails(
        self, olive: Browser, typed: str, count: int
    ) -> None:
        note = ask(olive.open(NEW), "understanding", email=typed).select_one("#send-note")
        assert note["hx-swap-oob"] == "innerHTML"
        assert note.get_text().startswith(f"{count} ")

    def test_a_dropped_file_is_read_kept_and_understood(self, olive: Browser) -> None:
        page = ask(olive.open(NEW), "file", email="cara@example.org", csv_file=csv())
        upload = Upload.get()
        assert page.select_one("#upload")["value"] == str(upload.id)
        assert "people.csv" in page.get_text()
        assert outcomes(page) == {"invite": 3}

    def test_a_file_that_cannot_be_read_says_why_in_its_place(self, olive: Browser) -> None:
        page = ask(olive.open(NEW), "file", csv_file=csv(b"%PDF"))
        assert page.find(True)["id"] == "email-csv-file"
        assert "CSV" in page.select_one("#csv_file-error").get_text()

    def test_a_better_file_replaces_the_first(self, olive: Browser) -> None:
        ask(olive.open(NEW), "file", csv_file=csv())
        first = Upload.get()
        page = ask(
            olive, "file", upload=str(first.id), csv_file=csv(b"email\nzed@example.org\n", "z.csv")
        )
        assert outcomes(page) == {"invite": 1}
        assert "z.csv" in page.get_text()

    def test_a_file_can_be_taken_away_again(self, olive: Browser) -> None:
        ask(olive.open(NEW), "file", csv_file=csv())
        page = ask(olive, "file/removal", upload=str(Upload.get().id))
        assert page.select_one("#upload").get("value", "") == ""
        assert Upload.select().count() == 0

    def test_another_persons_file_is_never_sent(
        self, app: Flask, olive: Browser, people: Cast, now
    ) -> None:
        theirs = uploads.keep(people[Role.ADMIN], "secret.csv", CSV, now)
        olive.open(NEW).press("Send Invitation", email="", upload=str(theirs.id))
        assert olive.status == 422
        assert Invitation.select().count() == 0
        ada = signed_in(app, people[Role.ADMIN].user)
        ada.open(NEW).press("Send Invitation", email="", upload=str(theirs.id))
        assert invited() == ["ann@example.org", "bob@example.org"]

    @pytest.mark.parametrize("upload", ["", "0", "-1", "x", "²", "9" * 30])
    def test_a_made_up_file_is_no_file(self, olive: Browser, upload: str) -> None:
        olive.open(NEW).press("Send Invitation", email="ann@example.org", upload=upload)
        assert invited() == ["ann@example.org"]
