"""New Invitation: the Email field, the CSV file, the role, and what was understood."""

import secrets
from collections.abc import Iterator
from contextlib import suppress

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response as AnyResponse

from invites.authorization.permissions import Action
from invites.core.errors import Reason, RuleError
from invites.core.roles import Role
from invites.invitations import edits, manage, send_invitations, staging
from invites.invitations.classify import Outcome
from invites.invitations.review import overview
from invites.lists.table import Choice
from invites.models import Batch, StagedList
from invites.web.access import allow, current
from invites.web.compose_form import ComposeForm, compose_page, filled_form, number
from invites.web.error_labels import sentence
from invites.web.error_pages import stale_form
from invites.web.forms import takes_lists
from invites.web.labels import changes
from invites.web.responses import go, tell
from invites.web.services import now, services

blueprint = Blueprint("compose", __name__, url_prefix="/accounts/<slug>/invitations/new")


@blueprint.get("")
@allow(Action.INVITE)
def form() -> AnyResponse:
    """An empty form, with the list that was dropped last and not sent."""
    form = ComposeForm(key=secrets.token_urlsafe(16), role=int(Role.USER))
    form.offer_roles()
    form.staged = staging.newest(current().membership)
    return compose_page(form, waited=True)


@blueprint.post("")
@allow(Action.INVITE)
@takes_lists
def create() -> AnyResponse:
    """Send what was reviewed, and lead to the batch's page. Else the form stays as it was."""
    form = filled_form()
    before = form.staged
    is_read = _take_file(form)
    if form.staged is before:
        _take_over(form)
    if not is_read or not form.validate():
        return compose_page(form, status=422)
    try:
        batch = _send(form)
    except RuleError as refused:
        return _not_sent(form, refused)
    staging.sweep(now())
    if services().settings.mail_server is None:
        tell(_("The invitations are made. Their mails wait for a mail server."))
    else:
        tell(_("The invitations are on their way."))
    return go(url_for("batches.page", batch_id=batch.id))


@blueprint.errorhandler(CSRFError)
def keep_what_was_typed(error: CSRFError) -> AnyResponse:
    """The form with what was typed, and a token of this session."""
    if request.endpoint != "compose.create":
        return stale_form(error)
    tell(_("Nothing was sent yet, as you logged in anew. Look at it, and send it now."), "problem")
    return compose_page(filled_form(), status=400)


@blueprint.post("/understanding")
@allow(Action.INVITE)
@takes_lists
def understanding() -> AnyResponse:
    """What would happen on sending, while typing. Changes nothing."""
    return compose_page(filled_form(), fragment="compose/_understanding.html")


@blueprint.post("/typed")
@allow(Action.INVITE)
@takes_lists
def mend_typed() -> AnyResponse:
    """Take the suggestion for something in the field, or believe that it isn't misspelt."""
    form = filled_form()
    typed = overview(current().account, form.entries, None, now()).typed
    invalid = typed.of(Outcome.INVALID)
    use, trust = number(request.form.get("use")), number(request.form.get("trust"))
    if use is not None and use < len(invalid):
        form.replace_typed(invalid[use].entry.text, invalid[use].suggestion)
    elif trust is not None and trust < len(invalid):
        form.trust(invalid[trust].entry.text)
    return compose_page(form, fragment="compose/_typed.html")


@blueprint.post("/file")
@allow(Action.INVITE)
@takes_lists
def add_file() -> AnyResponse:
    """Read a dropped file and keep its rows until they are sent."""
    form = filled_form()
    if _take_file(form):
        return compose_page(form, fragment="compose/_email_csv_file.html")
    _take_over(form)
    return compose_page(form, fragment="compose/_email_csv_file.html", status=422)


@blueprint.post("/file/removal")
@allow(Action.INVITE)
@takes_lists
def remove_file() -> AnyResponse:
    """Forget the list."""
    form = filled_form()
    if form.staged is not None:
        staging.drop(form.staged)
        form.staged = None
    return compose_page(form, fragment="compose/_email_csv_file.html")


def _send(form: ComposeForm) -> Batch:
    member, order = current().membership, form.order()
    if form.wrong is not None and form.revoke_wrong.data:
        return manage.correct(member, form.wrong, order, now())
    return send_invitations.issue(member, order, now())


def _take_file(form: ComposeForm) -> bool:
    """Read the file of the request, if there is one; False, with the reason, when it can't be."""
    file = request.files.get("csv_file")
    if file is None or not file.filename:
        return True
    try:
        form.staged = staging.stage_file(
            current().membership,
            file.filename,
            file.stream,
            now(),
            instead_of=form.staged.id if form.staged else None,
        )
    except RuleError as refused:
        form.csv_file.errors = list(_unread(file.filename, refused, form.staged))
        return False
    form.place.data = ""  # of the list before
    return True


def _unread(file_name: str, refused: RuleError, waiting: StagedList | None) -> Iterator[str]:
    name = staging.display_name(file_name)
    yield _("“%(file)s”: %(reason)s", file=name, reason=sentence(refused))
    if waiting is not None and waiting.batch_id is None:
        yield _("The list “%(file)s” is still here.", file=waiting.file_name)


def _take_over(form: ComposeForm) -> None:
    """Take what was changed in the list's fields without a press on the buttons beside them.

    Then the review isn't what was seen, so it is shown before anything is sent.
    """
    staged = form.staged
    if staged is None or staged.batch_id is not None:
        return
    with suppress(RuleError):  # sent or forgotten meanwhile: sending finds that, too
        if form.columns not in (None, Choice(staged.email_column, staged.name_column)):
            staging.pick_columns(staged, form.columns, now())
        else:
            edits.mend_changed(staged, form.row_texts, now())


def _not_sent(form: ComposeForm, refused: RuleError) -> AnyResponse:
    """The page with the reason where it belongs, and the list judged as things stand now."""
    if refused.reason is Reason.REVIEW_FIRST:
        since = edits.classify_again(form.staged, now()) if form.staged else None
        return compose_page(form, unsent=sentence(refused), since=changes(since or {}))
    if refused.reason is Reason.LIST_SENT:
        form.staged = None
        form.refuse(form.csv_file, refused)
    elif refused.reason is Reason.CONFIRM_FIRST:
        form.refuse(form.agreed, refused)
    else:
        form.refuse(form.email, refused)
    return compose_page(form, status=422)
