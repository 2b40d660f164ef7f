"""Every page there is, and how somebody gets to see it."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from werkzeug.test import TestResponse

from invites.core.clock import utcnow
from invites.core.settings import MailServer
from invites.invitations import staging, unsubscribe
from invites.members import answers
from invites.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    EmailProof,
    Invitation,
    Membership,
    Passkey,
)
from invites.outbox import enqueue
from tests.support.browsing import HTMX
from tests.support.populated_account import ACCOUNT, World, path, use_mail_server
from tests.support.smtp_server import free_port

NEW = f"{ACCOUNT}/invitations/new"
_PLAIN = {"username": None, "password": None, "use_tls": False, "use_ssl": False}
_SECOND = "/profile/second-step"
LINKS_GONE = "1-AAAAAAAAAAAAAAAAAAAAAAAA"

Place = str | Callable[[World], str]
Form = dict[str, Any] | Callable[[World], dict[str, Any]]


@dataclass(frozen=True)
class Scene:
    """A page: who sees it where, after sending which form; ``fragment`` is its swap's root id."""

    who: str
    place: Place
    form: Form | None = None
    fragment: str = ""
    status: int = 200
    before: Callable[[World], object] | None = None

    def show(self, world: World, *, htmx: bool = False, **headers: str) -> TestResponse:
        """The answer to whoever opens the page, or sends its form."""
        world.app.config["WTF_CSRF_ENABLED"] = False
        if self.before:
            self.before(world)
        client = world.device(self.who).client
        url = self.place if isinstance(self.place, str) else self.place(world)
        form = self.form(world) if callable(self.form) else self.form
        headers = (HTMX if htmx else {}) | headers
        if form is None:
            return client.get(url, headers=headers)
        return client.post(url, data=form, headers=headers, buffered=True)


def _invitation(name: str, what: str) -> Callable[[World], str]:
    return lambda world: f"{ACCOUNT}/invitations/{getattr(world.rows, name).id}/{what}"


def _invitation_root(name: str) -> Callable[[World], str]:
    return lambda world: f"invitation-{getattr(world.rows, name).id}"


def _member(role: str, what: str = "") -> Callable[[World], str]:
    def place(world: World) -> str:
        user = world.user(role)
        assert user is not None
        return f"{ACCOUNT}/users/{Membership.get(Membership.user == user).id}{what}"

    return place


def _stage_list(world: World) -> None:
    rows = "Name,Email,Boss\nAda Okafor,ada@example.org,\nOlive Martin,ben@example.org,\n"
    rows += ",info@example.org,\n,cem@gmial.com,\n,dan@gmial.com,\n"
    rows += ",lea@example.org lea@example.com,eve@example.org\n"
    rows += "".join(f",guest{n}@example.org,\n" for n in range(30))
    staging.stage(world.rows.owner, "people.csv", rows.encode(), utcnow())


def _list(what: str) -> Callable[[World], str]:
    return lambda world: f"{NEW}/list/{staging.newest(world.rows.owner).id}/{what}"


def _mailed(name: str, what: str = "") -> Callable[[World], str]:
    return lambda world: world.mailed(getattr(world.rows, name)) + what


def _proof(name: str) -> Callable[[World], str]:
    return lambda world: path(world.links.proof(getattr(world.rows, name)))


def _mail_server(world: World, **more: Any) -> None:
    """One that isn't there."""
    use_mail_server(world.app, MailServer("127.0.0.1", free_port(), **_PLAIN | more))


def _mail_server_in_trouble(world: World) -> None:
    _mail_server(world, username="ida", password="secret", use_tls=True)
    enqueue.beat(utcnow(), "4.3.0 Later")


def _mail(name: str) -> Callable[[World], str]:
    def place(world: World) -> str:
        found = Delivery.get(Delivery.invitation == getattr(world.rows, name))
        return f"/mailbox/{found.id}"

    return place


def _batches(state: BatchState) -> Callable[[World], object]:
    reason = "5.7.1 Your domain is not welcome" if state == BatchState.STOPPED else ""
    return lambda _world: Batch.update(state=state, stopped_because=reason).execute()


def _steer(act: str, of: str = "late") -> Callable[[World], str]:
    return lambda world: f"{_batch_of(of)(world)}/{act}"


def _nobody_knows(_world: World) -> None:
    Delivery.update(state=DeliveryState.UNKNOWN).execute()


def _held_back(_world: World) -> None:
    Delivery.update(state=DeliveryState.WITHDRAWN, reply_text=enqueue.HELD_BACK).execute()


def _batch_of(name: str) -> Callable[[World], str]:
    return lambda world: f"{ACCOUNT}/batches/{getattr(world.rows, name).batch_id}"


