"""The commands: flask migrate, setup, welcome, worker."""

import shutil
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from invites import db, profiles
from invites.factory import create_app
from invites.models import Account, Membership, User
from invites.roles import Role
from invites.settings import Settings, load_settings
from tests.cast import PASSWORD
from tests.web.world import everything

WHO = ("--account", "Riverside Relief", "--name", "Olive Martin", "--email", "Olive@Example.org")


def run(app: Flask, *command: str, typed: str = "") -> Result:
    db.close()
    return app.test_cli_runner().invoke(args=command, input=typed)


def setup(app: Flask, *changes: str, typed: str = f"{PASSWORD}\n") -> Result:
    return run(app, "setup", *WHO, *changes, "--password-stdin", typed=typed)


@pytest.fixture
def empty(settings: Settings) -> Flask:
    """An application whose database has no tables yet."""
    return create_app(settings)


def test_migrate_makes_the_database_and_says_what_it_did(empty: Flask) -> None:
    done = run(empty, "migrate")
    assert done.exit_code == 0
    assert "applied" in done.output
    assert User.select().count() == 0


def test_migrate_twice_changes_nothing_the_second_time(empty: Flask, settings: Settings) -> None:
    run(empty, "migrate")
    before = everything(settings.database_path)
    again = run(empty, "migrate")
    assert again.exit_code == 0
    assert "up to date" in again.output
    assert everything(settings.database_path) == before


COMMANDS = [
    ["worker"],
    ["welcome"],
    ["serve"],
    ["setup", *WHO, "--password-stdin"],
    ["backup", "/nowhere/at/all"],
]


def assert_refused(done: Result, *words: str) -> None:
    """It ended with 1 and said so in one line, which has these words."""
    assert done.exit_code == 1, done.output
    assert len(done.output.strip().splitlines()) == 1
    for word in words:
        assert word in done.output


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_database_one_clear_line_says_how_to_make_one(
    empty: Flask, settings: Settings, command: list[str]
) -> None:
    assert_refused(run(empty, *command), "no database yet", str(settings.data), "flask migrate")
    assert not settings.data.exists()


def test_what_is_not_ready_is_not_served_and_the_log_says_why(
    empty: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    answer = empty.test_client().get("/login")
    assert answer.status_code == 503
    assert "log" in answer.text
    assert "flask migrate" in caplog.text


def test_a_key_made_after_the_start_is_not_served_without(empty: Flask, settings: Settings) -> None:
    run(empty, "migrate")
    assert empty.test_client().get("/login").status_code == 503
    assert create_app(settings).test_client().get("/login").status_code == 303


@pytest.mark.parametrize("command", [*COMMANDS, ["migrate"]])
def test_an_account_without_its_key_is_refused_and_gets_no_new_one(
    app: Flask, settings: Settings, command: list[str]
) -> None:
    setup(app)
    (settings.data / "secret.key").unlink()
    assert_refused(
        run(app, *command), "secret key", "from a backup", "--new-key", "breaks the links"
    )
    assert not (settings.data / "secret.key").exists()


def test_an_account_without_its_key_is_not_served(app: Flask, settings: Settings) -> None:
    setup(app)
    (settings.data / "secret.key").unlink()
    assert create_app(settings).test_client().get("/login").status_code == 503


def test_an_empty_key_is_a_lost_key(app: Flask, settings: Settings) -> None:
    setup(app)
    (settings.data / "secret.key").write_text("\n")
    assert_refused(run(app, "welcome"), "secret key")


def test_whoever_wants_a_new_key_can_have_one(app: Flask, settings: Settings) -> None:
    setup(app)
    old = (settings.data / "secret.key").read_text()
    (settings.data / "secret.key").unlink()
    assert run(app, "migrate", "--new-key").exit_code == 0
    assert (settings.data / "secret.key").read_text() != old
    assert run(app, "welcome").exit_code == 0


def test_without_key_and_account_migrate_makes_a_key(app: Flask, settings: Settings) -> None:
    (settings.data / "secret.key").unlink()
    assert_refused(run(app, "welcome"), "no secret key yet", "flask migrate")
    assert run(app, "migrate").exit_code == 0
    assert (settings.data / "secret.key").exists()


@pytest.mark.parametrize("command", [*COMMANDS, ["migrate"]])
def test_a_damaged_database_is_refused_with_one_clear_line(
    app: Flask, database: Path, command: list[str]
) -> None:
    db.close()
    database.write_text("this was a database once" * 1000)
    assert_refused(run(app, *command), "is damaged", "flask restore")


@pytest.mark.parametrize("command", ["migrate", "welcome"])
def test_a_data_folder_that_cannot_be_is_refused_with_one_clear_line(
    tmp_path: Path, command: str
) -> None:
    (tmp_path / "file").touch()
    app = create_app(load_settings({"INVITES_DATA": str(tmp_path / "file" / "data")}))
    assert_refused(run(app, command), "INVITES_DATA")


def test_setup_makes_the_account_and_its_owner_who_keeps_the_box(app: Flask) -> None:
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
        (("--account", "www.example.org"), PASSWORD, "web or e-mail address"),
        (("--name", " "), PASSWORD, "can't be empty"),
    ],
)
def test_setup_says_what_is_wrong_and_makes_nothing(
    app: Flask, changes: tuple[str, ...], typed: str, words: str
) -> None:
    refused = setup(app, *changes, typed=typed)
    assert refused.exit_code == 1
    assert words in refused.output
    assert User.select().count() == Account.select().count() == 0


