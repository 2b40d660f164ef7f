"""What all forms share: rules as validators, and no field that the form didn't ask for."""

from collections.abc import Callable
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, Form
from wtforms.validators import StopValidation

from invites.refusals import Refused
from invites.web.words import sentence


class PlainForm(FlaskForm):
    """A form with a CSRF token that keeps what was typed when it is refused."""

    def refuse(self, field: Field, refused: Refused) -> None:
        """Put a rule's no beside the field it is about."""
        field.errors = [*field.errors, sentence(refused)]

    @property
    def first_problem(self) -> str | None:
        """The id of the first field with an error: where the cursor should be."""
        return next((field.id for field in self if field.errors), None)


def checked_by(rule: Callable[[str], Any]) -> Callable[[Form, Field], None]:
    """A validator that asks a rule, and shows its refusal in plain words."""

    def check(_form: Form, field: Field) -> None:
        try:
            rule(field.data or "")
        except Refused as refused:
            raise StopValidation(sentence(refused)) from None

    return check
