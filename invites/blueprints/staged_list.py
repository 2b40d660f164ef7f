"""The list on New Invitation: look at its rows, mend them, leave them out, pick its columns."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from flask import Blueprint, Response, request, url_for
from flask_babel import format_decimal
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from invites.authorization.permissions import Action
from invites.core.errors import Reason, RuleError
from invites.invitations import edits, staged_rows, staging
from invites.invitations.classify import INVITED, Outcome
from invites.models import StagedList
from invites.web.access import allow, current
from invites.web.compose_form import ComposeForm, compose_page, filled_form, rows_page
from invites.web.csv_export import csv_file
from invites.web.error_labels import problem
from invites.web.forms import takes_lists
from invites.web.htmx import wants_fragment
from invites.web.labels import of_row
from invites.web.responses import show
from invites.web.services import now

blueprint = Blueprint(
    "staged_list", __name__, url_prefix="/accounts/<slug>/invitations/new/list/<int:list_id>"
)

_ROWS = "compose/_staged_list.html"


class Done(NamedTuple):
    """What was done, in words, and the button that takes it back, if there is one."""

    words: str
    url: str = ""
    name: str = ""
    value: str = ""


@blueprint.post("/rows")
@allow(Action.INVITE)
@takes_lists
def rows(list_id: int) -> AnyResponse:
    """A page of the rows. Changes only what was typed into those that showed before."""
    form = _form(list_id)
    assert form.staged is not None
    mended = edits.mend_changed(form.staged, form.row_texts, now())
    if wants_fragment() and not mended:  # nothing else of the page changes
        found = rows_page(form, staged_rows.counts(form.staged))
        return show("compose/page.html", fragment=_ROWS, form=form, **found)
    return compose_page(form, fragment=_ROWS, changed=True)


@blueprint.post("/rows/<int:row>/mended")
@allow(Action.INVITE)
@takes_lists
def mend(list_id: int, row: int) -> AnyResponse:
    """Write something else into a row."""
    text = request.form.get("suggested", request.form.get(f"text-{row}", ""))
    done = _write_back(list_id, row, _("Row %(row)s is changed.", row=format_decimal(row)))
    return _after(list_id, lambda staged: edits.mend(staged, row, text, now()), done)


@blueprint.post("/rows/<int:row>/split")
@allow(Action.INVITE)
@takes_lists
def split(list_id: int, row: int) -> AnyResponse:
    """Keep one of several addresses in a row, and put the others into the Email field."""
    form = _form(list_id)
    assert form.staged is not None
    edits.mend_changed(form.staged, form.row_texts, now())
    first, others = edits.split(form.staged, row, now())
    form.add_typed(others)
    words = _(
        "Row %(row)s has %(first)s now. Added to the Email field above: %(others)s",
        row=format_decimal(row),
        first=first,
        others=", ".join(email for _name, email in others),
    )
    return compose_page(form, fragment=_ROWS, changed=True, typed_too=True, done=Done(words))


@blueprint.post("/rows/<int:row>/as-written")
@allow(Action.INVITE)
@takes_lists
def keep_as_is(list_id: int, row: int) -> AnyResponse:
    """Believe that it isn't misspelt."""
    done = _write_back(list_id, row, _("Row %(row)s is right as it is.", row=format_decimal(row)))
    return _after(list_id, lambda staged: edits.keep_as_is(staged, row, now()), done)


@blueprint.post("/rows/<int:row>/skipped")
@allow(Action.INVITE)
@takes_lists
def leave_out(list_id: int, row: int) -> AnyResponse:
    """Don't invite a row."""
    words = _("Row %(row)s is left out.", row=format_decimal(row))
    done = Done(words, url_for(".take_back", list_id=list_id, row=row))
    return _after(list_id, lambda staged: edits.leave_out(staged, row, now()), done)


@blueprint.post("/rows/<int:row>/back")
@allow(Action.INVITE)
@takes_lists
def take_back(list_id: int, row: int) -> AnyResponse:
    """Undo leaving it out."""
    return _after(list_id, lambda staged: edits.take_back(staged, row, now()))


@blueprint.post("/suggestions")
@allow(Action.INVITE)
@takes_lists
def take_suggestions(list_id: int) -> AnyResponse:
    """Mend all rows that misspell one domain."""
    domain = request.form.get("domain", "")
    words = _("%(domain)s is mended in all rows.", domain=f"@{domain}")
    done = Done(words, url_for(".undo_suggestions", list_id=list_id), "domain", domain)
    return _after(list_id, lambda staged: edits.take_suggestions(staged, domain, now()), done)


@blueprint.post("/suggestions/undone")
@allow(Action.INVITE)
@takes_lists
def undo_suggestions(list_id: int) -> AnyResponse:
    """Write those rows again as the file has them."""
    domain = request.form.get("domain", "")
    return _after(list_id, lambda staged: edits.undo_suggestions(staged, domain, now()))


@blueprint.post("/columns")
@allow(Action.INVITE)
@takes_lists
def pick_columns(list_id: int) -> AnyResponse:
    """Read the list by other columns."""
    chosen = filled_form().columns

    def pick(staged: StagedList) -> None:
        if chosen is not None:
            staging.pick_columns(staged, chosen, now())

    return _after(list_id, pick)


@blueprint.get("/not-invited.csv")
@allow(Action.INVITE)
def not_invited(list_id: int) -> Response:
    """The rows that won't be invited, and why, safe to open in a spreadsheet program."""
    staged = _find(list_id)
    return csv_file("not-invited.csv", _lines(staged))


def _lines(staged: StagedList) -> Iterator[tuple[str, ...]]:
    yield _("Row"), _("Email"), _("Name"), _("Why"), _("Did you mean")
    twice = [email for email, _name in staged_rows.those_with(staged, {Outcome.TWICE})]
    first_rows = staged_rows.first_rows(staged, twice)
    for row in staged_rows.not_invited(staged, INVITED):
        is_invalid = row.outcome == Outcome.INVALID
        why = problem(row.problem) if is_invalid else of_row(row.outcome, first_rows.get(row.email))
        yield str(row.number), row.text, row.name, why, row.suggestion


def _find(list_id: int) -> StagedList:
    staged = staging.find(current().membership, list_id)
    if staged is None or staged.batch_id is not None:
        raise RuleError(Reason.LIST_GONE)
    return staged


def _form(list_id: int) -> ComposeForm:
    form = filled_form()
    form.staged = _find(list_id)
    return form


def _write_back(list_id: int, row: int, words: str) -> Done | None:
    """Takes the change of a row back, if the page that asks for it has its text."""
    was = request.form.get(f"was-{row}")
    url = url_for(".mend", list_id=list_id, row=row)
    return None if was is None else Done(words, url, "suggested", was)


def _after(
    list_id: int, action: Callable[[StagedList], object], done: Done | None = None
) -> AnyResponse:
    form = _form(list_id)
    assert form.staged is not None
    edits.mend_changed(form.staged, form.row_texts, now())  # nothing typed gets lost
    action(form.staged)
    return compose_page(form, fragment=_ROWS, changed=True, done=done)
