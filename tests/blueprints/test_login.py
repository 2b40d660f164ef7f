"""Logging in and out, and the redirects afterwards."""

from datetime import timedelta

import pytest
from flask import Flask
from time_machine import travel

from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.members import accounts
from invites.models import EmailTokenPurpose, Session, User
from invites.people import profiles, sessions
from invites.people.passwords import hash_password
from tests.support.actions import invite
from tests.support.browsing import HTMX, Browser
from tests.support.people import PASSWORD, People
from tests.support.populated_account import ACCOUNT, ask_email_token, links, path, signed_in

NEW = "a fish in the snow"


def test_address_and_password_log_in(people: People, somebody: Browser) -> None:
    somebody.log_in("uma@example.org", PASSWORD)
    assert somebody.url == f"{ACCOUNT}/"


@pytest.mark.parametrize("typed", [" Uma@Example.ORG ", "UMA@example.org"])
def test_case_and_spaces_of_the_address_do_not_matter(
    people: People, somebody: Browser, typed: str
) -> None:
    assert somebody.log_in(typed, PASSWORD).url == f"{ACCOUNT}/"


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("uma@example.org", "wrong password"),
        ("uma@example.org", ""),
        ("uma@example.org", PASSWORD.upper()),
        ("uma@example.org", "x" * 10_000),
        ("nobody@example.org", PASSWORD),
        ("rubbish", PASSWORD),
        ("", ""),
    ],
)
def test_unknown_addresses_and_wrong_passwords_get_the_same_response(
    people: People, somebody: Browser, email: str, password: str
) -> None:
    somebody.log_in(email, password)
    assert somebody.status == 422
    assert (
        somebody.page.select_one("#password-error")
        .get_text(strip=True)
        .startswith("This email address and password don't match.")
    )
    assert somebody.page.select_one("#email")["value"] == email
    assert not somebody.page.select_one("#password").get("value")
    assert Session.select().count() == 0


def test_a_refused_log_in_is_logged_on_one_line_without_the_password(
    people: People, somebody: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    somebody.log_in("uma@example.org\n2026 all is well", "a secret guess")
    (line,) = caplog.messages
    assert line == r"login refused: 'uma@example.org\n2026 all is well' from 127.0.0.1"
    assert "secret" not in caplog.text


def test_logging_out_ends_the_session_on_the_server_too(people: People, somebody: Browser) -> None:
    somebody.log_in("uma@example.org", PASSWORD)
    stolen = somebody.client.get_cookie("invites")
    somebody.press("Log out")
    assert somebody.url == "/login"
    somebody.client.set_cookie("invites", stolen.value)
    assert somebody.open(f"{ACCOUNT}/").url == "/login"
    assert Session.select().count() == 0


def test_logging_in_again_ends_the_former_session(people: People, somebody: Browser) -> None:
    somebody.log_in("uma@example.org", PASSWORD)
    before = somebody.client.get_cookie("invites").value
    token = somebody.page.select_one("[name=csrf_token]")["value"]
    somebody.post("/login", {"email": "mo@example.org", "password": PASSWORD, "csrf_token": token})
    assert somebody.client.get_cookie("invites").value != before
    assert [session.user.email for session in Session.select()] == ["mo@example.org"]


def test_a_private_device_stays_logged_in_for_30_days(people: People, somebody: Browser) -> None:
    somebody.log_in("uma@example.org", PASSWORD)
    cookie = somebody.client.get_cookie("invites")
    assert cookie.expires is not None
    with travel(utcnow() + timedelta(days=29), tick=False):
        assert somebody.open(f"{ACCOUNT}/").status == 200
        assert somebody.url == f"{ACCOUNT}/"


def test_on_a_shared_computer_a_session_ends_with_the_browser_and_after_30_minutes(
    people: People, somebody: Browser
) -> None:
    somebody.open("/login").press("Log in", email="uma@example.org", password=PASSWORD, shared="y")
    assert somebody.client.get_cookie("invites").expires is None
    with travel(utcnow() + timedelta(minutes=31), tick=False):
        assert somebody.open(f"{ACCOUNT}/").url == "/login"


def test_the_shared_computer_checkbox_is_kept_after_a_refusal(
    people: People, somebody: Browser
) -> None:
    somebody.open("/login").press("Log in", email="uma@example.org", password="no", shared="y")
    assert somebody.page.select_one("#shared").has_attr("checked")


def test_logging_out_clears_the_browsers_cache_and_storage(
    people: People, somebody: Browser
) -> None:
    somebody.log_in("uma@example.org", PASSWORD)
    data = {"csrf_token": somebody.page.select_one("[name=csrf_token]")["value"]}
    answer = somebody.client.post("/logout", data=data)
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'


def test_the_log_in_page_redirects_people_who_are_logged_in(people: People, olive: Browser) -> None:
    assert olive.open("/login").url == f"{ACCOUNT}/"
    assert olive.open("/").url == "/accounts"


def test_the_log_in_continues_to_the_requested_page(people: People, somebody: Browser) -> None:
    somebody.open(f"{ACCOUNT}/invitations?status=pending")
    assert somebody.url == "/login"
    somebody.press("Log in", email="olive@example.org", password=PASSWORD)
    assert somebody.response.request.full_path == f"{ACCOUNT}/invitations?status=pending"


def test_a_wrong_password_keeps_the_next_page(people: People, somebody: Browser) -> None:
    somebody.open(f"{ACCOUNT}/invitations")
    somebody.press("Log in", email="olive@example.org", password="wrong")
    somebody.press("Log in", email="olive@example.org", password=PASSWORD)
    assert somebody.url == f"{ACCOUNT}/invitations"


ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "/\t/evil.example",
    "/%0d%0aSet-Cookie:x=1\r\nSet-Cookie: x=1",
    "javascript:alert(1)",
    "evil.example",
    "http:evil.example",
    "",
]


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_the_log_in_never_redirects_to_another_site(
    people: People, somebody: Browser, wanted: str
) -> None:
    somebody.open("/login", query_string={"next": wanted})
    form = {"email": "uma@example.org", "password": PASSWORD, "next": wanted}
    form["csrf_token"] = somebody.page.select_one("[name=csrf_token]")["value"]
    assert somebody.post("/login", form, follow=False).response.location == f"{ACCOUNT}/"
    somebody.open(f"{ACCOUNT}/")
    form = {"next": wanted, "csrf_token": somebody.page.select_one("[name=csrf_token]")["value"]}
    assert somebody.post("/logout", form, follow=False).response.location == "/login"


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_next_pages_with_non_ascii_letters_are_encoded_in_headers(
    people: People, olive: Browser, headers: dict[str, str]
) -> None:
    answer = olive.client.get("/login", query_string={"next": "/Zoë/€"}, headers=headers)
    assert (answer.location or answer.headers["HX-Redirect"]) == "/Zo%C3%AB/%E2%82%AC"


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_logged_in_people_are_never_redirected_to_another_site(
    people: People, olive: Browser, wanted: str
) -> None:
    answer = olive.client.get("/login", query_string={"next": wanted})
    assert answer.location == f"{ACCOUNT}/"


