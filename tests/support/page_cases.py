"""Every page, and how a test opens it."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from werkzeug.test import TestResponse

from invites.core.clock import utcnow
from invites.core.settings import MailServer
from invites.invitations import staged_lists, staging, unsubscribe
from invites.members import answers
from invites.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    EmailToken,
    Invitation,
    Membership,
    Passkey,
)
from invites.outbox import deliveries, heartbeat
from tests.support.actions import invite
from tests.support.browsing import HTMX
from tests.support.people import PASSWORD
from tests.support.populated_account import ACCOUNT, Site, path, use_mail_server
from tests.support.smtp_server import free_port

NEW = f"{ACCOUNT}/invitations/new"
_PLAIN = {"username": None, "password": None, "use_tls": False, "use_ssl": False}
TWO_STEP = "/profile/two-step"
LINKS_GONE = "1-AAAAAAAAAAAAAAAAAAAAAAAA"

Place = str | Callable[[Site], str]
Form = dict[str, Any] | Callable[[Site], dict[str, Any]]


@dataclass(frozen=True)
class PageCase:
    """``who`` opens ``place``, or sends ``form`` to it. ``fragment``: its root element's id."""

    who: str
    place: Place
    form: Form | None = None
    fragment: str = ""
    status: int = 200
    before: Callable[[Site], object] | None = None

    def show(self, site: Site, *, htmx: bool = False, **headers: str) -> TestResponse:
        """The response. Turns off CSRF protection."""
        site.app.config["WTF_CSRF_ENABLED"] = False
        if self.before:
            self.before(site)
        client = site.device(self.who).client
        url = self.place if isinstance(self.place, str) else self.place(site)
        form = self.form(site) if callable(self.form) else self.form
        headers = (HTMX if htmx else {}) | headers
        if form is None:
            return client.get(url, headers=headers)
        return client.post(url, data=form, headers=headers, buffered=True)


def _invitation(name: str, what: str) -> Callable[[Site], str]:
    return lambda site: f"{ACCOUNT}/invitations/{getattr(site.rows, name).id}/{what}"


def _invitation_root(name: str) -> Callable[[Site], str]:
    return lambda site: f"invitation-{getattr(site.rows, name).id}"


def _member(role: str, what: str = "") -> Callable[[Site], str]:
    def place(site: Site) -> str:
        user = site.user(role)
        assert user is not None
        return f"{ACCOUNT}/users/{Membership.get(Membership.user == user).id}{what}"

    return place


def _stage_list(site: Site) -> None:
    rows = "Name,Email,Boss\nAda Okafor,ada@example.org,\nOlive Martin,ben@example.org,\n"
    rows += ",info@example.org,\n,cem@gmial.com,\n,dan@gmial.com,\n"
    rows += ",lea@example.org lea@example.com,eve@example.org\n"
    rows += "".join(f",guest{n}@example.org,\n" for n in range(30))
    staging.stage(site.rows.owner, "people.csv", rows.encode(), utcnow())


def _list(what: str) -> Callable[[Site], str]:
    return lambda site: f"{NEW}/list/{staged_lists.newest(site.rows.owner).id}/{what}"


def _mailed(name: str, what: str = "") -> Callable[[Site], str]:
    return lambda site: site.mailed(getattr(site.rows, name)) + what


def _token_link(name: str) -> Callable[[Site], str]:
    return lambda site: path(site.links.email_token(getattr(site.rows, name)))


def _mail_server(site: Site, **more: Any) -> None:
    """One that doesn't exist."""
    use_mail_server(site.app, MailServer("127.0.0.1", free_port(), **_PLAIN | more))


def _mail_server_outage(site: Site) -> None:
    _mail_server(site, username="ida", password="secret", use_tls=True)
    heartbeat.record(utcnow(), "4.3.0 Later")


def _mail(name: str) -> Callable[[Site], str]:
    def place(site: Site) -> str:
        found = Delivery.get(Delivery.invitation == getattr(site.rows, name))
        return f"/mailbox/{found.id}"

    return place


def _batches(state: BatchState) -> Callable[[Site], object]:
    reason = "5.7.1 Your domain is not welcome" if state == BatchState.STOPPED else ""
    return lambda _site: Batch.update(state=state, stop_reason=reason).execute()


def _batch_action(act: str, of: str = "late") -> Callable[[Site], str]:
    return lambda site: f"{_batch_of(of)(site)}/{act}"