def _file(text: bytes) -> Callable[[World], dict[str, Any]]:
    return lambda _world: {"csv_file": (io.BytesIO(text), "people.csv"), "role": "10"}


def _secured(world: World) -> None:
    world.set_up_second_factor("user")


def _nobody_invited(_world: World) -> None:
    Membership.update(invitation=None).execute()
    Delivery.delete().execute()
    Invitation.delete().execute()
    Batch.delete().execute()


def _revoked(world: World) -> None:
    world.rows.pending.state = "revoked"
    world.rows.pending.save()


def _revoked_expired(world: World) -> None:
    Invitation.update(expires_at=world.rows.now).where(
        Invitation.id == world.rows.revoked.id
    ).execute()


def _known_declined(world: World) -> None:
    answers.decline(world.rows.known, world.rows.now)


def _opted_out(world: World) -> None:
    unsubscribe.opt_out(world.rows.pending, world.rows.now)


def _no_more(what: str = "") -> Callable[[World], str]:
    return lambda world: path(world.links.opt_out(world.rows.pending)) + what


def _no_permanent_link(world: World) -> None:
    world.rows.permanent.deleted_at = world.rows.now
    world.rows.permanent.save()


def _proof_of_address(world: World, email: str) -> str:
    proof = world.rows.confirmation
    EmailProof.update(email=email).where(EmailProof.id == proof.id).execute()
    return path(world.links.proof(proof))


def _inviter_demoted(world: World) -> None:
    world.rows.owner.role = 10
    world.rows.owner.save()


EVERYTHING = (
    "new@example.org, alma@elsewhere.example, uma@example.org, ina@example.org, "
    "pending@example.org, declined@example.org, new@example.org, rubbish"
)

