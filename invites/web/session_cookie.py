"""Which responses carry the session cookie.

Flask sends the cookie of a permanent session with every response. A response that arrives late
would restore a cookie that was replaced or deleted since: browsers fetch icons after the page has
loaded, and an open page polls every few seconds. Caches would also keep a copy of each file per
cookie.
"""

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

from invites.web.htmx import is_polling

_SAME_FOR_ALL = frozenset({"static", "public.healthz"})


def init_app(app: Flask) -> None:
    app.session_interface = _Sessions()


def is_same_for_all() -> bool:
    return request.endpoint in _SAME_FOR_ALL


class _Sessions(SecureCookieSessionInterface):
    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not is_same_for_all():
            super().save_session(app, session, response)

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Polling doesn't renew the cookie, just as it doesn't prolong the session."""
        return session.modified or (not is_polling() and super().should_set_cookie(app, session))
