"""Where the focus goes, in which order, and how news reaches people wherever they are on a page."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from invites import db
from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.invitations import manage
from invites.members import permanent_link
from invites.models import Delivery, DeliveryState, WorkerStatus
from invites.outbox import batches
from tests.browser.conftest import Visit
from tests.browser.visitor import DESKTOP, PHONE, Visitor
from tests.support.actions import send
from tests.support.sending_actions import wait_for
from tests.support.server import OWNER, Server, running, set_up_data
from tests.support.smtp_server import free_port

FOCUSED = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.tagName"
# Row by row from the top, and in a row from its start; a row is as high as its tallest control.
PLACES = """controls => controls.filter(c => c.checkVisibility()).map(c => {
    const {x, y, height} = c.getBoundingClientRect();
    return {words: c.textContent.trim(), row: Math.round((y + height / 2) / 22), x};
})"""


def _see_focus_on(visitor: Visitor, name: str) -> None:
    visitor.page.wait_for_function(f"name => ({FOCUSED}) === name", arg=name)


def _tabbed_through(visitor: Visitor, controls: Locator) -> list[str]:
    """What the tabulator key meets in the bar, in its order."""
    met: list[str] = []
    visitor.page.locator("body").evaluate("body => { body.tabIndex = -1; body.focus() }")
    visitor.keys("Tab")  # the skip link
    for _ in range(controls.count()):
        visitor.keys("Tab")
        met.append(visitor.page.evaluate("document.activeElement.textContent.trim()"))
    return met


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("email", [OWNER, "mo@example.org", "uma@example.org"])
def test_the_bar_is_walked_in_the_order_in_which_it_is_seen(
    server_without_smtp: Server, visit: Visit, email: str, size: dict[str, int]
) -> None:
    server_without_smtp.member("Mo Diaz", "mo@example.org", Role.MODERATOR)
    server_without_smtp.member("Uma Roy", "uma@example.org")
    visitor = visit(server_without_smtp, viewport=size).sign_in(email)
    controls = visitor.page.locator(
        ".site-header summary, .site-header nav > a, .site-user :is(a, button)"
    )

    places = controls.evaluate_all(PLACES)
    seen = sorted(places, key=lambda place: (place["row"], place["x"]))

    assert _tabbed_through(visitor, controls) == [place["words"] for place in seen]


def test_asking_for_a_phone_number_keeps_the_focus(server: Server, visit: Visit) -> None:
    newcomer = visit(server).open(server.invitation_link("new@example.org"))
    more = newcomer.page.get_by_text("Add a phone number")
    phone = newcomer.page.get_by_role("textbox", name="Phone")
    newcomer.tab_to(more).keys("Enter")
    expect(phone).to_be_visible()
    expect(more).to_be_focused()

    newcomer.keys("Tab")
    expect(phone).to_be_focused()


def test_copy_link_shows_only_where_it_works(server: Server, visit: Visit) -> None:
    permanent_link.enable(server.owner, utcnow())
    send(server.owner, utcnow(), "jon@example.org")
    plain = visit(server, java_script_enabled=False).sign_in()
    for page in ("Permanent Invite", "Invitations"):
        plain.go_to(page)
        expect(plain.field("Permanent link")).to_be_visible()
        expect(plain.button("Copy Link")).to_have_count(0)

    plain.follow("Copy Link for jon@example.org")
    expect(plain.field("Personal link for jon@example.org")).to_be_visible()
    expect(plain.button("Copy Link")).to_have_count(0)


class TestAfterAnAct:
    @pytest.fixture
    def invited(self, server: Server, olive: Visitor) -> Visitor:
        """Olive on the Invitations page, after Jon got his mail."""
        send(server.owner, utcnow(), "jon@example.org")
        server.smtp.wait_for_mail("jon@example.org")
        olive.go_to("Invitations")
        expect(olive.row("jon@example.org")).to_contain_text("sent")
        return olive

    def test_the_focus_stays_in_the_row_of_an_invitation(self, invited: Visitor) -> None:
        invited.press("Resend to jon@example.org").sees("Invitation resent")
        _see_focus_on(invited, "Resend to jon@example.org")
        invited.press("Revoke the invitation to jon@example.org").sees("Revoked.")
        _see_focus_on(invited, "Undo: restore the invitation to jon@example.org")
        invited.press("Undo: restore the invitation to jon@example.org").sees("can join again")
        _see_focus_on(invited, "Resend to jon@example.org")

    def test_the_focus_stays_though_an_act_is_refused(
        self, server: Server, invited: Visitor
    ) -> None:
        manage.revoke(server.owner, server.invitation("jon@example.org"), utcnow())
        invited.press("Resend to jon@example.org").sees("has been answered, revoked or replaced")
        _see_focus_on(invited, "Undo: restore the invitation to jon@example.org")

    def test_the_focus_stays_in_the_row_of_a_person(self, server: Server, olive: Visitor) -> None:
        server.member("Uma Roy", "uma@example.org")
        olive.go_to("Active").press("Edit Uma Roy")
        expect(olive.field("Role")).to_be_focused()
        olive.field("Role").select_option("Moderator")
        olive.press("Update User").sees("Uma Roy now has the role Moderator.")
        _see_focus_on(olive, "Edit Uma Roy")

        olive.press("Edit Uma Roy").follow("Cancel")
        _see_focus_on(olive, "Edit Uma Roy")
        olive.press("Deactivate Uma Roy").sees("Uma Roy is now inactive.")
        _see_focus_on(olive, "Reactivate Uma Roy")

    def test_the_focus_stays_beside_the_permanent_link(self, olive: Visitor) -> None:
        olive.go_to("Permanent Invite").press("Enable Permanent Invite")
        expect(olive.button("Copy Link")).to_be_focused()
        olive.press("Delete")
        expect(olive.button("Delete the link")).to_be_focused()
        olive.follow("Keep the link")
        expect(olive.button("Copy Link")).to_be_focused()

    @pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
    def test_the_news_is_seen_far_down_the_page_and_nothing_jumps(
        self, server: Server, visit: Visit, size: dict[str, int]
    ) -> None:
        send(server.owner, utcnow(), *(f"guest{number}@example.org" for number in range(40)))
        olive = visit(server, viewport=size).sign_in()
        olive.open("/accounts/riverside-relief/invitations")
        button = olive.button("Revoke the invitation to guest5@example.org")
        button.scroll_into_view_if_needed()
        before = olive.row("guest5@example.org").bounding_box()
        assert olive.page.evaluate("scrollY") > 300

        button.click()

        news = olive.page.get_by_role("status").filter(has_text="Revoked. guest5@example.org")
        expect(news).to_be_in_viewport(ratio=1)
        after = olive.row("guest5@example.org").bounding_box()
        assert before is not None
        assert after is not None
        assert after["y"] == pytest.approx(before["y"], abs=2)

    def test_news_is_put_into_a_region_that_was_there_before(self, invited: Visitor) -> None:
        region = invited.page.locator("#notices")
        expect(region).to_be_empty()
        region.evaluate("region => { region.was_there = true }")

        invited.press("Resend to jon@example.org").sees("Invitation resent")

        assert region.evaluate("region => region.was_there")
        assert region.get_attribute("role") == "status"


LISTEN = """region => {
    window.told = [];
    const listen = () => window.told.push(region.textContent.trim());
    new MutationObserver(listen).observe(region, {childList: true, subtree: true});
}"""


def test_the_end_of_a_batch_is_told_once_and_not_each_mail(server: Server, olive: Visitor) -> None:
    with db.transaction():
        batch = send(
            server.owner, utcnow(), *(f"guest{number}@example.org" for number in range(30))
        )
        batches.pause(server.owner, batch, utcnow())
    olive.take_clock()
    olive.open(f"/accounts/riverside-relief/batches/{batch.id}").sees("0 of 30 sent")
    olive.page.locator("#batch-told").evaluate(LISTEN)

    batches.resume(server.owner, batch, utcnow())
    for sent in (1, 15, 30):
        server.smtp.wait_for_count(sent)
        olive.poll().rests()
    wait_for(lambda: not Delivery.select().where(Delivery.state != DeliveryState.SENT).exists())
    olive.poll().sees("30 of 30 sent")
    olive.poll().rests()  # it goes on asking who answered

    assert olive.page.evaluate("told") == ["30 of 30 sent. Done."]


@pytest.mark.usefixtures("server")
def test_a_test_mail_leaves_the_focus_on_its_button(olive: Visitor) -> None:
    olive.open("/mail").tab_to(olive.button("Send a test email")).keys("Enter")
    olive.sees("The mail server accepted the email.")
    expect(olive.button("Send a test email")).to_be_focused()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_trouble_with_the_mail_server_is_told_once_and_moves_nothing(
    tmp_path: Path, visit: Visit, size: dict[str, int]
) -> None:
    data = set_up_data(tmp_path / "data")
    with running(data, mail_port=free_port()) as server, server.rules():
        with db.transaction():
            batch = send(server.owner, utcnow(), "amina@example.org", "jon@example.org")
            Delivery.update(due_at=utcnow() + timedelta(hours=1)).execute()
        olive = visit(server, viewport=size).sign_in().take_clock()
        olive.open(f"/accounts/riverside-relief/batches/{batch.id}").misses("can't be used")
        olive.page.locator("#batch-told").evaluate(LISTEN)
        figures = olive.page.locator(".figures")
        things = [olive.rests().button("Pause"), olive.button("Cancel"), figures]
        before = [thing.bounding_box() for thing in things]

        Delivery.update(due_at=utcnow()).execute()
        wait_for(lambda: WorkerStatus.get().outage)
        olive.poll()
        olive.sees(
            "The mail server isn't available. Nothing is lost: sending is retried automatically."
        )
        olive.poll().rests()

        assert [thing.bounding_box() for thing in things] == before
        told = olive.page.evaluate("told")
        assert told == [
            "The mail server isn't available. Nothing is lost: sending is retried automatically."
        ]


def test_while_one_thinks_about_cancelling_no_news_takes_the_focus_or_the_press(
    server: Server, olive: Visitor
) -> None:
    with db.transaction():
        batch = send(server.owner, utcnow(), "amina@example.org", "jon@example.org")
        batches.pause(server.owner, batch, utcnow())
    olive.take_clock()
    olive.open(f"/accounts/riverside-relief/batches/{batch.id}").press("Cancel")
    olive.page.get_by_role("link", name="Keep emails").focus()
    Delivery.update(state=DeliveryState.SENT).where(
        Delivery.batch == batch, Delivery.recipient == "jon@example.org"
    ).execute()
    olive.poll("/cancellation")
    expect(olive.figure("queued")).to_have_text("1")
    expect(olive.page.get_by_role("link", name="Keep emails")).to_be_focused()

    olive.button("Cancel unsent emails").hover()
    olive.page.mouse.down()
    olive.poll("/cancellation").rests()
    olive.page.mouse.up()
    olive.sees("Canceled. 1 email was withdrawn.")


def test_enter_twice_cancels_nothing_and_leads_back_to_where_one_was(
    server: Server, olive: Visitor
) -> None:
    with db.transaction():
        batch = send(server.owner, utcnow(), "amina@example.org", "jon@example.org")
        batches.pause(server.owner, batch, utcnow())
    olive.open(f"/accounts/riverside-relief/batches/{batch.id}").button("Cancel").focus()
    olive.page.keyboard.press("Enter")
    expect(olive.page.get_by_role("link", name="Keep emails")).to_be_focused()
    olive.page.keyboard.press("Enter")
    expect(olive.button("Cancel")).to_be_focused()


def test_how_many_get_a_mail_is_told_once_for_each_change(server: Server, olive: Visitor) -> None:
    olive.go_to("Create New Invitation")
    region = olive.page.locator("#send-note")
    region.evaluate(LISTEN)
    for typed in ("amina@example.org", " ", "kim", ", jon@example.org"):
        with olive.page.expect_response(re.compile("review")):
            olive.type("Email", typed)
    olive.sees("2 people will get an email.")

    told = olive.page.evaluate("window.told")
    assert told[-1] == "2 people will get an email."
    assert len(told) == len(set(told)), told
