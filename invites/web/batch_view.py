"""Decides what the page of a batch says and offers. Needs no request."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _

from invites.authorization.permissions import Action, is_allowed
from invites.core.roles import Role
from invites.members.account_batches import ListedBatch
from invites.members.batch_progress import Progress
from invites.models import Batch, BatchState, Delivery, DeliveryState, InvitationStatus, Membership
from invites.outbox import batches
from invites.web import batch_notes, labels
from invites.web.batch_notes import Link, Note


@dataclass(frozen=True)
class Button:
    """``action``: the name of a view in the blueprint ``batches``.

    ``leads_to``: the id of the element that gets the focus after htmx's swap.
    """

    action: str
    icon: str
    label: str
    method: str = "post"
    is_main: bool = False
    leads_to: str = ""


@dataclass(frozen=True)
class Figure:
    label: str
    count: int
    is_bad: bool = False


@dataclass(frozen=True)
class Tag:
    """A short label. ``look``: its CSS class."""

    text: str
    look: str = ""


@dataclass(frozen=True)
class Undelivered:
    """An email that failed or bounced. ``tag``: the recipient's answer since then, if any."""

    delivery: Delivery
    tag: Tag | None
    can_manage: bool


@dataclass(frozen=True)
class BatchView:
    """A batch as ``member`` sees it.

    ``outage``: why the mail server can't be used, empty when it can. ``ahead``: a batch that is
    sent first. ``is_canceling``: whether the page asks to confirm canceling. ``unsent``: how many
    emails canceling would withdraw.
    """

    batch: Batch
    progress: Progress
    member: Membership
    now: datetime
    has_mail_server: bool
    worker_is_running: bool
    outage: str = ""
    ahead: Batch | None = None
    is_canceling: bool = False
    unsent: int = 0

    @property
    def is_active(self) -> bool:
        return self.batch.state in batches.ACTIVE

    @property
    def may_manage(self) -> bool:
        return is_allowed(self.member, Action.INVITE, Role(self.batch.role))

    @property
    def is_sending(self) -> bool:
        """Also true while the worker or the mail server is down."""
        return bool(self.is_active and self.progress.waiting and self.has_mail_server)

    @property
    def poll_seconds(self) -> int | None:
        """None when nothing can change by itself."""
        if not self.progress.may_change:
            return None
        return 2 if self.is_sending else 5

    @property
    def sent_of_total(self) -> str:
        return _sent_of(self.progress.sent, self.progress.total)

    @property
    def shares(self) -> list[tuple[str, int]]:
        mails = self.progress.mails
        return [
            ("sent", self.progress.sent),
            ("failed", self.progress.failed),
            ("unknown", mails[DeliveryState.UNKNOWN]),
            ("withdrawn", mails[DeliveryState.WITHDRAWN]),
        ]

    @property
    def buttons(self) -> Iterator[Button]:
        if self.is_canceling or not self.may_manage:
            return
        waiting, on_hold = self.progress.waiting, self.progress.on_hold
        if self.is_active and waiting:
            yield Button("pause", "pause", _("Pause"))
        if self.batch.state in (BatchState.PAUSED, BatchState.STOPPED):
            yield Button("resume", "play", _("Resume"), is_main=waiting > 0)
        if waiting and self.batch.state not in (BatchState.CANCELED, BatchState.DONE):
            yield Button("ask_cancellation", "x", _("Cancel"), method="get", leads_to="keep-batch")
        if on_hold:
            label = ngettext("Send %(num)s email", "Send %(num)s emails", on_hold)
            yield Button("send_on_hold", "send", label)
        if self.progress.retriable:
            yield Button("retry", "rotate-cw", _("Retry failed"))

    @property
    def waits_for(self) -> Batch | None:
        return self.ahead if self._is_unblocked else None

    @property
    def pace(self) -> str:
        """The sending speed, the reason for waiting, or "Done". Empty if sending is blocked."""
        if not self._is_unblocked:
            return self._end
        if self.ahead:
            return _("Waiting for another batch:")
        if self.batch.state == BatchState.PROBING:
            return _("Ten are sent first, then the others.")
        if self.progress.minutes_left is not None:
            return labels.pace(self.progress.per_minute, self.progress.minutes_left)
        return _("The unsent emails are queued.")

    @property
    def _end(self) -> str:
        """Says that sending is over, and why some people got no email."""
        is_over = not self.progress.waiting and not self.progress.on_hold
        if not is_over or self.batch.state not in (*batches.ACTIVE, BatchState.DONE):
            return ""
        if not self.progress.unneeded:
            return _("Done.")
        return ngettext(
            "Done. %(num)s email wasn't needed: the person had answered.",
            "Done. %(num)s emails weren't needed: the people had answered.",
            self.progress.unneeded,
        )

    @property
    def _is_unblocked(self) -> bool:
        return self.is_sending and self.worker_is_running and not self.outage

    @property
    def announcement(self) -> str:
        """For screen readers, announced once: that sending ended, or what blocks it."""
        if not self.progress.waiting:
            return f"{self.sent_of_total}. {self._end}".strip()
        happened = self.is_sending or self.batch.state == BatchState.STOPPED
        return self.obstacle.text if happened and self.obstacle else ""

    @property
    def obstacle(self) -> Note | None:
        """Why emails aren't being sent. Shown in place of the pace."""
        waiting = self.progress.waiting
        if self.batch.state == BatchState.PAUSED and waiting:
            text = ngettext(
                "Paused. %(num)s email stays queued until you resume.",
                "Paused. %(num)s emails stay queued until you resume.",
                waiting,
            )
            return Note("circle-pause", text)
        if self.batch.state == BatchState.STOPPED:
            return Note(
                "circle-alert",
                _("Stopped because the mail server refused several emails in a row."),
                _(
                    "Nothing more is sent until you resume. The mail server answered: %(reason)s",
                    reason=self.batch.stop_reason,
                ),
            )
        if self.batch.state == BatchState.CANCELED:
            text = _(
                "Canceled. Unsent emails were withdrawn. People who haven't been emailed can be "
                "invited again."
            )
            return Note("circle-x", text)
        return self._breakdown if waiting else None

    @property
    def _breakdown(self) -> Note | None:
        is_installer = self.member.user.is_installer
        if not self.has_mail_server and is_installer:
            text = _(
                "No mail server is configured, so the emails are in the Mailbox. They will be sent "
                "once INVITES_MAIL_SERVER is set."
            )
            return Note("mail", text, link=Link("mail.mailbox", _("Open the Mailbox")))
        if not self.has_mail_server:
            text = _(
                "No mail server is configured yet, so the emails are queued. They will be sent "
                "once the operator of this installation has configured one."
            )
            return Note("mail", text)
        if not self.worker_is_running:
            text = _(
                "The mail worker isn't running, so nothing is being sent. Nothing is lost: the "
                "operator of this installation can start it again."
            )
            return Note("circle-alert", text)
        if self.outage:
            text = _(
                "The mail server isn't available. Nothing is lost: sending is retried "
                "automatically."
            )
            reason = _("Reason: %(reason)s", reason=self.outage)
            check = Link("mail.page", _("Check the mail server")) if is_installer else None
            return Note("circle-alert", text, reason, check)
        return None

    @property
    def notes(self) -> list[Note]:
        can_retry = self.may_manage and self.progress.retriable > 0
        return batch_notes.notes(self.progress, Role(self.batch.role), can_retry=can_retry)

    @property
    def figures(self) -> list[Figure]:
        progress = self.progress
        always = [
            Figure(_("accepted"), progress.people[InvitationStatus.ACCEPTED]),
            Figure(_("declined"), progress.people[InvitationStatus.DECLINED]),
            Figure(_("queued"), progress.waiting),
            Figure(_("failed"), progress.failed, is_bad=progress.failed > 0),
        ]
        sometimes = [
            Figure(
                str(labels.DELIVERY[DeliveryState.UNKNOWN]), progress.mails[DeliveryState.UNKNOWN]
            ),
            Figure(str(labels.ON_HOLD), progress.on_hold),
            Figure(str(labels.UNNEEDED), progress.unneeded),
            Figure(str(labels.DELIVERY[DeliveryState.WITHDRAWN]), progress.withdrawn),
        ]
        return always + [figure for figure in sometimes if figure.count]

    @property
    def undelivered(self) -> Iterator[Undelivered]:
        for delivery in self.progress.undelivered:
            status = delivery.invitation.status(self.now)
            is_open = status in (InvitationStatus.PENDING, InvitationStatus.EXPIRED)
            yield Undelivered(
                delivery,
                None if is_open else Tag(str(labels.INVITATION_STATUS[status]), status),
                is_open and is_allowed(self.member, Action.MANAGE_INVITATION, delivery.invitation),
            )


_LOOKS = {
    BatchState.PAUSED: "warning",
    BatchState.STOPPED: "failed",
    BatchState.DONE: "accepted",
}


def mail_tag(sent: ListedBatch, *, has_mail_server: bool, is_installer: bool) -> Tag:
    state = BatchState(sent.batch.state)
    if state in batches.ACTIVE:
        if has_mail_server:
            return Tag(_sent_of(sent.mails, sent.people))
        return Tag(_("in the Mailbox") if is_installer else _("queued"))
    if state is BatchState.DONE and sent.undelivered:
        words = ngettext("done, %(num)s undelivered", "done, %(num)s undelivered", sent.undelivered)
        return Tag(words, "warning")
    if state is BatchState.DONE and not sent.mails:
        return Tag(_("none sent"), "warning")
    return Tag(str(labels.BATCH[state]), _LOOKS.get(state, ""))


def _sent_of(sent: int, total: int) -> str:
    done = format_decimal(sent)
    return ngettext("%(sent)s of %(num)s sent", "%(sent)s of %(num)s sent", total, sent=done)
