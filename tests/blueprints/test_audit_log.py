"""The Activity page: the audit log of an account."""

import csv
import io
import tracemalloc
from datetime import datetime, timedelta

import pytest
from flask import Flask
from time_machine import travel

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.invitations import manage, unsubscribe
from invites.members import memberships, ownership, permanent_link
from invites.models import Account, AuditEntry, EmailTokenPurpose
from invites.outbox import batches
from invites.people import confirmation, two_step
from invites.web import audit_labels
from tests.members.test_two_step_policy import have_two_step
from tests.support.actions import invite, send
from tests.support.browsing import HTMX, Browser
from tests.support.people import PASSWORD, People
from tests.support.populated_account import ACCOUNT, ask_email_token, signed_in

PAGE = f"{ACCOUNT}/audit-log"


def lines(browser: Browser) -> list[tuple[str, str]]:
    """Actor and action of each row."""
    rows = browser.page.select("#audit-log-list tbody tr")
    return [
        (row.th.get_text(strip=True), row.find_all("td")[-1].get_text(strip=True)) for row in rows
    ]


@pytest.fixture
def busy(people: People, now: datetime) -> People:
    """The account after some actions."""
    owner, user = people[Role.OWNER], people[Role.USER]
    batch = send(owner, now, "ann@example.org", "bob@example.org")
    batches.pause(owner, batch, now)
    manage.revoke(people[Role.ADMIN], batch.invitations[0], now)
    memberships.change_role(owner, user, Role.MODERATOR, now)
    unsubscribe.unsubscribe(batch.invitations[1], now)
    permanent_link.enable(owner, now)
    return people


def test_the_page_lists_who_did_what_newest_first(busy: People, olive: Browser) -> None:
    assert lines(olive.open(PAGE))[:6] == [
        ("Olive Martin", "Enabled the permanent link"),
        ("bob@example.org", "Unsubscribed from invitations"),
        ("Olive Martin", "Changed the role of uma@example.org from User to Moderator"),
        ("Ada Okafor", "Revoked the invitation to ann@example.org"),
        ("Olive Martin", "Paused a batch"),
        ("Olive Martin", "Invited 2 people as User"),
    ]


def test_a_person_rescued_by_the_operator_is_named(
    people: People, olive: Browser, now: datetime
) -> None:
    uma = people[Role.USER].user
    ownership.rescue(people[Role.OWNER].account, uma, now)
    have_two_step(uma, now)
    two_step.disable(uma, now)
    assert lines(olive.open(PAGE))[:2] == [
        ("Uma Roy", "Two-step verification turned off by the operator"),
        ("Uma Roy", "Made Account Owner by the operator"),
    ]


def test_an_entry_links_to_its_batch(busy: People, olive: Browser) -> None:
    link = olive.open(PAGE).page.find("a", string=lambda text: text and "Invited 2" in text)
    assert olive.open(link["href"]).status == 200
    assert olive.url.startswith(f"{ACCOUNT}/batches/")


def test_entries_are_filtered_and_searched_with_and_without_htmx(
    busy: People, olive: Browser
) -> None:
    assert len(lines(olive.open(f"{PAGE}?status=people"))) == 1
    assert len(lines(olive.open(f"{PAGE}?search=ANN@"))) == 1
    assert "Nothing found" in olive.open(f"{PAGE}?search=nowhere").text
    assert lines(olive.open(f"{PAGE}?status=rubbish&page=-7"))
    answer = olive.client.get(f"{PAGE}?status=people", headers=HTMX)
    assert answer.text.lstrip().startswith('<section id="audit-log-list"')


def test_the_csv_has_every_entry_and_is_safe_for_spreadsheets(
    busy: People, olive: Browser, now
) -> None:
    account = Account.get_by_id(busy[Role.OWNER].account_id)
    audit_log.record(AuditAction.ACCOUNT_CREATED, account, None, now, name="=1+1", email="=2+2")
    answer = olive.client.get(f"{PAGE}/audit-log.csv?status=settings")
    assert answer.headers["Content-Disposition"] == "attachment; filename=audit-log.csv"
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0] == ["Time (UTC)", "Who", "Email", "What", "Affected person"]
    assert rows[1][1:] == ["", "", "Created the account =1+1", "'=2+2"]
    assert rows[2][1:4] == ["Olive Martin", "olive@example.org", "Enabled the permanent link"]