def _unknown_outcomes(_site: Site) -> None:
    Delivery.update(state=DeliveryState.UNKNOWN).execute()


def _on_hold(_site: Site) -> None:
    Delivery.update(state=DeliveryState.WITHDRAWN, reply_text=deliveries.ON_HOLD).execute()


def _batch_of(name: str) -> Callable[[Site], str]:
    return lambda site: f"{ACCOUNT}/batches/{getattr(site.rows, name).batch_id}"


def _file(text: bytes) -> Callable[[Site], dict[str, Any]]:
    return lambda _site: {"csv_file": (io.BytesIO(text), "people.csv"), "role": "10"}


def _with_two_step(site: Site) -> None:
    site.set_up_two_step("user")


def _nobody_invited(_site: Site) -> None:
    Membership.update(invitation=None).execute()
    Delivery.delete().execute()
    Invitation.delete().execute()
    Batch.delete().execute()


def _revoked(site: Site) -> None:
    site.rows.pending.state = "revoked"
    site.rows.pending.save()


def _revoked_expired(site: Site) -> None:
    Invitation.update(expires_at=site.rows.now).where(
        Invitation.id == site.rows.revoked.id
    ).execute()


def _known_declined(site: Site) -> None:
    answers.decline(site.rows.known, site.rows.now)


def _unsubscribed(site: Site) -> None:
    unsubscribe.unsubscribe(site.rows.pending, site.rows.now)


def _unsubscribe_page(what: str = "") -> Callable[[Site], str]:
    return lambda site: path(site.links.unsubscribe(site.rows.pending)) + what


def _no_permanent_link(site: Site) -> None:
    site.rows.permanent.deleted_at = site.rows.now
    site.rows.permanent.save()


def _token_for_address(site: Site, email: str) -> str:
    email_token = site.rows.confirmation
    EmailToken.update(email=email).where(EmailToken.id == email_token.id).execute()
    return path(site.links.email_token(email_token))


def _copied(site: Site) -> str:
    return path(site.links.copied_invitation(site.rows.pending, site.rows.owner))


def _invited_elsewhere(site: Site) -> str:
    una = site.rows.unconfirmed.user.email
    found = Invitation.get_or_none(Invitation.email == una)
    return site.mailed(found or invite(site.rows.people.stranger, site.rows.now, una))


def _role_waits(site: Site) -> None:
    Membership.update(role=30).where(Membership.id == site.rows.unconfirmed.id).execute()


def _inviter_demoted(site: Site) -> None:
    site.rows.owner.role = 10
    site.rows.owner.save()


EVERYTHING = (
    "new@example.org, alma@elsewhere.example, uma@example.org, ina@example.org, "
    "pending@example.org, declined@example.org, new@example.org, rubbish"
)

