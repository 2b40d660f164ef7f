"""The text of audit log entries: sentences without a subject, which is in another column."""

from flask_babel import lazy_gettext as _
from flask_babel import ngettext
from flask_babel.speaklater import LazyString

from invites.authorization.audit_log import AuditAction
from invites.core.roles import Role
from invites.models import AuditEntry
from invites.web.labels import ROLE

_SENTENCES: dict[str, LazyString] = {
    AuditAction.ACCOUNT_CREATED: _("Created the account %(name)s"),
    AuditAction.SETTINGS_CHANGED: _("Changed the settings"),
    AuditAction.INVITED: _("Invited %(people)s as %(role)s"),
    AuditAction.PAUSED: _("Paused a batch"),
    AuditAction.RESUMED: _("Resumed a batch"),
    AuditAction.CANCELED: _("Canceled a batch: emails to %(people)s withdrawn"),
    AuditAction.RETRIED: _("Retried failed emails to %(people)s"),
    AuditAction.SENT_ON_HOLD: _("Sent emails to %(people)s that were on hold after a restore"),
    AuditAction.RESENT: _("Resent the invitation to %(email)s"),
    AuditAction.REVOKED: _("Revoked the invitation to %(email)s"),
    AuditAction.RESTORED: _("Restored the invitation to %(email)s"),
    AuditAction.ACCEPTED: _("Accepted the invitation"),
    AuditAction.DECLINED: _("Declined the invitation"),
    AuditAction.UNSUBSCRIBED: _("Unsubscribed from invitations"),
    AuditAction.RESUBSCRIBED: _("Allowed invitations again"),
    AuditAction.JOINED: _("Joined by permanent link"),
    AuditAction.EMAIL_CONFIRMED: _("Confirmed the address %(email)s"),
    AuditAction.EMAIL_CHANGED: _("Changed their address from %(former)s to %(email)s"),
    AuditAction.ROLE_CHANGED: _("Changed the role of %(email)s from %(before)s to %(after)s"),
    AuditAction.DEACTIVATED: _("Deactivated %(email)s"),
    AuditAction.REACTIVATED: _("Reactivated %(email)s"),
    AuditAction.LEFT: _("Left the account"),
    AuditAction.LINK_ENABLED: _("Enabled the permanent link"),
    AuditAction.LINK_DELETED: _("Deleted the permanent link"),
    AuditAction.LOGGED_IN: _("Logged in from a new device: %(device)s"),
    AuditAction.OWNERSHIP_CLAIMED: _("Became Account Owner, because the account had none"),
    AuditAction.TWO_STEP_REQUIRED: _(
        "Required two-step verification for Moderators, Admins and Account Owners"
    ),
    AuditAction.TWO_STEP_OPTIONAL: _("Made two-step verification optional"),
    AuditAction.TWO_STEP_DISABLED: _("Two-step verification turned off by the operator"),
    AuditAction.OWNER_RESCUED: _("Made Account Owner by the operator"),
}
_WITH_COPIED_LINK = _("Declined the invitation with a copied link")
_UNKNOWN_DEVICE = _("Logged in from a new device")
_LAST_LOGIN = _("Logged in from a new device, and may have done so again within a day")


def sentence(entry: AuditEntry) -> str:
    """For example: Invited 3 people as User."""
    action, details = entry.action, dict(entry.details)
    words = _SENTENCES[action]
    if action == AuditAction.DECLINED and not details.get("proven", True):
        words = _WITH_COPIED_LINK
    elif action == AuditAction.LOGGED_IN and details.get("is_last"):
        words = _LAST_LOGIN
    elif action == AuditAction.LOGGED_IN and not details["device"]:
        words = _UNKNOWN_DEVICE
    if "people" in details:
        details["people"] = ngettext("%(num)s person", "%(num)s people", details["people"])
    for name in details.keys() & {"role", "before", "after"}:
        details[name] = ROLE[Role(details[name])]
    return str(words) % details
