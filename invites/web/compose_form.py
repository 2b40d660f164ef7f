"""The form of New Invitation and its page, shared by the blueprints compose and staged_list."""

import re
import secrets
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from flask import Response, abort, request
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import (
    BooleanField,
    FileField,
    HiddenField,
    RadioField,
    StringField,
    TextAreaField,
)
from wtforms.widgets import CheckboxInput

from invites.authorization.permissions import Action, grantable_roles
from invites.bounces import matching
from invites.core.errors import RuleError
from invites.core.numbers import whole_number
from invites.core.roles import Role
from invites.invitations import send_invitations, staged_lists, staged_rows
from invites.invitations.review import Review, review_entries
from invites.invitations.send_invitations import Approval, InvitationRequest
from invites.lists import suggestions
from invites.lists.email_field import read_field, replace_entry
from invites.lists.entries import Entry
from invites.lists.table import Choice
from invites.models import EntryOutcome, Invitation, StagedList
from invites.web import list_format
from invites.web.access import current
from invites.web.forms import PlainForm
from invites.web.labels import ROLE
from invites.web.responses import show
from invites.web.services import now, services

_ROW_TEXT = re.compile(r"text-([0-9]{1,6})")
_MAX_KEPT = 1_000  # entries; each one was kept with a press of a button
_PLACE = re.compile(r"([a-z_]*):([0-9]{1,6})")


class ComposeForm(PlainForm):
    """The invitations of one batch.

    ``key``: identifies the press of the button. ``list_id``: the staged list.
    ``seen``: the fingerprint of the review on the page. ``agreed``: the confirmed number of emails.
    ``kept_as_is``: typed addresses that look misspelled, but aren't.
    ``place``: which rows of the list are shown, as ``outcome:page``.
    ``wrong_id``: the invitation whose wrong address this batch corrects.
    """

    email = TextAreaField(_l("Email"))
    csv_file = FileField(_l("Email CSV File"))
    role = RadioField(_l("Role"), coerce=int)
    removed_too = BooleanField(_l("Invite them again"))
    declined_too = BooleanField(_l("Invite them again"))
    pending_too = BooleanField(_l("Email them again"))
    revoke_wrong = BooleanField(default=True)
    wrong_id = HiddenField()
    agreed = StringField(widget=CheckboxInput())
    list_id = HiddenField()
    kept_as_is = HiddenField()
    key = HiddenField()
    seen = HiddenField()
    place = HiddenField()

    def offer_roles(self) -> None:
        """Offers the roles that the member may grant, lowest first."""
        roles = grantable_roles(current().membership)
        self.role.choices = [(int(role), str(ROLE[role])) for role in roles]

    @cached_property
    def staged(self) -> StagedList | None:
        """The list uploaded earlier. Views replace it when they read a new file."""
        return staged_lists.find(current().membership, whole_number(self.list_id.data))

    @cached_property
    def wrong(self) -> Invitation | None:
        """The invitation to a wrong address, if the member may manage it."""
        try:
            found = current().scope.invitations.find(whole_number(self.wrong_id.data) or 0)
        except RuleError:
            return None
        return found if current().may(Action.MANAGE_INVITATION, found) else None

    @cached_property
    def entries(self) -> list[Entry]:
        kept = set((self.kept_as_is.data or "").split(None, _MAX_KEPT))
        entries = read_field(self.email.data or "")
        return [one._replace(kept_as_is=True) if one.text in kept else one for one in entries]

    def replace_typed(self, wrong: str, right: str) -> None:
        """Does nothing if ``right`` is empty."""
        self.email.data = replace_entry(self.email.data or "", wrong, right or wrong)
        self.__dict__.pop("entries", None)

    def add_typed(self, people: Sequence[tuple[str, str]]) -> None:
        quotable = [(name.replace('"', "'"), email) for name, email in people]
        lines = [f'"{name}" <{email}>' if name else email for name, email in quotable]
        self.email.data = "\n".join(filter(None, [(self.email.data or "").rstrip(), *lines]))
        self.__dict__.pop("entries", None)

    def keep_as_is(self, text: str) -> None:
        self.kept_as_is.data = f"{self.kept_as_is.data or ''} {text}".strip()
        self.__dict__.pop("entries", None)

    @property
    def also(self) -> frozenset[EntryOutcome]:
        """Outcomes that are invited only because a checkbox is selected."""
        boxes = {
            EntryOutcome.REMOVED: self.removed_too,
            EntryOutcome.DECLINED: self.declined_too,
            EntryOutcome.PENDING: self.pending_too,
        }
        return frozenset(outcome for outcome, box in boxes.items() if box.data)

    @property
    def columns(self) -> Choice | None:
        email = whole_number(request.form.get("email_column"))
        return (
            None if email is None else Choice(email, whole_number(request.form.get("name_column")))
        )

    @property
    def list_format(self) -> tuple[str, str] | None:
        """The chosen encoding and delimiter of the list."""
        delimiter = request.form.get("list_delimiter")
        if self.staged is None or delimiter is None:
            return None
        return request.form.get("list_encoding", self.staged.encoding), delimiter

    @property
    def row_texts(self) -> dict[int, str]:
        """Texts of rows edited on this page, by number. Another tab may have edited others."""
        found = ((_ROW_TEXT.fullmatch(name), text) for name, text in request.form.items())
        texts = {int(match[1]): text for match, text in found if match}
        if len(texts) > staged_rows.PAGE_SIZE:  # more than a page has; thousands would take seconds
            abort(400)
        was = {row: request.form.get(f"was-{row}") for row in texts}
        return {row: text for row, text in texts.items() if text != was[row]}

    @property
    def rows_shown(self) -> tuple[EntryOutcome | None, int]:
        """The filter and page number of the list's rows. The default is the invalid rows."""
        found = _PLACE.fullmatch(request.form.get("go") or self.place.data or "")
        if not found:
            return EntryOutcome.INVALID, 1
        outcome = EntryOutcome(found[1]) if found[1] in list(EntryOutcome) else None
        return outcome, int(found[2])

    def request(self) -> InvitationRequest:
        """Only for a valid form."""
        return InvitationRequest(
            key=self.key.data or secrets.token_urlsafe(16),
            entries=self.entries,
            role=Role(self.role.data),
            staged=self.staged,
            also=self.also,
            approval=Approval(self.seen.data or "", whole_number(self.agreed.data)),
        )


