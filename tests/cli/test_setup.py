"""The commands setup, welcome and version."""

from pathlib import Path

import pytest
from flask import Flask

from invites.core.roles import Role
from invites.core.settings import Settings, load_settings
from invites.factory import create_app
from invites.models import Account, Membership, User
from invites.people import profiles
from tests.cli.running import WHO, run, setup
from tests.support.people import PASSWORD

pytestmark = pytest.mark.slow


def test_version_prints_the_version_without_a_database(settings: Settings) -> None:
    done = run(create_app(settings), "version")
    assert done.output.startswith("Invites 0.1.0\nPython 3.")
    assert not settings.data.exists()


def test_setup_creates_the_account_and_its_owner_who_is_the_installer(app: Flask) -> None:
    done = setup(app)
    assert done.exit_code == 0
    assert "/login" in done.output
    olive = profiles.authenticate("olive@example.org", PASSWORD)
    assert olive is not None
    assert olive.is_installer
    assert olive.is_confirmed
    assert Membership.get().role == Role.OWNER
    assert Account.get().name == "Riverside Relief"


def test_setup_never_prints_the_password(app: Flask) -> None:
    assert PASSWORD not in setup(app).output


def test_setup_works_once(app: Flask) -> None:
    setup(app)
    again = setup(app, "--email", "mallory@example.org")
    assert again.exit_code == 1
    assert "already" in again.output
    assert User.select().count() == 1


@pytest.mark.parametrize(
    ("changes", "typed", "words"),
    [
        ((), "short\n", "at least 10"),
        ((), "", "at least 10"),
        (("--email", "nobody"), PASSWORD, "no @"),
        (("--account", "www.example.org"), PASSWORD, "Leave out web addresses"),
        (("--name", " "), PASSWORD, "can't be empty"),
    ],
)
def test_setup_says_what_is_wrong_and_creates_nothing(
    app: Flask, changes: tuple[str, ...], typed: str, words: str
) -> None:
    refused = setup(app, *changes, typed=typed)
    assert refused.exit_code == 1
    assert words in refused.output
    assert User.select().count() == Account.select().count() == 0


def test_setup_lists_everything_that_is_wrong(app: Flask) -> None:
    refused = setup(app, "--email", "nobody", "--name", " ", typed="short\n")
    assert refused.exit_code == 1
    for words in ("--email: ", "no @", "--name: ", "can't be empty", "password: ", "at least 10"):
        assert words in refused.output
    assert "--account: " not in refused.output


def test_setup_takes_no_password_from_the_command_line(app: Flask) -> None:
    assert run(app, "setup", *WHO, "--password", PASSWORD).exit_code == 2
    assert run(app, "setup", *WHO).exit_code == 2


def test_welcome_prints_the_setup_code_until_setup_is_done(app: Flask) -> None:
    code = app.extensions["invites"].signer.setup_code()
    assert code in run(app, "welcome").output
    assert "/setup" in run(app, "welcome").output
    setup(app)
    assert code not in run(app, "welcome").output
    assert "/setup" not in run(app, "welcome").output


def test_welcome_warns_of_links_that_work_on_this_machine_only(
    database: Path, settings: Settings
) -> None:
    environ = {"INVITES_DATA": str(settings.data), "INVITES_MAIL_SERVER": "smtp.example.org"}
    warned = run(create_app(load_settings(environ)), "welcome")
    assert warned.exit_code == 0
    assert "INVITES_BASE_URL" in warned.output
    public = environ | {"INVITES_BASE_URL": "https://invites.example.org"}
    public["INVITES_TRUSTED_PROXIES"] = "1"
    assert "INVITES_BASE_URL" not in run(create_app(load_settings(public)), "welcome").output


def test_each_installation_has_its_own_setup_code(
    app: Flask, database: Path, settings: Settings
) -> None:
    code = app.extensions["invites"].signer.setup_code()
    (settings.data / "secret.key").unlink()
    run(app, "migrate")
    other = create_app(settings)
    assert other.extensions["invites"].signer.setup_code() != code