def test_the_csv_takes_little_memory_however_long_the_log_is(
    people: People, olive: Browser, now: datetime
) -> None:
    member = people[Role.USER]
    fixed = (member.account_id, member.user_id, AuditAction.ACCEPTED, "{}")
    created_at = AuditEntry.created_at.db_value(now)
    columns = ("account_id", "actor_id", "action", "details", "created_at")
    db.insert_rows(AuditEntry, columns, ((*fixed, created_at) for _ in range(5_000)))
    olive.client.get(f"{PAGE}/audit-log.csv")
    tracemalloc.start()
    answer = olive.client.get(f"{PAGE}/audit-log.csv", buffered=False)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.text.count("\n") > 5_000
    assert peak < 3_000_000


def test_a_sign_in_from_a_new_device_is_listed(people: People, olive: Browser, app: Flask) -> None:
    Browser(app).log_in("mo@example.org", PASSWORD)
    assert lines(olive.open(f"{PAGE}?status=logins")) == [
        ("Mo Diaz", "Logged in from a new device")
    ]


def test_a_members_new_address_is_listed(people: People, olive: Browser, now: datetime) -> None:
    user = people[Role.USER].user
    email_token = ask_email_token(user, EmailTokenPurpose.CONFIRM_EMAIL, now, "new@example.org")
    confirmation.confirm_email(email_token, confirmation.check_password(user, PASSWORD), now)
    assert lines(olive.open(PAGE))[0] == (
        "Uma Roy",
        "Changed their address from uma@example.org to new@example.org",
    )


@pytest.mark.parametrize("role", [Role.USER, Role.MODERATOR])
def test_only_admins_and_owners_see_it(app: Flask, people: People, role: Role) -> None:
    member = signed_in(app, people[role].user)
    for place in (PAGE, f"{PAGE}/audit-log.csv"):
        assert member.open(place).status == 403
    assert "Audit log" not in member.open(f"{ACCOUNT}/").text


def test_every_action_has_a_label_of_its_own(people: People, app: Flask, now: datetime) -> None:
    details = {
        "name": "Riverside", "role": 10, "people": 3, "email": "ann@example.org", "batch": 1,
        "former": "anne@example.org",
        "before": 10, "after": 20, "device": "Firefox Linux", "proven": False,
    }  # fmt: skip
    with app.test_request_context():
        for action in AuditAction:
            audit_log.record(action, people[Role.OWNER].account, None, now, **details)
        found = audit_log.entries(people[Role.OWNER].account, None, "")
        sentences = [audit_labels.sentence(one) for one in found]
    assert len(set(sentences[: len(AuditAction)])) == len(AuditAction)


def test_an_entry_counts_its_invitations_in_words(
    people: People, olive: Browser, now: datetime
) -> None:
    invite(people[Role.OWNER], now, "new@example.org")
    assert lines(olive.open(PAGE))[0] == ("Olive Martin", "Invited 1 person as User")


def logins(people: People) -> int:
    """How many sign-ins from a new device are recorded."""
    category = audit_log.AuditCategory.LOGINS
    return audit_log.entries(people[Role.OWNER].account, category, "").count()


class TestSignInFromANewDevice:
    def test_is_recorded_once_per_browser_even_if_they_look_the_same(
        self, people: People, app: Flask
    ) -> None:
        for browser in (Browser(app), Browser(app)):
            for _ in range(3):
                browser.log_in("uma@example.org", PASSWORD).press("Log out")
        assert logins(people) == 2

    def test_is_recorded_for_each_person_who_uses_the_browser(
        self, people: People, somebody: Browser
    ) -> None:
        for email in ("uma@example.org", "mo@example.org", "uma@example.org"):
            somebody.log_in(email, PASSWORD).press("Log out")
        assert logins(people) == 2

    def test_is_recorded_every_time_on_a_shared_computer(
        self, people: People, somebody: Browser
    ) -> None:
        somebody.log_in("uma@example.org", PASSWORD).press("Log out")
        for _ in range(2):
            somebody.open("/login").press(
                "Log in", email="uma@example.org", password=PASSWORD, shared="y"
            )
            assert somebody.client.get_cookie("invites-device") is None
            somebody.press("Log out")
        somebody.log_in("uma@example.org", PASSWORD)
        assert logins(people) == 4

    def test_is_not_recorded_again_after_the_session_has_expired(
        self, people: People, somebody: Browser
    ) -> None:
        somebody.log_in("uma@example.org", PASSWORD)
        with travel(utcnow() + timedelta(days=60), tick=False):
            assert somebody.open(f"{ACCOUNT}/").url == "/login"
            somebody.log_in("uma@example.org", PASSWORD)
        assert logins(people) == 1
