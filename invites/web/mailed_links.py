"""Hides the token of a mailed link from the next person at a shared computer (ASVS 5.0 14.2.1)."""

from flask import Flask, request, url_for
from werkzeug.wrappers import Response

from invites.web.responses import show
from invites.web.urls import login_url, safe_next

# The endpoints that mailed links open, by blueprint.
_MAILED = {
    "invitation": "invitation.page",
    "confirm_email": "confirm_email.page",
    "password_reset": "password_reset.page",
    "unsubscribe": "unsubscribe.page",
}
_OPENED = "opened"  # shown in the address bar instead of a token


def init_app(app: Flask) -> None:
    app.before_request(_explain_hidden_link)


def mailed_link() -> tuple[str, str] | None:
    """The mailed link that opened this page, and the URL that a script shows instead."""
    endpoint = _MAILED.get(request.blueprint or "")
    token = (request.view_args or {}).get("token", _OPENED)
    if endpoint and token != _OPENED:
        return url_for(endpoint, token=token), url_for(endpoint, token=_OPENED)
    if request.blueprint == "login" and _is_mailed(safe_next(request.args.get("next")) or ""):
        return request.full_path, login_url(next_url=_OPENED)
    return None


def _is_mailed(path: str) -> bool:
    before, _slash, token = path.rpartition("/")
    links = (url_for(endpoint, token=_OPENED) for endpoint in _MAILED.values())
    return bool(token) and f"{before}/{_OPENED}" in links


def _explain_hidden_link() -> Response | None:
    """Explains a URL without its token, such as after "Open in browser" in a mail program."""
    if request.blueprint in _MAILED and (request.view_args or {}).get("token") == _OPENED:
        return show("errors/hidden_link.html", status=404)
    return None
