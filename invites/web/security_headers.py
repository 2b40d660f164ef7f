"""Security headers of every response (ASVS 5.0 V3.4)."""

from flask import Flask, Response

from invites.web.services import services

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}

# For the HTML of an email, which has inline styles and must not load or run anything. It is shown
# in a frame on our own pages; its links open outside the frame.
MAIL_PREVIEW = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; "
    "form-action 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


def init_app(app: Flask) -> None:
    app.after_request(_secure)


def page_policy(**changes: str) -> str:
    """The content security policy of pages. ``changes``: for example ``frame_src="'self'"``."""
    policy = _POLICY | {name.replace("_", "-"): value for name, value in changes.items()}
    return "; ".join(f"{name} {value}" for name, value in policy.items())


def _secure(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", page_policy())
    headers.setdefault("X-Content-Type-Options", "nosniff")
    # URLs contain the tokens of mailed links.
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    if services().settings.is_https:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    # The next person at a shared computer must not see a page by going back. Views of files
    # that may be cached set the header themselves.
    headers.setdefault("Cache-Control", "no-store")
    return response
