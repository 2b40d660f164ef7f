"""New Invitation: the Email field, the CSV file, the role, and what was understood."""

import re
import secrets
from collections.abc import Sequence
from functools import cached_property

from flask import Blueprint, Response, request, url_for
from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse
from wtforms import (
    BooleanField,
    FileField,
    HiddenField,
    RadioField,
    StringField,
    TextAreaField,
)
from wtforms.widgets import CheckboxInput

from invites import issuing, judging, uploads
from invites.access import Action, grantable_roles
from invites.issuing import Order, Review
from invites.judging import Judgement, Outcome
from invites.models import Upload
from invites.recipients import Entry, read_field
from invites.refusals import Reason, Refused
from invites.roles import Role
from invites.web.access import allow, here
from invites.web.forms import PlainForm, takes_lists
from invites.web.pages import go, show, tell
from invites.web.services import now, services
from invites.web.words import ROLE, sentence

blueprint = Blueprint("compose", __name__, url_prefix="/accounts/<slug>/invitations/new")

_NUMBER = re.compile(r"[0-9]{1,18}")


class ComposeForm(PlainForm):
    """One batch. ``key`` names this press of the button, ``upload`` the file read before.

    ``seen`` is the fingerprint of the review on the page, ``agreed`` the number
    of mails that was said yes to.
    """

    email = TextAreaField(_l("Email"))
    csv_file = FileField(_l("Email CSV File"))
    role = RadioField(_l("Role"), coerce=int)
    removed_too = BooleanField(_l("Invite them again"))
    declined_too = BooleanField(_l("Invite them again"))
    agreed = StringField(widget=CheckboxInput())
    upload = HiddenField()
    key = HiddenField()
    seen = HiddenField()

    def offer_roles(self) -> None:
        """Offer what the member may grant, lowest first."""
        roles = grantable_roles(here().membership)
        self.role.choices = [(int(role), str(ROLE[role])) for role in roles]

    @cached_property
    def uploaded(self) -> Upload | None:
        """The file: read before, if it is this member's, or set by the view that reads one."""
        return uploads.find(here().membership, _number(self.upload.data))

    @cached_property
    def entries(self) -> list[Entry]:
        """What stands in field and file together. Asked for when the file is settled."""
        return read_field(self.email.data or "") + uploads.entries(self.uploaded)

    @property
    def also(self) -> frozenset[Outcome]:
        """Who is invited because a box is ticked."""
        boxes = {Outcome.REMOVED: self.removed_too, Outcome.DECLINED: self.declined_too}
        return frozenset(outcome for outcome, box in boxes.items() if box.data)

    def order(self) -> Order:
        """What is asked for. Call it once the form is valid."""
        return Order(
            key=self.key.data or secrets.token_urlsafe(16),
            entries=self.entries,
            role=Role(self.role.data),
            file_name=self.uploaded.file_name if self.uploaded else "",
            also=self.also,
            review=Review(self.seen.data or "", _number(self.agreed.data)),
        )


def _number(text: str | None) -> int | None:
    return int(text) if text and _NUMBER.fullmatch(text) else None


@blueprint.get("")
@allow(Action.INVITE)
def form() -> AnyResponse:
    """An empty form."""
    form = ComposeForm(key=secrets.token_urlsafe(16), role=int(Role.USER))
    form.offer_roles()
    return _page(form)


@blueprint.post("")
@allow(Action.INVITE)
@takes_lists
def create() -> AnyResponse:
    """Send what was reviewed, and lead to the batch's page. Else the form stays as it was."""
    form = _filled_form()
    if not _take_file(form) or not form.validate():
        return _page(form, status=422)
    try:
        batch = issuing.issue(here().membership, form.order(), now())
    except Refused as refused:
        if refused.reason is Reason.REVIEW_FIRST:
            return _page(form, unsent=sentence(refused))
        unsure = refused.reason is Reason.CONFIRM_FIRST
        form.refuse(form.agreed if unsure else form.email, refused)
        return _page(form, status=422)
    uploads.sweep(now())
    if services().settings.mail_server is None:
        tell(_("The invitations are made. Their mails wait in the Mailbox."))
    else:
        tell(_("The invitations are on their way."))
    return go(url_for("batches.page", batch_id=batch.id))


@blueprint.post("/understanding")
@allow(Action.INVITE)
@takes_lists
def understanding() -> AnyResponse:
    """What would happen on sending, while typing. Changes nothing."""
    return _page(_filled_form(), fragment="compose/_understanding.html")


@blueprint.post("/file")
@allow(Action.INVITE)
@takes_lists
def add_file() -> AnyResponse:
    """Read a dropped file and keep it until it is sent."""
    form = _filled_form()
    status = 200 if _take_file(form) else 422
    return _page(form, fragment="compose/_email_csv_file.html", status=status)


@blueprint.post("/file/removal")
@allow(Action.INVITE)
@takes_lists
def remove_file() -> AnyResponse:
    """Forget the file."""
    form = _filled_form()
    if form.uploaded is not None:
        uploads.drop(form.uploaded)
        form.uploaded = None
    return _page(form, fragment="compose/_email_csv_file.html")


def _filled_form() -> ComposeForm:
    form = ComposeForm()
    form.offer_roles()
    return form


def _take_file(form: ComposeForm) -> bool:
    """Read the file of the request, if there is one; False, with the reason, when it can't be."""
    file = request.files.get("csv_file")
    if file is None or not file.filename:
        return True
    try:
        content = file.stream.read()
        form.uploaded = uploads.keep(here().membership, file.filename, content, now())
    except Refused as refused:
        form.csv_file.errors = [sentence(refused)]
        return False
    return True


def _page(
    form: ComposeForm, *, fragment: str | None = None, status: int = 200, unsent: str = ""
) -> Response:
    judgement, too_long = _judged(form.entries)
    if too_long and not form.email.errors:
        form.email.errors = [too_long]
    people = len(judgement.to_invite(form.also)) if judgement else 0
    if _number(form.agreed.data) != people:
        form.agreed.data = ""
    return show(
        "compose/page.html",
        fragment=fragment,
        status=status,
        form=form,
        judgement=judgement,
        people=people,
        is_large=people >= issuing.LARGE,
        lifetime=issuing.LIFETIME.days,
        links_stay_here=services().settings.links_stay_here,
        note=_send_note(people),
        unsent=unsent,
    )


def _judged(entries: Sequence[Entry]) -> tuple[Judgement | None, str]:
    try:
        return judging.judge(here().account, entries, now()), ""
    except Refused as refused:
        return None, sentence(refused)


def _send_note(people: int) -> str:
    if not people:
        return ""
    count = format_decimal(people)
    return str(
        ngettext(
            "%(count)s person gets a mail.", "%(count)s people get a mail.", people, count=count
        )
    )
