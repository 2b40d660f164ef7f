"""Unsubscribing with the link in every invitation mail."""

import io
from typing import Any

import pytest

from invites.invitations import unsubscribe
from invites.models import AuditEntry, Invitation, InvitationState, UnsubscribedAddress
from tests.support.actions import invite, reread
from tests.support.browsing import HTMX
from tests.support.populated_account import ACCOUNT, Site, path

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def invitation(site: Site) -> Invitation:
    return site.rows.pending


@pytest.fixture
def way_out(site: Site, invitation: Invitation) -> str:
    return path(site.links.unsubscribe(invitation))


def test_opening_the_link_changes_nothing(site: Site, way_out: str) -> None:
    page = site.device("nobody").open(way_out)
    assert "p•••g@example.org" in page.text
    assert "To keep receiving invitations, close this page." in page.text
    assert not page.page.select("main .button.main")
    assert UnsubscribedAddress.select().count() == 0


def test_one_button_unsubscribes_and_another_undoes_it(
    site: Site, invitation: Invitation, way_out: str
) -> None:
    page = site.device("nobody").open(way_out)
    page.press("Unsubscribe")
    assert "You are unsubscribed" in page.text
    assert unsubscribe.is_unsubscribed(invitation)
    assert reread(invitation).state == InvitationState.DECLINED
    page.press("Allow invitations again")
    assert "Riverside Relief can invite you again." in page.text
    assert not unsubscribe.is_unsubscribed(invitation)


def test_unsubscribing_again_and_again_does_not_fill_the_audit_log(
    site: Site, way_out: str
) -> None:
    page = site.device("nobody")
    link, token = way_out.rsplit("/", 1)
    for zeros in range(11):
        page.open(f"{link}/{'0' * zeros}{token}").press("Unsubscribe")
        page.press("Allow invitations again")
    assert page.status == 429
    page.open(way_out)
    assert "You are unsubscribed" in page.text
    entries = AuditEntry.select().where(AuditEntry.action.in_(["unsubscribed", "resubscribed"]))
    assert entries.count() == 21


def test_one_click_needs_neither_cookie_nor_form_token(
    site: Site, invitation: Invitation, way_out: str
) -> None:
    """As mail services send it (RFC 8058, 3.2)."""
    client = site.app.test_client()
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://mail.example"}
    answer = client.post(way_out, data=ONE_CLICK, headers=headers)
    assert answer.status_code == 200
    assert "Location" not in answer.headers
    assert answer.mimetype == "text/plain"
    assert "Riverside Relief can no longer send invitations to p•••g@example.org" in answer.text
    assert unsubscribe.is_unsubscribed(invitation)
    assert client.post(way_out, data=ONE_CLICK).status_code == 200


def test_one_click_can_be_a_multipart_form(
    site: Site, invitation: Invitation, way_out: str
) -> None:
    answer = site.app.test_client().post(
        way_out, data=ONE_CLICK, content_type="multipart/form-data"
    )
    assert answer.status_code == 200
    assert unsubscribe.is_unsubscribed(invitation)


@pytest.mark.parametrize("who", ["nobody", "owner"])
@pytest.mark.parametrize(("token", "body"), [("", ONE_CLICK), ("", {}), ("x", ONE_CLICK)])
def test_one_click_from_another_site_ends_no_session(
    site: Site, way_out: str, who: str, token: str, body: dict[str, str]
) -> None:
    """A browser sends no cookie with it, but would store one from the response."""
    answer = site.device(who).client.post(way_out + token, data=body)
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"List-Unsubscribe": "Two-Click"},
        ONE_CLICK | {"email": "somebody@example.org"},
        {"List-Unsubscribe": ["One-Click", "One-Click"]},
        ONE_CLICK | {"file": (io.BytesIO(b"more"), "more.txt")},
    ],
)
def test_one_click_with_any_other_body_does_nothing(
    site: Site, invitation: Invitation, way_out: str, body: dict[str, Any]
) -> None:
    assert site.app.test_client().post(way_out, data=body).status_code == 400
    assert not unsubscribe.is_unsubscribed(invitation)


@pytest.mark.parametrize("status", ["expired", "declined", "revoked", "accepted", "known"])
def test_the_link_works_whatever_the_status_of_the_invitation(site: Site, status: str) -> None:
    invitation = getattr(site.rows, status)
    page = site.device("nobody").open(path(site.links.unsubscribe(invitation)))
    page.press("Unsubscribe")
    assert unsubscribe.is_unsubscribed(invitation)


