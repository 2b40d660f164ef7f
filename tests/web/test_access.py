"""Access: every route, every method, every kind of visitor."""

import io
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from invites import db
from invites.authorization.permissions import Action
from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.invitations import staging
from invites.members import accounts
from invites.models import (
    Batch,
    Delivery,
    EmailTokenPurpose,
    Invitation,
    InvitationState,
    Membership,
    Passkey,
    Session,
    StagedList,
    User,
)
from invites.outbox import heartbeat
from invites.people import recovery_codes, sessions, totp
from invites.web.access import Who, allow, declared
from invites.web.form_limits import FORM, LIST, BodyLimit
from tests.support.actions import invite, reread
from tests.support.browsing import HTMX, Browser
from tests.support.people import PASSWORD, make_member, make_user
from tests.support.populated_account import (
    ACCOUNT,
    Site,
    ask_email_token,
    everything,
    path,
    signed_in,
)

ROLES = {"user": Role.USER, "moderator": Role.MODERATOR, "admin": Role.ADMIN, "owner": Role.OWNER}
VISITORS = ["nobody", "stranger", "inactive", "unconfirmed", *ROLES, "installer"]

LET_IN = (200, 303, 409, 410, 422)


class Places:
    """Real ids and tokens for every route, so that no request is refused for a wrong one."""

    def __init__(self, site: Site, visitor: User | None) -> None:
        now, app = site.rows.now, site.app
        third = accounts.create("Third", make_user("Theo", "theo@third.example", now), now)
        theo = Membership.get(Membership.account == third)
        offer = invite(theo, now, visitor.email if visitor else "new@third.example")
        target = make_member(site.rows.account, "Tim", "tim@example.org", Role.USER, now)
        email_token = ask_email_token(visitor or target.user, EmailTokenPurpose.CONFIRM_EMAIL, now)
        self._build = app.url_map.bind("localhost").build
        self._of_all = {
            "slug": site.rows.account.slug,
            "invitation_id": site.rows.pending.id,
            "list_id": _list_of(site, visitor).id,
            "row": 1,
            "batch_id": site.rows.batch.id,
            "membership_id": target.id,
            "session_id": _session_of(visitor or target.user, now),
            "delivery_id": Delivery.get(Delivery.invitation == site.rows.pending).id,
            "kind": "new",
            "passkey_id": _passkey_of(visitor or target.user, now),
            "version": "1",
            "filename": "icon.svg",
        }
        self._of_blueprint = {
            "account_list": {"invitation_id": offer.id},
            "invitation": {"token": _token(site.mailed(offer))},
            "unsubscribe": {"token": _token(path(site.links.unsubscribe(offer)))},
            "join": {"token": _token(site.joining)},
            "confirm_email": {"token": _token(path(site.links.email_token(email_token)))},
            "password_reset": {"token": _token(path(site.links.email_token(site.rows.reset)))},
        }

    def url(self, rule: Rule) -> str:
        values = self._of_all | self._of_blueprint.get(rule.endpoint.partition(".")[0], {})
        return self._build(rule.endpoint, {name: values[name] for name in rule.arguments})


def _token(address: str) -> str:
    return address.rpartition("/")[2]


def _session_of(user: User, now: datetime) -> int:
    """Another device on which the person is logged in."""
    sessions.start(user, "phone", now)
    return Session.get(Session.user == user, Session.user_agent == "phone").id


def _passkey_of(user: User, now: datetime) -> int:
    """A passkey with its recovery codes, and an app whose digits are still to be confirmed."""
    totp.create(user, now)
    recovery_codes.make(user, now)
    key = {"name": "Phone", "credential_id": b"1", "public_key": b"", "sign_count": 0}
    return Passkey.create(user=user, created_at=now, **key).id


def _list_of(site: Site, visitor: User | None) -> StagedList:
    """A list of the visitor, or of the Owner if the visitor is no member."""
    found = accounts.find_membership(visitor, site.rows.account.slug) if visitor else None
    return staging.stage(found or site.rows.owner, "p.csv", b"p@example.org\n", site.rows.now)


def routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}):
            yield rule, method


def who_may(app: Flask, rule: Rule) -> Who | Action | None:
    declaration = declared(app.view_functions[rule.endpoint])
    return declaration.who if declaration else None


def person(site: Site, visitor: str) -> User | None:
    if visitor == "installer":
        ines = make_user("Ines", "ines@box.example", site.rows.now)
        ines.is_installer = True
        ines.save()
        return ines
    User.update(is_installer=False).where(User.id == site.rows.owner.user_id).execute()
    return site.user(visitor)


