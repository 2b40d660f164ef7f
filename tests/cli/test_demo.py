"""The command demo."""

from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask

from invites.authorization.audit_log import AuditCategory
from invites.core.clock import utcnow
from invites.core.settings import Settings, load_settings
from invites.factory import create_app
from invites.members.scope import Scope
from invites.models import (
    Account,
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    InvitationStatus,
    Membership,
    StagedList,
    User,
)
from invites.people import profiles
from tests.cli.running import assert_refused, run, setup
from tests.support.populated_account import everything, signed_in

pytestmark = pytest.mark.slow


@pytest.fixture
def demo(settings: Settings) -> Callable[..., Result]:
    """Runs the command on an installation without data."""
    app = create_app(settings)
    return lambda *options: run(app, "demo", *options)


def test_it_creates_an_organization_in_the_middle_of_its_work(demo: Callable[..., Result]) -> None:
    done = demo()
    assert done.exit_code == 0, done.output
    account = Account.get(Account.slug == "riverside-relief")
    scope = Scope(account)
    now = utcnow()
    totals = scope.invitations.totals(now)
    assert all(totals[status] for status in InvitationStatus if status != "replaced")
    states = {batch.state for batch in Batch.select()}
    assert states == set(BatchState) - {BatchState.PROBING}
    mails = {mail.state for mail in Delivery.select(Delivery.state)}
    assert mails == set(DeliveryState) - {DeliveryState.SENDING, DeliveryState.UNKNOWN}
    assert all(scope.audit_log(category, "", 1).rows for category in AuditCategory)
    assert len({member.role for member in Membership.select()}) == 4
    assert scope.members.page(1, active=False, search="").rows
    assert StagedList.get(StagedList.batch.is_null()).file_name == "neighbors.csv"


def test_the_printed_password_logs_everyone_in(demo: Callable[..., Result]) -> None:
    password = demo().output.partition("password: ")[2].splitlines()[0]
    for email in ("olive@example.org", "ada@example.org", "mo@example.org", "chloe@example.org"):
        assert profiles.authenticate(email, password)


def test_its_pages_open(demo: Callable[..., Result], settings: Settings) -> None:
    demo()
    app = create_app(settings)
    olive = signed_in(app, User.get(User.email == "olive@example.org"))
    pages = ("", "invitations", "invitations/new", "batches", "users", "settings", "audit-log")
    for page in pages:
        assert olive.open(f"/accounts/riverside-relief/{page}").status == 200
    for batch in list(Batch.select().where(Batch.account == Account.get())):
        assert olive.open(f"/accounts/riverside-relief/batches/{batch.id}").status == 200
    assert "Hilltop Library" in olive.open("/accounts").text


def test_data_is_refused_and_stays_as_it_was(app: Flask, settings: Settings) -> None:
    run(app, "migrate")
    setup(app)
    before = everything(settings.database_path)
    assert_refused(run(app, "demo"), "has data already", "empty folder")
    assert everything(settings.database_path) == before


def test_a_public_address_is_refused(settings: Settings) -> None:
    environ = {
        "INVITES_DATA": str(settings.data),
        "INVITES_BASE_URL": "https://invites.example.org",
    }
    assert_refused(run(create_app(load_settings(environ)), "demo"), "INVITES_BASE_URL=")
    assert not settings.data.exists()


def test_a_mail_server_is_refused(settings: Settings) -> None:
    environ = {"INVITES_DATA": str(settings.data), "INVITES_MAIL_SERVER": "smtp.example.org"}
    assert_refused(run(create_app(load_settings(environ)), "demo"), "INVITES_MAIL_SERVER=")
    assert not settings.data.exists()