def filled_form() -> ComposeForm:
    form = ComposeForm()
    form.offer_roles()
    return form


def prefilled_form(text: str, role: Role, wrong: Invitation | None = None) -> ComposeForm:
    """``wrong``: the invitation whose address is corrected."""
    form = ComposeForm(
        formdata=None,
        key=secrets.token_urlsafe(16),
        email=text,
        role=int(role),
        wrong_id=str(wrong.id) if wrong else "",
    )
    form.offer_roles()
    return form


def compose_page(
    form: ComposeForm,
    *,
    fragment: str = "",
    status: int | None = None,
    unsent: str = "",
    **context: object,
) -> Response:
    """``status`` defaults to the form's own."""
    review = _review(form)
    mail_count = review.mail_count(form.also) if review else 0
    if whole_number(form.agreed.data) != mail_count:
        form.agreed.data = ""
    return show(
        "compose/page.html",
        fragment=fragment,
        status=form.status if status is None else status,
        form=form,
        review=review,
        mail_count=mail_count,
        is_large=mail_count >= send_invitations.LARGE,
        lifetime=send_invitations.LIFETIME.days,
        is_local_only=services().settings.is_local_only,
        note=_send_note(mail_count),
        unsent=unsent,
        **context,
        **rows_page(form),
    )


def _review(form: ComposeForm) -> Review | None:
    try:
        return review_entries(current().account, form.entries, form.staged, now())
    except RuleError as refused:
        if not form.email.errors:
            form.refuse(form.email, refused)
        return None


def rows_page(form: ComposeForm) -> dict[str, Any]:
    if form.staged is None:
        return {"found": None}
    row_counts = staged_rows.counts(form.staged)
    outcome, page = form.rows_shown
    if outcome is not None and not row_counts[outcome]:
        outcome = None
    found = staged_rows.page(form.staged, outcome, page)
    duplicates = [row.email for row in found if row.outcome == EntryOutcome.DUPLICATE]
    has_invalid = row_counts[EntryOutcome.INVALID] > 0
    return {
        "row_counts": row_counts,
        "list_format": list_format if form.staged.encoding else None,
        "chosen": outcome,
        "found": found,
        "misspellings": staged_rows.common_misspellings(form.staged) if has_invalid else [],
        "first_rows": staged_rows.first_rows(form.staged, duplicates) if duplicates else {},
        "is_role": suggestions.is_role,
        "one_line": staged_rows.one_line,
        "addresses_in": suggestions.addresses_in,
        "finds_all_addresses": suggestions.finds_all_addresses,
        "bounced": matching.bounced_addresses(
            current().account, [row.email for row in found if row.email]
        ),
    }


def _send_note(mail_count: int) -> str:
    if not mail_count:
        return ""
    return ngettext(
        "%(num)s person will get an email.", "%(num)s people will get an email.", mail_count
    )
