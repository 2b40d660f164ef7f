"""The Invitations page and its actions."""

from datetime import datetime, timedelta

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from time_machine import travel

from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.core.settings import MailServer
from invites.invitations import manage, send_invitations
from invites.lists.entries import Entry
from invites.members import answers, memberships, permanent_link
from invites.models import (
    Delivery,
    DeliveryState,
    Invitation,
    InvitationState,
    InvitationStatus,
    Membership,
    Session,
)
from invites.outbox.retry import SendResult
from tests.support.actions import attempt, attempt_all, invite, new_profile, reread, send
from tests.support.browsing import HTMX, Browser
from tests.support.people import People
from tests.support.populated_account import ACCOUNT, links, path, signed_in, use_mail_server

LIST = f"{ACCOUNT}/invitations"
MAIL_SERVER = MailServer("mail.example.org", 25, None, None, use_tls=False, use_ssl=False)


@pytest.fixture
def invitation(owner: Membership, now: datetime) -> Invitation:
    """A pending invitation whose mail was sent."""
    made = invite(owner, now, "ann@example.org")
    mail_went_out()
    return made


def mail_went_out() -> None:
    attempt_all(utcnow())


def addresses(browser: Browser) -> list[str]:
    return [cell.get_text(strip=True) for cell in browser.page.select("table.data-table tbody th")]


def row(browser: Browser, invitation: Invitation) -> str:
    return " ".join(browser.page.select_one(f"#invitation-{invitation.id}").get_text(" ").split())


def buttons(browser: Browser, invitation: Invitation) -> list[str]:
    row = browser.page.select_one(f"#invitation-{invitation.id}")
    return [tag.get_text(strip=True) for tag in row.select("button, .row-actions a")]


