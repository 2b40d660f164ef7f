"""The page of a batch, and its wheel."""

from datetime import datetime, timedelta

import pytest

from invites import outbox
from invites.attempts import Result
from invites.models import Batch, BatchState, Delivery, DeliveryState, Membership
from tests.browsing import HTMX, Browser
from tests.shorthand import attempt, attempt_all, reread, send
from tests.web.world import ACCOUNT


@pytest.fixture
def batch(owner: Membership, now: datetime) -> Batch:
    """Four people, nobody mailed yet."""
    return send(owner, now, *(f"p{n}@example.org" for n in range(4)))


@pytest.fixture
def place(batch: Batch) -> str:
    """Where its page is."""
    return f"{ACCOUNT}/batches/{batch.id}"


def figures(browser: Browser) -> dict[str, str]:
    """The figures of the page, by their names."""
    return {
        figure.dt.get_text(strip=True): figure.dd.get_text(strip=True)
        for figure in browser.page.select(".figures > div")
    }


class TestTheList:
    def test_it_is_found_from_the_invitations_and_leads_to_each_batch(
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
            (BatchState.RUNNING, "in the Mailbox"),
            (BatchState.PAUSED, "paused"),
            (BatchState.STOPPED, "stopped by itself"),
            (BatchState.CANCELLED, "cancelled"),
            (BatchState.DONE, "done"),
        ],
    )
    @pytest.mark.usefixtures("batch")
    def test_it_tells_who_sent_to_how_many_as_what_and_how_that_stands(
        self, olive: Browser, state: BatchState, says: str
    ) -> None:
        Batch.update(state=state).execute()
        olive.open(f"{ACCOUNT}/batches")
        cells = [cell.get_text(" ", strip=True) for cell in olive.page.select("tbody td")]
        assert cells == ["Olive Martin", "4", "User", says]

    def test_the_newest_come_first_a_page_at_a_time(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        sent = [send(owner, now, f"p{n}@example.org") for n in range(21)]
        olive.open(f"{ACCOUNT}/batches")
        links = [str(link["href"]) for link in olive.page.select("tbody a")]
        assert links == [f"{ACCOUNT}/batches/{batch.id}" for batch in sent[:0:-1]]
        olive.follow("Older")
        assert len(olive.page.select("tbody tr")) == 1

    def test_before_anything_was_sent_it_says_what_a_batch_is(self, olive: Browser) -> None:
        assert "Nothing was sent yet" in olive.open(f"{ACCOUNT}/batches").text


class TestCancelling:
    def test_the_figures_beside_the_question_stay_live(
        self, olive: Browser, place: str, now: datetime
    ) -> None:
        asked = olive.open(place).press("Cancel").page.select_one("#batch-progress")
        assert asked is not None
        assert asked["hx-get"] == f"{place}/cancellation"
        attempt(Delivery.select().first(), Result.SENT, now)
        olive.open(f"{place}/cancellation", headers=HTMX)
        assert olive.page.select_one(".big strong").get_text() == "1"
        assert "3 mails that aren't out are withdrawn" in olive.text
        assert not olive.page.select("[autofocus]")  # it stays where it was put meanwhile

    def test_it_says_how_many_mails_were_withdrawn(self, olive: Browser, place: str) -> None:
        olive.open(place).press("Cancel").press("Cancel the rest")
        assert olive.url == place
        assert "Cancelled. 4 mails were withdrawn." in olive.text
        assert figures(olive)["withdrawn"] == "4"

    def test_the_question_goes_when_all_mails_are_out(
        self, olive: Browser, place: str, now: datetime
    ) -> None:
        attempt_all(now)
        olive.open(f"{place}/cancellation", headers=HTMX)
        assert "All mails are out already" in olive.text
        assert "Cancel the rest" not in olive.text
        assert olive.page.select_one("#batch-progress")["hx-get"] == place

    @pytest.mark.parametrize("htmx", [True, False])
    def test_who_presses_late_hears_that_all_mails_are_out(
        self, olive: Browser, batch: Batch, place: str, now: datetime, htmx: bool
    ) -> None:
        olive.open(place).press("Cancel")
        attempt_all(now)
        olive.htmx = htmx
        olive.press("Cancel the rest")
        assert "All mails are out already" in olive.text
        assert olive.page.select_one(".big strong").get_text() == "4"
        assert reread(batch).state != BatchState.CANCELLED

    def test_who_opens_the_question_late_is_led_to_the_batch(
        self, olive: Browser, place: str, now: datetime
    ) -> None:
        attempt_all(now)
        olive.open(f"{place}/cancellation")
        assert olive.url == place
        assert "All mails are out already" in olive.text


@pytest.mark.parametrize("htmx", [True, False])
def test_who_pauses_what_is_paused_sees_how_it_stands(
    olive: Browser, place: str, htmx: bool
) -> None:
    olive.open(place)
    Batch.update(state=BatchState.PAUSED).execute()
    olive.htmx = htmx
    olive.press("Pause")
    assert "Meanwhile the batch stands otherwise" in olive.text
    assert "Paused. 4 mails wait" in olive.text


def test_where_the_mails_stand_adds_up_to_all_of_them(
    olive: Browser, place: str, now: datetime
) -> None:
    sent, failed, unsure, _waiting = Delivery.select().order_by(Delivery.id)
    attempt(sent, Result.SENT, now)
    attempt(failed, Result.FAILED, now)
    for _time in range(2):
        attempt(unsure, Result.UNANSWERED, now)
        now += timedelta(minutes=2)
    stands = figures(olive.open(place))
    assert {name: int(stands[name]) for name in ("queued", "failed", "may have arrived")} == {
        "queued": 1,
        "failed": 1,
        "may have arrived": 1,
    }
    assert "1 of 4 sent" in olive.text
    olive.press("Cancel").press("Cancel the rest")
    stands = figures(olive)
    assert (stands["queued"], stands["withdrawn"]) == ("0", "1")


class TestAfterARestore:
    @pytest.fixture
    def held_back(self, batch: Batch, now: datetime) -> None:
        """One mail had gone out when the backup was made."""
        attempt(Delivery.select().first(), Result.SENT, now)
        waiting = (Delivery.batch == batch) & (Delivery.state == DeliveryState.QUEUED)
        changes = {"state": DeliveryState.WITHDRAWN, "reply_text": outbox.HELD_BACK}
        Delivery.update(**changes).where(waiting).execute()

    @pytest.mark.usefixtures("held_back")
    @pytest.mark.parametrize("htmx", [True, False])
    def test_the_page_says_why_mails_are_held_back_and_sends_them(
        self, olive: Browser, place: str, htmx: bool
    ) -> None:
        olive.open(place)
        assert "3 mails waited in the backup that was put back" in olive.text
        assert figures(olive)["withdrawn"] == "3"
        olive.htmx = htmx
        olive.press("Send these 3")
        assert "3 mails go out." in olive.text
        assert figures(olive)["queued"] == "3"
        assert "backup" not in olive.text

    @pytest.mark.usefixtures("held_back")
    def test_a_second_press_says_that_they_are_sent(self, olive: Browser, place: str) -> None:
        olive.open(place)
        attempted = olive.page.select_one("form[action$=held-back] [name=csrf_token]")
        assert attempted is not None
        for _press in range(2):
            olive.post(f"{place}/held-back", {"csrf_token": attempted["value"]})
        assert "were sent meanwhile" in olive.text
