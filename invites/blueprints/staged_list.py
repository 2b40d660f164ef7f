"""The list on New Invitation: look at its rows, mend them, leave them out, pick its columns."""

import csv
import io
import re
from collections.abc import Callable, Iterator

from flask import Blueprint, Response, abort, request, stream_with_context
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from invites import staging
from invites.access import Action
from invites.judging import INVITED
from invites.models import StagedList
from invites.tables import Choice
from invites.web.access import allow, here
from invites.web.composing import ComposeForm, compose_page, filled_form, number, rows_page
from invites.web.forms import takes_lists
from invites.web.htmx import wants_fragment
from invites.web.pages import show
from invites.web.services import now
from invites.web.words import outcome, problem

blueprint = Blueprint(
    "staged_list", __name__, url_prefix="/accounts/<slug>/invitations/new/list/<int:list_id>"
)

_ROWS = "compose/_staged_list.html"
# What begins a formula (OWASP: CSV injection), also behind what cuts cells in other countries.
_FORMULA = re.compile(r"(^|[,;|\t\n\r])(?= *[=+@\uff1d\uff0b\uff0d\uff20-])")


@blueprint.post("/rows")
@allow(Action.INVITE)
@takes_lists
def rows(list_id: int) -> AnyResponse:
    """A page of the rows. Changes nothing; a form, so that what was typed isn't lost."""
    form = _form(list_id)
    assert form.staged is not None
    if wants_fragment():  # nothing else of the page is asked for, and nothing else changes
        found = rows_page(form, staging.counts(form.staged))
        return show("compose/page.html", fragment=_ROWS, form=form, **found)
    return compose_page(form)


@blueprint.post("/rows/<int:row>/mended")
@allow(Action.INVITE)
@takes_lists
def mend(list_id: int, row: int) -> AnyResponse:
    """Write something else into a row."""
    text = request.form.get("suggested") or request.form.get(f"text-{row}", "")
    return _after(list_id, lambda staged: staging.mend(staged, row, text, now()))


@blueprint.post("/rows/<int:row>/as-written")
@allow(Action.INVITE)
@takes_lists
def keep_as_written(list_id: int, row: int) -> AnyResponse:
    """Believe that it isn't misspelt."""
    return _after(list_id, lambda staged: staging.keep_as_written(staged, row, now()))


@blueprint.post("/rows/<int:row>/left-out")
@allow(Action.INVITE)
@takes_lists
def leave_out(list_id: int, row: int) -> AnyResponse:
    """Don't invite a row."""
    return _after(list_id, lambda staged: staging.leave_out(staged, row, now()))


@blueprint.post("/rows/<int:row>/back")
@allow(Action.INVITE)
@takes_lists
def take_back(list_id: int, row: int) -> AnyResponse:
    """Undo leaving it out."""
    return _after(list_id, lambda staged: staging.take_back(staged, row, now()))


@blueprint.post("/suggestions")
@allow(Action.INVITE)
@takes_lists
def take_suggestions(list_id: int) -> AnyResponse:
    """Mend all rows that misspell one domain."""
    domain = request.form.get("domain", "")
    return _after(list_id, lambda staged: staging.take_suggestions(staged, domain, now()))


@blueprint.post("/columns")
@allow(Action.INVITE)
@takes_lists
def pick_columns(list_id: int) -> AnyResponse:
    """Read the list by other columns."""
    email = number(request.form.get("email_column"))
    name = number(request.form.get("name_column"))

    def pick(staged: StagedList) -> None:
        chosen = Choice(staged.email_column if email is None else email, name)
        staging.pick_columns(staged, chosen, now())

    return _after(list_id, pick)


@blueprint.get("/not-invited.csv")
@allow(Action.INVITE)
def not_invited(list_id: int) -> Response:
    """The rows that won't be invited, and why, safe to open in a spreadsheet program."""
    staged = _find(list_id)
    return Response(
        stream_with_context(_csv(staged)),  # else each line is read after the request's end
        mimetype="text/csv",
        headers={"Content-Disposition": "attachment; filename=not-invited.csv"},
    )


def _csv(staged: StagedList) -> Iterator[str]:
    yield "\ufeff"  # without it Excel takes UTF-8 for something else
    yield _line(_("Row"), _("Email"), _("Name"), _("Why"), _("Did you mean"))
    for row in staging.not_invited(staged, INVITED):
        why = problem(row.problem) if row.problem else outcome(row.outcome, 1)
        yield _line(str(row.number), row.text, row.name, why, row.suggestion)


def _line(*cells: str) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(_FORMULA.sub(r"\1'", cell) for cell in cells)
    return line.getvalue()


def _find(list_id: int) -> StagedList:
    staged = staging.find(here().membership, list_id)
    if staged is None or staged.batch_id is not None:
        abort(404)
    return staged


def _form(list_id: int) -> ComposeForm:
    form = filled_form()
    form.staged = _find(list_id)
    return form


def _after(list_id: int, deed: Callable[[StagedList], object]) -> AnyResponse:
    form = _form(list_id)
    assert form.staged is not None
    deed(form.staged)
    return compose_page(form, fragment=_ROWS, changed=True)
