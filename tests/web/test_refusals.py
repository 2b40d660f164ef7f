"""A refusal has one status, on every page, with and without htmx."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from invites.core.errors import Reason, RuleError
from invites.members import installation
from invites.web import rate_limits
from invites.web.access import Who, allow
from invites.web.error_labels import sentence
from invites.web.error_status import status_of
from tests.support.browsing import HTMX
from tests.support.people import PASSWORD
from tests.support.populated_account import Site, services
from tests.web.test_access import Places, routes

# Reasons about input begin with what was entered.
ENTERED = {
    "address", "text", "url", "time", "phone", "number", "password", "code", "passkey", "file",
}  # fmt: skip


@pytest.fixture
def refusing(fresh_app: Flask) -> Flask:
    """An application with a page whose rule refuses for the reason in its URL."""

    @allow(Who.ANYBODY)
    def refuse(reason: str) -> None:
        raise RuleError(Reason(reason), limit=3, left=1, row=3)

    fresh_app.add_url_rule("/refuse/<reason>", view_func=refuse)
    return fresh_app


def test_a_refusal_that_the_page_has_no_place_for_has_the_status_of_its_reason(
    refusing: Flask,
) -> None:
    client = refusing.test_client()
    on_pages_of_an_account = {Reason.REVIEW_FIRST, Reason.LIST_GONE}
    for reason in set(Reason) - on_pages_of_an_account:
        with refusing.test_request_context():
            told = sentence(RuleError(reason, limit=3, left=1, row=3))
        for headers in ({}, HTMX):
            answer = client.get(f"/refuse/{reason}", headers=headers)
            assert answer.status_code == status_of(reason)
            page = BeautifulSoup(answer.text, "html.parser").get_text()
            assert told in page or reason in (Reason.NOT_ALLOWED, Reason.NOT_FOUND)


def test_input_that_can_be_corrected_is_422_and_nothing_else_is() -> None:
    about_input = {reason for reason in Reason if reason.partition("_")[0] in ENTERED} - {
        Reason.ADDRESS_UNCONFIRMED
    }
    about_input |= {
        Reason.ADDRESS_UNCHANGED, Reason.CONFIRM_FIRST, Reason.LIST_EMPTY, Reason.LIST_TOO_LONG,
        Reason.LIST_TOO_SLOW,
        Reason.NOBODY_TO_INVITE,
    }  # fmt: skip
    assert {reason for reason in Reason if status_of(reason) == 422} == about_input


@dataclass(frozen=True)
class Refusing:
    """A view that passes on the refusal of ``rule``. ``who`` sends ``form``."""

    rule: str
    who: str = "owner"
    form: Callable[[Site], dict[str, Any]] | dict[str, Any] = field(default_factory=dict)


def _file(_site: Site) -> dict[str, Any]:
    return {"csv_file": (io.BytesIO(b"a@example.org\n"), "people.csv"), "role": "10"}


def _first_visit(site: Site) -> dict[str, Any]:
    code = services(site.app).signer.setup_code()
    return JOINING | {"code": code, "account": "Riverside Relief"}


LOGIN = {"email": "uma@example.org", "password": PASSWORD}
JOINING = {"name": "Noa New", "email": "noa@example.org", "password": PASSWORD}
SETTINGS = {
    "name": "Riverside Relief", "purpose": "", "assignments_url": "", "assignments_label": "",
    "reply_to": "", "time_zone": "UTC", "moderator_limit": "200",
}  # fmt: skip
PASSKEY = {"name": "Phone", "password": PASSWORD, "credential": "{}"}

REFUSING = {
    "account_home.claim_ownership": Refusing("members.ownership.claim"),
    "account_home.leave": Refusing("members.memberships.leave"),
    "account_list.accept": Refusing("members.answers.accept"),
    "account_list.confirm": Refusing("people.confirmation.send_link", "unconfirmed"),
    "account_list.create": Refusing("members.accounts.create_by_installer", form={"name": "New"}),
    "account_list.decline": Refusing("members.answers.decline"),
    "account_settings.require_two_step": Refusing("members.two_step_policy.require"),
    "account_settings.update": Refusing("members.accounts.change_settings", form=SETTINGS),
    "two_step.app_key": Refusing("people.two_step.confirm_authenticator", "setting up"),
    "two_step.offer_app": Refusing("people.two_step.start_authenticator"),
    "two_step.remove_app": Refusing("people.two_step.remove_authenticator"),
    "batches.cancel": Refusing("outbox.batches.cancel"),
    "batches.pause": Refusing("outbox.batches.pause"),
    "batches.resend": Refusing("invitations.manage.resend"),
    "batches.resume": Refusing("outbox.batches.resume"),
    "batches.retry": Refusing("outbox.requeue.retry_failed"),
    "batches.send_on_hold": Refusing("outbox.requeue.send_on_hold"),
    "compose.add_file": Refusing("invitations.staging.stage_file", form=_file),
    "compose.create": Refusing(
        "invitations.send_invitations.send", form={"email": "a@example.org", "role": "10"}
    ),
    "confirm_email.page": Refusing(
        "people.confirmation.confirm_email", form={"password": PASSWORD}
    ),
    "profile.log_out_device": Refusing("people.sessions.end_one"),
    "invitation.accept": Refusing("members.answers.accept_as_new", "nobody", JOINING),
    "invitation.decline": Refusing("members.answers.decline", "nobody"),
    "invitations.resend": Refusing("invitations.manage.resend"),
    "invitations.restore": Refusing("invitations.manage.restore"),
    "invitations.revoke": Refusing("invitations.manage.revoke"),
    "join.accept": Refusing("members.permanent_link.join", "ally"),
    "join.page": Refusing("members.permanent_link.join_as_new", "nobody", JOINING),
    "login.create": Refusing("people.profiles.authenticate", "nobody", LOGIN),
    "login.use_passkey": Refusing("people.passkeys.authenticate", "nobody"),
    "passkeys.add": Refusing("people.passkeys.register", form=PASSKEY),
    "passkeys.options": Refusing("people.passkeys.registration_options"),
    "passkeys.remove": Refusing("people.passkeys.remove"),
    "password_reset.page": Refusing(
        "people.confirmation.reset_password", "nobody", {"password": PASSWORD, "again": PASSWORD}
    ),
    "permanent_invite.delete": Refusing("members.permanent_link.delete"),
    "permanent_invite.enable": Refusing("members.permanent_link.enable"),
    "profile.change_details": Refusing("people.profiles.update_details", form={"name": "Olive"}),
    "profile.change_email": Refusing(
        "people.profiles.change_email", form={"email": "new@example.org"}
    ),
    "profile.change_password": Refusing("people.profiles.change_password"),
    "setup.page": Refusing("members.installation.set_up", "nobody", _first_visit),
    "staged_list.correct_domain": Refusing("invitations.edits.correct_domain"),
    "staged_list.edit_row": Refusing("invitations.edits.edit_row"),
    "staged_list.exclude": Refusing("invitations.edits.exclude"),
    "staged_list.include": Refusing("invitations.edits.include"),
    "staged_list.keep_as_is": Refusing("invitations.edits.keep_as_is"),
    "staged_list.pick_columns": Refusing(
        "invitations.staging.pick_columns", form={"email_column": "0"}
    ),
    "staged_list.pick_format": Refusing(
        "invitations.staging.pick_format", form={"list_delimiter": ","}
    ),
    "staged_list.rows": Refusing("invitations.edits.edit_rows"),
    "staged_list.split_row": Refusing("invitations.edits.split_row"),
    "staged_list.undo_correction": Refusing("invitations.edits.undo_correction"),
    "two_step.make_codes": Refusing("people.two_step.make_recovery_codes"),
    "two_step_login.create": Refusing("people.two_step.check_code", "half way"),
    "users.deactivate": Refusing("members.memberships.deactivate"),
    "users.reactivate": Refusing("members.memberships.reactivate"),
    "users.resend_confirmation": Refusing("members.memberships.resend_confirmation"),
    "users.update": Refusing("members.memberships.change_role", form={"role": "20"}),
}

# Their rules don't refuse, or the page says so in its form before it asks them.
NOT_REFUSING = {
    "compose.edit_typed", "compose.remove_file", "compose.review",
    "login.delete", "login.passkey_options", "mail.change_throttle", "mail.send_test",
    "password_reset.ask", "password_strength.estimate", "profile.log_out_other_devices",
    "unsubscribe.confirm", "unsubscribe.one_click", "unsubscribe.undo",
}  # fmt: skip

EACH_KIND = [
    Reason.NOT_ALLOWED, Reason.WRONG_PERSON, Reason.NOT_FOUND, Reason.LAST_OWNER,
    Reason.INVITATION_CLOSED, Reason.LINK_CLOSED, Reason.EMAIL_TOKEN_CLOSED, Reason.CODE_WRONG,
    Reason.PASSWORD_WRONG, Reason.SENDER_LIMIT, Reason.BUSY,
]  # fmt: skip


def test_every_view_that_changes_something_is_listed_here(app: Flask) -> None:
    changing = {rule.endpoint for rule, method in routes(app) if method == "POST"}
    assert changing == REFUSING.keys() | NOT_REFUSING


@pytest.mark.parametrize("endpoint", REFUSING)
@pytest.mark.slow
def test_a_view_answers_a_refusal_with_the_status_of_its_reason(
    site: Site, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    view = REFUSING[endpoint]
    site.app.config["WTF_CSRF_ENABLED"] = False
    (rule,) = (
        rule for rule, method in routes(site.app) if (rule.endpoint, method) == (endpoint, "POST")
    )
    client = site.device(view.who).client
    url = Places(site, site.user("moderator" if " " in view.who else view.who)).url(rule)
    if endpoint == "setup.page":
        monkeypatch.setattr(installation, "is_set_up", lambda: False)

    for reason in EACH_KIND:

        def refuse(*_arguments: object, reason: Reason = reason, **_named: object) -> None:
            raise RuleError(reason, limit=3)

        monkeypatch.setattr(f"invites.{view.rule}", refuse)
        for headers in ({}, HTMX):
            rate_limits.init_app(site.app)
            form = view.form(site) if callable(view.form) else view.form
            answer = client.post(url, data=form, headers=headers, buffered=True)
            assert answer.status_code == status_of(reason), (reason, headers)
            assert_forms_lead_to_their_views(site, BeautifulSoup(answer.text, "html.parser"), url)


def assert_forms_lead_to_their_views(site: Site, page: BeautifulSoup, url: str) -> None:
    """A form without an action posts to the page's URL, here that of the refusing view."""
    urls = site.app.url_map.bind("localhost")
    if page.select("form[method=post]:not([action])"):
        assert urls.match(url, method="GET")