def test_unsubscribing_from_one_account_does_not_affect_another(
    site: Site, invitation: Invitation
) -> None:
    theirs = invite(site.rows.people.stranger, site.rows.now, invitation.email)
    answer = site.app.test_client().post(path(site.links.unsubscribe(theirs)), data=ONE_CLICK)
    assert "Elsewhere" in answer.text
    assert unsubscribe.is_unsubscribed(theirs)
    assert not unsubscribe.is_unsubscribed(invitation)
    assert reread(invitation).state == InvitationState.PENDING


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_each_button_shows_the_page_with_its_result(
    site: Site, invitation: Invitation, way_out: str, headers: dict[str, str]
) -> None:
    site.app.config["WTF_CSRF_ENABLED"] = False
    client = site.app.test_client()
    for act, is_out in (("confirmation", True), ("return", False)):
        answer = client.post(f"{way_out}/{act}", headers=headers)
        assert answer.status_code == (200 if headers else 303)
        assert (answer.headers.get("HX-Redirect") or answer.location) == way_out
        assert unsubscribe.is_unsubscribed(invitation) is is_out


@pytest.mark.parametrize("act", ["confirmation", "return"])
def test_the_buttons_refuse_a_forged_link(site: Site, way_out: str, act: str) -> None:
    site.app.config["WTF_CSRF_ENABLED"] = False
    answer = site.app.test_client().post(f"{way_out}x/{act}")
    assert answer.status_code == 404
    assert "This link isn't valid" in answer.text
    assert UnsubscribedAddress.select().count() == 0


@pytest.mark.parametrize("act", ["confirmation", "return"])
def test_the_buttons_need_the_form_token(
    site: Site, invitation: Invitation, way_out: str, act: str
) -> None:
    answer = site.app.test_client().post(f"{way_out}/{act}", data=ONE_CLICK)
    assert answer.status_code == 400
    assert not unsubscribe.is_unsubscribed(invitation)


def test_no_other_link_unsubscribes(site: Site, invitation: Invitation) -> None:
    client = site.app.test_client()
    tokens = [
        site.mailed(invitation).rpartition("/")[2],
        path(site.links.copied_invitation(invitation, site.rows.owner)).rpartition("/")[2],
        f"{invitation.id}-AAAAAAAAAAAAAAAAAAAAAAAA",
        "rubbish",
    ]
    for token in tokens:
        assert client.get(f"/unsubscribe/{token}").status_code == 404
        assert client.post(f"/unsubscribe/{token}", data=ONE_CLICK).status_code == 404
    assert UnsubscribedAddress.select().count() == 0


def test_the_list_shows_who_unsubscribed_and_offers_no_link(
    site: Site, invitation: Invitation
) -> None:
    unsubscribe.unsubscribe(invitation, site.rows.now)
    owner = site.device("owner")
    row = owner.open(f"{ACCOUNT}/invitations?search=pending@").page.select_one(
        f"#invitation-{invitation.id}"
    )
    assert "unsubscribed" in row.get_text(" ")
    assert "Copy Link" not in row.get_text()
    answer = owner.client.get(f"{ACCOUNT}/invitations/{invitation.id}/link")
    assert "This person has unsubscribed" in answer.text
    assert "/invitation/" not in answer.text.replace("/invitations", "")


@pytest.mark.parametrize("htmx", [False, True])
def test_resending_to_an_unsubscribed_person_is_refused(
    site: Site, invitation: Invitation, htmx: bool
) -> None:
    owner = site.device("owner").open(f"{ACCOUNT}/invitations?search=pending@")
    owner.htmx = htmx
    unsubscribe.unsubscribe(invitation, site.rows.now)
    owner.press("Resend", within=f"#invitation-{invitation.id}")
    assert "This person has unsubscribed and can't be invited." in owner.page.get_text(" ")


def test_the_review_shows_who_unsubscribed(site: Site) -> None:
    gone = invite(site.rows.people.stranger, site.rows.now, "x@example.org")
    assert reread(gone).state == InvitationState.PENDING
    unsubscribe.unsubscribe(site.rows.pending, site.rows.now)
    page = site.device("owner").open(f"{ACCOUNT}/invitations/new")
    page.press("Send Invitation", email="pending@example.org")
    assert "unsubscribed" in page.text