PAGE_CASES = {
    "already set up": PageCase("nobody", "/setup", status=303),
    "log in": PageCase("nobody", "/login"),
    "log in, invited": PageCase(
        "nobody", lambda site: f"/login?next={site.mailed(site.rows.known)}"
    ),
    "wrong password": PageCase("nobody", "/login", {"email": "a@example.org"}, status=422),
    "two-step login": PageCase("half way", "/login/two-step"),
    "two-step login, refused": PageCase("half way", "/login/two-step", {"code": "1"}, status=422),
    "two-step login, recovery code refused": PageCase(
        "half way", "/login/two-step", {"recovery_code": "1"}, status=422
    ),
    "forgotten password": PageCase("nobody", "/password-reset"),
    "forgotten password, refused": PageCase(
        "nobody", "/password-reset", {"email": "x"}, status=422
    ),
    "password reset requested": PageCase("nobody", "/password-reset", {"email": "a@example.org"}),
    "new password": PageCase("nobody", _token_link("reset")),
    "new password, two different": PageCase(
        "nobody", _token_link("reset"), {"password": "one two three", "again": "four"}, status=422
    ),
    "new password, short": PageCase(
        "nobody", _token_link("reset"), {"password": "short", "again": "short"}, status=422
    ),
    "reset link used": PageCase("nobody", f"/password-reset/{LINKS_GONE}", status=410),
    "confirm address": PageCase("unconfirmed", _token_link("confirmation")),
    "confirm address, wrong password": PageCase(
        "unconfirmed", _token_link("confirmation"), {"password": "wrong"}, status=422
    ),
    "confirm another address, a role waits": PageCase(
        "unconfirmed",
        lambda site: _token_for_address(site, "una@elsewhere.example"),
        before=_role_waits,
    ),
    "confirmation link used": PageCase("owner", _token_link("confirmation"), status=410),
    "address taken": PageCase(
        "unconfirmed",
        lambda site: _token_for_address(site, "uma@example.org"),
        {"password": PASSWORD},
        status=409,
    ),
    "accounts": PageCase("owner", "/accounts"),
    "accounts, invited": PageCase("ally", "/accounts"),
    "accounts, declined": PageCase("ally", "/accounts", before=_known_declined),
    "no longer active": PageCase("inactive", f"{ACCOUNT}/", status=403),
    "accounts, none": PageCase("inactive", "/accounts"),
    "accounts, unconfirmed": PageCase("unconfirmed", "/accounts"),
    "a role that waits": PageCase("unconfirmed", f"{ACCOUNT}/", before=_role_waits),
    "add account": PageCase("owner", "/accounts/new"),
    "add account, refused": PageCase("owner", "/accounts/new", {"name": ""}, status=422),
    "profile": PageCase("user", "/profile"),
    "profile, bad details": PageCase(
        "user", "/profile/details", {"name": "x.org", "phone": "none"}, status=422
    ),
    "profile, bad address": PageCase("user", "/profile/email", {"email": "a b@c"}, status=422),
    "profile, bad password": PageCase("user", "/profile/password", {"new": "x"}, status=422),
    "two-step verification": PageCase("user", TWO_STEP),
    "two-step verification, set up": PageCase("user", TWO_STEP, before=_with_two_step),
    "app, password": PageCase("user", f"{TWO_STEP}/app"),
    "app, refused": PageCase("user", f"{TWO_STEP}/app", {"password": "x"}, status=422),
    "app, key": PageCase("setting up", f"{TWO_STEP}/app/key"),
    "app, digits refused": PageCase("setting up", f"{TWO_STEP}/app/key", {"code": "1"}, status=422),
    "app, removing": PageCase("user", f"{TWO_STEP}/app/removal", before=_with_two_step),
    "recovery codes": PageCase("user", f"{TWO_STEP}/recovery-codes", before=_with_two_step),
    "passkey": PageCase("user", f"{TWO_STEP}/passkeys"),
    "passkey, refused": PageCase(
        "user", f"{TWO_STEP}/passkeys", {"name": "", "credential": "x"}, status=422
    ),
    "passkey, removing": PageCase(
        "user",
        lambda _site: f"{TWO_STEP}/passkeys/{Passkey.get().id}/removal",
        before=_with_two_step,
    ),
    "home of an owner": PageCase("owner", f"{ACCOUNT}/"),
    "home of a user": PageCase("user", f"{ACCOUNT}/"),
    "leaving": PageCase("user", f"{ACCOUNT}/leaving"),
    "leaving, only owner": PageCase("owner", f"{ACCOUNT}/leaving"),
    "new invitation": PageCase("owner", NEW),
    "new invitation, refused": PageCase("owner", NEW, {"email": "", "role": "77"}, status=422),
    "new invitation, nobody left": PageCase(
        "owner", NEW, {"email": "uma@example.org", "role": "10"}, status=422
    ),
    "new invitation, reviewed": PageCase("owner", NEW, {"email": EVERYTHING, "role": "10"}),
    "new invitation, very many": PageCase(
        "owner", NEW, {"email": " ".join(f"p{n}@example.org" for n in range(500)), "role": "10"}
    ),
    "review": PageCase(
        "owner", f"{NEW}/review", {"email": EVERYTHING}, fragment="review"
    ),
    "review, nothing": PageCase(
        "owner", f"{NEW}/review", {"email": ""}, fragment="review"
    ),
    "review, too many bad": PageCase(
        "owner",
        f"{NEW}/review",
        {"email": " ".join(f"bad{n}@x" for n in range(30))},
        fragment="review",
    ),
    "file": PageCase(
        "owner", f"{NEW}/file", _file(b"email\na@example.org\nrubbish\n"), fragment="email-csv-file"
    ),
    "file, refused": PageCase(
        "owner", f"{NEW}/file", _file(b"%PDF-1.4"), fragment="email-csv-file", status=422
    ),
    "rows": PageCase(
        "owner", _list("rows"), {"go": ":1"}, fragment="staged-list", before=_stage_list
    ),
    "rows that need attention": PageCase(
        "owner", _list("rows"), {"place": "invalid:1"}, fragment="staged-list", before=_stage_list
    ),
    "list read in another format": PageCase(
        "owner",
        _list("format"),
        {"list_delimiter": ";"},
        fragment="staged-list",
        before=_stage_list,
    ),
    "row excluded": PageCase(
        "owner", _list("rows/2/exclusion"), {}, fragment="staged-list", before=_stage_list
    ),
    "row corrected": PageCase(
        "owner",
        _list("rows/5/text"),
        {"was-5": "info@example.org", "text-5": "x"},
        fragment="staged-list",
        before=_stage_list,
    ),
    "row split": PageCase(
        "owner", _list("rows/7/split"), {}, fragment="staged-list", before=_stage_list
    ),
    "typed, corrected": PageCase(
        "owner", f"{NEW}/typed", {"email": EVERYTHING, "use": "0"}, fragment="typed"
    ),
    "file, removed": PageCase("owner", f"{NEW}/file/removal", {}, fragment="email-csv-file"),
    "invitations": PageCase("owner", f"{ACCOUNT}/invitations", fragment="invitation-list"),
    "invitations, none found": PageCase(
        "owner", f"{ACCOUNT}/invitations?search=nowhere", fragment="invitation-list"
    ),
    "invitations, one status": PageCase(
        "owner", f"{ACCOUNT}/invitations?status=failed", fragment="invitation-list"
    ),
    "invitations, unsubscribed": PageCase(
        "owner",
        f"{ACCOUNT}/invitations?search=pending",
        fragment="invitation-list",
        before=_unsubscribed,
    ),
    "invitations, none yet": PageCase(
        "owner", f"{ACCOUNT}/invitations", fragment="invitation-list", before=_nobody_invited
    ),
    "invitations of a moderator": PageCase(
        "moderator", f"{ACCOUNT}/invitations", fragment="invitation-list"
    ),
    "personal link": PageCase("owner", _invitation("pending", "link")),
    "batches": PageCase("owner", f"{ACCOUNT}/batches", fragment="batch-list"),
    "batches, none yet": PageCase(
        "owner", f"{ACCOUNT}/batches", fragment="batch-list", before=_nobody_invited
    ),
    "batch": PageCase(
        "owner", lambda site: f"{ACCOUNT}/batches/{site.rows.batch.id}", fragment="batch-progress"
    ),
    "batch, failed": PageCase("owner", _batch_of("failed"), fragment="batch-progress"),
    "batch, bounced": PageCase("owner", _batch_of("bounced"), fragment="batch-progress"),
    "batch, deferred": PageCase("owner", _batch_of("late"), fragment="batch-progress"),
    "batch of a moderator": PageCase("moderator", _batch_of("late"), fragment="batch-progress"),
    "batch, paused": PageCase(
        "owner", _batch_of("late"), fragment="batch-progress", before=_batches(BatchState.PAUSED)
    ),
    "batch, stopped": PageCase(
        "owner", _batch_of("failed"), fragment="batch-progress", before=_batches(BatchState.STOPPED)
    ),
    "batch, canceled": PageCase(
        "owner", _batch_of("late"), fragment="batch-progress", before=_batches(BatchState.CANCELED)
    ),
    "batch, probing": PageCase(
        "owner", _batch_of("late"), fragment="batch-progress", before=_batches(BatchState.PROBING)
    ),
    "batch, canceling": PageCase(
        "owner", lambda site: _batch_of("late")(site) + "/cancellation", fragment="batch-progress"
    ),
    "batch, outcomes unknown": PageCase(
        "owner", _batch_of("late"), fragment="batch-progress", before=_unknown_outcomes
    ),
    "batch, skipped entries": PageCase(
        "owner", lambda site: f"{ACCOUNT}/batches/{site.rows.batch.id}/skipped"
    ),
    "a person's address to correct": PageCase("owner", _invitation("bounced", "corrected")),
    "batch, on hold": PageCase(
        "owner", _batch_of("late"), fragment="batch-progress", before=_on_hold
    ),
    "permanent invite": PageCase(
        "owner", f"{ACCOUNT}/permanent-invite", fragment="permanent-link"
    ),
    "permanent invite, off": PageCase(
        "owner",
        f"{ACCOUNT}/permanent-invite",
        fragment="permanent-link",
        before=_no_permanent_link,
    ),
    "permanent invite of a moderator": PageCase(
        "moderator",
        f"{ACCOUNT}/permanent-invite",
        fragment="permanent-link",
        before=_no_permanent_link,
    ),
    "permanent invite, deleting": PageCase(
        "owner", f"{ACCOUNT}/permanent-invite/deletion", fragment="permanent-link"
    ),
    "active": PageCase("owner", f"{ACCOUNT}/users", fragment="user-list"),
    "active, a role that waits": PageCase(
        "owner", f"{ACCOUNT}/users", fragment="user-list", before=_role_waits
    ),
    "active, none found": PageCase(
        "owner", f"{ACCOUNT}/users?search=nowhere", fragment="user-list"
    ),
    "inactive": PageCase("owner", f"{ACCOUNT}/users/inactive", fragment="user-list"),
    "inactive, none found": PageCase(
        "owner", f"{ACCOUNT}/users/inactive?search=nowhere", fragment="user-list"
    ),
    "edit user": PageCase("owner", _member("user", "/edit"), fragment="user-"),
    "edit user, unconfirmed": PageCase(
        "owner", _member("unconfirmed", "/edit"), fragment="user-"
    ),
    "edit user, refused": PageCase(
        "owner", _member("unconfirmed", "/edit"), {"role": "30"}, fragment="user-", status=409
    ),
    "edit user, forged role": PageCase(
        "admin", _member("user", "/edit"), {"role": "40"}, fragment="user-", status=422
    ),
    "settings": PageCase("owner", f"{ACCOUNT}/settings"),
    "audit log": PageCase("owner", f"{ACCOUNT}/audit-log", fragment="audit-log-list"),
    "audit log, nothing found": PageCase(
        "owner", f"{ACCOUNT}/audit-log?search=nowhere", fragment="audit-log-list"
    ),
    "settings, refused": PageCase(
        "owner",
        f"{ACCOUNT}/settings",
        {"name": "a\x00b", "assignments_url": "http://x", "reply_to": "nobody"},
        status=422,
    ),
    "mail settings": PageCase("owner", "/mail", before=_mail_server),
    "mail settings, outage": PageCase("owner", "/mail", before=_mail_server_outage),
    "mail settings, domain": PageCase(
        "owner", "/mail/dns-records", fragment="dns-records", before=_mail_server
    ),
    "mail settings, test mail": PageCase(
        "owner", "/mail/test-mail", {"email": "a@example.org"}, "test_mail", before=_mail_server
    ),
    "mail settings, test mail refused": PageCase(
        "owner", "/mail/test-mail", {"email": "nobody"}, "test_mail", 422, before=_mail_server
    ),
    "mail settings, throttle refused": PageCase(
        "owner", "/mail/throttle", {"per_minute": "x"}, status=422, before=_mail_server
    ),
    "mailbox": PageCase("owner", "/mailbox", fragment="mail-list"),
    "mailbox, empty": PageCase(
        "owner", "/mailbox", fragment="mail-list", before=lambda _site: Delivery.delete().execute()
    ),
    "mail": PageCase("owner", _mail("pending")),
    "mail, withdrawn": PageCase("owner", _mail("pending"), before=_revoked),
    "invitation": PageCase("nobody", _mailed("pending")),
    "invitation, declined before": PageCase("nobody", _mailed("declined")),
    "invitation, form refused": PageCase(
        "nobody", _mailed("pending", "/acceptance"), {"name": "", "phone": "x"}, status=422
    ),
    "invitation, password refused": PageCase(
        "nobody",
        _mailed("pending", "/acceptance"),
        {"name": "Pen Ding", "password": "aaaaaaaaaaaa"},
        status=422,
    ),
    "invitation, for somebody else": PageCase("user", _mailed("pending"), status=403),
    "invitation, expired": PageCase("nobody", _mailed("expired"), status=410),
    "invitation, revoked": PageCase("user", _mailed("revoked"), status=410),
    "invitation, accepted": PageCase("nobody", _mailed("accepted"), status=410),
    "invitation, inviter without authority": PageCase(
        "nobody", _mailed("pending"), status=410, before=_inviter_demoted
    ),
    "invitation, copied": PageCase("nobody", _copied),
    "invitation, copied by a former member": PageCase(
        "nobody", _copied, status=410, before=_inviter_demoted
    ),
    "invitation, to an unconfirmed person": PageCase("unconfirmed", _invited_elsewhere),
    "invitation, wrong password": PageCase(
        "unconfirmed",
        lambda site: _invited_elsewhere(site) + "/acceptance",
        {"password": "wrong"},
        status=422,
    ),
    "invitation, unknown": PageCase("nobody", f"/invitation/{LINKS_GONE}", status=404),
    "invitation, declining": PageCase("nobody", _mailed("pending", "/refusal"), {}),
    "unsubscribe": PageCase("nobody", _unsubscribe_page()),
    "unsubscribe, done": PageCase("nobody", _unsubscribe_page(), before=_unsubscribed),
    "invitation, address without its token": PageCase("nobody", "/invitation/opened", status=404),
    "unsubscribe, unknown": PageCase("nobody", f"/unsubscribe/{LINKS_GONE}", status=404),
    "unsubscribe, another body": PageCase("nobody", _unsubscribe_page(), {}, status=400),
    "join": PageCase("nobody", lambda site: site.joining),
    "join, refused": PageCase(
        "nobody", lambda site: site.joining, {"name": "", "email": "uma"}, status=422
    ),
    "join, logged in": PageCase("ally", lambda site: site.joining),
    "join, a member already": PageCase("user", lambda site: site.joining),
    "join, removed": PageCase("inactive", lambda site: site.joining),
    "join, deleted": PageCase("nobody", f"/join/{LINKS_GONE}", status=410),
}  # fmt: skip