SCENES = {
    "set up already": Scene("nobody", "/setup", status=303),
    "log in": Scene("nobody", "/login"),
    "log in, invited": Scene("nobody", lambda w: f"/login?next={w.mailed(w.rows.known)}"),
    "wrong password": Scene("nobody", "/login", {"email": "a@example.org"}, status=422),
    "second step": Scene("half way", "/login/second-step"),
    "second step, refused": Scene("half way", "/login/second-step", {"code": "1"}, status=422),
    "second step, code refused": Scene(
        "half way", "/login/second-step", {"recovery_code": "1"}, status=422
    ),
    "forgotten password": Scene("nobody", "/password-reset"),
    "forgotten password, refused": Scene("nobody", "/password-reset", {"email": "x"}, status=422),
    "reset mail asked for": Scene("nobody", "/password-reset", {"email": "a@example.org"}),
    "new password": Scene("nobody", _proof("reset")),
    "new password, two different": Scene(
        "nobody", _proof("reset"), {"password": "one two three", "again": "four"}, status=422
    ),
    "new password, short": Scene(
        "nobody", _proof("reset"), {"password": "short", "again": "short"}, status=422
    ),
    "reset link used": Scene("nobody", f"/password-reset/{LINKS_GONE}", status=410),
    "confirm address": Scene("unconfirmed", _proof("confirmation")),
    "confirmation link used": Scene("owner", _proof("confirmation"), status=410),
    "address taken": Scene(
        "unconfirmed", lambda w: _proof_of_address(w, "uma@example.org"), {}, status=410
    ),
    "accounts": Scene("owner", "/accounts"),
    "accounts, invited": Scene("ally", "/accounts"),
    "accounts, declined": Scene("ally", "/accounts", before=_known_declined),
    "no longer active": Scene("inactive", f"{ACCOUNT}/", status=403),
    "accounts, none": Scene("inactive", "/accounts"),
    "accounts, unconfirmed": Scene("unconfirmed", "/accounts"),
    "add account": Scene("owner", "/accounts/new"),
    "add account, refused": Scene("owner", "/accounts/new", {"name": ""}, status=422),
    "profile": Scene("user", "/profile"),
    "profile, bad details": Scene(
        "user", "/profile/details", {"name": "x.org", "phone": "none"}, status=422
    ),
    "profile, bad address": Scene("user", "/profile/email", {"email": "a b@c"}, status=422),
    "profile, bad password": Scene("user", "/profile/password", {"new": "x"}, status=422),
    "own second step": Scene("user", _SECOND),
    "own second step, set up": Scene("user", _SECOND, before=_secured),
    "app, password": Scene("user", f"{_SECOND}/app"),
    "app, refused": Scene("user", f"{_SECOND}/app", {"password": "x"}, status=422),
    "app, key": Scene("setting up", f"{_SECOND}/app/key"),
    "app, digits refused": Scene("setting up", f"{_SECOND}/app/key", {"code": "1"}, status=422),
    "app, removing": Scene("user", f"{_SECOND}/app/removal", before=_secured),
    "recovery codes": Scene("user", f"{_SECOND}/recovery-codes", before=_secured),
    "passkey": Scene("user", f"{_SECOND}/passkeys"),
    "passkey, refused": Scene(
        "user", f"{_SECOND}/passkeys", {"name": "", "credential": "x"}, status=422
    ),
    "passkey, removing": Scene(
        "user", lambda _w: f"{_SECOND}/passkeys/{Passkey.get().id}/removal", before=_secured
    ),
    "home of an owner": Scene("owner", f"{ACCOUNT}/"),
    "home of a user": Scene("user", f"{ACCOUNT}/"),
    "leaving": Scene("user", f"{ACCOUNT}/leaving"),
    "leaving, only owner": Scene("owner", f"{ACCOUNT}/leaving"),
    "new invitation": Scene("owner", NEW),
    "new invitation, refused": Scene("owner", NEW, {"email": "", "role": "77"}, status=422),
    "new invitation, nobody left": Scene(
        "owner", NEW, {"email": "uma@example.org", "role": "10"}, status=422
    ),
    "new invitation, reviewed": Scene("owner", NEW, {"email": EVERYTHING, "role": "10"}),
    "new invitation, very many": Scene(
        "owner", NEW, {"email": " ".join(f"p{n}@example.org" for n in range(500)), "role": "10"}
    ),
    "understanding": Scene(
        "owner", f"{NEW}/understanding", {"email": EVERYTHING}, fragment="understanding"
    ),
    "understanding, nothing": Scene(
        "owner", f"{NEW}/understanding", {"email": ""}, fragment="understanding"
    ),
    "understanding, too many bad": Scene(
        "owner",
        f"{NEW}/understanding",
        {"email": " ".join(f"bad{n}@x" for n in range(30))},
        fragment="understanding",
    ),
    "file": Scene(
        "owner", f"{NEW}/file", _file(b"email\na@example.org\nrubbish\n"), fragment="email-csv-file"
    ),
    "file, refused": Scene(
        "owner", f"{NEW}/file", _file(b"%PDF-1.4"), fragment="email-csv-file", status=422
    ),
    "rows": Scene(
        "owner", _list("rows"), {"go": ":1"}, fragment="staged-list", before=_stage_list
    ),
    "rows that need a look": Scene(
        "owner", _list("rows"), {"place": "invalid:1"}, fragment="staged-list", before=_stage_list
    ),
    "row left out": Scene(
        "owner", _list("rows/2/left-out"), {}, fragment="staged-list", before=_stage_list
    ),
    "row mended": Scene(
        "owner",
        _list("rows/5/mended"),
        {"was-5": "info@example.org", "text-5": "x"},
        fragment="staged-list",
        before=_stage_list,
    ),
    "row split": Scene(
        "owner", _list("rows/7/split"), {}, fragment="staged-list", before=_stage_list
    ),
    "typed, mended": Scene(
        "owner", f"{NEW}/typed", {"email": EVERYTHING, "use": "0"}, fragment="typed"
    ),
    "file, removed": Scene("owner", f"{NEW}/file/removal", {}, fragment="email-csv-file"),
    "invitations": Scene("owner", f"{ACCOUNT}/invitations", fragment="invitation-list"),
    "invitations, none found": Scene(
        "owner", f"{ACCOUNT}/invitations?search=nowhere", fragment="invitation-list"
    ),
    "invitations, one status": Scene(
        "owner", f"{ACCOUNT}/invitations?status=failed", fragment="invitation-list"
    ),
    "invitations, opted out": Scene(
        "owner",
        f"{ACCOUNT}/invitations?search=pending",
        fragment="invitation-list",
        before=_opted_out,
    ),
    "invitations, none yet": Scene(
        "owner", f"{ACCOUNT}/invitations", fragment="invitation-list", before=_nobody_invited
    ),
    "invitations of a moderator": Scene(
        "moderator", f"{ACCOUNT}/invitations", fragment="invitation-list"
    ),
    "personal link": Scene("owner", _invitation("pending", "link")),
    "batches": Scene("owner", f"{ACCOUNT}/batches", fragment="batch-list"),
    "batches, none yet": Scene(
        "owner", f"{ACCOUNT}/batches", fragment="batch-list", before=_nobody_invited
    ),
    "batch": Scene(
        "owner", lambda w: f"{ACCOUNT}/batches/{w.rows.batch.id}", fragment="batch-progress"
    ),
    "batch, failed": Scene("owner", _batch_of("failed"), fragment="batch-progress"),
    "batch, came back": Scene("owner", _batch_of("bounced"), fragment="batch-progress"),
    "batch, late": Scene("owner", _batch_of("late"), fragment="batch-progress"),
    "batch of a moderator": Scene("moderator", _batch_of("late"), fragment="batch-progress"),
    "batch, paused": Scene(
        "owner", _batch_of("late"), fragment="batch-progress", before=_batches(BatchState.PAUSED)
    ),
    "batch, stopped": Scene(
        "owner", _batch_of("failed"), fragment="batch-progress", before=_batches(BatchState.STOPPED)
    ),
    "batch, cancelled": Scene(
        "owner", _batch_of("late"), fragment="batch-progress", before=_batches(BatchState.CANCELLED)
    ),
    "batch, tried": Scene(
        "owner", _batch_of("late"), fragment="batch-progress", before=_batches(BatchState.PROBING)
    ),
    "batch, cancelling": Scene(
        "owner", lambda w: _batch_of("late")(w) + "/cancellation", fragment="batch-progress"
    ),
    "batch, unanswered": Scene(
        "owner", _batch_of("late"), fragment="batch-progress", before=_nobody_knows
    ),
    "batch, what was left out": Scene(
        "owner", lambda w: f"{ACCOUNT}/batches/{w.rows.batch.id}/left-out"
    ),
    "a person's address to correct": Scene("owner", _invitation("bounced", "corrected")),
    "batch, held back": Scene(
        "owner", _batch_of("late"), fragment="batch-progress", before=_held_back
    ),
    "permanent invite": Scene(
        "owner", f"{ACCOUNT}/permanent-invite", fragment="permanent-link"
    ),
    "permanent invite, off": Scene(
        "owner",
        f"{ACCOUNT}/permanent-invite",
        fragment="permanent-link",
        before=_no_permanent_link,
    ),
    "permanent invite of a moderator": Scene(
        "moderator",
        f"{ACCOUNT}/permanent-invite",
        fragment="permanent-link",
        before=_no_permanent_link,
    ),
    "permanent invite, deleting": Scene(
        "owner", f"{ACCOUNT}/permanent-invite/deletion", fragment="permanent-link"
    ),
    "active": Scene("owner", f"{ACCOUNT}/users", fragment="user-list"),
    "active, none found": Scene(
        "owner", f"{ACCOUNT}/users?search=nowhere", fragment="user-list"
    ),
    "inactive": Scene("owner", f"{ACCOUNT}/users/inactive", fragment="user-list"),
    "inactive, none found": Scene(
        "owner", f"{ACCOUNT}/users/inactive?search=nowhere", fragment="user-list"
    ),
    "edit user": Scene("owner", _member("user", "/edit"), fragment="user-"),
    "edit user, refused": Scene(
        "owner", _member("unconfirmed", "/edit"), {"role": "30"}, fragment="user-", status=422
    ),
    "edit user, forged role": Scene(
        "admin", _member("user", "/edit"), {"role": "40"}, fragment="user-", status=422
    ),
    "settings": Scene("owner", f"{ACCOUNT}/settings"),
    "activity": Scene("owner", f"{ACCOUNT}/activity", fragment="activity-list"),
    "activity, nothing found": Scene(
        "owner", f"{ACCOUNT}/activity?search=nowhere", fragment="activity-list"
    ),
    "settings, refused": Scene(
        "owner",
        f"{ACCOUNT}/settings",
        {"name": "a\x00b", "assignments_url": "http://x", "reply_to": "nobody"},
        status=422,
    ),
    "mail settings": Scene("owner", "/mail", before=_mail_server),
    "mail settings, worker in trouble": Scene("owner", "/mail", before=_mail_server_in_trouble),
    "mail settings, domain": Scene(
        "owner", "/mail/published", fragment="published", before=_mail_server
    ),
    "mail settings, test mail": Scene(
        "owner", "/mail/rehearsal", {"email": "a@example.org"}, "rehearsal", before=_mail_server
    ),
    "mail settings, test mail refused": Scene(
        "owner", "/mail/rehearsal", {"email": "nobody"}, "rehearsal", 422, before=_mail_server
    ),
    "mail settings, pace refused": Scene(
        "owner", "/mail/pace", {"per_minute": "x"}, status=422, before=_mail_server
    ),
    "mailbox": Scene("owner", "/mailbox", fragment="mail-list"),
    "mailbox, empty": Scene(
        "owner", "/mailbox", fragment="mail-list", before=lambda _w: Delivery.delete().execute()
    ),
    "mail": Scene("owner", _mail("pending")),
    "mail, over": Scene("owner", _mail("pending"), before=_revoked),
    "invitation": Scene("nobody", _mailed("pending")),
    "invitation, declined before": Scene("nobody", _mailed("declined")),
    "invitation, form refused": Scene(
        "nobody", _mailed("pending", "/acceptance"), {"name": "", "phone": "x"}, status=422
    ),
    "invitation, password refused": Scene(
        "nobody",
        _mailed("pending", "/acceptance"),
        {"name": "Pen Ding", "password": "aaaaaaaaaaaa"},
        status=422,
    ),
    "invitation, for somebody else": Scene("user", _mailed("pending"), status=403),
    "invitation, expired": Scene("nobody", _mailed("expired"), status=410),
    "invitation, revoked": Scene("user", _mailed("revoked"), status=410),
    "invitation, accepted": Scene("nobody", _mailed("accepted"), status=410),
    "invitation, unbacked": Scene(
        "nobody", _mailed("pending"), status=410, before=_inviter_demoted
    ),
    "invitation, unknown": Scene("nobody", f"/invitation/{LINKS_GONE}", status=404),
    "invitation, declining": Scene("nobody", _mailed("pending", "/refusal"), {}),
    "no more": Scene("nobody", _no_more()),
    "no more, said so": Scene("nobody", _no_more(), before=_opted_out),
    "no more, unknown": Scene("nobody", f"/no-more/{LINKS_GONE}", status=404),
    "no more, another body": Scene("nobody", _no_more(), {}, status=400),
    "join": Scene("nobody", lambda w: w.joining),
    "join, refused": Scene(
        "nobody", lambda w: w.joining, {"name": "", "email": "uma"}, status=422
    ),
    "join as oneself": Scene("ally", lambda w: w.joining),
    "join, a member already": Scene("user", lambda w: w.joining),
    "join, removed": Scene("inactive", lambda w: w.joining),
    "join, deleted": Scene("nobody", f"/join/{LINKS_GONE}", status=410),
}  # fmt: skip