def expected(who: Who | Action | None, endpoint: str, visitor: str) -> str:
    """The response that the declaration of a view promises to a visitor."""
    if who is Who.ANYBODY:
        return "in"
    if who is Who.MAIL_SERVICE:
        return "400 BAD REQUEST"  # it takes no form of a page, from any visitor
    if visitor == "nobody":
        return "log in"
    if who is Who.INSTALLER:
        return "in" if visitor == "installer" else "not found"
    if who is Who.LOGGED_IN:
        hidden = visitor == "unconfirmed" and endpoint in (
            "account_list.accept",
            "account_list.decline",
        )
        made_elsewhere = endpoint == "two_step.codes_file"
        is_removed = visitor == "inactive" and endpoint == "join.accept"
        return "not allowed" if is_removed else "not found" if hidden or made_elsewhere else "in"
    if visitor == "inactive":
        return "not allowed"
    role = Role.USER if visitor == "unconfirmed" else ROLES.get(visitor)
    if role is None:
        return "not found"
    return "in" if role >= who.lowest else "not allowed"


def verdict(who: Who | Action | None, answer: TestResponse) -> str:
    leads_to_login = (answer.location or "").startswith("/login")
    if answer.status_code == 303 and leads_to_login and who is not Who.ANYBODY:
        return "log in"
    if answer.status_code == 401:  # with what was typed, and a link to the login
        return "log in"
    if answer.status_code in LET_IN:
        return "in"
    return {403: "not allowed", 404: "not found"}.get(answer.status_code, answer.status)


@pytest.mark.parametrize("visitor", VISITORS)
@pytest.mark.slow
def test_every_route_answers_as_its_view_declares(site: Site, visitor: str) -> None:
    app, database = site.app, site.database
    app.config["WTF_CSRF_ENABLED"] = False
    user = person(site, visitor)
    places = Places(site, user)
    heartbeat.record(utcnow())
    device = signed_in(app, user) if user else Browser(app)
    cookie = device.client.get_cookie("invites")
    db.close()
    untouched = database.with_name("untouched")
    shutil.copy(database, untouched)

    promised, seen = {}, {}
    for rule, method in routes(app):
        shutil.copy(untouched, database)
        client = app.test_client()
        if cookie:
            client.set_cookie("invites", cookie.value)
        who = who_may(app, rule)
        answer = client.open(places.url(rule), method=method, buffered=True)
        name = f"{method} {rule.endpoint}"
        promised[name] = expected(who, rule.endpoint, visitor)
        seen[name] = verdict(who, answer)
    assert seen == promised


def test_every_view_declares_who_may_use_it(app: Flask) -> None:
    assert {rule.endpoint for rule, _ in routes(app) if who_may(app, rule) is None} == set()


def test_every_view_that_changes_something_declares_how_large_a_form_it_takes(app: Flask) -> None:
    limits: dict[bool, set[BodyLimit | None]] = {False: set(), True: set()}
    for rule, _method in routes(app):
        declaration = declared(app.view_functions[rule.endpoint])
        assert declaration
        limits["POST" in (rule.methods or ())].add(declaration.body)
    assert limits == {False: {None}, True: {FORM, LIST}}
    assert FORM.request <= 64 * 1024


# The only views that take more than a small form.
TAKING_LISTS = {
    "compose.create", "compose.review", "compose.edit_typed", "compose.add_file",
    "compose.remove_file", "staged_list.rows", "staged_list.edit_row", "staged_list.split_row",
    "staged_list.keep_as_is", "staged_list.exclude", "staged_list.include",
    "staged_list.correct_domain", "staged_list.undo_correction", "staged_list.pick_columns",
    "staged_list.pick_format",
}  # fmt: skip


def test_only_new_invitation_takes_large_forms(app: Flask) -> None:
    found = {
        rule.endpoint
        for rule, _ in routes(app)
        if declared(app.view_functions[rule.endpoint]).body is LIST
    }
    assert found == TAKING_LISTS


@pytest.mark.parametrize("declaring", [None, allow(Who.ANYBODY), allow(Action.VISIT)])
def test_a_view_that_declares_no_size_of_its_form_is_closed_even_to_the_owner(
    fresh_app: Flask, owner: Membership, declaring: Callable[..., Any] | None
) -> None:
    fresh_app.config["WTF_CSRF_ENABLED"] = False

    def view(**_: object) -> str:
        return "secret"

    rule = f"{ACCOUNT.replace('riverside-relief', '<slug>')}/undeclared"
    fresh_app.add_url_rule(rule, methods=["POST"], view_func=declaring(view) if declaring else view)
    olive = signed_in(fresh_app, owner.user).post(f"{ACCOUNT}/undeclared", {"name": "x"})
    assert olive.status == 403
    assert "secret" not in olive.text