# Responses to buttons in rows: fragments for htmx, otherwise redirects to the list.
BUTTONS = {
    "pause a batch": PageCase("owner", _batch_action("pause"), {}, "batch-progress"),
    "resume a batch": PageCase(
        "owner", _batch_action("resume"), {}, "batch-progress", before=_batches(BatchState.PAUSED)
    ),
    "cancel a batch": PageCase("owner", _batch_action("cancellation"), {}, "batch-progress"),
    "retry a batch": PageCase("owner", _batch_action("retry", of="failed"), {}, "batch-progress"),
    "send emails on hold": PageCase(
        "owner", _batch_action("on-hold"), {}, "batch-progress", before=_on_hold
    ),
    "resend in a batch": PageCase(
        "owner",
        lambda site: (
            f"{_batch_action(f'invitations/{site.rows.failed.id}/resend', of='failed')(site)}"
        ),
        {},
        "batch-progress",
    ),
    "resend, refused": PageCase(
        "owner", _invitation("pending", "resend"), {}, "invitation-", status=409
    ),
    "resend, unsubscribed": PageCase(
        "owner",
        _invitation("pending", "resend"),
        {},
        "invitation-",
        status=409,
        before=_unsubscribed,
    ),
    "resend": PageCase("owner", _invitation("sent", "resend"), {}, "invitation-"),
    "copy link": PageCase("owner", _invitation("pending", "link"), None, "invitation-"),
    "revoke": PageCase("owner", _invitation("pending", "revocation"), {}, "invitation-"),
    "undo, expired meanwhile": PageCase(
        "owner", _invitation("revoked", "restoration"), {}, "invitation-", before=_revoked_expired
    ),
    "undo": PageCase("owner", _invitation("revoked", "restoration"), {}, "invitation-"),
    "update user": PageCase("owner", _member("user", "/edit"), {"role": "20"}, "user-"),
    "deactivate": PageCase("owner", _member("user", "/deactivation"), {}, "user-"),
    "deactivate, refused": PageCase("owner", _member("owner", "/deactivation"), {}, "user-", 409),
    "reactivate": PageCase("owner", _member("inactive", "/reactivation"), {}, "user-"),
    "cancel editing": PageCase("owner", _member("user"), None, "user-"),
    "enable link": PageCase(
        "owner", f"{ACCOUNT}/permanent-invite", {}, "permanent-link", before=_no_permanent_link
    ),
    "delete link": PageCase("owner", f"{ACCOUNT}/permanent-invite/deletion", {}, "permanent-link"),
}

PAGES = {name: case for name, case in PAGE_CASES.items() if case.status != 303}
FRAGMENTS = {name: case for name, case in (PAGE_CASES | BUTTONS).items() if case.fragment}
