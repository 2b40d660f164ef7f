"""Pages that ask for the password before a change to how the person logs in (ASVS 5.0 7.5.1)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import request, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import PasswordField

from invites.core.errors import Reason, RuleError
from invites.members import two_step_policy
from invites.people import recovery_codes
from invites.web.forms import PlainForm
from invites.web.login import person
from invites.web.rate_limits import was_wrong_password
from invites.web.responses import go, show, tell
from invites.web.services import now, services

_CODES = "codes"  # in the session cookie: the creation time of codes that may be shown


class PasswordForm(PlainForm):
    password = PasswordField(_l("Your password"))


def removal_warning(*, is_last: bool) -> str:
    """Empty unless the last app or passkey is removed and an account requires one."""
    asking = two_step_policy.requiring_accounts(person()) if is_last else []
    if not asking:
        return ""
    names = ", ".join(account.name for account in asking)
    return _(
        "Two-step verification is required by %(accounts)s. You won't see any pages there until "
        "you set it up again.",
        accounts=names,
    )


def change_with_password(
    action: Callable[[str], None], *, told: str = "", then: str = "", **page: Any
) -> Response:
    """Shows a page that asks for the password or, once it is sent, runs ``action`` with it.

    ``page``: title, meaning and button; optionally warning and is_danger.
    """
    form = PasswordForm()
    if request.method != "POST" or not run_with_password(form, action):
        return show("two_step/password.html", form=form, status=form.status, **page)
    if told:
        tell(told)
    return go(then or url_for("two_step.page"))


def run_with_password(form: PasswordForm, action: Callable[[str], None]) -> bool:
    """Returns False if the action is refused, and adds the reason to the form.

    ``action`` must check the password before anything else. Raises RuleError(NOT_FOUND).
    """
    try:
        with showing_new_codes():
            action(form.password.data or "")
    except RuleError as refused:
        if refused.reason is Reason.NOT_FOUND:
            raise
        was_wrong_password(refused)
        form.refuse(form.password, refused)
        return False
    return True


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
