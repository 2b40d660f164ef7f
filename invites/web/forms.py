"""What forms share: a CSRF token, rules as validators, and refusals beside the fields."""

from collections.abc import Callable
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    Field,
    Form,
    PasswordField,
    StringField,
    SubmitField,
    TelField,
)
from wtforms.validators import StopValidation
from wtforms.widgets import PasswordInput

from invites.core import addresses, text_fields
from invites.core.errors import RuleError
from invites.people import passwords
from invites.web.error_labels import sentence
from invites.web.error_links import sentence_with_link
from invites.web.error_status import status_of


class PlainForm(FlaskForm):
    """A form with a CSRF token that keeps what was typed when it is refused."""

    csrf_token: Any = ""  # the field, unless a test has turned CSRF protection off

    class Meta(FlaskForm.Meta):
        def wrap_formdata(self, _form: Form, formdata: Any) -> Any:
            """Takes only form fields. Flask-WTF would take JSON and files too."""
            return None if formdata is None else request.form or None

    _refused_status = 422

    @property
    def status(self) -> int:
        """200, or the status of the form's refusal."""
        return self._refused_status if self.errors else 200

    def refuse(self, field: Field, refused: RuleError) -> None:
        field.errors = [*field.errors, sentence_with_link(refused)]
        self._refused_status = status_of(refused.reason)

    @property
    def first_problem(self) -> str | None:
        """The id of the first field with an error, which gets the focus."""
        return next((field.id for field in self if field.errors), None)


def checked_by(rule: Callable[[str], Any]) -> Callable[[Form, Field], None]:
    def check(_form: Form, field: Field) -> None:
        try:
            rule(field.data or "")
        except RuleError as refused:
            raise StopValidation(sentence(refused)) from None

    return check


class NewPasswordField(PasswordField):
    """Keeps what was typed when the form is refused: it is nobody's password yet."""

    widget = PasswordInput(hide_value=False)


class JoinForm(PlainForm):
    """A new profile. Pages delete the fields that they don't ask for: ``del form.phone``.

    ``log_out``: the button that joins without logging in.
    """

    name = StringField(_l("Name"), validators=[checked_by(text_fields.clean_name)])
    email = EmailField(_l("Email"), validators=[checked_by(addresses.canonical)])
    password = NewPasswordField(_l("Password"), validators=[checked_by(passwords.check_length)])
    phone = TelField(_l("Phone (optional)"), validators=[checked_by(text_fields.clean_phone)])
    shared = BooleanField(_l("This is a shared computer"))
    log_out = SubmitField(_l("Join and log out"))
