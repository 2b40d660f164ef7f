"""Too many people log in just now: what says so is a 503 that tells when to come again."""

from flask import Flask, Response, g

from invites.core.errors import Reason, RuleError

_IS_BUSY = "is_busy"
_MOMENT = "5"  # seconds, in which most of those who wait are through


def init_app(app: Flask) -> None:
    """Goes before the limits: what goes first has the last word, and they tell their own moment."""
    app.after_request(_come_again)


def mark_busy(refused: RuleError) -> None:
    """Note it, if that is why a rule of this request said no."""
    if refused.reason is Reason.BUSY:
        setattr(g, _IS_BUSY, True)


def _come_again(response: Response) -> Response:
    if g.pop(_IS_BUSY, False):
        response.status_code = 503
        response.headers["Retry-After"] = _MOMENT
    return response
