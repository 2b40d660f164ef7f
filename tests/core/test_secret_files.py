"""Secrets in files instead of the environment."""

import pytest

from invites.core.secret_files import SECRETS
from invites.core.setting_values import SettingsError
from invites.core.settings import _NAMES, load_settings

USUAL = {
    "INVITES_MAIL_SERVER": "smtp.example.org",
    "INVITES_BASE_URL": "http://invites.example.org",
    "INVITES_MAIL_USERNAME": "invites",
}


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "password"
    path.write_text(" a horse, a rain \n")
    path.chmod(0o600)
    return path


def load(**more):
    return load_settings(USUAL | more)


def test_a_password_is_read_from_its_file_without_the_line_break(secret):
    settings = load(INVITES_MAIL_PASSWORD_FILE=str(secret))
    assert settings.mail_server.password == " a horse, a rain "
    assert not settings.warnings


def test_every_password_can_be_in_a_file(secret):
    passwords = {name for name in _NAMES if name.endswith("PASSWORD")}
    assert set(SECRETS) == passwords | {"INVITES_DATABASE"}
    settings = load(
        INVITES_BOUNCES_IMAP_SERVER="imap.example.org",
        INVITES_BOUNCES_IMAP_USERNAME="invites",
        INVITES_BOUNCES_IMAP_PASSWORD_FILE=str(secret),
    )
    assert settings.bounce_mailbox.password == " a horse, a rain "


def test_the_address_of_the_database_can_be_in_a_file(secret):
    secret.write_text("postgresql://invites:password@db.example.org/invites\n")
    settings = load(INVITES_DATABASE_FILE=str(secret))
    assert settings.database == "postgresql://invites:password@db.example.org/invites"


def test_an_empty_name_of_a_file_is_none():
    settings = load(INVITES_MAIL_PASSWORD="x", INVITES_MAIL_PASSWORD_FILE="")
    assert settings.mail_server.password == "x"
    assert not settings.warnings


def test_a_password_and_its_file_are_refused_together(secret):
    with pytest.raises(
        SettingsError, match="Set either INVITES_MAIL_PASSWORD or INVITES_MAIL_PASSWORD_FILE, not"
    ):
        load(INVITES_MAIL_PASSWORD="x", INVITES_MAIL_PASSWORD_FILE=str(secret))


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"\xff", "isn't text"), (b"\n", "is empty")],
)
def test_a_file_without_a_secret_is_refused_with_the_reason(secret, content, reason):
    secret.unlink()
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(SettingsError, match=f"INVITES_MAIL_PASSWORD_FILE: .*{reason}"):
        load(INVITES_MAIL_PASSWORD_FILE=str(secret))


def test_a_secret_that_every_user_can_read_is_warned_about(secret):
    secret.chmod(0o644)
    (warning,) = load(INVITES_MAIL_PASSWORD_FILE=str(secret)).warnings
    assert f"chmod 600 {secret}" in warning
