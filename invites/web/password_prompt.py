"""Pages that ask for the password before a change to how the person logs in (ASVS 5.0 7.5.1)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import PasswordField

from invites.core.errors import Reason, RuleError
from invites.members import two_step_policy
from invites.people import recovery_codes
from invites.web.forms import PlainForm
from invites.web.login import person
from invites.web.rate_limits import forget_guesses
from invites.web.responses import go, show, tell
from invites.web.services import now, services

_CODES = "codes"  # in the session cookie: the creation time of codes that may be shown


class PasswordForm(PlainForm):
    password = PasswordField(_l("Your password"))


def ask_password(form: PasswordForm, **context: Any) -> Response:
    """``context``: title, meaning and button; perhaps warning and is_danger."""
    return show("two_step/password.html", form=form, status=form.status, **context)


def removal_warning(*, is_last: bool) -> str:
    """Empty unless the last factor is removed and an account requires one."""
    asking = two_step_policy.requiring_accounts(person()) if is_last else []
    if not asking:
        return ""
    names = ", ".join(account.name for account in asking)
    return _(
        "Two-step verification is required by %(accounts)s. You won't see any pages there until "
        "you set it up again.",
        accounts=names,
    )


def change(
    form: PasswordForm,
    page: Callable[[PasswordForm], Response],
    action: Callable[[], None],
    *,
    told: str = "",
    then: str = "",
) -> Response:
    """Runs ``action`` and redirects, or shows ``page`` again with the refusal.

    ``action`` checks the password before anything else.
    """
    try:
        with showing_new_codes():
            action()
    except RuleError as refused:
        if refused.reason is Reason.NOT_FOUND:
            raise
        if refused.reason is not Reason.PASSWORD_WRONG:
            forget_guesses()
        form.validate()
        form.refuse(form.password, refused)
        return page(form)
    if told:
        tell(told)
    return go(then or url_for("two_step.page"))


@contextmanager
def showing_new_codes() -> Iterator[None]:
    """Lets only this browser show the recovery codes that are created in the block."""
    before = recovery_codes.made_at(person())
    yield
    made_at = recovery_codes.made_at(person())
    if made_at is not None and made_at != before:
        session[_CODES] = made_at.isoformat()


def shown_codes() -> list[str]:
    made_at = recovery_codes.made_at(person())
    if made_at is None or session.get(_CODES) != made_at.isoformat():
        return []
    return recovery_codes.just_made(person(), services().signer, now())
