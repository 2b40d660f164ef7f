"""Batches: the list of them, how far each is, live, and the wheel to steer it."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from invites import outbox, progress, steering
from invites.access import Action
from invites.models import Batch, BatchState, Membership
from invites.refusals import Reason, Refused
from invites.web.access import allow, here
from invites.web.htmx import wants_fragment
from invites.web.pages import go, show, tell
from invites.web.services import now, services
from invites.web.words import sentence

T = TypeVar("T")

blueprint = Blueprint("batches", __name__, url_prefix="/accounts/<slug>/batches")


@blueprint.get("")
@allow(Action.SEE_PEOPLE)
def index() -> Response:
    """All batches, newest first, a page at a time."""
    return show(
        "batches/index.html",
        fragment="batches/_batch_list.html",
        found=here().scope.batches(request.args.get("page", 1, type=int)),
    )


@blueprint.get("/<int:batch_id>")
@allow(Action.SEE_PEOPLE)
def page(batch_id: int) -> Response:
    """The batch; htmx asks again for its counts until they stand still."""
    return _show(_batch(batch_id))


@blueprint.post("/<int:batch_id>/pause")
@allow(Action.INVITE)
def pause(batch_id: int) -> Response:
    """Keep back what isn't sent yet."""
    return _do(steering.pause, batch_id, lambda _none: _("Paused. What isn't sent yet waits."))


@blueprint.post("/<int:batch_id>/resume")
@allow(Action.INVITE)
def resume(batch_id: int) -> Response:
    """Let it go on."""
    return _do(steering.resume, batch_id, lambda _none: _("The mails go on."))


@blueprint.post("/<int:batch_id>/retry")
@allow(Action.INVITE)
def retry(batch_id: int) -> Response:
    """Try the failed mails again."""
    return _do(
        steering.retry_failed,
        batch_id,
        lambda n: ngettext("%(n)s mail is tried again.", "%(n)s mails are tried again.", n, n=n),
    )


@blueprint.post("/<int:batch_id>/held-back")
@allow(Action.INVITE)
def send_held_back(batch_id: int) -> Response:
    """Send what a restored backup held back."""
    return _do(
        steering.send_held_back,
        batch_id,
        lambda n: ngettext("%(n)s mail goes out.", "%(n)s mails go out.", n, n=n),
    )


@blueprint.get("/<int:batch_id>/cancellation")
@allow(Action.INVITE)
def ask_cancellation(batch_id: int) -> Response:
    """Say what cancelling does, before it does; the counts beside the question stay live."""
    batch = _batch(batch_id)
    try:
        steering.refuse_uncancellable(batch)
    except Refused as refused:
        return _changed(batch, problem=sentence(refused))
    return _show(batch, cancelling=batch.state != BatchState.CANCELLED)


@blueprint.post("/<int:batch_id>/cancellation")
@allow(Action.INVITE)
def cancel(batch_id: int) -> Response:
    """Withdraw what isn't sent yet."""
    return _do(
        steering.cancel,
        batch_id,
        lambda n: ngettext(
            "Cancelled. %(n)s mail was withdrawn.", "Cancelled. %(n)s mails were withdrawn.", n, n=n
        ),
    )


def _batch(batch_id: int) -> Batch:
    return here().scope.batch(batch_id)


def _do(
    deed: Callable[[Membership, Batch, datetime], T], batch_id: int, told: Callable[[T], str]
) -> Response:
    """Steer a batch, and show and say how it stands then."""
    batch = _batch(batch_id)
    try:
        done = deed(here().membership, batch, now())
    except Refused as refused:
        if refused.reason is Reason.NOT_ALLOWED:
            raise
        return _changed(batch, problem=sentence(refused))
    return _changed(batch, told=told(done))


def _changed(batch: Batch, *, told: str = "", problem: str = "") -> Response:
    if wants_fragment():
        return _show(_batch(batch.id), told=told, problem=problem)
    tell(problem or told, "problem" if problem else "done")
    return go(url_for("batches.page", batch_id=batch.id))


def _show(batch: Batch, *, cancelling: bool = False, told: str = "", problem: str = "") -> Response:
    has_server = services().settings.mail_server is not None
    return show(
        "batches/page.html",
        fragment="batches/_batch_progress.html",
        batch=batch,
        progress=progress.of_batch(batch, now()),
        trouble=outbox.trouble() if has_server else "",
        unsent=steering.unsent(batch) if cancelling else 0,
        cancelling=cancelling,
        told=told,
        problem=problem,
    )
