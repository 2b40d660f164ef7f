"""The interface text for roles, states, outcomes and speeds."""

from collections.abc import Mapping
from math import ceil

from flask_babel import format_decimal, gettext, ngettext
from flask_babel import lazy_gettext as _

from invites.authorization.audit_log import AuditCategory
from invites.core.roles import Role
from invites.members.account_invitations import Flag
from invites.models import (
    BatchState,
    Delivery,
    DeliveryKind,
    DeliveryState,
    EntryOutcome,
    InvitationStatus,
    JoinedBy,
)
from invites.outbox import deliveries
from invites.web.sentences import counted

ROLE = {
    Role.USER: _("User"),
    Role.MODERATOR: _("Moderator"),
    Role.ADMIN: _("Admin"),
    Role.OWNER: _("Account Owner"),
}

# Indexed by zxcvbn's score, from 0 to 4.
STRENGTH = (
    _("Too easy to guess"),
    _("Too easy to guess"),
    _("Good enough. Another word makes it stronger."),
    _("Strong"),
    _("Very strong"),
)

ROLE_MEANS = {
    Role.USER: _("Can't invite people or see other members"),
    Role.MODERATOR: _("Invites and removes Users"),
    Role.ADMIN: _("Invites, edits and removes everyone except Account Owners"),
    Role.OWNER: _("Invites, edits and removes everyone"),
}

INVITATION_STATUS = {
    InvitationStatus.PENDING: _("pending"),
    InvitationStatus.ACCEPTED: _("accepted"),
    InvitationStatus.DECLINED: _("declined"),
    InvitationStatus.REVOKED: _("revoked"),
    InvitationStatus.REPLACED: _("replaced"),
    InvitationStatus.EXPIRED: _("expired"),
}

FLAG = {
    Flag.FAILED: _("Delivery failed"),
    Flag.NO_AUTHORITY: _("Can't be accepted"),
}

DELIVERY = {
    DeliveryState.QUEUED: _("queued"),
    DeliveryState.SENDING: _("sending"),
    DeliveryState.SENT: _("sent"),
    DeliveryState.FAILED: _("failed"),
    DeliveryState.UNKNOWN: _("may have arrived"),
    DeliveryState.BOUNCED: _("bounced"),
    DeliveryState.WITHDRAWN: _("withdrawn"),
}

# Shown instead of "withdrawn", where the reason is known.
ON_HOLD = _("on hold")
UNNEEDED = _("no longer needed")

BATCH = {
    BatchState.PROBING: _("sending"),
    BatchState.RUNNING: _("sending"),
    BatchState.PAUSED: _("paused"),
    BatchState.STOPPED: _("stopped"),
    BatchState.CANCELED: _("canceled"),
    BatchState.DONE: _("done"),
}

JOINED_BY = {
    JoinedBy.FOUNDING: _("Created the account"),
    JoinedBy.INVITATION: _("By invitation"),
    JoinedBy.PERMANENT_LINK: _("By permanent link"),
    JoinedBy.RESCUE: _("Added by the operator"),
}

AUDIT_CATEGORY = {
    AuditCategory.INVITATIONS: _("Invitations"),
    AuditCategory.PEOPLE: _("Members"),
    AuditCategory.LOGINS: _("Logins"),
    AuditCategory.SETTINGS: _("Settings"),
}

_OUTCOME = {
    EntryOutcome.INVITE: counted("will be invited", "will be invited"),
    EntryOutcome.MEMBER: counted("already a member", "already members"),
    EntryOutcome.REMOVED: counted("removed member", "removed members"),
    EntryOutcome.DECLINED: counted("declined earlier", "declined earlier"),
    EntryOutcome.PENDING: counted("already invited", "already invited"),
    EntryOutcome.RECIPIENT_LIMIT: counted("emailed too often today", "emailed too often today"),
    EntryOutcome.UNSUBSCRIBED: counted("unsubscribed", "unsubscribed"),
    EntryOutcome.DUPLICATE: counted("duplicate", "duplicates"),
    EntryOutcome.EXCLUDED: counted("excluded by you", "excluded by you"),
    EntryOutcome.INVALID: counted("invalid address", "invalid addresses"),
}

KIND = {
    DeliveryKind.INVITATION: _("Invitation"),
    DeliveryKind.CONFIRM_EMAIL: _("Email confirmation"),
    DeliveryKind.RESET_PASSWORD: _("Password reset"),
    DeliveryKind.SECURITY_NOTICE: _("Security notice"),
}


def mail(delivery: Delivery, status: InvitationStatus) -> str:
    if delivery.state == DeliveryState.WITHDRAWN:
        if status in (InvitationStatus.ACCEPTED, InvitationStatus.DECLINED):
            return str(UNNEEDED)
        if status is InvitationStatus.PENDING and delivery.reply_text == deliveries.ON_HOLD:
            return str(ON_HOLD)
    return str(DELIVERY[DeliveryState(delivery.state)])


def outcome(of: str, count: int) -> str:
    return _OUTCOME[EntryOutcome(of)](count)


def of_row(of: str, first_row: int | None) -> str:
    """``first_row``: the number of the row where a duplicate address occurs first."""
    if of == EntryOutcome.DUPLICATE and first_row is not None:
        return gettext("duplicate of row %(row)s", row=format_decimal(first_row))
    return outcome(of, 1)


def changes(since: Mapping[tuple[EntryOutcome, EntryOutcome], int]) -> list[str]:
    return [
        ngettext(
            "%(num)s row changed from “%(before)s” to “%(after)s”",
            "%(num)s rows changed from “%(before)s” to “%(after)s”",
            count,
            before=outcome(before, count),
            after=outcome(after, count),
        )
        for (before, after), count in since.items()
    ]


def pace(per_minute: float, minutes_left: float) -> str:
    speed = round(per_minute)
    a_minute = ngettext("%(num)s per minute", "%(num)s per minute", speed)
    left = max(round(minutes_left), 1)
    if minutes_left < 1:
        rest = gettext("less than a minute left")
    elif left < 120:
        rest = ngettext("about %(num)s minute left", "about %(num)s minutes left", left)
    else:
        hours = round(left / 60)
        rest = ngettext("about %(num)s hour left", "about %(num)s hours left", hours)
    return f"{a_minute}, {rest}"


def try_again_in(seconds: int) -> str:
    """In minutes, or in seconds below one minute."""
    if seconds < 60:
        return ngettext("Try again in %(num)s second.", "Try again in %(num)s seconds.", seconds)
    minutes = ceil(seconds / 60)
    return ngettext("Try again in %(num)s minute.", "Try again in %(num)s minutes.", minutes)
