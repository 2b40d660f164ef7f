"""What the lists of one account's rows share."""

from typing import TypeVar

from peewee import Model, ModelSelect

from invites.core.errors import Reason, RuleError

R = TypeVar("R", bound=Model)


def found(query: "ModelSelect[R]") -> R:
    """The row of a query by id. Raises RuleError(NOT_FOUND)."""
    row: R | None = query.get_or_none()
    if row is None:
        raise RuleError(Reason.NOT_FOUND)
    return row
