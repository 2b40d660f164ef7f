"""The form of New Invitation, and its page: what several views read and show."""

import re
import secrets
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from flask import Response, request
from flask_babel import format_decimal, ngettext
from flask_babel import lazy_gettext as _l
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
from invites.core.roles import Role
from invites.invitations import send_invitations, staged_rows, staging
from invites.invitations.classify import Outcome
from invites.invitations.review import ListReview, overview
from invites.invitations.send_invitations import InvitationRequest, Review
from invites.lists import suggestions
from invites.lists.recipients import Entry, read_field, replaced
from invites.lists.table import Choice
from invites.models import Invitation, StagedList
from invites.web.access import current
from invites.web.error_labels import sentence
from invites.web.forms import PlainForm
from invites.web.labels import ROLE
from invites.web.responses import show
from invites.web.services import now, services

_NUMBER = re.compile(r"[0-9]{1,18}")
_ROW_TEXT = re.compile(r"text-([0-9]{1,6})")
_PLACE = re.compile(r"([a-z_]*):([0-9]{1,6})")


class ComposeForm(PlainForm):
    """One batch. ``key`` names this press of the button, ``list_id`` the list read before.

    ``seen`` is the fingerprint of the review on the page, ``agreed`` the number
    of mails that was said yes to, ``trusted`` what was typed and isn't misspelt,
    ``place`` the page of the list that shows, as ``outcome:number``, ``wrong_id`` the
    invitation whose address is to be corrected by this batch.
    """

    email = TextAreaField(_l("Email"))
    csv_file = FileField(_l("Email CSV File"))
    role = RadioField(_l("Role"), coerce=int)
    removed_too = BooleanField(_l("Invite them again"))
    declined_too = BooleanField(_l("Invite them again"))
    pending_too = BooleanField(_l("Mail them again"))
    revoke_wrong = BooleanField(default=True)
    wrong_id = HiddenField()
    agreed = StringField(widget=CheckboxInput())
    list_id = HiddenField()
    trusted = HiddenField()
    key = HiddenField()
    seen = HiddenField()
    place = HiddenField()

    def offer_roles(self) -> None:
        """Offer what the member may grant, lowest first."""
        roles = grantable_roles(current().membership)
        self.role.choices = [(int(role), str(ROLE[role])) for role in roles]

    @cached_property
    def staged(self) -> StagedList | None:
        """The list: dropped before, if it is this member's, or set by the view that reads one."""
        return staging.find(current().membership, number(self.list_id.data))

    @cached_property
    def wrong(self) -> Invitation | None:
        """The invitation that went to a wrong address, if it is one that the member may mend."""
        try:
            found = current().scope.invitation(number(self.wrong_id.data) or 0)
        except RuleError:
            return None
        return found if current().may(Action.MANAGE_INVITATION, found) else None

    @cached_property
    def entries(self) -> list[Entry]:
        """What stands in the field."""
        trusted = set((self.trusted.data or "").split())
        entries = read_field(self.email.data or "")
        return [one._replace(kept_as_is=True) if one.text in trusted else one for one in entries]

    def replace_typed(self, wrong: str, right: str) -> None:
        """Write ``right``, if there is one, into the field where ``wrong`` stands."""
        self.email.data = replaced(self.email.data or "", wrong, right or wrong)
        self.__dict__.pop("entries", None)

    def add_typed(self, people: Sequence[tuple[str, str]]) -> None:
        """Write more names and addresses into the field, a line each."""
        quotable = [(name.replace('"', "'"), email) for name, email in people]
        lines = [f'"{name}" <{email}>' if name else email for name, email in quotable]
        self.email.data = "\n".join([*(self.email.data or "").splitlines(), *lines])
        self.__dict__.pop("entries", None)

    def trust(self, text: str) -> None:
        """Believe that something in the field isn't misspelt."""
        self.trusted.data = f"{self.trusted.data or ''} {text}".strip()
        self.__dict__.pop("entries", None)

    @property
    def also(self) -> frozenset[Outcome]:
        """Who is invited because a box is ticked."""
        boxes = {
            Outcome.REMOVED: self.removed_too,
            Outcome.DECLINED: self.declined_too,
            Outcome.PENDING: self.pending_too,
        }
        return frozenset(outcome for outcome, box in boxes.items() if box.data)

    @property
    def columns(self) -> Choice | None:
        """The columns that are chosen on the page, if the list is there."""
        email = number(request.form.get("email_column"))
        return None if email is None else Choice(email, number(request.form.get("name_column")))

    @property
    def row_texts(self) -> dict[int, str]:
        """What was typed into the fields of the rows that show, by their numbers.

        An old page doesn't take back what was mended in another tab.
        """
        found = ((_ROW_TEXT.fullmatch(name), text) for name, text in request.form.items())
        texts = {int(match[1]): text for match, text in found if match}
        was = {row: request.form.get(f"was-{row}") for row in texts}
        return {row: text for row, text in texts.items() if text != was[row]}

    @property
    def at(self) -> tuple[Outcome | None, int]:
        """Which rows of the list show, and the page of them; first those that need a look."""
        found = _PLACE.fullmatch(request.form.get("go") or self.place.data or "")
        if not found:
            return Outcome.INVALID, 1
        outcome = Outcome(found[1]) if found[1] in list(Outcome) else None
        return outcome, int(found[2])

    def order(self) -> InvitationRequest:
        """What is asked for. Call it once the form is valid."""
        return InvitationRequest(
            key=self.key.data or secrets.token_urlsafe(16),
            entries=self.entries,
            role=Role(self.role.data),
            staged=self.staged,
            also=self.also,
            review=Review(self.seen.data or "", number(self.agreed.data)),
        )


