"""The settings."""

import re
from dataclasses import replace
from email.headerregistry import Address
from pathlib import Path

import pytest

from invites.core.setting_values import SettingsError
from invites.core.settings import (
    PROJECT_ROOT,
    MailboxServer,
    MailServer,
    load_settings,
)


def load(**environ):
    return load_settings({f"INVITES_{name}": value for name, value in environ.items()})


def test_without_settings_it_serves_this_machine_and_sends_no_mail():
    settings = load()
    assert settings.bind == "127.0.0.1:8000"
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.data == PROJECT_ROOT / "instance"
    assert settings.mail_server is None
    assert settings.mail_from == Address("Invites", "invites", "localhost")
    assert settings.trusted_proxies == 0
    assert not settings.is_https


def test_an_empty_setting_is_the_default():
    names = ["BASE_URL", "DATA", "MAIL_SERVER", "MAIL_FROM", "MAIL_PORT", "TRUSTED_PROXIES"]
    assert load(**dict.fromkeys(names, "")) == load()


def test_the_process_environment_is_read(monkeypatch):
    monkeypatch.setenv("INVITES_BIND", "127.0.0.1:8123")
    assert load_settings().bind == "127.0.0.1:8123"


@pytest.mark.parametrize(
    ("data", "folder"),
    [("/srv/invites", Path("/srv/invites")), ("here", PROJECT_ROOT / "here")],
)
def test_the_data_folder_is_absolute_or_below_the_project(data, folder):
    settings = load(DATA=data)
    assert settings.data == folder
    assert settings.database_path == folder / "invites.sqlite3"


def test_the_data_folder_may_be_in_the_home_folder():
    assert load(DATA="~/invites").data == Path.home() / "invites"


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("0.0.0.0:8000", "http://127.0.0.1:8000"),
        ("[::]:8000", "http://127.0.0.1:8000"),
        ("192.0.2.7:80", "http://192.0.2.7:80"),
    ],
)
def test_without_a_base_url_links_lead_to_the_bind_address(bind, url):
    assert load(BIND=bind).base_url == url


@pytest.mark.parametrize(
    "bind", ["", "8000", ":8000", "localhost", "localhost:", "h:0", "h:65536", "h:x"]
)
def test_a_bind_without_host_and_port_is_refused(bind):
    with pytest.raises(SettingsError, match="INVITES_BIND must be an address and a port"):
        load(BIND=bind)


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://invites.example.org", "https://invites.example.org"),
        (" https://invites.example.org/ ", "https://invites.example.org"),
        ("http://192.168.1.5:8000", "http://192.168.1.5:8000"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_the_base_url_is_kept_without_a_trailing_slash(typed, url):
    settings = load(BASE_URL=typed)
    assert settings.base_url == url
    assert settings.is_https == url.startswith("https")


@pytest.mark.parametrize(
    "url",
    [
        "invites.example.org",
        "ftp://example.org",
        "https://",
        "https:example.org",
        "https://example.org/invites",
        "https://example.org?x=1",
        "https://example.org#top",
        "https://ada:secret@example.org",
        "https://example.org:port",
        "https://example.org:99999",
        "https://[::1",
    ],
)
def test_any_other_base_url_is_refused(url):
    with pytest.raises(SettingsError, match="INVITES_BASE_URL must be the address that people use"):
        load(BASE_URL=url)


@pytest.mark.parametrize(
    ("environ", "port"),
    [
        ({}, 25),
        ({"MAIL_USE_TLS": "1"}, 587),
        ({"MAIL_USE_TLS": "Yes"}, 587),
        ({"MAIL_USE_SSL": "true"}, 465),
        ({"MAIL_USE_SSL": "on", "MAIL_PORT": "2465"}, 2465),
        ({"MAIL_USE_TLS": "0", "MAIL_USE_SSL": "off"}, 25),
    ],
)
def test_the_mail_port_follows_from_the_encryption(environ, port):
    assert load(MAIL_SERVER="smtp.example.org", **environ).mail_server.port == port


def test_a_mail_server_is_configured():
    settings = load(
        MAIL_SERVER=" smtp.example.org ",
        MAIL_USERNAME="ada",
        MAIL_PASSWORD=" with spaces ",
        MAIL_USE_TLS="1",
    )
    assert settings.mail_server == MailServer(
        "smtp.example.org", 587, "ada", " with spaces ", use_tls=True, use_ssl=False
    )


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"MAIL_USE_TLS": "1", "MAIL_USE_SSL": "1"}, "INVITES_MAIL_USE_TLS"),
        ({"MAIL_USE_TLS": "maybe"}, "INVITES_MAIL_USE_TLS"),
        ({"MAIL_USE_SSL": "maybe"}, "INVITES_MAIL_USE_SSL"),
        ({"MAIL_PORT": "smtp"}, "INVITES_MAIL_PORT"),
        ({"MAIL_PORT": "-1"}, "INVITES_MAIL_PORT"),
        ({"MAIL_PORT": "70000"}, "INVITES_MAIL_PORT"),
        ({"TRUSTED_PROXIES": "all"}, "INVITES_TRUSTED_PROXIES"),
        ({"TRUSTED_PROXIES": "11"}, "INVITES_TRUSTED_PROXIES"),
    ],
)
def test_a_refusal_names_the_setting(environ, name):
    with pytest.raises(SettingsError, match=name):
        load(MAIL_SERVER="smtp.example.org", **environ)


