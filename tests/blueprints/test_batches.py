"""The page of a batch and its buttons."""

import csv
from datetime import datetime, timedelta

import pytest
from flask import Flask
from time_machine import travel

from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.core.settings import MailServer, Settings, load_settings
from invites.factory import create_app
from invites.invitations import manage, send_invitations
from invites.invitations.send_invitations import InvitationRequest
from invites.lists.entries import Entry
from invites.members import answers
from invites.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    Invitation,
    InvitationState,
    Membership,
    Session,
    User,
)
from invites.outbox import deliveries, heartbeat
from invites.outbox.retry import SendResult
from tests.support.actions import attempt, attempt_all, reread, send
from tests.support.browsing import HTMX, Browser
from tests.support.people import People
from tests.support.populated_account import ACCOUNT, signed_in, use_mail_server

SERVER = MailServer("mail.example.org", 25, None, None, use_tls=False, use_ssl=False)


@pytest.fixture
def batch(owner: Membership, now: datetime) -> Batch:
    """A batch of four people, nothing sent yet."""
    return send(owner, now, *(f"p{n}@example.org" for n in range(4)))


@pytest.fixture
def place(batch: Batch) -> str:
    """The URL of its page."""
    return f"{ACCOUNT}/batches/{batch.id}"


def figures(browser: Browser) -> dict[str, str]:
    """The figures of the page by label."""
    return {
        figure.dt.get_text(strip=True): figure.dd.get_text(strip=True)
        for figure in browser.page.select(".figures > div")
    }


