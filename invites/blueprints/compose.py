"""New Invitation: the Email field, the CSV file, the role, and the review."""

import secrets
from collections.abc import Iterator

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response as AnyResponse

from invites.authorization.permissions import Action
from invites.core.errors import Reason, RuleError
from invites.core.numbers import whole_number
from invites.core.roles import Role
from invites.invitations import edits, manage, send_invitations, staged_lists, staging
from invites.invitations.review import review_entries
from invites.lists.table import Choice
from invites.members import account_batches
from invites.models import Batch, EntryOutcome, StagedList
from invites.web.access import allow, current
from invites.web.compose_form import ComposeForm, compose_page, filled_form
from invites.web.error_labels import sentence
from invites.web.error_pages import stale_form
from invites.web.form_limits import LIST
from invites.web.htmx import is_htmx
from invites.web.labels import changes
from invites.web.responses import go, tell
from invites.web.services import now, services

blueprint = Blueprint("compose", __name__, url_prefix="/accounts/<slug>/invitations/new")


@blueprint.get("")
@allow(Action.INVITE)
def form() -> AnyResponse:
    """An empty form with the newest unsent list."""
    form = ComposeForm(key=secrets.token_urlsafe(16), role=int(Role.USER))
    form.offer_roles()
    form.staged = staged_lists.newest(current().membership)
    return compose_page(form, waited=True)


@blueprint.post("")
@allow(Action.INVITE, body=LIST)
def create() -> AnyResponse:
    form = filled_form()
    if not _read_list(form) or not form.validate():
        return compose_page(form)
    try:
        batch = _send(form)
    except RuleError as refused:
        return _not_sent(form, refused)
    staged_lists.delete_expired(now())
    tell(_sending(account_batches.people_of([batch.id])[batch.id]))
    return go(url_for("batches.page", batch_id=batch.id))


def _sending(people: int) -> str:
    if services().settings.mail_server is None:
        return ngettext(
            "%(num)s invitation created. It will be sent once a mail server is configured.",
            "%(num)s invitations created. They will be sent once a mail server is configured.",
            people,
        )
    return ngettext("%(num)s invitation created.", "%(num)s invitations created.", people)


@blueprint.errorhandler(CSRFError)
def keep_what_was_typed(error: CSRFError) -> AnyResponse:
    """Shows the form as it was filled in, with a token of the current session."""
    if is_htmx():  # the page stays as it is
        return stale_form(error)
    form = filled_form()
    file = request.files.get("csv_file")
    if file and file.filename:
        form.csv_file.errors = [
            _("Choose this file again: %(file)s", file=staging.display_name(file.filename))
        ]
    tell(
        _(
            "Nothing has been sent yet, because you logged in again. Check the "
            "list, then press Send Invitation."
        ),
        "problem",
    )
    return compose_page(form, status=400)


@blueprint.post("/review")
@allow(Action.INVITE, body=LIST)
def review() -> AnyResponse:
    """Called while the member types. Changes nothing."""
    return compose_page(filled_form(), fragment="compose/_review.html")


@blueprint.post("/typed")
@allow(Action.INVITE, body=LIST)
def edit_typed() -> AnyResponse:
    """Corrects a typed entry as suggested, or keeps it as it is."""
    form = filled_form()
    typed = review_entries(current().account, form.entries, None, now()).typed
    invalid = typed.of(EntryOutcome.INVALID)
    use, keep = whole_number(request.form.get("use")), whole_number(request.form.get("keep"))
    if use is not None and use < len(invalid):
        form.replace_typed(invalid[use].entry.text, invalid[use].suggestion)
    elif keep is not None and keep < len(invalid):
        form.keep_as_is(invalid[keep].entry.text)
    return compose_page(form, fragment="compose/_typed.html")


@blueprint.post("/file")
@allow(Action.INVITE, body=LIST)
def add_file() -> AnyResponse:
    form = filled_form()
    _read_list(form)
    return compose_page(form, fragment="compose/_email_csv_file.html")


@blueprint.post("/file/removal")
@allow(Action.INVITE, body=LIST)
def remove_file() -> AnyResponse:
    form = filled_form()
    if form.staged is not None:
        staged_lists.delete(form.staged)
        form.staged = None
    return compose_page(form, fragment="compose/_email_csv_file.html")


def _send(form: ComposeForm) -> Batch:
    member, invitations = current().membership, form.request()
    if form.wrong is not None and form.revoke_wrong.data:
        return manage.correct(member, form.wrong, invitations, now())
    return send_invitations.send(member, invitations, now())


def _read_list(form: ComposeForm) -> bool:
    """Stages an uploaded file, or else applies changes to the list. Returns False if refused."""
    before = form.staged
    is_read = _take_file(form)
    return is_read if form.staged is not before else _apply_list_changes(form) and is_read


def _take_file(form: ComposeForm) -> bool:
    """Returns False if a file was uploaded that can't be read."""
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
        form.refuse(form.csv_file, refused)
        form.csv_file.errors = list(_file_errors(file.filename, refused, form.staged))
        return False
    form.place.data = ""  # it referred to the previous list
    return True


def _file_errors(file_name: str, refused: RuleError, waiting: StagedList | None) -> Iterator[str]:
    name = staging.display_name(file_name)
    yield _("“%(file)s”: %(reason)s", file=name, reason=sentence(refused))
    if waiting is not None and waiting.batch_id is None:
        yield _("The list “%(file)s” is still here.", file=waiting.file_name)


def _apply_list_changes(form: ComposeForm) -> bool:
    """Applies changes to format, columns and rows whose buttons the member didn't press.

    If that changes the review, it is shown again before anything is sent. Returns False if the list
    can't be read with these columns or in this format.
    """
    staged = form.staged
    if staged is None or staged.batch_id is not None:
        return True
    try:
        if form.list_format and form.list_format != (staged.encoding, staged.delimiter):
            staging.pick_format(staged, *form.list_format, now())
        elif form.columns not in (None, Choice(staged.email_column, staged.name_column)):
            staging.pick_columns(staged, form.columns, now())
        else:
            edits.edit_rows(staged, form.row_texts, now())
    except RuleError as refused:
        if refused.reason is not Reason.NOT_FOUND:  # sent or deleted meanwhile: sending reports it
            form.refuse(form.csv_file, refused)
            return False
    return True


def _not_sent(form: ComposeForm, refused: RuleError) -> AnyResponse:
    if refused.reason is Reason.REVIEW_FIRST:
        since = edits.reclassify(form.staged, now()) if form.staged else None
        return compose_page(form, unsent=sentence(refused), since=changes(since or {}))
    if refused.reason is Reason.LIST_SENT:
        form.staged = None
        form.refuse(form.csv_file, refused)
    elif refused.reason is Reason.CONFIRM_FIRST:
        form.refuse(form.agreed, refused)
    else:
        form.refuse(form.email, refused)
    return compose_page(form)
