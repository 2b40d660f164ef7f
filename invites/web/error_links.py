"""Refusals with a link to the page where the visitor can continue."""

from flask import request, url_for
from flask_babel import lazy_gettext as _
from markupsafe import Markup

from invites.core.errors import Reason, RuleError
from invites.web.error_labels import sentence
from invites.web.urls import page_of_this_request

_PAGES = {
    Reason.TWO_STEP_OFF: ("two_step.page", _("Set up two-step verification")),
    Reason.TWO_STEP_FIRST: ("two_step.page", _("Set up two-step verification")),
    Reason.LIST_GONE: ("compose.form", _("Open New Invitation")),
}


def with_link(words: object, url: str, label: object) -> Markup:
    return Markup('{} <a href="{}">{}</a>').format(words, url, label)


def sentence_with_link(refused: RuleError) -> str:
    words = sentence(refused)
    if refused.reason is Reason.PROFILE_EXISTS:
        email, back = request.form.get("email"), page_of_this_request()
        login = url_for("login.form", next=back or None, email=email)
        return with_link(words, login, _("Log in instead"))
    if refused.reason not in _PAGES:
        return words
    endpoint, label = _PAGES[refused.reason]
    return with_link(words, url_for(endpoint), label)
