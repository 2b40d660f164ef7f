"""What the modules account_* share."""

from typing import TypeVar

from peewee import Model, ModelSelect

from invites.core.errors import Reason, RuleError

R = TypeVar("R", bound=Model)


def found(query: "ModelSelect[R]") -> R:
    """Raises RuleError(NOT_FOUND)."""
    row: R | None = query.get_or_none()
    if row is None:
        raise RuleError(Reason.NOT_FOUND)
    return row