# Answers to buttons in rows: fragments for htmx; without it they lead back to the list.
BUTTONS = {
    "pause a batch": Scene("owner", _steer("pause"), {}, "batch-progress"),
    "resume a batch": Scene(
        "owner", _steer("resume"), {}, "batch-progress", before=_batches(BatchState.PAUSED)
    ),
    "cancel a batch": Scene("owner", _steer("cancellation"), {}, "batch-progress"),
    "retry a batch": Scene("owner", _steer("retry", of="failed"), {}, "batch-progress"),
    "send what a backup held back": Scene(
        "owner", _steer("held-back"), {}, "batch-progress", before=_held_back
    ),
    "resend in a batch": Scene(
        "owner",
        lambda w: f"{_steer(f'invitations/{w.rows.failed.id}/resend', of='failed')(w)}",
        {},
        "batch-progress",
    ),
    "resend, refused": Scene(
        "owner", _invitation("pending", "resend"), {}, "invitation-", status=422
    ),
    "resend, opted out": Scene(
        "owner", _invitation("pending", "resend"), {}, "invitation-", status=422, before=_opted_out
    ),
    "resend": Scene("owner", _invitation("sent", "resend"), {}, "invitation-"),
    "copy link": Scene("owner", _invitation("pending", "link"), None, "invitation-"),
    "revoke": Scene("owner", _invitation("pending", "revocation"), {}, "invitation-"),
    "undo, expired meanwhile": Scene(
        "owner", _invitation("revoked", "restoration"), {}, "invitation-", before=_revoked_expired
    ),
    "undo": Scene("owner", _invitation("revoked", "restoration"), {}, "invitation-"),
    "update user": Scene("owner", _member("user", "/edit"), {"role": "20"}, "user-"),
    "deactivate": Scene("owner", _member("user", "/deactivation"), {}, "user-"),
    "deactivate, refused": Scene("owner", _member("owner", "/deactivation"), {}, "user-", 422),
    "reactivate": Scene("owner", _member("inactive", "/reactivation"), {}, "user-"),
    "cancel editing": Scene("owner", _member("user"), None, "user-"),
    "enable link": Scene(
        "owner", f"{ACCOUNT}/permanent-invite", {}, "permanent-link", before=_no_permanent_link
    ),
    "delete link": Scene("owner", f"{ACCOUNT}/permanent-invite/deletion", {}, "permanent-link"),
}

PAGES = {name: scene for name, scene in SCENES.items() if scene.status != 303}
FRAGMENTS = {name: scene for name, scene in (SCENES | BUTTONS).items() if scene.fragment}
