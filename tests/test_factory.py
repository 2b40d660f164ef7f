"""The application: cookies, base URL, proxies, secret key, a missing database."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from invites import db
from invites.core.setting_values import SettingsError
from invites.core.settings import Settings, load_settings
from invites.factory import create_app
from invites.models import Membership
from tests.support.browsing import Browser
from tests.support.people import PASSWORD

pytestmark = pytest.mark.slow

HTTPS = "https://invites.example.org"


@pytest.fixture
def make_app(owner: Membership, settings: Settings) -> Callable[..., Flask]:
    """Creates an application with these settings."""
    return lambda **environ: create_app(
        load_settings({"INVITES_DATA": str(settings.data)} | environ)
    )


def login_cookie(app: Flask, base_url: str, name: str = "invites") -> str:
    client = app.test_client()
    app.config["WTF_CSRF_ENABLED"] = False
    form = {"email": "olive@example.org", "password": PASSWORD}
    cookies = client.post("/login", data=form, base_url=base_url).headers.getlist("Set-Cookie")
    return next(cookie for cookie in cookies if cookie.partition("=")[0].endswith(name))


def test_over_https_the_cookie_is_bound_to_this_host(make_app: Callable[..., Flask]) -> None:
    cookie = login_cookie(make_app(INVITES_BASE_URL=HTTPS), HTTPS)
    assert cookie.startswith("__Host-invites=")
    assert is_bound(cookie)


def test_over_https_the_device_cookie_is_bound_to_this_host(
    make_app: Callable[..., Flask],
) -> None:
    cookie = login_cookie(make_app(INVITES_BASE_URL=HTTPS), HTTPS, "invites-device")
    assert cookie.startswith("__Host-invites-device=")
    assert is_bound(cookie)


def is_bound(cookie: str) -> bool:
    flags = {flag.strip() for flag in cookie.split(";")[1:]}
    has_domain = any(flag.startswith("Domain") for flag in flags)
    return flags >= {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} and not has_domain


def test_over_http_the_cookie_works_without_secure(make_app: Callable[..., Flask]) -> None:
    cookie = login_cookie(make_app(), "http://localhost")
    assert cookie.startswith("invites=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_links_never_come_from_the_host_header(make_app: Callable[..., Flask]) -> None:
    app = make_app(INVITES_BASE_URL=HTTPS)
    browser = Browser(app)
    browser.client.environ_base["HTTP_HOST"] = "evil.example"
    answer = browser.client.get("/password-reset", base_url="https://evil.example")
    assert "evil.example" not in answer.text
    assert app.extensions["invites"].links.accounts() == f"{HTTPS}/accounts"


def test_the_key_survives_a_restart_and_only_its_owner_can_read_it(
    make_app: Callable[..., Flask], settings: Settings
) -> None:
    codes = {make_app().extensions["invites"].signer.setup_code() for _ in range(2)}
    assert len(codes) == 1
    assert (settings.data / "secret.key").stat().st_mode & 0o077 == 0


def test_log_ins_survive_a_rotation_of_the_key(
    make_app: Callable[..., Flask], settings: Settings
) -> None:
    old = make_app()
    cookie = login_cookie(old, "http://localhost").partition(";")[0].partition("=")[2]
    key = settings.data / "secret.key"
    key.write_text("f" * 64 + "\n" + key.read_text())
    client = make_app().test_client()
    client.set_cookie("invites", cookie)
    assert client.get("/accounts").status_code == 200


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"INVITES_BASE_URL": "invites.example.org"}, "INVITES_BASE_URL"),
        ({"INVITES_MAIL_SERVER": "x", "INVITES_MAIL_PORT": "none"}, "INVITES_MAIL_PORT"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_name(
    tmp_path: Path, environ: dict[str, str], name: str
) -> None:
    with pytest.raises(SettingsError, match=name):
        load_settings({"INVITES_DATA": str(tmp_path)} | environ)


@pytest.fixture(params=["missing", "unreadable", "in a folder that went away"])
def broken(request: pytest.FixtureRequest, make_app: Callable[..., Flask]) -> FlaskClient:
    """Olive's device, logged in before the database broke."""
    app = make_app()
    app.config["WTF_CSRF_ENABLED"] = False
    device = app.test_client()
    device.post("/login", data={"email": "olive@example.org", "password": PASSWORD})
    assert device.get("/accounts").status_code == 200
    database: Path = app.extensions["invites"].settings.database_path
    db.close()
    if request.param == "missing":
        database.unlink()
    elif request.param == "unreadable":
        database.write_text("this was a database once" * 1000)
    else:
        database.parent.rename(database.parent.with_name("elsewhere"))
    return device


def test_without_a_database_the_health_check_fails(broken: FlaskClient) -> None:
    answer = broken.get("/healthz")
    assert answer.status_code == 503
    assert answer.json["database"] in ("failed", "damaged")
    assert [answer.json[part] for part in ("worker", "mail", "backup")] == ["unknown"] * 3


URLS = ["/", "/accounts", "/accounts/riverside-relief/users", "/nowhere"]


def test_without_a_database_everyone_gets_a_page_that_asks_to_wait_and_the_log_says_why(
    broken: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    for device in (broken, broken.application.test_client()):
        for url in URLS:
            caplog.clear()
            answer = device.get(url)
            assert answer.status_code == 503
            assert "<h1" in answer.text
            assert "Not available right now" in answer.text
            assert "Try again in a few minutes" in answer.text
            assert len(caplog.records) == 1
            assert "invites.sqlite3" in caplog.messages[0]
            assert caplog.records[0].exc_info is None


def test_a_database_that_comes_back_is_served_again(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    database: Path = app.extensions["invites"].settings.database_path
    db.close()
    away = database.rename(database.with_name("away"))
    assert app.test_client().get("/login").status_code == 503
    away.rename(database)
    assert app.test_client().get("/login").status_code == 200


@pytest.mark.parametrize(("proxies", "locked"), [("0", True), ("1", False)])
def test_only_a_trusted_proxy_can_report_the_client_address(
    make_app: Callable[..., Flask], proxies: str, locked: bool
) -> None:
    app = make_app(INVITES_TRUSTED_PROXIES=proxies)
    app.config["WTF_CSRF_ENABLED"] = False
    form = {"email": "olive@example.org", "password": "wrong"}
    statuses = [
        app.test_client()
        .post("/login", data=form, headers={"X-Forwarded-For": f"192.0.2.{number}"})
        .status_code
        for number in range(12)
    ]
    assert (429 in statuses) is locked
