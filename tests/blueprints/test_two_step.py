"""Two-step verification: set up in the profile, asked for at the login."""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

import pyotp
import pytest
import time_machine
from bs4 import BeautifulSoup
from flask import Flask

from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.models import Account, Authenticator, Passkey, SecurityEvent, Session, User
from invites.people import recovery_codes, totp, two_step
from tests.people.test_security_notices import sent_notices
from tests.support.browsing import HTMX, Browser
from tests.support.passkey_device import Device
from tests.support.people import PASSWORD, People
from tests.support.populated_account import ACCOUNT, Site, everything, path, services, signed_in

OWN = "/profile/two-step"
BOX = "https://box.example"


@pytest.fixture(autouse=True)
def amid_a_step() -> Iterator[None]:
    """Starts each test ten seconds after the digits have changed."""
    with time_machine.travel(utcnow().timestamp() // 30 * 30 + 10):
        yield


@pytest.fixture
def uma(app: Flask, people: People) -> Browser:
    """A User on their own device."""
    return signed_in(app, people[Role.USER].user)


@pytest.fixture
def with_names(app: Flask) -> Iterator[None]:
    """An installation at a URL where browsers allow passkeys."""
    known = services(app)
    app.extensions["invites"] = replace(known, settings=replace(known.settings, base_url=BOX))
    yield
    app.extensions["invites"] = known


def digits(app: Flask, late: int = 0) -> str:
    """The digits of Uma's app, ``late`` seconds from now."""
    found = Authenticator.get()
    address = totp.provisioning_uri(found, services(app).signer, "Box")
    return pyotp.parse_uri(address).at(utcnow() + timedelta(seconds=late))


def set_up_app(app: Flask, browser: Browser) -> None:
    browser.open(f"{OWN}/app").press("Continue", password=PASSWORD)
    browser.press("Turn on", code=digits(app, -30))


def half_way(somebody: Browser) -> Browser:
    """Somebody who has typed Uma's password."""
    return somebody.log_in("uma@example.org", PASSWORD)


class TestSettingUp:
    def test_an_app_is_set_up_with_its_digits(self, uma: Browser) -> None:
        uma.open("/profile").follow("Set up two-step verification").follow("Set up an app")
        uma.press("Continue", password=PASSWORD)
        assert uma.page.select_one("img.qr[src^='data:image/svg+xml'][alt]")
        typed_by_hand = uma.page.select_one("span.mono").get_text().replace(" ", "")
        uma.press("Turn on", code=pyotp.TOTP(typed_by_hand).now())
        assert uma.url == OWN
        assert len(uma.page.select(".recovery-codes li")) == 10
        assert re.search(r"Set up on \d+ \w+ \d{4}, \d\d:\d\d \(UTC\)\.", uma.text)
        assert "Two-step verification is on" in uma.open("/profile").text

    def test_wrong_digits_are_refused_and_the_key_stays(self, uma: Browser) -> None:
        uma.open(f"{OWN}/app").press("Continue", password=PASSWORD)
        key = uma.page.select_one("span.mono").get_text()
        uma.press("Turn on", code="000000")
        assert uma.status == 422
        assert "This code isn't right" in uma.text
        assert uma.page.select_one("span.mono").get_text() == key

    def test_a_wrong_password_sets_nothing_up(self, uma: Browser) -> None:
        uma.open(f"{OWN}/app").press("Continue", password="a guess")
        assert uma.status == 422
        assert "This isn't your current password" in uma.text
        assert Authenticator.select().count() == 0

    def test_the_key_is_not_shown_later(self, uma: Browser) -> None:
        uma.open(f"{OWN}/app").press("Continue", password=PASSWORD)
        with time_machine.travel(utcnow() + timedelta(minutes=16)):
            assert uma.open(f"{OWN}/app/key").url == OWN
            assert "Start again" in uma.text

    def test_only_the_browser_that_created_the_key_shows_it(
        self, app: Flask, uma: Browser, people: People
    ) -> None:
        uma.open(f"{OWN}/app").press("Continue", password=PASSWORD)
        other = signed_in(app, people[Role.USER].user)
        assert other.open(f"{OWN}/app/key").url == OWN
        assert "Start again" in other.text
        token = other.page.select_one("[name=csrf_token]")["value"]
        other.post(f"{OWN}/app/key", {"csrf_token": token, "code": digits(app)})
        assert Authenticator.get().confirmed_at is None
        uma.press("Turn on", code=digits(app))
        assert "Set up" in uma.text

    def test_the_key_is_not_shown_after_the_app_is_set_up(self, app: Flask, uma: Browser) -> None:
        set_up_app(app, uma)
        assert uma.open(f"{OWN}/app/key").url == OWN
        assert "Start again" not in uma.text

    def test_digits_that_come_too_late_are_refused(self, app: Flask, uma: Browser) -> None:
        uma.open(f"{OWN}/app").press("Continue", password=PASSWORD)
        with time_machine.travel(utcnow() + timedelta(minutes=16)):
            uma.press("Turn on", code=digits(app))
            assert uma.url == OWN
            assert "Start again" in uma.text

    def test_confirming_twice_shows_the_app(self, app: Flask, uma: Browser) -> None:
        uma.open(f"{OWN}/app").press("Continue", password=PASSWORD)
        again = {"csrf_token": uma.page.select_one("[name=csrf_token]")["value"]}
        again["code"] = digits(app)
        uma.press("Turn on", code=again["code"])
        uma.post(f"{OWN}/app/key", again)
        assert uma.url == OWN
        assert len(uma.page.select(".recovery-codes li")) == 10
        assert "Start again" not in uma.text

    def test_recovery_codes_can_be_seen_for_ten_minutes(self, app: Flask, uma: Browser) -> None:
        set_up_app(app, uma)
        shown = [code.get_text() for code in uma.page.select(".recovery-codes li")]
        file = uma.client.get(f"{OWN}/recovery-codes.txt")
        assert file.headers["Content-Disposition"] == "attachment; filename=recovery-codes.txt"
        assert file.text.splitlines()[2:] == shown
        with time_machine.travel(utcnow() + timedelta(minutes=11)):
            assert "10 codes are left" in uma.open(OWN).text
            assert not uma.page.select(".recovery-codes")
            assert uma.client.get(f"{OWN}/recovery-codes.txt").status_code == 404

    def test_only_the_browser_that_created_the_codes_shows_them(
        self, app: Flask, uma: Browser, people: People
    ) -> None:
        set_up_app(app, uma)
        other = signed_in(app, people[Role.USER].user)
        assert "10 codes are left" in other.open(OWN).text
        assert other.client.get(f"{OWN}/recovery-codes.txt").status_code == 404
        assert len(uma.open(OWN).page.select(".recovery-codes li")) == 10
        other.open(f"{OWN}/recovery-codes").press("Create new codes", password=PASSWORD)
        assert len(other.page.select(".recovery-codes li")) == 10
        assert not uma.open(OWN).page.select(".recovery-codes")

    def test_a_used_code_is_not_shown_any_more(
        self, app: Flask, uma: Browser, somebody: Browser
    ) -> None:
        set_up_app(app, uma)
        used = uma.page.select_one(".recovery-codes li").get_text()
        half_way(somebody).press("Log in with a recovery code", recovery_code=used)
        assert not somebody.open(OWN).page.select(".recovery-codes")
        left = [code.get_text() for code in uma.open(OWN).page.select(".recovery-codes li")]
        assert len(left) == 9
        assert used not in left

    def test_removing_the_last_factor_warns_if_an_account_requires_one(
        self, app: Flask, people: People
    ) -> None:
        mo = people[Role.MODERATOR].user
        Account.update(requires_two_step=True).execute()
        device = signed_in(app, mo)
        set_up_app(app, device)
        assert "Go to Riverside Relief" in device.text
        warning = "required by Riverside Relief. You won't see any pages there"
        assert warning in device.open(f"{OWN}/app/removal").text
        Passkey.create(
            user=mo, created_at=utcnow(), name="P", credential_id=b"1", public_key=b"", sign_count=0
        )
        assert warning not in device.open(f"{OWN}/app/removal").text
        key = Passkey.get()
        assert warning not in device.open(f"{OWN}/passkeys/{key.id}/removal").text
        Authenticator.delete().execute()
        assert warning in device.open(f"{OWN}/passkeys/{key.id}/removal").text

    def test_new_codes_and_removal_need_the_password(self, app: Flask, uma: Browser) -> None:
        set_up_app(app, uma)
        with time_machine.travel(utcnow() + timedelta(minutes=11)):
            uma.open(OWN).follow("Create new codes").press("Create new codes", password=PASSWORD)
            assert len(uma.page.select(".recovery-codes li")) == 10
            uma.follow("Remove").press("Remove", password="a guess")
            assert uma.status == 422
            uma.press("Remove", password=PASSWORD)
            assert "Passwords can be guessed" in uma.text

    def test_there_are_no_recovery_codes_without_two_step_verification(self, uma: Browser) -> None:
        uma.open(f"{OWN}/recovery-codes").press("Create new codes", password=PASSWORD)
        assert uma.status == 409
        assert "Two-step verification is off" in uma.text
        assert "These are your new recovery codes" not in uma.open(OWN).text

    def test_ten_wrong_passwords_are_enough(self, uma: Browser) -> None:
        for _ in range(10):
            uma.open(f"{OWN}/app").press("Continue", password="a guess")
            uma.client.head(f"{OWN}/app")
        uma.open(f"{OWN}/app").press("Continue", password=PASSWORD)
        assert uma.status == 429

    def test_wrong_passwords_count_together_over_all_forms(self, app: Flask, uma: Browser) -> None:
        set_up_app(app, uma)
        for _ in range(5):
            uma.open(f"{OWN}/app/removal").press("Remove", password="a guess")
            uma.open(f"{OWN}/recovery-codes").press("Create new codes", password="a guess")
        uma.open("/profile").press("Change password", current=PASSWORD, new="another long one 7")
        assert uma.status == 429

    @pytest.mark.slow
    def test_a_right_password_with_an_unacceptable_new_one_is_no_guess(self, uma: Browser) -> None:
        for _ in range(11):
            uma.open("/profile").press("Change password", current=PASSWORD, new="short")
            assert uma.status == 422
        for _ in range(10):
            uma.open("/profile").press("Change password", current="a guess", new="short")
        uma.open("/profile").press("Change password", current=PASSWORD, new="short")
        assert uma.status == 429

    @pytest.mark.slow
    def test_a_right_password_is_no_guess_even_if_something_else_is_refused(
        self, uma: Browser
    ) -> None:
        User.update(email_confirmed_at=None).execute()
        for number in range(16):
            email = f"uma{number}@new.example"
            uma.open("/profile").press("Change email", email=email, email_password=PASSWORD)
        assert "were sent within an hour" in uma.text
        for _ in range(11):
            uma.open(f"{OWN}/app").press("Continue", password=PASSWORD)
            assert uma.status == 409
            token = uma.page.select_one("[name=csrf_token]")["value"]
            form = {"csrf_token": token, "password": PASSWORD}
            assert uma.post(f"{OWN}/passkeys/options", form).status == 409


class TestLoggingIn:
    @pytest.fixture(autouse=True)
    def _uma_has_an_app(self, app: Flask, uma: Browser) -> None:
        set_up_app(app, uma)

    def test_the_password_alone_opens_nothing(self, somebody: Browser) -> None:
        before = Session.select().count()
        assert half_way(somebody).url == "/login/two-step"
        assert Session.select().count() == before
        for place in ("/profile", "/accounts", f"{ACCOUNT}/", OWN):
            assert somebody.open(place).url == "/login"

    def test_the_digits_log_in_and_continue_to_the_requested_page(
        self, app: Flask, somebody: Browser
    ) -> None:
        somebody.open("/profile").press("Log in", email="uma@example.org", password=PASSWORD)
        somebody.press("Log in", code=digits(app))
        assert somebody.url == "/profile"

    def test_a_recovery_code_works_once(self, app: Flask, somebody: Browser) -> None:
        code = recovery_codes.just_made(User.get_by_id(uma_id()), services(app).signer, utcnow())[0]
        half_way(somebody).press("Log in with a recovery code", recovery_code=code.lower())
        assert somebody.url == f"{ACCOUNT}/"
        somebody.press("Log out")
        half_way(somebody).press("Log in with a recovery code", recovery_code=code)
        assert somebody.status == 422

    def test_wrong_digits_are_refused_and_not_logged(
        self, somebody: Browser, caplog: pytest.LogCaptureFixture
    ) -> None:
        half_way(somebody).press("Log in", code="123 456")
        assert somebody.status == 422
        assert "This code isn't right" in somebody.text
        assert caplog.record_tuples == [
            (
                "invites.web",
                logging.WARNING,
                "code refused: 'uma@example.org' from 127.0.0.1",
            )
        ]

    def test_the_second_step_alone_opens_nothing(self, app: Flask, somebody: Browser) -> None:
        assert somebody.open("/login/two-step").url == "/login"
        token = somebody.page.select_one("[name=csrf_token]")["value"]
        somebody.post("/login/two-step", {"code": digits(app), "csrf_token": token})
        assert somebody.url == "/login"
        assert somebody.open("/profile").url == "/login"

    def test_after_ten_minutes_the_password_is_needed_again(
        self, app: Flask, somebody: Browser
    ) -> None:
        half_way(somebody)
        with time_machine.travel(utcnow() + timedelta(minutes=11)):
            somebody.press("Log in", code=digits(app))
            assert somebody.url == "/login"

    def test_a_password_that_was_changed_meanwhile_does_not_count(
        self, app: Flask, uma: Browser, somebody: Browser
    ) -> None:
        half_way(somebody)
        uma.open("/profile").press("Change password", current=PASSWORD, new="another long password")
        somebody.press("Log in", code=digits(app))
        assert somebody.url == "/login"

    def test_a_log_in_that_races_with_the_setup_is_refused(
        self, somebody: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Authenticator.update(confirmed_at=None).execute()
        is_on = two_step.is_on

        def asked_too_early(user: User) -> bool:
            monkeypatch.setattr(two_step, "is_on", is_on)
            found = is_on(user)
            Authenticator.update(confirmed_at=utcnow()).execute()
            return found

        monkeypatch.setattr(two_step, "is_on", asked_too_early)
        before = Session.select().count()
        half_way(somebody)
        assert Session.select().count() == before
        assert half_way(somebody).url == "/login/two-step"

    def test_a_shared_computer_stays_shared(self, app: Flask, somebody: Browser) -> None:
        typed = {"email": "uma@example.org", "password": PASSWORD, "shared": "y"}
        somebody.open("/login").press("Log in", **typed).press("Log in", code=digits(app))
        assert Session.select().order_by(Session.id.desc()).get().is_shared

    def test_ten_wrong_codes_stop_guessing_and_notify_the_owner(
        self, app: Flask, uma: Browser, somebody: Browser
    ) -> None:
        for _ in range(10):
            half_way(somebody).press("Log in", code="000000")
        somebody.press("Log in", code="000000")
        assert somebody.status == 429
        assert sent_notices()[-1] == ("uma@example.org", SecurityEvent.TWO_STEP_GUESSED)
        elsewhere = half_way(Browser(app))
        assert elsewhere.press("Log in", code=digits(app)).status == 429  # another network, too

        new = "another long password"
        uma.open("/profile").press("Change password", current=PASSWORD, new=new)
        mine = Browser(app).log_in("uma@example.org", new)
        assert mine.press("Log in", code=digits(app)).url == f"{ACCOUNT}/"

    def test_an_old_pending_log_in_does_not_reset_the_count(
        self, app: Flask, somebody: Browser
    ) -> None:
        old = half_way(Browser(app))
        with time_machine.travel(utcnow() + timedelta(minutes=11)):
            half_way(somebody)
            for _ in range(10):
                somebody.press("Log in", code="000000")
            assert old.press("Log in", code="000000").url == "/login"
            assert somebody.press("Log in", code="000000").status == 429

    @pytest.mark.slow
    def test_twenty_guesses_at_once_count_like_twenty(self, app: Flask) -> None:
        devices = [half_way(Browser(app)) for _ in range(20)]
        start, refused = Barrier(20), []

        def guess(device: Browser) -> None:
            start.wait()
            refused.append(device.press("Log in", code="000000").status)

        threads = [Thread(target=guess, args=(device,)) for device in devices]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(refused) == [422] * 10 + [429] * 10

    def test_setting_it_up_ends_other_sessions(self, people: People) -> None:
        assert Session.select().where(Session.user == people[Role.USER].user).count() == 1


def uma_id() -> int:
    """Her number."""
    found: int = User.get(User.email == "uma@example.org").id
    return found


@pytest.mark.usefixtures("with_names")
class TestPasskeys:
    def add(self, uma: Browser, name: str = "My phone") -> Device:
        """As the script on the page does."""
        device, form = Device(BOX), {"name": name, "password": PASSWORD}
        uma.open(OWN).follow("Add a passkey")
        form["csrf_token"] = uma.page.select_one("[name=csrf_token]")["value"]
        asked = uma.client.post(f"{OWN}/passkeys/options", data=form)
        assert asked.mimetype == "application/json"
        uma.post(f"{OWN}/passkeys", form | {"credential": device.make(asked.text)})
        return device

    def log_in(self, device: Device, somebody: Browser, **more: str) -> Browser:
        form = {"csrf_token": somebody.page.select_one("[name=csrf_token]")["value"]} | more
        asked = somebody.client.post("/login/passkey/options", data=form)
        return somebody.post("/login/passkey", form | {"credential": device.sign(asked.text)})

    def test_a_passkey_logs_in_without_a_password(self, uma: Browser, somebody: Browser) -> None:
        device = self.add(uma)
        assert "My phone" in uma.text
        assert "not used yet" in uma.text
        somebody.open("/login")
        assert self.log_in(device, somebody, next="/profile").url == "/profile"
        assert "last used" in uma.open(OWN).text

    def test_a_passkey_is_required_after_the_password(
        self, uma: Browser, somebody: Browser
    ) -> None:
        device = self.add(uma)
        typed = {"email": "uma@example.org", "password": PASSWORD, "shared": "y"}
        somebody.open("/login").press("Log in", **typed)
        assert somebody.url == "/login/two-step"
        assert not somebody.page.select_one("#code")
        assert self.log_in(device, somebody).url == f"{ACCOUNT}/"
        assert Session.select().order_by(Session.id.desc()).get().is_shared

    def test_a_shared_computer_can_be_declared_with_a_passkey(
        self, uma: Browser, somebody: Browser
    ) -> None:
        device = self.add(uma)
        self.log_in(device, somebody.open("/login"), shared="y")
        assert Session.select().order_by(Session.id.desc()).get().is_shared

    def test_an_unknown_passkey_is_refused_and_the_next_page_is_kept(
        self, uma: Browser, somebody: Browser
    ) -> None:
        self.add(uma)
        self.log_in(Device(BOX), somebody.open("/login?next=/profile"), next="/profile")
        assert somebody.status == 422
        assert somebody.title == "Log in"
        assert "This passkey didn't work" in somebody.text
        assert somebody.page.select_one("[name=next]")["value"] == "/profile"

    def test_the_script_gets_the_reason_of_a_refusal(self, uma: Browser) -> None:
        uma.open(f"{OWN}/passkeys")
        token = uma.page.select_one("[name=csrf_token]")["value"]
        form = {"password": "a guess", "csrf_token": token}
        answer = uma.client.post(f"{OWN}/passkeys/options", data=form)
        assert answer.status_code == 422
        assert json.loads(answer.text) == {"error": "This isn't your current password."}

    def test_a_passkey_is_removed_with_the_password(self, uma: Browser, somebody: Browser) -> None:
        device = self.add(uma)
        uma.open(str(uma.page.select_one("a.button.small")["href"]))
        uma.press("Remove", password="a guess")
        assert uma.status == 422
        uma.press("Remove", password=PASSWORD)
        assert Passkey.select().count() == 0
        self.log_in(device, somebody.open("/login"))
        assert somebody.status == 422
        assert somebody.title == "Log in"

    def test_a_passkey_needs_a_name_without_markup(self, uma: Browser) -> None:
        self.add(uma, name="")
        assert uma.status == 422
        assert Passkey.select().count() == 0


def test_a_password_reset_does_not_bypass_it(site: Site, somebody: Browser) -> None:
    site.set_up_two_step("user")
    new = "another long password"
    somebody.open(path(site.links.email_token(site.rows.reset)))
    somebody.press("Set password", password=new, again=new)
    assert somebody.url == "/login/two-step"
    assert "Your new password is set." in somebody.text
    assert somebody.open("/accounts").url == "/login"
    somebody.log_in("uma@example.org", new)
    assert somebody.url == "/login/two-step"


def test_passkeys_are_not_offered_where_browsers_refuse_them(
    uma: Browser, somebody: Browser
) -> None:
    assert "Log in with a passkey" not in somebody.open("/login").text
    assert "Add a passkey" not in uma.open(OWN).text
    assert "a domain name and https" in uma.text


def test_another_persons_passkey_does_not_exist(site: Site) -> None:
    site.set_up_two_step("user")
    mine = site.device("owner").open(f"{OWN}/passkeys/{Passkey.get().id}/removal")
    none = site.device("owner").open(f"{OWN}/passkeys/9999/removal")
    assert (mine.status, mine.text) == (none.status, none.text) == (404, none.text)


@pytest.mark.parametrize("number", ["9999", "9" * 30])
def test_an_unknown_passkey_is_not_found(uma: Browser, number: str) -> None:
    token = uma.open(f"{OWN}/app").page.select_one("[name=csrf_token]")["value"]
    uma.post(f"{OWN}/passkeys/{number}/removal", {"password": PASSWORD, "csrf_token": token})
    assert uma.status == 404


class TestRequired:
    @pytest.fixture(autouse=True)
    def _asked_for(self, site: Site) -> None:
        site.set_up_two_step("owner")
        olive = site.device("owner").open(f"{ACCOUNT}/settings")
        olive.press("Require it")
        assert "Not set up yet by: Ada Okafor, Mo Diaz" in olive.text

    @pytest.mark.parametrize("who", ["moderator", "admin"])
    def test_members_without_it_see_only_how_to_set_it_up(self, site: Site, who: str) -> None:
        device = site.device(who)
        for place in ("/", "/invitations", "/users", "/invitations/new"):
            assert device.open(ACCOUNT + place).url == OWN
        assert "Riverside Relief requires two-step verification for your role" in device.text
        assert "main" in device.page.find("a", string="Set up an app")["class"]
        answer = device.client.get(f"{ACCOUNT}/users", headers=HTMX)
        assert answer.headers["HX-Redirect"] == OWN

    def test_members_without_it_can_leave(self, site: Site) -> None:
        device = site.device("moderator").open(f"{ACCOUNT}/leaving").press("Leave")
        assert "You left Riverside Relief." in device.text

    def test_members_without_it_can_change_nothing(self, site: Site) -> None:
        device = site.device("admin").open(OWN)
        token = device.page.select_one("[name=csrf_token]")["value"]
        before = everything(site.database)
        device.post(f"{ACCOUNT}/permanent-invite/deletion", {"csrf_token": token})
        assert device.url == OWN
        assert everything(site.database) == before

    def test_users_and_members_with_it_are_not_affected(self, site: Site) -> None:
        assert site.device("user").open(f"{ACCOUNT}/").url == f"{ACCOUNT}/"
        assert site.device("owner").open(f"{ACCOUNT}/users").url == f"{ACCOUNT}/users"
        site.set_up_two_step("admin")
        assert site.device("admin").open(f"{ACCOUNT}/users").url == f"{ACCOUNT}/users"

    def test_the_requirement_can_be_ended(self, site: Site) -> None:
        site.device("owner").open(f"{ACCOUNT}/settings").press("Make it optional")
        assert site.device("admin").open(f"{ACCOUNT}/users").url == f"{ACCOUNT}/users"


def test_an_admin_without_it_has_to_set_it_up_first(site: Site) -> None:
    settings = f"{ACCOUNT}/settings"
    ada = site.device("admin").open(settings)
    token = ada.page.select_one("[name=csrf_token]")["value"]
    assert not ada.page.find("button", string="Require it")
    assert ada.follow("Set up two-step verification").url == OWN
    ada.post(f"{settings}/two-step", {"required": "1", "csrf_token": token})
    assert (ada.status, ada.title) == (409, "Settings")
    assert "Set up two-step verification for your own profile first" in ada.text
    assert not Account.get(Account.slug == "riverside-relief").requires_two_step


def test_requiring_it_replaces_only_its_section(site: Site) -> None:
    site.set_up_two_step("owner")
    olive = site.device("owner").open(f"{ACCOUNT}/settings")
    token = olive.page.select_one("[name=csrf_token]")["value"]
    for required, button in (("1", "Make it optional"), ("0", "Require it")):
        typed = {"required": required, "csrf_token": token}
        answer = olive.client.post(f"{ACCOUNT}/settings/two-step", data=typed, headers=HTMX)
        section = BeautifulSoup(answer.text, "html.parser")
        assert next(section.children).get("id") == "two-step"
        assert section.find("button", string=button)
        assert "Two-step verification is now" in answer.text
