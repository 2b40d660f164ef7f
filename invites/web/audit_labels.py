"""The text of audit log entries: sentences without a subject, which is in another column."""

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from invites.authorization.audit_log import AuditAction
from invites.core.roles import Role
from invites.models import AuditEntry
from invites.web.labels import ROLE

Details = Mapping[str, Any]


def sentence(entry: AuditEntry) -> str:
    """For example: Invited 3 people as User."""
    return _SENTENCES[entry.action](entry.details)


def _people(details: Details) -> str:
    return ngettext("%(num)s person", "%(num)s people", details["people"])


def _role(number: int) -> str:
    return str(ROLE[Role(number)])


def _invited(details: Details) -> str:
    return _("Invited %(people)s as %(role)s", people=_people(details), role=_role(details["role"]))


def _declined(details: Details) -> str:
    if details.get("proven", True):
        return _("Declined the invitation")
    return _("Declined the invitation with a copied link")


def _role_changed(details: Details) -> str:
    return _(
        "Changed the role of %(email)s from %(before)s to %(after)s",
        email=details["email"],
        before=_role(details["before"]),
        after=_role(details["after"]),
    )


def _logged_in(details: Details) -> str:
    if details.get("is_last"):
        return _("Logged in from a new device, and may have done so again within a day")
    if not details["device"]:
        return _("Logged in from a new device")
    return _("Logged in from a new device: %(device)s", device=details["device"])


_SENTENCES: dict[str, Callable[[Details], str]] = {
    AuditAction.ACCOUNT_CREATED: lambda d: _("Created the account %(name)s", name=d["name"]),
    AuditAction.SETTINGS_CHANGED: lambda _d: _("Changed the settings"),
    AuditAction.INVITED: _invited,
    AuditAction.PAUSED: lambda _d: _("Paused a batch"),
    AuditAction.RESUMED: lambda _d: _("Resumed a batch"),
    AuditAction.CANCELED: lambda d: _(
        "Canceled a batch: emails to %(people)s withdrawn", people=_people(d)
    ),
    AuditAction.RETRIED: lambda d: _("Retried failed emails to %(people)s", people=_people(d)),
    AuditAction.SENT_ON_HOLD: lambda d: _(
        "Sent emails to %(people)s that were on hold after a restore", people=_people(d)
    ),
    AuditAction.RESENT: lambda d: _("Resent the invitation to %(email)s", email=d["email"]),
    AuditAction.REVOKED: lambda d: _("Revoked the invitation to %(email)s", email=d["email"]),
    AuditAction.RESTORED: lambda d: _("Restored the invitation to %(email)s", email=d["email"]),
    AuditAction.ACCEPTED: lambda _d: _("Accepted the invitation"),
    AuditAction.DECLINED: _declined,
    AuditAction.UNSUBSCRIBED: lambda _d: _("Unsubscribed from invitations"),
    AuditAction.RESUBSCRIBED: lambda _d: _("Allowed invitations again"),
    AuditAction.JOINED: lambda _d: _("Joined by permanent link"),
    AuditAction.EMAIL_CONFIRMED: lambda d: _("Confirmed the address %(email)s", email=d["email"]),
    AuditAction.ROLE_CHANGED: _role_changed,
    AuditAction.DEACTIVATED: lambda d: _("Deactivated %(email)s", email=d["email"]),
    AuditAction.REACTIVATED: lambda d: _("Reactivated %(email)s", email=d["email"]),
    AuditAction.LEFT: lambda _d: _("Left the account"),
    AuditAction.LINK_ENABLED: lambda _d: _("Enabled the permanent link"),
    AuditAction.LINK_DELETED: lambda _d: _("Deleted the permanent link"),
    AuditAction.LOGGED_IN: _logged_in,
    AuditAction.OWNERSHIP_CLAIMED: lambda _d: _(
        "Became Account Owner, because the account had none"
    ),
    AuditAction.TWO_STEP_REQUIRED: lambda _d: _(
        "Required two-step verification for Moderators, Admins and Account Owners"
    ),
    AuditAction.TWO_STEP_OPTIONAL: lambda _d: _("Made two-step verification optional"),
    AuditAction.TWO_STEP_DISABLED: lambda _d: _("Two-step verification turned off by the operator"),
    AuditAction.OWNER_RESCUED: lambda _d: _("Made Account Owner by the operator"),
}
