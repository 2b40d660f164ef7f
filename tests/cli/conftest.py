"""The application of the commands. These tests happen in the present."""

from pathlib import Path

import pytest
from flask import Flask

from invites.core.settings import Settings
from invites.factory import create_app
from tests.support.disks import disk
from tests.support.smtp_fixtures import now, tls

__all__ = ["disk", "now", "tls"]


@pytest.fixture
def app(database: Path, settings: Settings) -> Flask:
    """The application, as ``flask`` finds its commands: without pages."""
    return create_app(settings, has_pages=False)