def test_people_with_several_accounts_or_invitations_arrive_at_their_accounts(
    people: People, app: Flask, now
) -> None:
    invite(people.stranger, now, "uma@example.org")
    assert Browser(app).log_in("uma@example.org", PASSWORD).url == "/accounts"
    accounts.create("Second", people[Role.MODERATOR].user, now)
    assert Browser(app).log_in("mo@example.org", PASSWORD).url == "/accounts"


def test_ten_wrong_passwords_lock_one_address_only(people: People, somebody: Browser) -> None:
    statuses = [somebody.log_in("uma@example.org", "wrong").status for _ in range(10)]
    assert set(statuses) == {422}
    assert somebody.log_in("uma@example.org", PASSWORD).status == 429
    assert somebody.response.headers["Retry-After"]
    assert somebody.log_in("mo@example.org", PASSWORD).url == f"{ACCOUNT}/"


def test_a_locked_out_person_is_offered_a_new_password(people: People, somebody: Browser) -> None:
    for _ in range(11):
        somebody.log_in("uma@example.org", "wrong")
    assert "Try again in 15 minutes. With a new password, you can log in at once." in somebody.text
    assert somebody.page.select_one("[name=email]")["value"] == "uma@example.org"
    assert somebody.follow("Set a new password").url == "/password-reset"


def test_a_refused_log_in_shows_its_address_on_no_later_page(
    people: People, somebody: Browser
) -> None:
    """The next person at a shared computer may open it."""
    somebody.log_in("uma@example.org", "wrong").follow("Forgot your password?")
    for page in ("/password-reset", "/login"):
        assert "uma@" not in somebody.open(page).response.text