class Untouched(io.BytesIO):
    """A body that must not be read."""

    def read(self, *_: object) -> bytes:
        raise AssertionError("the body was read")

    readline = readinto = read  # type: ignore[assignment]


@pytest.mark.slow
@pytest.mark.parametrize("htmx", [{}, HTMX], ids=["plain", "htmx"])
@pytest.mark.parametrize("visitor", ["nobody", "stranger", "inactive"])
def test_the_form_of_somebody_who_may_not_use_a_view_is_never_read(
    site: Site, visitor: str, htmx: dict[str, str]
) -> None:
    user = person(site, visitor)
    places = Places(site, user)
    client = (signed_in(site.app, user) if user else Browser(site.app)).client
    statuses = {
        rule.endpoint: client.post(
            places.url(rule),
            input_stream=Untouched(),
            content_length=24_000_000,
            content_type="application/x-www-form-urlencoded",
            headers=htmx,
        ).status_code
        for rule, method in routes(site.app)
        if method == "POST"
        and who_may(site.app, rule) not in (Who.ANYBODY, Who.MAIL_SERVICE)
        and (user is None or who_may(site.app, rule) is not Who.LOGGED_IN)
    }
    assert len(statuses) > 20
    assert set(statuses.values()) <= {200, 303, 401, 403, 404}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_body_that_nobody_asked_for_is_never_read(site: Site, method: str) -> None:
    client = site.device("owner").client
    for url in ("/", "/login", "/nowhere", "/static/x", f"{ACCOUNT}/users"):
        if method == "POST" and url == "/login":
            continue  # a form
        answer = client.open(
            url,
            method=method,
            input_stream=Untouched(),
            content_length=24_000_000,
            content_type="application/x-www-form-urlencoded",
        )
        assert answer.status_code in (200, 303, 404, 405)


def test_a_view_without_a_declaration_is_closed_even_to_the_owner(
    fresh_app: Flask, owner: Membership
) -> None:
    fresh_app.add_url_rule("/undeclared", view_func=lambda: "secret")
    olive = signed_in(fresh_app, owner.user)
    assert olive.open("/undeclared").status == 403
    assert "secret" not in olive.text


# Views that anybody may use; a new one needs a second look, and then a line here.
OPEN_TO_ANYBODY = {
    "static", "public.start", "public.healthz",
    "setup.page", "login.form", "login.create", "login.delete",
    "two_step_login.form", "two_step_login.create",
    "login.passkey_options", "login.use_passkey",
    "password_reset.ask", "password_reset.page",
    "password_strength.estimate",
    "invitation.page", "invitation.accept", "invitation.decline", "join.page",
    "unsubscribe.page", "unsubscribe.confirm", "unsubscribe.undo",
}  # fmt: skip


def test_only_listed_views_are_open_to_anybody(app: Flask) -> None:
    found = {rule.endpoint for rule, _ in routes(app) if who_may(app, rule) is Who.ANYBODY}
    assert found == OPEN_TO_ANYBODY


def test_only_one_click_unsubscribing_needs_no_form_token(app: Flask) -> None:
    found = {rule.endpoint for rule, _ in routes(app) if who_may(app, rule) is Who.MAIL_SERVICE}
    assert found == {"unsubscribe.one_click"}


def answers(
    site: Site, method: str, **options: object
) -> tuple[dict[str, int], list[str], list[str]]:
    """Status of each route for the installer, and all rows before and after."""
    places = Places(site, site.rows.owner.user)
    client = signed_in(site.app, site.rows.owner.user).client
    before = everything(site.database)
    statuses = {
        rule.endpoint: client.open(
            places.url(rule), method=method, buffered=True, **options
        ).status_code
        for rule, known in routes(site.app)
        if known == method
    }
    return statuses, before, everything(site.database)


@pytest.mark.slow
def test_a_post_without_csrf_token_is_refused_everywhere(site: Site) -> None:
    statuses, before, after = answers(site, "POST")
    assert len(statuses) > 20
    assert set(statuses.values()) == {400}
    assert after == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:8001"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
@pytest.mark.slow
def test_a_post_from_another_site_is_refused_everywhere(
    site: Site, headers: dict[str, str]
) -> None:
    site.app.config["WTF_CSRF_ENABLED"] = False
    statuses, before, after = answers(site, "POST", headers=headers)
    assert statuses.pop("unsubscribe.one_click") == 400
    assert set(statuses.values()) == {403}
    assert after == before


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "null"},
        {"Origin": "http://localhost"},
    ],
    ids=lambda headers: " ".join(headers.values()) or "none",
)
def test_a_post_from_our_own_pages_is_accepted(site: Site, headers: dict[str, str]) -> None:
    site.app.config["WTF_CSRF_ENABLED"] = False
    olive = signed_in(site.app, site.rows.owner.user)
    answer = olive.client.post("/profile/details", data={"name": "Olive"}, headers=headers)
    assert answer.status_code == 303