class TestList:
    @pytest.mark.slow
    def test_the_newest_come_first_fifty_per_page(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        everybody = [f"person{n:03}@example.org" for n in range(120)]
        send(owner, now, *everybody)
        seen = addresses(olive.open(LIST))
        assert len(seen) == 50
        seen += addresses(olive.follow("Older"))
        seen += addresses(olive.follow("Older"))
        assert seen == everybody[::-1]
        assert "101 to 120 of 120" in olive.text
        assert not olive.page.find("a", string="Older")
        assert len(addresses(olive.follow("Newer"))) == 50

    @pytest.mark.parametrize(
        ("page", "rows"), [("0", 50), ("-3", 50), ("x", 50), ("9999999999999999999", 20), ("", 50)]
    )
    @pytest.mark.slow
    def test_an_invalid_page_number_gives_a_page(
        self, olive: Browser, owner: Membership, now: datetime, page: str, rows: int
    ) -> None:
        send(owner, now, *(f"person{n:03}@example.org" for n in range(70)))
        assert len(addresses(olive.open(LIST, query_string={"page": page}))) == rows

    @pytest.mark.parametrize(
        ("search", "found"),
        [
            ("ann", ["ann@example.org"]),
            ("  ANN ", ["ann@example.org"]),
            ("@other", ["bob@other.example"]),
            ("%", []),
            ("_", []),
            ("nobody", []),
        ],
    )
    def test_search_finds_parts_of_an_address(
        self, olive: Browser, owner: Membership, now: datetime, search: str, found: list[str]
    ) -> None:
        send(owner, now, "ann@example.org", "bob@other.example")
        olive.open(LIST).press("Search", search=search)
        assert addresses(olive) == found
        assert olive.page.select_one("#search")["value"] == search.strip()

    @pytest.mark.parametrize("search", ["unal", "Zoë", "zoe ünal", "ann@"])
    def test_the_name_of_the_list_is_shown_and_found(
        self, olive: Browser, owner: Membership, now: datetime, search: str
    ) -> None:
        entries = [Entry("ann@example.org", 1, "Zoë Ünal"), Entry("bob@example.org", 2, "Bob")]
        send_invitations.send(
            owner, send_invitations.InvitationRequest("named", entries, Role.USER), now
        )
        olive.open(LIST).press("Search", search=search)
        [person] = olive.page.select("tbody th")
        assert person.get_text(" ", strip=True) == "ann@example.org Zoë Ünal"

    def test_each_filter_shows_one_status(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        sent = {status: invite(owner, now, f"{status}@example.org") for status in InvitationStatus}
        answers.decline(sent[InvitationStatus.DECLINED], now)
        for status in (
            InvitationStatus.ACCEPTED,
            InvitationStatus.REVOKED,
            InvitationStatus.REPLACED,
        ):
            Invitation.update(state=status).where(Invitation.id == sent[status].id).execute()
        expired = Invitation.id == sent[InvitationStatus.EXPIRED].id
        Invitation.update(expires_at=now).where(expired).execute()
        for status in InvitationStatus:
            olive.open(LIST, query_string={"status": status})
            assert addresses(olive) == [f"{status}@example.org"]
            assert olive.page.select_one(".chip[aria-current]").get_text(strip=True).lower() == (
                f"{status}1"
            )
        assert len(addresses(olive.open(LIST, query_string={"status": "nonsense"}))) == 6

    def test_a_failed_mail_shows_the_reply_of_the_server_and_has_a_filter(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        send(owner, now, "ann@example.org", "bob@example.org")
        bad = Delivery.get(Delivery.recipient == "bob@example.org")
        attempt(bad, SendResult.FAILED, now, 550, "5.1.1 No such person")
        olive.open(LIST, query_string={"status": "failed"})
        assert addresses(olive) == ["bob@example.org"]
        assert "5.1.1 No such person" in olive.text

    def test_a_bounced_mail_counts_as_failed_and_shows_the_report(
        self, olive: Browser, invitation: Invitation
    ) -> None:
        Delivery.update(state=DeliveryState.BOUNCED, reply_text="5.1.1 User unknown").execute()
        olive.open(LIST, query_string={"status": "failed"})
        assert "bounced 5.1.1 User unknown" in row(olive, invitation)

    def test_pages_keep_search_and_filter(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        send(owner, now, *(f"ann{n}@example.org" for n in range(60)), "bob@example.org")
        olive.open(LIST, query_string={"search": "ann", "status": "pending"}).follow("Older")
        assert len(addresses(olive)) == 10
        assert all(address.startswith("ann") for address in addresses(olive))

    def test_invitations_of_other_accounts_are_not_listed(
        self, olive: Browser, people: People, now: datetime
    ) -> None:
        invite(people.stranger, now, "secret@elsewhere.example")
        assert addresses(olive.open(LIST)) == []
        assert addresses(olive.open(LIST, query_string={"search": "secret"})) == []

    def test_the_permanent_link_is_shown_too(
        self, app: Flask, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        assert not olive.open(LIST).page.select("#permanent-url")
        link = permanent_link.enable(owner, now)
        field = olive.open(LIST).page.select_one("#permanent-url")
        assert field["value"] == links(app).permanent(link)
        assert "Copy Link" in olive.text


class TestActions:
    def test_resend_mails_again_and_renews_the_expiry(
        self, olive: Browser, invitation: Invitation, now: datetime
    ) -> None:
        with travel(now + timedelta(days=3)):
            olive.open(LIST).press("Resend", within=f"#invitation-{invitation.id}")
        assert olive.url == LIST
        assert "ann@example.org" in olive.page.select_one("#notices").get_text()
        assert Delivery.select().count() == 2
        assert reread(invitation).expires_at > now + timedelta(days=16)

    def test_a_resent_row_asks_for_itself_until_its_mail_is_sent(
        self, app: Flask, olive: Browser, invitation: Invitation
    ) -> None:
        use_mail_server(app, MAIL_SERVER)
        Session.update(is_shared=True).execute()
        olive.open(LIST).htmx = True
        olive.press("Resend")
        headers = HTMX | {"HX-Trigger": f"invitation-{invitation.id}"}
        resent = olive.page.select_one("tbody")
        assert "queued" in resent.text
        assert resent["hx-trigger"] == "every 2s"
        olive.open(resent["hx-get"], headers=headers)
        assert olive.page.select_one("tbody")["hx-trigger"] == "every 2s"
        assert not olive.open(LIST, headers=HTMX).page.select("[hx-trigger^=every]")
        mail_went_out()
        olive.open(resent["hx-get"], headers=headers)
        assert "sent" in row(olive, invitation)
        assert "hx-trigger" not in olive.page.select_one("tbody").attrs
        with travel(utcnow() + timedelta(minutes=20), tick=False):
            olive.client.get(resent["hx-get"], headers=headers)
        with travel(utcnow() + timedelta(minutes=40), tick=False):
            assert olive.open(LIST).title == "Log in"

    def test_an_expired_invitation_can_be_resent(
        self, app: Flask, olive: Browser, somebody: Browser, invitation: Invitation, now: datetime
    ) -> None:
        link = path(links(app).mailed_invitation(invitation))
        Invitation.update(expires_at=now).execute()
        assert somebody.open(link).status == 410
        olive.open(LIST).press("Resend", within=f"#invitation-{invitation.id}")
        assert somebody.open(link).status == 200

    def test_an_active_member_is_not_mailed_again(
        self, olive: Browser, owner: Membership, invitation: Invitation, now: datetime
    ) -> None:
        link = permanent_link.enable(owner, now)
        permanent_link.join_as_new(link, new_profile(invitation.email), now)
        olive.open(LIST).press("Resend", within=f"#invitation-{invitation.id}")
        assert "already a member" in olive.page.select_one("#notices .problem").get_text()
        assert Delivery.select().where(Delivery.invitation == invitation).count() == 1

    def test_restoring_an_expired_invitation_says_so_and_offers_to_resend(
        self, olive: Browser, invitation: Invitation, now: datetime
    ) -> None:
        olive.open(LIST).press("Revoke", within=f"#invitation-{invitation.id}")
        Invitation.update(expires_at=now).execute()
        olive.press("Undo", within=f"#invitation-{invitation.id}")
        told = olive.page.select_one("#notices").get_text()
        assert "expired" in told
        assert "can join again" not in told
        assert buttons(olive, invitation) == ["Resend"]

    def test_restoring_says_that_the_inviter_lost_authority(
        self, olive: Browser, people: People, now: datetime
    ) -> None:
        theirs = invite(people[Role.ADMIN], now, "ann@example.org")
        manage.revoke(people[Role.OWNER], theirs, now)
        memberships.deactivate(people[Role.OWNER], people[Role.ADMIN], now)
        olive.open(LIST).press("Undo", within=f"#invitation-{theirs.id}")
        told = olive.page.select_one("#notices").get_text()
        assert "can no longer invite people" in told
        assert "can join again" not in told

    def test_it_is_not_resent_while_its_mail_is_queued(
        self, olive: Browser, invitation: Invitation
    ) -> None:
        olive.open(LIST).press("Resend", within=f"#invitation-{invitation.id}")
        olive.press("Resend", within=f"#invitation-{invitation.id}")
        assert olive.page.select_one("#notices .problem")
        assert Delivery.select().count() == 2

    def test_revoking_closes_the_link_and_undo_opens_it(
        self, app: Flask, olive: Browser, somebody: Browser, invitation: Invitation
    ) -> None:
        link = path(links(app).mailed_invitation(invitation))
        olive.open(LIST).press("Revoke", within=f"#invitation-{invitation.id}")
        assert reread(invitation).state == InvitationState.REVOKED
        assert somebody.open(link).status == 410
        assert buttons(olive, invitation) == ["Undo"]
        olive.press("Undo", within=f"#invitation-{invitation.id}")
        assert somebody.open(link).status == 200

    def test_undo_is_refused_after_a_newer_invitation(
        self, olive: Browser, owner: Membership, invitation: Invitation, now: datetime
    ) -> None:
        manage.revoke(owner, invitation, now)
        invite(owner, now, invitation.email)
        olive.open(LIST).press("Undo", within=f"#invitation-{invitation.id}")
        assert olive.page.select_one("#notices .problem")
        assert reread(invitation).state == InvitationState.REVOKED

    @pytest.mark.usefixtures("invitation")
    def test_copy_link_gives_a_link_that_works(self, olive: Browser, somebody: Browser) -> None:
        olive.open(LIST).follow("Copy Link")
        link = path(olive.page.select_one("input[readonly]")["value"])
        assert somebody.open(link).status == 200
        assert "a•••@example.org" in somebody.text

    def test_the_copied_link_is_not_the_mailed_one(
        self, app: Flask, olive: Browser, invitation: Invitation
    ) -> None:
        olive.open(f"{LIST}/{invitation.id}/link")
        copied = olive.page.select_one("input[readonly]")["value"]
        assert copied != links(app).mailed_invitation(invitation)

    def test_an_invitation_that_was_answered_meanwhile_is_not_revoked(
        self, olive: Browser, invitation: Invitation, now: datetime
    ) -> None:
        olive.open(LIST)
        answers.accept_as_new(invitation, new_profile("ann@example.org"), now)
        olive.press("Revoke", within=f"#invitation-{invitation.id}")
        assert olive.page.select_one("#notices .problem")
        assert reread(invitation).state == InvitationState.ACCEPTED

    @pytest.mark.parametrize(
        ("action", "state"),
        [("revocation", InvitationState.REVOKED), ("resend", InvitationState.PENDING)],
    )
    def test_htmx_gets_the_row_as_it_is_now_and_a_notice(
        self, app: Flask, olive: Browser, invitation: Invitation, action: str, state: str
    ) -> None:
        app.config["WTF_CSRF_ENABLED"] = False
        url = f"{LIST}/{invitation.id}/{action}"
        fragment = BeautifulSoup(olive.client.post(url, headers=HTMX).text, "html.parser")
        assert fragment.find(True)["id"] == f"invitation-{invitation.id}"
        assert fragment.select_one(".tag").get_text(strip=True) == state
        assert fragment.select_one('[hx-swap-oob="innerHTML:#notices"]')

    @pytest.mark.parametrize("role", [Role.MODERATOR, Role.ADMIN, Role.OWNER])
    def test_a_moderator_manages_invitations_of_users_only(
        self, mo: Browser, owner: Membership, now: datetime, role: Role
    ) -> None:
        theirs = invite(owner, now, role=role)
        mine = invite(owner, now, "user@example.org")
        mo.open(LIST)
        assert buttons(mo, theirs) == []
        assert buttons(mo, mine) == ["Resend", "Copy Link", "Revoke"]
        assert mo.open(f"{LIST}/{theirs.id}/link").status == 403
        token = mo.open(LIST).page.select_one("[name=csrf_token]")["value"]
        for action in ("resend", "revocation", "restoration"):
            mo.post(f"{LIST}/{theirs.id}/{action}", {"csrf_token": token})
        assert reread(theirs).state == InvitationState.PENDING
        assert Delivery.select().where(Delivery.invitation == theirs).count() == 1


class TestBatch:
    def test_a_batch_counts_mails_and_people_apart(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        batch = send(owner, now, *(f"p{n}@example.org" for n in range(5)), "rubbish")
        one, two, *_ = Delivery.select().order_by(Delivery.id)
        attempt(one, SendResult.SENT, now, 250)
        attempt(two, SendResult.FAILED, now, 550, "5.1.1 No such person")
        answers.decline(one.invitation, now)
        olive.open(f"{ACCOUNT}/batches/{batch.id}")
        figures = {
            figure.dt.get_text(strip=True): figure.dd.get_text(strip=True)
            for figure in olive.page.select(".figures > div")
        }
        assert figures == {"accepted": "0", "declined": "1", "queued": "3", "failed": "1"}
        assert olive.page.select_one(".headline-figure strong").get_text() == "1"
        assert "5.1.1 No such person" in olive.text
        assert "rubbish" in olive.text

    def test_a_mail_that_bounced_later_shows_the_report(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        batch = send(owner, now, "ann@example.org")
        mail_went_out()
        Delivery.update(state=DeliveryState.BOUNCED, reply_text="5.1.1 User unknown").execute()
        olive.open(f"{ACCOUNT}/batches/{batch.id}")
        assert olive.page.select_one(".headline-figure strong").get_text() == "0"
        assert olive.page.select_one(".figures .negative dd").get_text() == "1"
        assert "bounced 5.1.1 User unknown" in " ".join(olive.text.split())

    def test_it_says_what_keeps_the_mail_from_being_sent(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        batch = send(owner, now, "ann@example.org")
        olive.open(f"{ACCOUNT}/batches/{batch.id}")
        assert "the emails are queued. They will be sent once the operator" in olive.text

    def test_it_is_linked_from_the_accounts_start_page(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        batch = send(owner, now, "ann@example.org")
        assert olive.open(f"{ACCOUNT}/").page.select(f'a[href="{ACCOUNT}/batches/{batch.id}"]')
        assert Delivery.get().state == DeliveryState.QUEUED

    def test_it_is_linked_from_each_of_its_invitations(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        batch = send(owner, now, "ann@example.org", "bob@example.org")
        links = olive.open(LIST).page.select(f'tbody a[href="{ACCOUNT}/batches/{batch.id}"]')
        assert len(links) == 2
        assert all(link["aria-label"].startswith("Batch from") for link in links)

    def test_it_polls_until_nothing_can_change(
        self, olive: Browser, owner: Membership, now: datetime
    ) -> None:
        batch = send(owner, now, "ann@example.org")
        mail_went_out()
        page = f"{ACCOUNT}/batches/{batch.id}"
        assert olive.open(page).page.select("#batch-progress[hx-get]")
        Invitation.update(expires_at=now).execute()
        assert not olive.open(page).page.select("#batch-progress[hx-get]")


class TestInvitationsWithoutAuthority:
    @pytest.fixture
    def offered(self, people: People, now: datetime) -> Invitation:
        made = invite(people[Role.ADMIN], now, "ann@example.org", role=Role.ADMIN)
        mail_went_out()
        return made

    @pytest.fixture
    def lost(self, offered: Invitation, owner: Membership, now: datetime) -> None:
        inviter = memberships.find(offered.account, offered.inviter)
        memberships.change_role(owner, inviter, Role.MODERATOR, now)

    @pytest.mark.usefixtures("lost")
    def test_are_flagged_and_have_no_link_to_copy(
        self, olive: Browser, offered: Invitation
    ) -> None:
        assert "Can't be accepted 1" in olive.open(LIST).text
        olive.open(f"{LIST}?status=without_authority")
        assert addresses(olive) == ["ann@example.org"]
        told = "can't be accepted Ada Okafor can no longer invite people as Admin. Resend the"
        assert told in row(olive, offered)
        assert buttons(olive, offered) == ["Resend", "Revoke"]
        assert olive.open(f"{LIST}/{offered.id}/link").status == 410
        assert "can no longer invite people" in olive.text

    @pytest.mark.usefixtures("lost")
    def test_can_be_accepted_again_after_a_resend(
        self, olive: Browser, offered: Invitation
    ) -> None:
        olive.open(LIST).press("Resend")
        assert "can't be accepted" not in row(olive, offered)
        assert "Copy Link" in buttons(olive, offered)

    @pytest.mark.usefixtures("lost")
    def test_a_changed_row_updates_the_counts_above_the_list(
        self, olive: Browser, offered: Invitation
    ) -> None:
        olive.open(f"{LIST}?status=without_authority&search=ann")
        olive.htmx = True
        olive.press(
            "Resend", within=f"#invitation-{offered.id}", status="without_authority", search="ann"
        )
        chips = olive.page.select_one("#invitation-chips[hx-swap-oob=true]")
        told = " ".join(chips.get_text(" ").split())
        assert told == "All 1 Pending 1 Can't be accepted 0"
        assert "search=ann" in chips.select_one("#chip-pending")["href"]
        assert chips.select_one("[aria-current]")["id"] == "chip-without_authority"

    @pytest.mark.usefixtures("lost")
    def test_are_counted_on_the_page_of_their_batch(
        self, olive: Browser, offered: Invitation
    ) -> None:
        olive.open(f"{ACCOUNT}/batches/{offered.batch_id}")
        assert "1 invitation can't be accepted: the sender can no longer" in olive.text
        assert addresses(olive.follow("Show invitations")) == ["ann@example.org"]

    @pytest.mark.usefixtures("lost")
    def test_members_who_cannot_resend_them_are_not_told_to(
        self, app: Flask, people: People, offered: Invitation
    ) -> None:
        moderator = signed_in(app, people[Role.MODERATOR].user).open(LIST)
        assert "Ada Okafor can no longer invite people as Admin." in row(moderator, offered)
        assert "Resend" not in row(moderator, offered)

    @pytest.mark.usefixtures("offered")
    def test_are_counted_when_the_inviter_loses_role_or_membership(
        self, olive: Browser, people: People
    ) -> None:
        told = "1 invitation they sent can no longer be accepted. Show invitations"
        ada = people[Role.ADMIN]
        edit = f"{ACCOUNT}/users/{ada.id}/edit"
        olive.open(edit).press("Update User", role=str(int(Role.MODERATOR)))
        assert f"Ada Okafor now has the role Moderator. {told}" in olive.text
        olive.open(edit).press("Update User", role=str(int(Role.ADMIN)))
        assert told not in olive.text
        olive.press("Deactivate", within=f"#user-{ada.id}")
        assert f"Ada Okafor is now inactive. {told}" in olive.text