class TestTheList:
    def test_it_is_linked_from_the_invitations_and_links_to_each_batch(
        self, olive: Browser, place: str
    ) -> None:
        olive.open(f"{ACCOUNT}/invitations").follow("Batches")
        assert olive.url == f"{ACCOUNT}/batches"
        olive.open(str(olive.page.select("tbody a")[0]["href"]))
        assert olive.url == place
        assert olive.follow("Batches").url == f"{ACCOUNT}/batches"

    @pytest.mark.parametrize(
        ("state", "says"),
        [
            (BatchState.RUNNING, "queued"),
            (BatchState.PAUSED, "paused"),
            (BatchState.STOPPED, "stopped"),
            (BatchState.CANCELED, "canceled"),
            (BatchState.DONE, "none sent"),
        ],
    )
    @pytest.mark.usefixtures("batch")
    def test_a_row_shows_inviter_people_role_and_state(
        self, olive: Browser, state: BatchState, says: str
    ) -> None:
        Batch.update(state=state).execute()
        olive.open(f"{ACCOUNT}/batches")
        cells = [cell.get_text(" ", strip=True) for cell in olive.page.select("tbody td")]
        assert cells == ["Olive Martin", "4", "User", says]

    @pytest.mark.usefixtures("batch")
    def test_a_batch_is_done_when_nothing_more_is_sent(self, olive: Browser) -> None:
        Batch.update(state=BatchState.DONE).execute()
        Delivery.update(state=DeliveryState.SENT).execute()
        one = Delivery.id == Delivery.select(Delivery.id).limit(1)
        answered = Invitation.id == Delivery.select(Delivery.invitation).where(one)

        def says() -> str:
            olive.open(f"{ACCOUNT}/batches")
            return str(olive.page.select("tbody td")[-1].get_text(strip=True))

        assert says() == "done"
        Delivery.update(state=DeliveryState.FAILED).where(one).execute()
        assert says() == "done, 1 undelivered"
        Delivery.update(state=DeliveryState.WITHDRAWN).where(one).execute()
        Invitation.update(state=InvitationState.ACCEPTED).where(answered).execute()
        assert says() == "done"

    @pytest.mark.usefixtures("batch")
    def test_a_batch_that_is_being_sent_shows_its_progress(
        self, app: Flask, olive: Browser
    ) -> None:
        use_mail_server(app, SERVER)
        Batch.update(state=BatchState.RUNNING).execute()
        for number, says in ((0, "0 of 4 sent"), (1, "1 of 4 sent")):
            first = Delivery.select(Delivery.id).order_by(Delivery.id).limit(number)
            Delivery.update(state=DeliveryState.SENT).where(Delivery.id.in_(first)).execute()
            olive.open(f"{ACCOUNT}/batches")
            assert olive.page.select("tbody td")[-1].get_text(strip=True) == says

    def test_the_newest_batches_come_first_in_pages(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        sent = [send(owner, now, f"p{n}@example.org") for n in range(21)]
        olive.open(f"{ACCOUNT}/batches")
        links = [str(link["href"]) for link in olive.page.select("tbody a")]
        assert links == [f"{ACCOUNT}/batches/{batch.id}" for batch in sent[:0:-1]]
        olive.follow("Older")
        assert len(olive.page.select("tbody tr")) == 1

    def test_an_empty_list_explains_batches(self, olive: Browser) -> None:
        assert "No batches yet" in olive.open(f"{ACCOUNT}/batches").text


def test_only_the_installer_gets_a_link_to_the_mailbox(
    app: Flask, olive: Browser, owner: Membership, people: People, place: str
) -> None:
    User.update(is_installer=True).where(User.id == owner.user_id).execute()
    moderator = signed_in(app, people[Role.MODERATOR].user)
    assert "once the operator of this installation has configured one" in moderator.open(place).text
    assert "They will be sent once INVITES_MAIL_SERVER is set" in olive.open(place).text
    for page in (place, f"{ACCOUNT}/batches", f"{ACCOUNT}/invitations"):
        assert "Mailbox" not in moderator.open(page).text
        assert "Mailbox" in olive.open(page).page.find("main").get_text()


def test_without_javascript_the_page_says_how_to_update_it(
    owner: Membership, place: str, settings: Settings, now: datetime
) -> None:
    environ = {"INVITES_DATA": str(settings.data), "INVITES_MAIL_SERVER": "mail.example.org"}
    app = create_app(load_settings(environ))
    app.config.update(TESTING=True)
    olive = signed_in(app, owner.user)
    told = "Reload this page to see the progress."
    assert told in olive.open(place).page.select_one("main noscript").get_text()
    attempt_all(now)
    assert told not in olive.open(place).text


def test_the_page_says_what_keeps_mails_from_being_sent(
    app: Flask, olive: Browser, owner: Membership, place: str, now: datetime
) -> None:
    use_mail_server(app, SERVER)
    heartbeat.record(now - timedelta(minutes=5))
    assert olive.open(place).text.count("The mail worker isn't running") == 2
    heartbeat.record(now, "Connection refused")
    assert "Reason: Connection refused" in olive.open(place).text
    assert "Check the mail server" not in olive.text
    User.update(is_installer=True).where(User.id == owner.user_id).execute()
    link = olive.open(place).page.find("a", string="Check the mail server")
    assert link is not None
    assert link["href"] == "/mail"
    heartbeat.record(now)
    assert "unsent emails are queued" in olive.open(place).text


def test_the_page_names_the_batch_that_is_sent_first(
    app: Flask, olive: Browser, owner: Membership, place: str, now: datetime
) -> None:
    use_mail_server(app, SERVER)
    heartbeat.record(now)
    second = send(owner, now, "eve@example.org")
    olive.open(f"{ACCOUNT}/batches/{second.id}")
    assert "Waiting for another batch:" in olive.text
    link = olive.page.select_one(".pace a")
    assert link is not None
    assert link["href"] == place
    assert "Waiting for another batch" not in olive.open(place).text


class TestCancelling:
    def test_the_focus_is_on_the_choice_that_cancels_nothing(
        self, olive: Browser, place: str
    ) -> None:
        [focused] = olive.open(f"{place}/cancellation").page.select("[autofocus]")
        assert focused["href"] == place

    def test_the_figures_beside_the_confirmation_stay_live(
        self, olive: Browser, place: str, now: datetime
    ) -> None:
        asked = olive.open(place).press("Cancel").page.select_one("#batch-progress")
        assert asked is not None
        assert asked["hx-get"] == f"{place}/cancellation"
        attempt(Delivery.select().first(), SendResult.SENT, now)
        olive.open(f"{place}/cancellation", headers=HTMX)
        assert olive.page.select_one(".headline-figure strong").get_text() == "1"
        assert "3 unsent emails will be withdrawn" in olive.text
        assert not olive.page.select("[autofocus]")  # it stays where it was put meanwhile

    def test_the_notice_counts_the_withdrawn_mails(self, olive: Browser, place: str) -> None:
        olive.open(place).press("Cancel").press("Cancel unsent emails")
        assert olive.url == place
        assert "Canceled. 4 emails were withdrawn." in olive.text
        assert figures(olive)["withdrawn"] == "4"

    def test_large_numbers_have_separators(
        self, olive: Browser, place: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("invites.outbox.batches.cancel", lambda *_: 15546)
        olive.open(place).press("Cancel").press("Cancel unsent emails")
        assert "Canceled. 15,546 emails were withdrawn." in olive.text

    def test_the_confirmation_disappears_when_all_mails_are_sent(
        self, olive: Browser, place: str, now: datetime
    ) -> None:
        attempt_all(now)
        olive.open(f"{place}/cancellation", headers=HTMX)
        assert "All emails have been sent" in olive.text
        assert "Cancel unsent emails" not in olive.text
        assert olive.page.select_one("#batch-progress")["hx-get"] == place

    @pytest.mark.parametrize("htmx", [True, False])
    def test_canceling_too_late_says_that_all_mails_are_sent(
        self, olive: Browser, batch: Batch, place: str, now: datetime, htmx: bool
    ) -> None:
        olive.open(place).press("Cancel")
        attempt_all(now)
        olive.htmx = htmx
        olive.press("Cancel unsent emails")
        assert olive.status == 409
        assert "All emails have been sent" in olive.text
        assert olive.page.select_one(".headline-figure strong").get_text() == "4"
        assert reread(batch).state != BatchState.CANCELED

    def test_there_is_no_confirmation_after_the_last_mail(
        self, olive: Browser, place: str, now: datetime
    ) -> None:
        attempt_all(now)
        olive.open(f"{place}/cancellation")
        assert olive.status == 409
        assert "All emails have been sent" in olive.text
        assert "Cancel unsent emails" not in olive.text


@pytest.mark.parametrize("htmx", [True, False])
def test_pausing_a_paused_batch_shows_its_state(olive: Browser, place: str, htmx: bool) -> None:
    olive.open(place)
    Batch.update(state=BatchState.PAUSED).execute()
    olive.htmx = htmx
    olive.press("Pause")
    assert "This batch has changed" in olive.text
    assert "Paused. 4 emails stay queued" in olive.text


def test_polling_does_not_keep_a_shared_computer_logged_in(olive: Browser, place: str) -> None:
    Session.update(is_shared=True).execute()
    [live] = olive.open(place).page.select("[hx-trigger^=every]")
    headers = HTMX | {"HX-Trigger": str(live["id"])}
    for minutes, is_out in ((20, False), (40, True)):
        with travel(utcnow() + timedelta(minutes=minutes), tick=False):
            answer = olive.client.get(str(live["hx-get"]), headers=headers)
            assert ("/login" in answer.headers.get("HX-Redirect", "")) == is_out


def test_the_figures_add_up_to_all_mails(olive: Browser, place: str, now: datetime) -> None:
    sent, failed, unsure, _waiting = Delivery.select().order_by(Delivery.id)
    attempt(sent, SendResult.SENT, now)
    attempt(failed, SendResult.FAILED, now)
    for _time in range(2):
        attempt(unsure, SendResult.OUTCOME_UNKNOWN, now)
        now += timedelta(minutes=2)
    shown = figures(olive.open(place))
    assert {name: int(shown[name]) for name in ("queued", "failed", "may have arrived")} == {
        "queued": 1,
        "failed": 1,
        "may have arrived": 1,
    }
    assert "1 of 4 sent" in olive.text
    assert "1 email may have arrived: the connection was lost" in olive.text
    assert "“Retry failed” sends it again" in olive.text
    olive.press("Cancel").press("Cancel unsent emails")
    shown = figures(olive)
    assert (shown["queued"], shown["withdrawn"]) == ("0", "1")
    assert "Retry failed" not in olive.text


class TestAfterARestore:
    @pytest.fixture
    def on_hold(self, batch: Batch, now: datetime) -> None:
        """One mail was sent when the backup was made."""
        attempt(Delivery.select().first(), SendResult.SENT, now)
        waiting = (Delivery.batch == batch) & (Delivery.state == DeliveryState.QUEUED)
        changes = {"state": DeliveryState.WITHDRAWN, "reply_text": deliveries.ON_HOLD}
        Delivery.update(**changes).where(waiting).execute()

    @pytest.mark.usefixtures("on_hold")
    @pytest.mark.parametrize("htmx", [True, False])
    def test_the_page_says_why_mails_are_on_hold_and_sends_them(
        self, olive: Browser, place: str, htmx: bool
    ) -> None:
        olive.open(place)
        assert "3 emails are on hold: they were queued in the backup" in olive.text
        assert figures(olive)["on hold"] == "3"
        assert "withdrawn" not in figures(olive)
        olive.htmx = htmx
        olive.press("Send 3 emails")
        assert "3 emails queued." in olive.text
        assert figures(olive)["queued"] == "3"
        assert "backup" not in olive.text

    @pytest.mark.usefixtures("on_hold")
    def test_each_mail_is_labeled_on_hold_unneeded_or_withdrawn(
        self, olive: Browser, batch: Batch, place: str, now: datetime
    ) -> None:
        _mailed, answered, revoked, _held_back = batch.invitations
        answers.decline(answered, now)
        manage.revoke(Membership.get(), revoked, now)
        shown = figures(olive.open(place))
        names = ("on hold", "no longer needed", "withdrawn")
        assert [shown[name] for name in names] == ["1", "1", "1"]
        cells = olive.open(f"{ACCOUNT}/invitations").page.select("tbody td[data-label=Delivery]")
        in_rows = [cell.get_text(strip=True) for cell in reversed(cells)]
        assert in_rows[1:] == ["no longer needed", "withdrawn", "on hold"]

    @pytest.mark.usefixtures("on_hold")
    def test_sending_them_twice_says_that_they_were_sent(self, olive: Browser, place: str) -> None:
        olive.open(place)
        attempted = olive.page.select_one("form[action$=on-hold] [name=csrf_token]")
        assert attempted is not None
        for _press in range(2):
            olive.post(f"{place}/on-hold", {"csrf_token": attempted["value"]})
        assert "have been sent since" in olive.text


class TestUndeliveredMails:
    @pytest.fixture
    def bounced(self, owner: Membership, now: datetime) -> Batch:
        """One mail bounced, one is deferred."""
        batch = send(owner, now, "bounced@example.org", "late@example.org", role=Role.MODERATOR)
        first, late = Delivery.select().order_by(Delivery.id)
        attempt(late, SendResult.DEFERRED, now, 451, "4.7.1 Greylisted")
        attempt(first, SendResult.SENT, now)
        changes = {"state": DeliveryState.BOUNCED, "reply_text": "5.1.1 Nobody"}
        Delivery.update(**changes).where(Delivery.id == first.id).execute()
        return batch

    @staticmethod
    def section(browser: Browser, title: str) -> str:
        """The text of the section with this title."""
        found = browser.page.find("h2", string=title)
        assert found is not None
        sheet = found.find_parent("section")
        assert sheet is not None
        return " ".join(sheet.get_text(" ").split())

    def test_a_deferred_mail_is_listed_with_its_next_attempt(
        self, olive: Browser, bounced: Batch
    ) -> None:
        olive.open(f"{ACCOUNT}/batches/{bounced.id}")
        late = self.section(olive, "Deferred by the mail server")
        assert "retried automatically" in late
        assert "late@example.org 451 4.7.1 Greylisted" in late
        assert "bounced@example.org" not in late
        undelivered = self.section(olive, "Could not be delivered")
        assert "bounced@example.org bounced 5.1.1 Nobody" in undelivered
        assert "late@example.org" not in undelivered

    @pytest.mark.parametrize("htmx", [True, False])
    def test_an_undelivered_invitation_can_be_resent(
        self, olive: Browser, bounced: Batch, htmx: bool
    ) -> None:
        page = f"{ACCOUNT}/batches/{bounced.id}"
        olive.open(page)
        olive.htmx = htmx
        olive.press("Resend")
        assert "Invitation resent to bounced@example.org." in olive.text
        assert htmx or olive.url == page
        assert figures(olive)["queued"] == "2"
        assert "Could not be delivered" not in olive.text

    def test_the_address_of_an_undelivered_invitation_can_be_corrected(
        self, olive: Browser, bounced: Batch
    ) -> None:
        Invitation.update(name="Bello, Ann").execute()
        olive.open(f"{ACCOUNT}/batches/{bounced.id}").follow("Correct address")
        assert olive.title == "New Invitation"
        field = olive.page.select_one("#email")
        assert field is not None
        assert field.get_text().strip() == '"Bello, Ann" <bounced@example.org>'
        olive.press("Send Invitation", email="Ann <ann@example.org>")
        olive.press("Send Invitation")
        sent = Invitation.select().order_by(Invitation.id.desc()).first()
        assert (sent.email, sent.role) == ("ann@example.org", Role.MODERATOR)
        assert reread(bounced.invitations[0]).state == InvitationState.REVOKED
        olive.open(f"{ACCOUNT}/batches/{bounced.id}")
        assert self.section(olive, "Could not be delivered").endswith("revoked")

    def test_the_invitation_to_the_wrong_address_can_stay(
        self, olive: Browser, bounced: Batch
    ) -> None:
        olive.open(f"{ACCOUNT}/batches/{bounced.id}").follow("Correct address")
        assert "Revoke the invitation to bounced@example.org" in olive.text
        olive.press("Send Invitation", email="Ann <ann@example.org>", revoke_wrong=None)
        assert "Revoke the invitation to bounced@example.org" in olive.text
        olive.press("Send Invitation", revoke_wrong=None)
        assert Invitation.select().where(Invitation.email == "ann@example.org").exists()
        assert reread(bounced.invitations[0]).state == InvitationState.PENDING

    def test_members_who_cannot_invite_with_that_role_get_no_actions(
        self, mo: Browser, bounced: Batch
    ) -> None:
        mo.open(f"{ACCOUNT}/batches/{bounced.id}")
        assert mo.page.select(".row-actions a, .row-actions button") == []
        invitation = bounced.invitations[0]
        assert mo.open(f"{ACCOUNT}/invitations/{invitation.id}/corrected").status == 403
        assert mo.open(f"{ACCOUNT}/batches/{bounced.id}/skipped").status == 403


class TestSkippedEntries:
    @pytest.fixture
    def batch(self, owner: Membership, now: datetime) -> Batch:
        """One person who is invited, and three skipped entries."""
        entries = [
            Entry("ann@example.org", 2, "Ann"),
            Entry("ada@example.org", 3, "Ada"),
            Entry("bo@gmial.com", 4, "Bo Ek"),
            Entry("=cleo", 5, "Cleo"),
        ]
        return send_invitations.send(owner, InvitationRequest("key", entries, Role.USER), now)

    def test_each_invalid_entry_is_shown_with_its_name_and_a_suggestion(
        self, olive: Browser, place: str
    ) -> None:
        olive.open(place)
        first = " ".join(olive.page.select(".entry-list li")[0].get_text(" ").split())
        assert first.startswith("bo@gmial.com · Bo Ek · row 4")
        assert first.endswith("Did you mean bo@gmail.com?")

    def test_all_entries_can_be_downloaded_with_the_reason(
        self, olive: Browser, place: str
    ) -> None:
        olive.open(place).follow("Download the 3 rows as CSV")
        assert olive.response is not None
        rows = list(csv.reader(olive.response.text.removeprefix("\ufeff").splitlines()))
        assert rows[0] == ["Row", "Email", "Name", "Reason", "Suggestion"]
        assert [(row[0], row[1], row[2], row[4]) for row in rows[1:]] == [
            ("4", "bo@gmial.com", "Bo Ek", "bo@gmail.com"),
            ("5", "'=cleo", "Cleo", ""),
            ("3", "ada@example.org", "Ada", ""),
        ]
        assert rows[3][3] == "already a member"

    def test_invalid_entries_can_be_corrected_and_invited(self, olive: Browser, place: str) -> None:
        olive.open(place).follow("Correct and invite them")
        field = olive.page.select_one("#email")
        assert field is not None
        assert field.get_text().split("\n")[-2:] == ["Bo Ek <bo@gmial.com>", "Cleo <=cleo>"]
        assert "Use bo@gmail.com" in olive.text
