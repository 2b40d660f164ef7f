"""The list of batches, and each batch's page: progress, pausing, canceling and retrying."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import TypeVar

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites.authorization.permissions import Action, authorize
from invites.invitations import manage, skipped
from invites.invitations.skipped import SkippedEntry
from invites.members import batch_progress
from invites.models import Batch, BatchState, EntryOutcome, Membership
from invites.outbox import batches, heartbeat, requeue
from invites.web.access import allow, current
from invites.web.batch_view import BatchView, mail_tag
from invites.web.compose_form import compose_page, prefilled_form
from invites.web.csv_export import csv_file
from invites.web.error_labels import problem
from invites.web.form_limits import FORM
from invites.web.labels import outcome
from invites.web.list_capacity import limit_exports
from invites.web.responses import check_rule, run_rule, show
from invites.web.sentences import counted
from invites.web.services import now, services

T = TypeVar("T")

blueprint = Blueprint("batches", __name__, url_prefix="/accounts/<slug>/batches")


@blueprint.get("")
@allow(Action.SEE_PEOPLE)
def index() -> Response:
    return show(
        "batches/index.html",
        fragment="batches/_batch_list.html",
        found=current().scope.batches.page(request.args.get("page", 1, type=int)),
        mail_tag=partial(
            mail_tag,
            has_mail_server=services().settings.mail_server is not None,
            is_installer=current().membership.user.is_installer,
        ),
    )


@blueprint.get("/<int:batch_id>")
@allow(Action.SEE_PEOPLE)
def page(batch_id: int) -> Response:
    """The fragment polls while anything can change."""
    return _show(_batch(batch_id))


@blueprint.post("/<int:batch_id>/pause")
@allow(Action.INVITE, body=FORM)
def pause(batch_id: int) -> Response:
    return _change(batches.pause, batch_id, lambda _none: _("Paused. Unsent emails stay queued."))


@blueprint.post("/<int:batch_id>/resume")
@allow(Action.INVITE, body=FORM)
def resume(batch_id: int) -> Response:
    return _change(batches.resume, batch_id, lambda _none: _("Sending resumed."))


@blueprint.post("/<int:batch_id>/retry")
@allow(Action.INVITE, body=FORM)
def retry(batch_id: int) -> Response:
    return _change(
        requeue.retry_failed,
        batch_id,
        counted("%(num)s email queued again.", "%(num)s emails queued again."),
    )


@blueprint.post("/<int:batch_id>/on-hold")
@allow(Action.INVITE, body=FORM)
def send_on_hold(batch_id: int) -> Response:
    return _change(
        requeue.send_on_hold,
        batch_id,
        counted("%(num)s email queued.", "%(num)s emails queued."),
    )


@blueprint.post("/<int:batch_id>/invitations/<int:invitation_id>/resend")
@allow(Action.MANAGE_INVITATION, body=FORM)
def resend(batch_id: int, invitation_id: int) -> Response:
    invitation = current().scope.invitations.find(invitation_id)
    return _change(
        lambda member, _batch, moment: manage.resend(member, invitation, moment),
        batch_id,
        lambda _none: _("Invitation resent to %(email)s.", email=invitation.email),
    )


@blueprint.get("/<int:batch_id>/skipped")
@allow(Action.INVITE)
def correct_skipped(batch_id: int) -> Response:
    """Opens New Invitation with the invalid entries in the Email field."""
    batch = _batch(batch_id)
    authorize(current().membership, Action.INVITE, batch.role)
    wrong = [one.as_typed for one in skipped.of_batch(batch) if one.outcome == EntryOutcome.INVALID]
    return compose_page(prefilled_form("\n".join(wrong), batch.role))


@blueprint.get("/<int:batch_id>/skipped.csv")
@allow(Action.INVITE)
@limit_exports
def export_skipped(batch_id: int) -> Response:
    return csv_file("skipped.csv", _lines(skipped.of_batch(_batch(batch_id))))


@blueprint.get("/<int:batch_id>/cancellation")
@allow(Action.INVITE)
def ask_cancellation(batch_id: int) -> Response:
    """Asks for confirmation, beside counts that keep updating."""
    batch = _batch(batch_id)
    return check_rule(
        lambda: batches.refuse_uncancelable(batch),
        lambda status: _show(
            batch, canceling=status == 200 and batch.state != BatchState.CANCELED, status=status
        ),
    )


@blueprint.post("/<int:batch_id>/cancellation")
@allow(Action.INVITE, body=FORM)
def cancel(batch_id: int) -> Response:
    return _change(
        batches.cancel,
        batch_id,
        counted(
            "Canceled. %(num)s email was withdrawn.", "Canceled. %(num)s emails were withdrawn."
        ),
    )


def _lines(rows: Iterable[SkippedEntry]) -> Iterator[tuple[str, ...]]:
    yield _("Row"), _("Email"), _("Name"), _("Reason"), _("Suggestion")
    for one in rows:
        row = "" if one.row is None else str(one.row)
        why = problem(one.problem) if one.problem else outcome(one.outcome, 1)
        yield row, one.text, one.name, why, one.suggestion


def _batch(batch_id: int) -> Batch:
    return current().scope.batches.find(batch_id)


def _change(
    rule: Callable[[Membership, Batch, datetime], T], batch_id: int, told: Callable[[T], str]
) -> Response:
    batch = _batch(batch_id)
    return run_rule(
        lambda: rule(current().membership, batch, now()),
        lambda status: _show(_batch(batch_id), status=status),
        told=told,
        go_to=url_for("batches.page", batch_id=batch_id),
    )


def _show(batch: Batch, *, canceling: bool = False, status: int = 200) -> Response:
    moment = now()
    has_mail_server = services().settings.mail_server is not None
    view = BatchView(
        batch,
        batch_progress.of_batch(batch, moment),
        current().membership,
        moment,
        has_mail_server=has_mail_server,
        worker_is_running=heartbeat.worker_is_running(moment),
        outage=heartbeat.outage() if has_mail_server else "",
        ahead=batches.ahead_of(batch, moment),
        is_canceling=canceling,
        unsent=batches.unsent(batch) if canceling else 0,
    )
    return show(
        "batches/page.html",
        fragment="batches/_batch_progress.html",
        view=view,
        skipped=skipped.of_batch(batch),
        status=status,
    )