def number(text: str | None) -> int | None:
    """A whole number that a form sent, or None."""
    return int(text) if text and _NUMBER.fullmatch(text) else None


def filled_form() -> ComposeForm:
    """The form as it was sent."""
    form = ComposeForm()
    form.offer_roles()
    return form


def form_to_mend(text: str, role: Role, wrong: Invitation | None = None) -> ComposeForm:
    """A new form with ``text`` in its field, to be mended there.

    ``wrong``: the invitation whose address is.
    """
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
    fragment: str | None = None,
    status: int = 200,
    unsent: str = "",
    **context: object,
) -> Response:
    """The page, or a fragment of it, with what field and list are understood to be."""
    whole, too_long = _overview(form)
    if too_long and not form.email.errors:
        form.email.errors = [too_long]
    people = whole.people(form.also) if whole else 0
    if number(form.agreed.data) != people:
        form.agreed.data = ""
    return show(
        "compose/page.html",
        fragment=fragment,
        status=status,
        form=form,
        overview=whole,
        people=people,
        is_large=people >= send_invitations.LARGE,
        lifetime=send_invitations.LIFETIME.days,
        links_stay_here=services().settings.links_stay_here,
        note=_send_note(people),
        unsent=unsent,
        **context,
        **rows_page(form, whole.listed if whole else _listed(form)),
    )


def _overview(form: ComposeForm) -> tuple[ListReview | None, str]:
    try:
        return overview(current().account, form.entries, form.staged, now()), ""
    except RuleError as refused:
        return None, sentence(refused)


def _listed(form: ComposeForm) -> Counter[Outcome]:
    return staged_rows.counts(form.staged) if form.staged else Counter()


def rows_page(form: ComposeForm, listed: Counter[Outcome]) -> dict[str, Any]:
    """What the rows of the list need that show; ``listed``: how many have which outcome."""
    if form.staged is None:
        return {"found": None}
    outcome, page = form.at
    if outcome is not None and not listed[outcome]:
        outcome = None
    found = staged_rows.page(form.staged, listed, outcome, page)
    empty = [row.number for row in found if not row.text]
    twice = [row.email for row in found if row.outcome == Outcome.TWICE]
    return {
        "listed": listed,
        "chosen": outcome,
        "found": found,
        "alike": staged_rows.alike(form.staged) if listed[Outcome.INVALID] else [],
        "first_rows": staged_rows.first_rows(form.staged, twice) if twice else {},
        "is_role": suggestions.is_role,
        "one_line": staged_rows.one_line,
        "in_file": staged_rows.in_file(form.staged, empty) if empty else {},
        "addresses_in": suggestions.addresses_in,
        "holds_no_more": suggestions.holds_no_more,
        "bounced": matching.has_bounced(
            current().account, [row.email for row in found if row.email]
        ),
    }


def _send_note(people: int) -> str:
    if not people:
        return ""
    count = format_decimal(people)
    return str(
        ngettext(
            "%(count)s person gets a mail.", "%(count)s people get a mail.", people, count=count
        )
    )