def test_a_link_on_another_site_may_be_followed(site: Site) -> None:
    from_mail = {"Sec-Fetch-Site": "cross-site"}
    from_there = site.device("nobody").open(site.mailed(site.rows.pending), headers=from_mail)
    assert from_there.status == 200


@pytest.mark.slow
def test_opening_any_page_changes_nothing(site: Site) -> None:
    statuses, before, after = answers(site, "GET")
    assert len(statuses) > 25
    assert after == before


@pytest.mark.slow
def test_a_route_refuses_methods_it_does_not_declare(site: Site) -> None:
    places = Places(site, site.rows.owner.user)
    client = signed_in(site.app, site.rows.owner.user).client
    by_url: dict[str, set[str]] = {}
    for rule, method in routes(site.app):
        by_url.setdefault(places.url(rule), set()).add(method)
    wrong = {
        (url, method): status
        for url, known in by_url.items()
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - known
        if (status := client.open(url, method=method, follow_redirects=True).status_code)
        not in (404, 405)
    }
    assert wrong == {}


@pytest.mark.parametrize("digits", [19, 30, 5000])
@pytest.mark.slow
def test_an_id_longer_than_any_id_is_not_found(site: Site, digits: int) -> None:
    site.app.config["WTF_CSRF_ENABLED"] = False
    client = site.device("owner").client
    statuses = {}
    for rule, method in routes(site.app):
        url = re.sub("<int:[a-z_]+>", "9" * digits, rule.rule)
        if url != rule.rule:
            url = url.replace("<slug>", "riverside-relief")
            form = {"password": PASSWORD} if method == "POST" else None
            answer = client.open(url, method=method, data=form)
            statuses[method, url] = answer.status_code
    assert len(statuses) > 30
    assert {place: status for place, status in statuses.items() if status != 404} == {}


ANOTHER_ACCOUNTS_THINGS = [
    ("GET", "invitations/{invitation}/link"),
    ("POST", "invitations/{invitation}/resend"),
    ("POST", "invitations/{invitation}/revocation"),
    ("POST", "invitations/{invitation}/restoration"),
    ("GET", "batches/{batch}"),
    ("GET", "batches/{batch}/skipped"),
    ("GET", "batches/{batch}/skipped.csv"),
    ("POST", "batches/{batch}/invitations/{invitation}/resend"),
    ("GET", "invitations/{invitation}/corrected"),
    ("POST", "batches/{batch}/pause"),
    ("POST", "batches/{batch}/resume"),
    ("POST", "batches/{batch}/retry"),
    ("POST", "batches/{batch}/on-hold"),
    ("GET", "batches/{batch}/cancellation"),
    ("POST", "batches/{batch}/cancellation"),
    ("GET", "users/{membership}"),
    ("GET", "users/{membership}/edit"),
    ("POST", "users/{membership}/edit"),
    ("POST", "users/{membership}/deactivation"),
    ("POST", "users/{membership}/reactivation"),
]


def same_answer(one: TestResponse, other: TestResponse) -> bool:
    def told(answer: TestResponse) -> tuple[object, ...]:
        return answer.status_code, answer.data, [h for h in answer.headers if h[0] != "Set-Cookie"]

    return told(one) == told(other)


@pytest.mark.parametrize(("method", "place"), ANOTHER_ACCOUNTS_THINGS)
@pytest.mark.slow
def test_another_accounts_row_answers_like_one_that_does_not_exist(
    site: Site, method: str, place: str
) -> None:
    site.app.config["WTF_CSRF_ENABLED"] = False
    stranger = site.rows.people.stranger
    theirs = invite(stranger, site.rows.now)
    ids = {"invitation": theirs.id, "batch": theirs.batch_id, "membership": stranger.id}
    client = site.device("owner").client
    before = everything(site.database)

    for headers in ({}, HTMX):
        real, missing, huge = (
            client.open(f"{ACCOUNT}/{place.format_map(values)}", method=method, headers=headers)
            for values in (ids, dict.fromkeys(ids, 987654), dict.fromkeys(ids, 10**20))
        )
        assert real.status_code == 404
        assert same_answer(real, missing)
        assert same_answer(real, huge)
    assert everything(site.database) == before


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_another_account_answers_like_one_that_does_not_exist(
    site: Site, headers: dict[str, str]
) -> None:
    client = site.device("owner").client
    slug = site.rows.people.stranger.account.slug
    for place in ("/", "/invitations", "/settings", "/users", f"/batches/{Batch.get().id}"):
        real = client.get(f"/accounts/{slug}{place}", headers=headers)
        missing = client.get(f"/accounts/nowhere{place}", headers=headers)
        assert real.status_code == 404
        assert same_answer(real, missing)


