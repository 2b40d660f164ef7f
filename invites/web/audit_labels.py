"""Labels of the audit log's actions: sentences without their subject."""

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import format_decimal, gettext, ngettext

from invites.authorization.audit_log import AuditAction
from invites.core.roles import Role
from invites.models import AuditEntry
from invites.web.labels import ROLE

Details = Mapping[str, Any]


def _(words: str, **values: object) -> str:
    return str(gettext(words, **values))


def sentence(entry: AuditEntry) -> str:
    """Like: Invited 3 people as User."""
    return _SENTENCES[entry.action](entry.details)


def _people(details: Details) -> str:
    count = int(details["people"])
    return str(ngettext("%(count)s person", "%(count)s people", count, count=format_decimal(count)))


def _role(number: int) -> str:
    return str(ROLE[Role(number)])


def _invited(details: Details) -> str:
    return _("Invited %(people)s as %(role)s", people=_people(details), role=_role(details["role"]))


def _declined(details: Details) -> str:
    if details.get("proven", True):
        return _("Declined the invitation")
    return _("Declined the invitation, by a copied link")


def _role_changed(details: Details) -> str:
    return _(
        "Changed the role of %(email)s from %(before)s to %(after)s",
        email=details["email"],
        before=_role(details["before"]),
        after=_role(details["after"]),
    )


def _signed_in(details: Details) -> str:
    if not details["device"]:
        return _("Signed in from a new device")
    return _("Signed in from a new device: %(device)s", device=details["device"])


_SENTENCES: dict[str, Callable[[Details], str]] = {
    AuditAction.ACCOUNT_CREATED: lambda d: _("Founded the account %(name)s", name=d["name"]),
    AuditAction.SETTINGS_CHANGED: lambda _d: _("Changed the settings"),
    AuditAction.INVITED: _invited,
    AuditAction.PAUSED: lambda _d: _("Paused a batch"),
    AuditAction.RESUMED: lambda _d: _("Let a batch go on"),
    AuditAction.CANCELED: lambda d: _("Canceled a batch: %(people)s withdrawn", people=_people(d)),
    AuditAction.RETRIED: lambda d: _("Tried failed mails again: %(people)s", people=_people(d)),
    AuditAction.SENT_ON_HOLD: lambda d: _(
        "Sent mails that a restored backup had held back: %(people)s", people=_people(d)
    ),
    AuditAction.RESENT: lambda d: _("Mailed %(email)s again", email=d["email"]),
    AuditAction.REVOKED: lambda d: _("Revoked the invitation of %(email)s", email=d["email"]),
    AuditAction.RESTORED: lambda d: _("Undid the revocation for %(email)s", email=d["email"]),
    AuditAction.ACCEPTED: lambda _d: _("Accepted the invitation"),
    AuditAction.DECLINED: _declined,
    AuditAction.UNSUBSCRIBED: lambda _d: _("Asked not to be invited again"),
    AuditAction.RESUBSCRIBED: lambda _d: _("Can be invited again"),
    AuditAction.JOINED: lambda _d: _("Joined by the permanent link"),
    AuditAction.ROLE_CHANGED: _role_changed,
    AuditAction.DEACTIVATED: lambda d: _("Deactivated %(email)s", email=d["email"]),
    AuditAction.REACTIVATED: lambda d: _("Reactivated %(email)s", email=d["email"]),
    AuditAction.LEFT: lambda _d: _("Left"),
    AuditAction.LINK_ENABLED: lambda _d: _("Enabled the permanent link"),
    AuditAction.LINK_DELETED: lambda _d: _("Deleted the permanent link"),
    AuditAction.SIGNED_IN: _signed_in,
    AuditAction.OWNERSHIP_CLAIMED: lambda _d: _("Became Account Owner, as there was none"),
    AuditAction.TWO_STEP_REQUIRED: lambda _d: _("Asked Moderators and up for a second step"),
    AuditAction.TWO_STEP_OPTIONAL: lambda _d: _("Asked nobody for a second step any more"),
    AuditAction.TWO_STEP_DISABLED: lambda _d: _("Second step taken off by whoever runs this box"),
    AuditAction.OWNER_RESCUED: lambda _d: _("Made Account Owner by whoever runs this box"),
}
