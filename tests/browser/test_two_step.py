"""A second step at the login, with a real browser's passkeys and an app's digits."""

from datetime import timedelta

import pyotp
from playwright.sync_api import CDPSession, expect

from invites.core.clock import utcnow
from invites.models import Authenticator
from invites.people import totp
from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.support.people import PASSWORD
from tests.support.server import OWNER, Server


class Finger:
    """A device of the browser that keeps passkeys, and whether its owner lays a finger on it."""

    def __init__(self, visitor: Visitor) -> None:
        self._line: CDPSession = visitor.context.new_cdp_session(visitor.page)
        self._line.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        made = self._line.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._id = made["authenticatorId"]

    def is_right(self, right: bool) -> None:
        """From now on."""
        what = {"authenticatorId": self._id, "isUserVerified": right}
        self._line.send("WebAuthn.setUserVerified", what)


def digits(server: Server, late: timedelta = timedelta()) -> str:
    """What Olive's app shows; it is taken for at least 30 seconds from now."""
    address = totp.provisioning_uri(Authenticator.get(), server.signer, "Invites")
    return pyotp.parse_uri(address).at(utcnow() + late)


def next_digits(server: Server) -> str:
    """What it shows next, which a server whose clock is behind takes already."""
    return digits(server, timedelta(seconds=30))


def log_out(visitor: Visitor) -> Visitor:
    return visitor.press("Log out").is_at("/login")


def test_an_app_is_set_up_and_asked_for(server: Server, olive: Visitor) -> None:
    olive.open("/profile").follow("Set up two-step verification").follow("Set up an app")
    olive.fill(**{"Your password": PASSWORD}).press("Continue")
    expect(olive.page.get_by_role("img", name="The key as a QR code")).to_be_visible()
    olive.fill(**{"Six-digit code": digits(server)}).press("Turn on")
    olive.sees("Your authenticator app is set up")
    code = olive.page.locator(".recovery-codes li").first.inner_text()

    log_out(olive).fill(Email=OWNER, Password=PASSWORD).press("Log in")
    olive.sees_heading("Two-step verification").fill(Code="000000").press("Log in")
    olive.sees("This code isn't right").fill(Code=next_digits(server)).press("Log in")
    olive.sees_heading("Riverside Relief")

    log_out(olive).fill(Email=OWNER, Password=PASSWORD).press("Log in")
    olive.page.get_by_text("Can't use your app or passkey?").click()
    olive.fill(**{"Recovery code": code}).press("Log in with a recovery code")
    olive.sees_heading("Riverside Relief")


def test_a_passkey_is_added_and_logs_in_by_a_finger_alone(server: Server, olive: Visitor) -> None:
    finger = Finger(olive)
    olive.open("/profile/two-step").follow("Add a passkey")
    olive.fill(Name="Olive's phone", **{"Your password": "a guess"}).press("Add a passkey")
    expect(olive.page.get_by_text("This isn't your current password.")).to_be_visible()
    olive.fill(**{"Your password": PASSWORD}).press("Add a passkey")
    olive.sees("Passkey added", "Olive's phone", "not used yet")

    log_out(olive).press("Log in with a passkey").sees_heading("Riverside Relief")

    finger.is_right(False)
    log_out(olive).press("Log in with a passkey")
    expect(olive.page.get_by_text("Your browser didn't provide a passkey")).to_be_visible()
    finger.is_right(True)
    olive.fill(Email=OWNER, Password=PASSWORD).press("Log in").sees_heading("Two-step verification")
    olive.press("Log in with a passkey").sees_heading("Riverside Relief")

    olive.open("/profile/two-step").follow("Remove the passkey Olive's phone")
    olive.fill(**{"Your password": PASSWORD}).press("Remove").sees("Passkey removed")
    log_out(olive).press("Log in with a passkey")
    olive.sees("This passkey didn't work")


def test_without_javascript_no_passkeys_are_offered_and_digits_work(
    server: Server, olive: Visitor, visit: Visit
) -> None:
    olive.open("/profile/two-step/app").fill(**{"Your password": PASSWORD}).press("Continue")
    olive.fill(**{"Six-digit code": digits(server)}).press("Turn on")
    plain = visit(server, java_script_enabled=False).open("/login")
    expect(plain.page.get_by_role("button", name="Log in with a passkey")).to_be_hidden()
    plain.fill(Email=OWNER, Password=PASSWORD).press("Log in")
    plain.fill(Code=next_digits(server)).press("Log in").sees_heading("Riverside Relief")