@pytest.mark.parametrize("owner", ["stranger", "admin"])
def test_another_persons_list_answers_like_one_that_does_not_exist(site: Site, owner: str) -> None:
    site.app.config["WTF_CSRF_ENABLED"] = False
    people = site.rows.people
    whose = people.stranger if owner == "stranger" else people[Role.ADMIN]
    theirs = staging.stage(whose, "secret.csv", b"secret@example.org\n", site.rows.now)
    client = site.device("owner").client
    for place in ("review", "file", "file/removal"):
        url = f"{ACCOUNT}/invitations/new/{place}"
        real = client.post(url, data={"list_id": str(theirs.id)}, headers=HTMX)
        missing = client.post(url, data={"list_id": "987654"}, headers=HTMX)
        assert "secret" not in real.text
        assert same_answer(real, missing)
    for place in ("rows", "rows/1/text", "rows/1/exclusion", "corrections", "columns"):
        url = f"{ACCOUNT}/invitations/new/list/%s/{place}"
        real = client.post(url % theirs.id, headers=HTMX)
        assert real.status_code == 404
        assert same_answer(real, client.post(url % 987654, headers=HTMX))
    url = f"{ACCOUNT}/invitations/new/list/%s/not-invited.csv"
    assert same_answer(client.get(url % theirs.id), client.get(url % 987654))
    assert StagedList.select().where(StagedList.id == theirs.id).exists()


@pytest.mark.parametrize("whose", ["another account's", "one above the reach"])
def test_an_invitation_that_one_may_not_correct_is_neither_shown_nor_changed(
    site: Site, whose: str
) -> None:
    people = site.rows.people
    elsewhere = whose == "another account's"
    inviter, role = (people.stranger, Role.USER) if elsewhere else (people[Role.OWNER], Role.ADMIN)
    theirs = invite(inviter, site.rows.now, "secret@example.org", role)
    smuggled = {"wrong_id": str(theirs.id), "revoke_wrong": "y"}
    mo = site.device("moderator").open(f"{ACCOUNT}/invitations/new")
    mo.press("Send Invitation", email="right@example.org", **smuggled)
    assert "secret" not in mo.response.text
    mo.press("Send Invitation", **smuggled)
    assert Invitation.select().where(Invitation.email == "right@example.org").exists()
    assert reread(theirs).state == InvitationState.PENDING


def test_another_persons_invitation_on_the_accounts_page_does_not_exist(site: Site) -> None:
    site.app.config["WTF_CSRF_ENABLED"] = False
    client = site.device("stranger").client
    for answer in ("acceptance", "refusal"):
        real = client.post(f"/accounts/invitations/{site.rows.pending.id}/{answer}")
        missing = client.post(f"/accounts/invitations/987654/{answer}")
        assert real.status_code == 404
        assert same_answer(real, missing)


def test_a_deactivated_member_is_locked_out_on_the_next_request(site: Site) -> None:
    uma = site.device("user")
    assert uma.open(f"{ACCOUNT}/").status == 200
    Membership.update(deactivated_at=site.rows.now).where(
        Membership.id == site.rows.people[Role.USER].id
    ).execute()
    assert uma.open(f"{ACCOUNT}/").status == 403
    assert "no longer an active member" in uma.title
    assert "Olive Martin" in uma.text
    assert uma.open(f"{ACCOUNT}/users").status == 403
    assert uma.client.get(f"{ACCOUNT}/", headers=HTMX).headers["HX-Redirect"] == f"{ACCOUNT}/"


def test_a_demoted_admin_loses_the_admin_pages_on_the_next_request(site: Site) -> None:
    ada = site.device("admin")
    assert ada.open(f"{ACCOUNT}/settings").status == 200
    Membership.update(role=Role.USER).where(
        Membership.id == site.rows.people[Role.ADMIN].id
    ).execute()
    assert ada.open(f"{ACCOUNT}/settings").status == 403


def test_a_declaration_opens_a_view(fresh_app: Flask) -> None:
    fresh_app.add_url_rule("/declared", view_func=allow(Who.ANYBODY)(lambda: "welcome"))
    assert Browser(fresh_app).open("/declared").text == "welcome"
