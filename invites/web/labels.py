"""The words for what rules answer with codes: roles, states, outcomes, speeds."""

from collections.abc import Mapping
from math import ceil

from flask_babel import format_decimal, gettext, ngettext
from flask_babel import lazy_gettext as _

from invites.authorization.audit_log import AuditCategory
from invites.core.roles import Role
from invites.invitations.classify import Outcome
from invites.members.scope import Flag
from invites.models import (
    BatchState,
    Delivery,
    DeliveryKind,
    DeliveryState,
    InvitationStatus,
    JoinedBy,
)
from invites.outbox import enqueue

ROLE = {
    Role.USER: _("User"),
    Role.MODERATOR: _("Moderator"),
    Role.ADMIN: _("Admin"),
    Role.OWNER: _("Account Owner"),
}

# How good a password is, from 0 to 4.
STRENGTH = (
    _("Too easy to guess"),
    _("Too easy to guess"),
    _("Good enough. One more word makes it better."),
    _("Good"),
    _("Very good"),
)

ROLE_MEANS = {
    Role.USER: _("Does the work, sees no admin pages"),
    Role.MODERATOR: _("Invites and removes Users"),
    Role.ADMIN: _("Invites, changes and removes all but Account Owners"),
    Role.OWNER: _("May change anybody and everything"),
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
    Flag.FAILED: _("Mail failed"),
    Flag.NO_AUTHORITY: _("Can't be accepted"),
}

DELIVERY = {
    DeliveryState.QUEUED: _("waiting"),
    DeliveryState.SENDING: _("being sent"),
    DeliveryState.SENT: _("sent"),
    DeliveryState.FAILED: _("failed"),
    DeliveryState.UNKNOWN: _("may have arrived"),
    DeliveryState.BOUNCED: _("came back"),
    DeliveryState.WITHDRAWN: _("withdrawn"),
}

# Why a mail was withdrawn, where that is known.
ON_HOLD = _("held back")
UNNEEDED = _("no longer needed")

BATCH = {
    BatchState.PROBING: _("going out"),
    BatchState.RUNNING: _("going out"),
    BatchState.PAUSED: _("paused"),
    BatchState.STOPPED: _("stopped by itself"),
    BatchState.CANCELED: _("canceled"),
    BatchState.DONE: _("done"),
}

JOINED_BY = {
    JoinedBy.FOUNDING: _("Set the account up"),
    JoinedBy.INVITATION: _("By invitation"),
    JoinedBy.PERMANENT_LINK: _("By the permanent link"),
    JoinedBy.RESCUE: _("By whoever runs this box"),
}

AUDIT_CATEGORY = {
    AuditCategory.INVITATIONS: _("Invitations"),
    AuditCategory.PEOPLE: _("People"),
    AuditCategory.SIGN_INS: _("Sign-ins"),
    AuditCategory.SETTINGS: _("Settings"),
}

_OUTCOME = {
    Outcome.INVITE: lambda n: ngettext("will be invited", "will be invited", n),
    Outcome.INVITE_PROFILE: lambda n: ngettext(
        "has a profile, will be invited", "have a profile, will be invited", n
    ),
    Outcome.MEMBER: lambda n: ngettext("member already", "members already", n),
    Outcome.REMOVED: lambda n: ngettext(
        "was a member and was removed", "were members and were removed", n
    ),
    Outcome.DECLINED: lambda n: ngettext("declined before", "declined before", n),
    Outcome.PENDING: lambda n: ngettext("invited and pending", "invited and pending", n),
    Outcome.OFTEN: lambda n: ngettext(
        "was mailed too often today", "were mailed too often today", n
    ),
    Outcome.UNSUBSCRIBED: lambda n: ngettext(
        "asked not to be invited", "asked not to be invited", n
    ),
    Outcome.TWICE: lambda n: ngettext("twice in the list", "twice in the list", n),
    Outcome.SKIPPED: lambda n: ngettext("left out by you", "left out by you", n),
    Outcome.INVALID: lambda n: ngettext("no usable address", "no usable address", n),
}

KIND = {
    DeliveryKind.INVITATION: _("Invitation"),
    DeliveryKind.CONFIRM_EMAIL: _("Confirmation of an address"),
    DeliveryKind.RESET_PASSWORD: _("New password"),
    DeliveryKind.SECURITY_NOTICE: _("News of a log-in"),
}


def mail(delivery: Delivery, status: InvitationStatus) -> str:
    """Where the mail to somebody stands who stands so themselves."""
    if delivery.state == DeliveryState.WITHDRAWN:
        if status in (InvitationStatus.ACCEPTED, InvitationStatus.DECLINED):
            return str(UNNEEDED)
        if status is InvitationStatus.PENDING and delivery.reply_text == enqueue.ON_HOLD:
            return str(ON_HOLD)
    return str(DELIVERY[DeliveryState(delivery.state)])


def outcome(of: str, count: int) -> str:
    """What happens with ``count`` entries of one outcome, after their number."""
    return str(_OUTCOME[Outcome(of)](count))


def of_row(of: str, first_row: int | None) -> str:
    """What happens with one row of a list; ``first_row``: where its address stands already."""
    if of == Outcome.TWICE and first_row is not None:
        row = format_decimal(first_row)
        return str(gettext("twice in the list, first in row %(row)s", row=row))
    return outcome(of, 1)


def changes(since: Mapping[tuple[Outcome, Outcome], int]) -> list[str]:
    """What became of rows of a list meanwhile, a line for each kind of change."""
    return [
        ngettext(
            "%(count)s row: before “%(before)s”, now “%(after)s”",
            "%(count)s rows: before “%(before)s”, now “%(after)s”",
            count,
            count=format_decimal(count),
            before=outcome(before, count),
            after=outcome(after, count),
        )
        for (before, after), count in since.items()
    ]


def pace(per_minute: float, minutes_left: float) -> str:
    """How fast a batch goes out, and how long the rest takes."""
    speed = round(per_minute)
    a_minute = ngettext("%(n)s a minute", "%(n)s a minute", speed, n=format_decimal(speed))
    left = max(round(minutes_left), 1)
    if minutes_left < 1:
        rest = str(gettext("less than a minute left"))
    elif left < 120:
        rest = ngettext("about %(n)s minute left", "about %(n)s minutes left", left, n=left)
    else:
        hours = round(left / 60)
        rest = ngettext("about %(n)s hour left", "about %(n)s hours left", hours, n=hours)
    return f"{a_minute}, {rest}"


def try_again_in(seconds: int) -> str:
    """How long to wait, in minutes, or seconds when it is soon."""
    if seconds < 60:
        return str(
            ngettext("Try again in %(num)s second.", "Try again in %(num)s seconds.", seconds)
        )
    minutes = ceil(seconds / 60)
    return str(ngettext("Try again in %(num)s minute.", "Try again in %(num)s minutes.", minutes))