@pytest.mark.parametrize(
    ("url", "current"),
    [
        ("", True),
        ("http://localhost:8000", True),
        ("http://invites.localhost", True),
        ("http://127.1.2.3", True),
        ("http://[::1]:8000", True),
        ("http://0.0.0.0:8000", True),
        ("http://192.168.1.5:8000", False),
        ("https://localhost.example.org", False),
        ("https://invites.example.org", False),
    ],
)
def test_links_are_local_only_when_no_other_machine_can_follow_them(url, current):
    assert load(BASE_URL=url).is_local_only is current


def test_sending_local_only_links_is_warned_about():
    (warning,) = load(MAIL_SERVER="smtp.example.org").warnings
    assert "http://127.0.0.1:8000" in warning
    assert "Set INVITES_BASE_URL" in warning
    assert not load().warnings
    assert not load(MAIL_SERVER="smtp.example.org", BASE_URL="http://i.example.org").warnings


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("MAILSERVER", "There is no setting INVITES_MAILSERVER. Did you mean INVITES_MAIL_SERVER?"),
        ("BASEURL", "There is no setting INVITES_BASEURL. Did you mean INVITES_BASE_URL?"),
        ("COLOUR_OF_PAPER", "There is no setting INVITES_COLOUR_OF_PAPER."),
    ],
)
def test_an_unknown_setting_is_warned_about_with_the_closest_name(name, words):
    assert load(**{name: "x"}).warnings == [words]


def test_https_without_a_trusted_proxy_is_warned_about():
    (warning,) = load(BASE_URL="https://invites.example.org").warnings
    assert "Set INVITES_TRUSTED_PROXIES to the number of proxies" in warning
    assert not load(BASE_URL="https://invites.example.org", TRUSTED_PROXIES="1").warnings
    assert not load(BASE_URL="http://invites.example.org").warnings


def test_variables_of_other_programs_are_ignored():
    assert not load_settings({"PATH": "/bin", "MAIL_SERVER": "x"}).warnings


def test_every_setting_is_known_and_in_the_readme():
    source = (PROJECT_ROOT / "invites" / "core" / "settings.py").read_text()
    names = set(re.findall(r"INVITES_[A-Z_]+[A-Z]", source))
    readme = (PROJECT_ROOT / "README.md").read_text()
    assert not load_settings(dict.fromkeys(names - {"INVITES_BIND"}, "")).unknown_names
    assert not {name for name in names if f"`{name}`" not in readme}


