"""What was done, in a sentence without its subject."""

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import format_decimal, gettext, ngettext

from invites.authorization.audit_log import Deed
from invites.core.roles import Role
from invites.models import Activity
from invites.web.labels import ROLE

Details = Mapping[str, Any]


def _(words: str, **values: object) -> str:
    return str(gettext(words, **values))


def sentence(entry: Activity) -> str:
    """Like: Invited 3 people as User."""
    return _SENTENCES[Deed(entry.action)](entry.details)


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


_SENTENCES: dict[Deed, Callable[[Details], str]] = {
    Deed.ACCOUNT_CREATED: lambda d: _("Founded the account %(name)s", name=d["name"]),
    Deed.SETTINGS_CHANGED: lambda _d: _("Changed the settings"),
    Deed.INVITED: _invited,
    Deed.PAUSED: lambda _d: _("Paused a batch"),
    Deed.RESUMED: lambda _d: _("Let a batch go on"),
    Deed.CANCELLED: lambda d: _("Cancelled a batch: %(people)s withdrawn", people=_people(d)),
    Deed.RETRIED: lambda d: _("Tried failed mails again: %(people)s", people=_people(d)),
    Deed.SENT_HELD_BACK: lambda d: _(
        "Sent mails that a restored backup had held back: %(people)s", people=_people(d)
    ),
    Deed.RESENT: lambda d: _("Mailed %(email)s again", email=d["email"]),
    Deed.REVOKED: lambda d: _("Revoked the invitation of %(email)s", email=d["email"]),
    Deed.RESTORED: lambda d: _("Undid the revocation for %(email)s", email=d["email"]),
    Deed.ACCEPTED: lambda _d: _("Accepted the invitation"),
    Deed.DECLINED: _declined,
    Deed.OPTED_OUT: lambda _d: _("Asked not to be invited again"),
    Deed.OPTED_IN: lambda _d: _("Can be invited again"),
    Deed.JOINED: lambda _d: _("Joined by the permanent link"),
    Deed.ROLE_CHANGED: _role_changed,
    Deed.DEACTIVATED: lambda d: _("Deactivated %(email)s", email=d["email"]),
    Deed.REACTIVATED: lambda d: _("Reactivated %(email)s", email=d["email"]),
    Deed.LEFT: lambda _d: _("Left"),
    Deed.LINK_ENABLED: lambda _d: _("Enabled the permanent link"),
    Deed.LINK_DELETED: lambda _d: _("Deleted the permanent link"),
    Deed.SIGNED_IN: _signed_in,
    Deed.OWNERSHIP_CLAIMED: lambda _d: _("Became Account Owner, as there was none"),
    Deed.SECOND_STEP_REQUIRED: lambda _d: _("Asked Moderators and up for a second step"),
    Deed.SECOND_STEP_OPTIONAL: lambda _d: _("Asked nobody for a second step any more"),
    Deed.SECOND_STEP_FORGOTTEN: lambda _d: _("Second step taken off by whoever runs this box"),
    Deed.OWNER_RESCUED: lambda _d: _("Made Account Owner by whoever runs this box"),
}
