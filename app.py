"""The WSGI application: ``flask …`` and gunicorn start here."""

from invites.factory import create_app

app = create_app()
