"""Notes on a batch's page about emails and invitations that may need a decision."""

from dataclasses import dataclass, field

from flask_babel import gettext as _
from flask_babel import ngettext

from invites.core.roles import Role
from invites.members.account_invitations import Flag
from invites.members.batch_progress import Progress
from invites.models import DeliveryState
from invites.web import labels


@dataclass(frozen=True)
class Link:
    endpoint: str
    label: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """``details`` follow the text, but aren't announced to screen readers."""

    icon: str
    text: str
    details: str = ""
    link: Link | None = None


def notes(progress: Progress, role: Role, *, can_retry: bool) -> list[Note]:
    """``role``: the one that the batch grants."""
    found = []
    if unknown := progress.mails[DeliveryState.UNKNOWN]:
        text = ngettext(
            "%(num)s email may have arrived: the connection was lost before the mail server "
            "answered.",
            "%(num)s emails may have arrived: the connection was lost before the mail server "
            "answered.",
            unknown,
        )
        warning = ngettext(
            "“Retry failed” sends it again. If it has arrived, the person gets it twice.",
            "“Retry failed” sends them again. People whose email has arrived get it twice.",
            unknown,
        )
        found.append(Note("circle-alert", text, warning if can_retry else ""))
    if progress.on_hold:
        text = ngettext(
            "%(num)s email is on hold: it was queued in the backup that was restored, and may "
            "have been sent since. If you send it, the person may get it twice.",
            "%(num)s emails are on hold: they were queued in the backup that was restored, and "
            "may have been sent since. If you send them, some people may get theirs twice.",
            progress.on_hold,
        )
        found.append(Note("archive-restore", text))
    if progress.without_authority:
        text = ngettext(
            "%(num)s invitation can't be accepted: the sender can no longer invite people as "
            "%(role)s.",
            "%(num)s invitations can't be accepted: the sender can no longer invite people as "
            "%(role)s.",
            progress.without_authority,
            role=labels.ROLE[role],
        )
        link = Link("invitations.index", _("Show invitations"), {"status": Flag.NO_AUTHORITY})
        found.append(Note("user-x", text, link=link))
    return found
