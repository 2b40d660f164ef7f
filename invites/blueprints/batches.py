"""A batch: how far it is, live."""

from flask import Blueprint
from werkzeug.wrappers import Response

from invites import outbox, progress
from invites.access import Action
from invites.web.access import allow, here
from invites.web.pages import show
from invites.web.services import now, services

blueprint = Blueprint("batches", __name__, url_prefix="/accounts/<slug>/batches")


@blueprint.get("/<int:batch_id>")
@allow(Action.SEE_PEOPLE)
def page(batch_id: int) -> Response:
    """The batch; htmx asks again for its counts until they stand still."""
    batch = here().scope.batch(batch_id)
    has_server = services().settings.mail_server is not None
    return show(
        "batches/page.html",
        fragment="batches/_batch_progress.html",
        batch=batch,
        progress=progress.of_batch(batch, now()),
        trouble=outbox.trouble() if has_server else "",
    )
