"""The staged list on New Invitation: show and edit its rows, pick its columns."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from flask import Blueprint, Response, request, url_for
from flask_babel import format_decimal
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response as AnyResponse

from invites.authorization.permissions import Action
from invites.blueprints.compose import keep_what_was_typed
from invites.core.errors import Reason, RuleError
from invites.invitations import edits, staged_lists, staged_rows, staging
from invites.models import INVITED, EntryOutcome, StagedList
from invites.web.access import allow, current
from invites.web.compose_form import ComposeForm, compose_page, filled_form, rows_page
from invites.web.csv_export import csv_file
from invites.web.error_labels import problem, sentence
from invites.web.error_status import status_of
from invites.web.form_limits import LIST
from invites.web.htmx import wants_fragment
from invites.web.labels import of_row
from invites.web.list_capacity import limit_exports
from invites.web.responses import show
from invites.web.services import now

blueprint = Blueprint(
    "staged_list", __name__, url_prefix="/accounts/<slug>/invitations/new/list/<int:list_id>"
)

blueprint.register_error_handler(CSRFError, keep_what_was_typed)

_ROWS = "compose/_staged_list.html"


class Done(NamedTuple):
    """A message, and a button if the action can be undone."""

    message: str
    url: str = ""
    name: str = ""
    value: str = ""


@blueprint.post("/rows")
@allow(Action.INVITE, body=LIST)
def rows(list_id: int) -> AnyResponse:
    """Also saves edits to the rows that were shown."""
    form, staged = _form(list_id)
    edited = edits.edit_rows(staged, form.row_texts, now())
    if wants_fragment() and not edited:  # nothing else on the page changes
        return show("compose/page.html", fragment=_ROWS, form=form, **rows_page(form))
    return compose_page(form, fragment=_ROWS, changed=True)


@blueprint.post("/rows/<int:row>/text")
@allow(Action.INVITE, body=LIST)
def edit_row(list_id: int, row: int) -> AnyResponse:
    text = request.form.get("suggested", request.form.get(f"text-{row}", ""))
    done = _undo_edit(list_id, row, _("Row %(row)s is changed.", row=format_decimal(row)))
    return _after(list_id, lambda staged: edits.edit_row(staged, row, text, now()), done)


@blueprint.post("/rows/<int:row>/split")
@allow(Action.INVITE, body=LIST)
def split_row(list_id: int, row: int) -> AnyResponse:
    """Keeps one of several addresses in a row, and moves the others to the Email field."""
    form, staged = _form(list_id)
    edits.edit_rows(staged, form.row_texts, now())
    first, others = edits.split_row(staged, row, now())
    form.add_typed(others)
    message = _(
        "Row %(row)s is now %(first)s. Added to the Email field above: %(others)s",
        row=format_decimal(row),
        first=first,
        others=", ".join(email for _name, email in others),
    )
    return compose_page(form, fragment=_ROWS, changed=True, typed_too=True, done=Done(message))


@blueprint.post("/rows/<int:row>/as-is")
@allow(Action.INVITE, body=LIST)
def keep_as_is(list_id: int, row: int) -> AnyResponse:
    done = _undo_edit(list_id, row, _("Row %(row)s is kept as is.", row=format_decimal(row)))
    return _after(list_id, lambda staged: edits.keep_as_is(staged, row, now()), done)


@blueprint.post("/rows/<int:row>/exclusion")
@allow(Action.INVITE, body=LIST)
def exclude(list_id: int, row: int) -> AnyResponse:
    message = _("Row %(row)s is excluded.", row=format_decimal(row))
    done = Done(message, url_for(".include", list_id=list_id, row=row))
    return _after(list_id, lambda staged: edits.exclude(staged, row, now()), done)


@blueprint.post("/rows/<int:row>/inclusion")
@allow(Action.INVITE, body=LIST)
def include(list_id: int, row: int) -> AnyResponse:
    return _after(list_id, lambda staged: edits.include(staged, row, now()))


@blueprint.post("/corrections")
@allow(Action.INVITE, body=LIST)
def correct_domain(list_id: int) -> AnyResponse:
    domain = request.form.get("domain", "")
    message = _("%(domain)s is corrected in all rows.", domain=f"@{domain}")
    done = Done(message, url_for(".undo_correction", list_id=list_id), "domain", domain)
    return _after(list_id, lambda staged: edits.correct_domain(staged, domain, now()), done)


@blueprint.post("/corrections/undone")
@allow(Action.INVITE, body=LIST)
def undo_correction(list_id: int) -> AnyResponse:
    domain = request.form.get("domain", "")
    return _after(list_id, lambda staged: edits.undo_correction(staged, domain, now()))


@blueprint.post("/columns")
@allow(Action.INVITE, body=LIST)
def pick_columns(list_id: int) -> AnyResponse:
    chosen = filled_form().columns

    def pick(staged: StagedList) -> None:
        if chosen is not None:
            staging.pick_columns(staged, chosen, now())

    return _after(list_id, pick)


@blueprint.post("/format")
@allow(Action.INVITE, body=LIST)
def pick_format(list_id: int) -> AnyResponse:
    """Reads a text file with another encoding or delimiter."""
    form, staged = _form(list_id)
    status, error = None, ""
    try:
        if form.list_format:
            staging.pick_format(staged, *form.list_format, now())
            form.place.data = ""
    except RuleError as refused:
        status, error = status_of(refused.reason), sentence(refused)
    return compose_page(
        form,
        fragment=_ROWS,
        status=status,
        changed=True,
        format_error=error,
        is_format_open=True,  # so that the focus stays in it
    )


@blueprint.get("/not-invited.csv")
@allow(Action.INVITE)
@limit_exports
def not_invited(list_id: int) -> Response:
    staged = _find(list_id)
    return csv_file("not-invited.csv", _lines(staged))


def _lines(staged: StagedList) -> Iterator[tuple[str, ...]]:
    yield _("Row"), _("Email"), _("Name"), _("Reason"), _("Suggestion")
    duplicates = staged_rows.recipients(staged, {EntryOutcome.DUPLICATE})
    first_rows = staged_rows.first_rows(staged, [email for email, _name in duplicates])
    for row in staged_rows.without(staged, INVITED):
        is_invalid = row.outcome == EntryOutcome.INVALID
        why = problem(row.problem) if is_invalid else of_row(row.outcome, first_rows.get(row.email))
        yield str(row.number), row.text, row.name, why, row.suggestion


def _find(list_id: int) -> StagedList:
    staged = staged_lists.find(current().membership, list_id)
    if staged is None or staged.batch_id is not None:
        raise RuleError(Reason.LIST_GONE)
    return staged


def _form(list_id: int) -> tuple[ComposeForm, StagedList]:
    form = filled_form()
    form.staged = staged = _find(list_id)
    return form, staged


def _undo_edit(list_id: int, row: int, message: str) -> Done | None:
    """None unless the page sent the row's previous text."""
    was = request.form.get(f"was-{row}")
    url = url_for(".edit_row", list_id=list_id, row=row)
    return None if was is None else Done(message, url, "suggested", was)


def _after(
    list_id: int, action: Callable[[StagedList], object], done: Done | None = None
) -> AnyResponse:
    form, staged = _form(list_id)
    edits.edit_rows(staged, form.row_texts, now())  # keeps what was typed
    action(staged)
    return compose_page(form, fragment=_ROWS, changed=True, done=done)
