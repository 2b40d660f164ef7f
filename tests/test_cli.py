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
from invites.settings import Settings
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


@pytest.mark.parametrize("command", [["worker"], ["welcome"], ["setup", *WHO, "--password-stdin"]])
def test_an_old_database_is_refused_with_one_clear_line(empty: Flask, command: list[str]) -> None:
    refused = run(empty, *command)
    assert refused.exit_code == 1
    assert len(refused.output.strip().splitlines()) == 1
    assert "flask migrate" in refused.output


def test_an_old_database_is_not_served(empty: Flask) -> None:
    answer = empty.test_client().get("/login")
    assert answer.status_code == 503
    assert "flask migrate" in answer.text


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


def test_each_box_has_a_code_of_its_own(app: Flask, database: Path, settings: Settings) -> None:
    code = app.extensions["invites"].signer.setup_code()
    (settings.data / "secret.key").unlink()
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


def test_backup_copies_database_and_key_while_the_box_runs(
    app: Flask, database: Path, settings: Settings, tmp_path: Path
) -> None:
    setup(app)
    db.connect()
    done = run(app, "backup", str(tmp_path / "backup" / "monday"))
    assert done.exit_code == 0
    copy = tmp_path / "backup" / "monday"
    assert everything(copy / database.name) == everything(database)
    assert (copy / "secret.key").read_text() == (settings.data / "secret.key").read_text()
    assert (copy / "secret.key").stat().st_mode & 0o077 == 0