@pytest.mark.parametrize(
    ("environ", "sender"),
    [
        ({"MAIL_FROM": "post@example.org"}, "Invites <post@example.org>"),
        ({"MAIL_FROM": "Post Office <post@example.org>"}, "Post Office <post@example.org>"),
        ({"MAIL_FROM": '"Post, Office" <post@example.org>'}, '"Post, Office" <post@example.org>'),
        ({"BASE_URL": "https://invites.example.org"}, "Invites <invites@invites.example.org>"),
        ({"BASE_URL": "http://192.168.1.5:8000"}, "Invites <invites@localhost>"),
        ({"BASE_URL": "http://[2001:db8::a]:8000"}, "Invites <invites@localhost>"),
    ],
)
def test_the_sender_is_set_or_follows_from_the_base_url(environ, sender):
    assert str(load(**environ).mail_from) == sender


@pytest.mark.parametrize(
    "sender",
    [
        "nobody",
        "@example.org",
        "post@",
        "Post <>",
        "a@example.org, b@example.org",
        "pöst@example.org",
        "post@bücher.example",
        "Post\r\nBcc: x@example.org <post@example.org>",
        "post@example.org\nBcc: x@example.org",
    ],
)
def test_an_invalid_sender_is_refused(sender):
    with pytest.raises(SettingsError, match="INVITES_MAIL_FROM must be an address"):
        load(MAIL_FROM=sender)


def test_bounces_are_read_from_the_inbox_unless_configured():
    known = {"SERVER": "imap.example.org", "USERNAME": "invites", "PASSWORD": " secret "}
    prefixed = {f"BOUNCES_IMAP_{name}": value for name, value in known.items()}
    server = MailboxServer("imap.example.org", 993, "invites", " secret ", "INBOX")
    assert load(**prefixed).bounce_mailbox == server
    other = load(
        **prefixed, BOUNCES_IMAP_PORT="1993", BOUNCES_IMAP_FOLDER="Rückläufer"
    ).bounce_mailbox
    assert other == replace(server, port=1993, folder="Rückläufer")
    assert load().bounce_mailbox is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"USERNAME": ""}, "USERNAME"),
        ({"PASSWORD": ""}, "PASSWORD"),
        ({"PORT": "imap"}, "PORT"),
        ({"FOLDER": "a\r\nb"}, "FOLDER"),
    ],
)
def test_an_incomplete_bounce_mailbox_is_refused(change, named):
    known = {"SERVER": "imap.example.org", "USERNAME": "invites", "PASSWORD": "secret"} | change
    with pytest.raises(SettingsError, match=f"INVITES_BOUNCES_IMAP_{named}"):
        load(**{f"BOUNCES_IMAP_{name}": value for name, value in known.items()})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", True),
        ("http://localhost:8000", True),
        ("http://box.localhost", True),
        ("http://[::1]:8000", True),
        ("http://192.168.1.2:8000", False),
        ("https://invites.example.org", False),
    ],
)
def test_local_hosts_are_recognized(url, expected):
    assert load_settings({"INVITES_BASE_URL": url}).is_local_only is expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"INVITES_MAIL_USE_TLS": "1"}, False),
        ({"INVITES_MAIL_USE_SSL": "1"}, False),
        ({"INVITES_MAIL_SERVER": "127.0.0.1"}, False),
        ({"INVITES_MAIL_PASSWORD": ""}, False),
    ],
)
def test_a_password_sent_unencrypted_is_recognized(change, expected):
    server = {
        "INVITES_MAIL_SERVER": "mail.example.org",
        "INVITES_MAIL_USERNAME": "invites",
        "INVITES_MAIL_PASSWORD": "secret",
    }
    assert load_settings(server | change).mail_server.sends_password_unencrypted is expected
