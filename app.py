"""The WSGI application: ``flask …`` and gunicorn start here."""

import sys

from invites.factory import create_app
from invites.settings import SettingsError

try:
    app = create_app()
except SettingsError as error:
    sys.exit(f"Error: {error}")
