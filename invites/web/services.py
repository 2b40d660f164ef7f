"""What a request can ask for: the settings, the signer, the links, the present moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import current_app

from invites.clock import utcnow
from invites.links import Links
from invites.mail.rendering import Postage
from invites.settings import Settings
from invites.tokens import Signer

_EXTENSION = "invites"


@dataclass(frozen=True)
class Services:
    """Made once per application, by the factory."""

    settings: Settings
    signer: Signer
    links: Links
    postage: Postage

    def register(self) -> None:
        """Make these the services of the current application."""
        current_app.extensions[_EXTENSION] = self


def services() -> Services:
    """The services of the current application."""
    return cast(Services, current_app.extensions[_EXTENSION])


def links() -> Links:
    """Links that leave the box."""
    return services().links


def now() -> datetime:
    """The present moment, UTC."""
    return utcnow()