def test_setup_says_everything_that_is_wrong_at_once(app: Flask) -> None:
    refused = setup(app, "--email", "nobody", "--name", " ", typed="short\n")
    assert refused.exit_code == 1
    for words in ("--email: ", "no @", "--name: ", "can't be empty", "password: ", "at least 10"):
        assert words in refused.output
    assert "--account: " not in refused.output


def test_setup_takes_no_password_from_the_command_line(app: Flask) -> None:
    assert run(app, "setup", *WHO, "--password", PASSWORD).exit_code == 2
    assert run(app, "setup", *WHO).exit_code == 2


def test_welcome_prints_the_code_until_somebody_has_set_the_box_up(app: Flask) -> None:
    code = app.extensions["invites"].signer.setup_code()
    assert code in run(app, "welcome").output
    assert "/setup" in run(app, "welcome").output
    setup(app)
    assert code not in run(app, "welcome").output
    assert "/setup" not in run(app, "welcome").output


def test_welcome_warns_of_links_that_work_nowhere_else(database: Path, settings: Settings) -> None:
    environ = {"INVITES_DATA": str(settings.data), "INVITES_MAIL_SERVER": "smtp.example.org"}
    warned = run(create_app(load_settings(environ)), "welcome")
    assert warned.exit_code == 0
    assert "INVITES_BASE_URL" in warned.output
    public = environ | {"INVITES_BASE_URL": "https://invites.example.org"}
    assert "INVITES_BASE_URL" not in run(create_app(load_settings(public)), "welcome").output


def test_each_box_has_a_code_of_its_own(app: Flask, database: Path, settings: Settings) -> None:
    code = app.extensions["invites"].signer.setup_code()
    (settings.data / "secret.key").unlink()
    run(app, "migrate")
    other = create_app(settings)
    assert other.extensions["invites"].signer.setup_code() != code


def test_a_copy_of_database_and_key_is_the_same_box(
    app: Flask, database: Path, settings: Settings, tmp_path: Path
) -> None:
    db.close()
    shutil.copytree(settings.data, tmp_path / "copy")
    copy = create_app(Settings(**{**vars(settings), "data": tmp_path / "copy"}))
    codes = [one.extensions["invites"].signer.setup_code() for one in (app, copy)]
    assert codes[0] == codes[1]