def test_a_new_password_ends_the_lock(people: People, app: Flask, somebody: Browser) -> None:
    for _ in range(11):
        somebody.log_in("uma@example.org", "wrong")
    email_token = ask_email_token(
        people[Role.USER].user, EmailTokenPurpose.RESET_PASSWORD, utcnow()
    )
    link = path(links(app).email_token(email_token))
    somebody.open(link).press("Set password", password=NEW, again=NEW).press("Log out")
    assert somebody.log_in("uma@example.org", "wrong").status == 422
    assert somebody.log_in("uma@example.org", NEW).url == f"{ACCOUNT}/"


def test_asking_for_a_new_password_does_not_end_the_lock(people: People, somebody: Browser) -> None:
    for _ in range(10):
        somebody.log_in("uma@example.org", "wrong")
    somebody.open("/password-reset").press("Email me a link", email="uma@example.org")
    assert somebody.log_in("uma@example.org", PASSWORD).status == 429


def test_other_spellings_of_an_address_give_no_more_attempts(
    people: People, somebody: Browser
) -> None:
    for spelling in (
        "uma@example.org",
        "UMA@example.org",
        "uma\u200b@example.org",
        " uma@EXAMPLE.org",
    ):
        for _ in range(3):
            last = somebody.log_in(spelling, "wrong").status
    assert last == 429


def test_other_request_formats_give_no_more_attempts(people: People, somebody: Browser) -> None:
    for _ in range(10):
        somebody.log_in("uma@example.org", "wrong")
    token = somebody.open("/login").page.select_one("[name=csrf_token]")["value"]
    typed = {"email": "uma@example.org", "password": PASSWORD}
    somebody.client.post("/login", json=typed, headers={"X-CSRFToken": token})
    assert Session.select().count() == 0


@pytest.mark.parametrize(
    ("one", "other", "status"),
    [
        ("192.0.2.1", "192.0.2.2", 422),
        ("2001:db8::1", "2001:db8::2", 429),  # one line has them all
        ("2001:db8::1", "2001:db8:0:1::1", 422),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", 422),  # as a socket for both kinds spells them
        ("::ffff:192.0.2.1", "192.0.2.1", 429),
        ("192.0.2.1:4711", "192.0.2.1:4712", 429),  # as some proxies tell it
        ("192.0.2.1:4711", "192.0.2.2:4711", 422),
        ("[2001:db8::1]:4711", "2001:db8::2", 429),
        ("unknown", "hidden", 429),
        ("unknown", "192.0.2.1", 422),
    ],
)
@pytest.mark.slow
def test_wrong_passwords_from_one_network_count_together(
    people: People, app: Flask, one: str, other: str, status: int
) -> None:
    guesser, somebody = Browser(app), Browser(app)
    guesser.client.environ_base["REMOTE_ADDR"] = one
    somebody.client.environ_base["REMOTE_ADDR"] = other
    for _ in range(10):
        assert guesser.log_in("uma@example.org", "wrong").status == 422
    assert somebody.log_in("uma@example.org", "wrong").status == status


def test_right_passwords_are_never_counted(people: People, app: Flask) -> None:
    for _ in range(11):
        assert Browser(app).log_in("uma@example.org", PASSWORD).status == 200


def test_a_password_that_is_changed_during_the_log_in_is_refused(
    people: People, somebody: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = profiles.authenticate

    def checked_too_late(email: str, password: str) -> User | None:
        found = check(email, password)
        User.update(password_hash=hash_password("another long one")).execute()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(profiles, "authenticate", checked_too_late)
        somebody.log_in("uma@example.org", PASSWORD)
    assert somebody.status == 422
    assert "don't match" in somebody.text
    somebody.press("Log in", email="uma@example.org", password="another long one")
    assert somebody.url == f"{ACCOUNT}/"


def test_a_session_ends_after_a_month_without_use(people: People, app: Flask) -> None:
    uma = signed_in(app, people[Role.USER].user)
    with travel(utcnow() + sessions.IDLE_TIMEOUT - timedelta(days=1), tick=False):
        assert uma.open("/accounts").url == "/accounts"
    with travel(utcnow() + 2 * sessions.IDLE_TIMEOUT, tick=False):
        assert uma.open("/accounts").url == "/login"


def test_ending_all_sessions_logs_out_on_the_next_request(people: People, app: Flask) -> None:
    uma = signed_in(app, people[Role.USER].user)
    sessions.end_all(User.get(User.email == "uma@example.org"))
    assert uma.open("/accounts").url == "/login"


def test_passwords_are_never_in_urls(people: People, somebody: Browser) -> None:
    somebody.open("/login")
    assert somebody.page.find("form")["method"] == "post"
    somebody.press("Log in", email="uma@example.org", password=PASSWORD)
    history = [*somebody.response.history, somebody.response]
    assert not any("horse" in answer.request.url for answer in history)
