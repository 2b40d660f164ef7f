"""The WSGI application, for gunicorn and the ``flask`` command."""

import sys

from invites.core.setting_values import SettingsError
from invites.factory import create_app

try:
    app = create_app()
except SettingsError as error:
    sys.exit(f"Error: {error}")
