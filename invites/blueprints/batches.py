"""A batch: how far it is, live, and the wheel to steer it."""

from flask import Blueprint, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from invites import outbox, progress, steering
from invites.access import Action
from invites.models import Batch
from invites.web.access import allow, here
from invites.web.htmx import wants_fragment
from invites.web.pages import go, show, tell
from invites.web.services import now, services

blueprint = Blueprint("batches", __name__, url_prefix="/accounts/<slug>/batches/<int:batch_id>")


@blueprint.get("")
@allow(Action.SEE_PEOPLE)
def page(batch_id: int) -> Response:
    """The batch; htmx asks again for its counts until they stand still."""
    return _show(_batch(batch_id))


@blueprint.post("/pause")
@allow(Action.INVITE)
def pause(batch_id: int) -> Response:
    """Keep back what isn't sent yet."""
    batch = _batch(batch_id)
    steering.pause(here().membership, batch, now())
    return _changed(batch, _("Paused. What isn't sent yet waits."))


@blueprint.post("/resume")
@allow(Action.INVITE)
def resume(batch_id: int) -> Response:
    """Let it go on."""
    batch = _batch(batch_id)
    steering.resume(here().membership, batch, now())
    return _changed(batch, _("The mails go on."))


@blueprint.post("/retry")
@allow(Action.INVITE)
def retry(batch_id: int) -> Response:
    """Try the failed mails again."""
    batch = _batch(batch_id)
    count = steering.retry_failed(here().membership, batch, now())
    words = ngettext("%(n)s mail is tried again.", "%(n)s mails are tried again.", count, n=count)
    return _changed(batch, words)


@blueprint.get("/cancellation")
@allow(Action.INVITE)
def ask_cancellation(batch_id: int) -> Response:
    """Say what cancelling does, before it does."""
    return _show(_batch(batch_id), cancelling=True)


@blueprint.post("/cancellation")
@allow(Action.INVITE)
def cancel(batch_id: int) -> Response:
    """Withdraw what isn't sent yet."""
    batch = _batch(batch_id)
    count = steering.cancel(here().membership, batch, now())
    words = ngettext(
        "Cancelled. %(n)s person gets no mail.",
        "Cancelled. %(n)s people get no mail.",
        count,
        n=count,
    )
    return _changed(batch, words)


def _batch(batch_id: int) -> Batch:
    return here().scope.batch(batch_id)


def _changed(batch: Batch, message: str) -> Response:
    if wants_fragment():
        return _show(_batch(batch.id), told=message)
    tell(message)
    return go(url_for("batches.page", batch_id=batch.id))


def _show(batch: Batch, *, cancelling: bool = False, told: str = "") -> Response:
    has_server = services().settings.mail_server is not None
    return show(
        "batches/page.html",
        fragment="batches/_batch_progress.html",
        batch=batch,
        progress=progress.of_batch(batch, now()),
        trouble=outbox.trouble() if has_server else "",
        cancelling=cancelling,
        told=told,
    )
