"""What views use: settings, signer, links, the time."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import Flask, current_app

from invites.core.clock import utcnow
from invites.core.settings import Settings
from invites.core.tokens import Signer
from invites.mail.rendering import MailContext
from invites.members.links import Links

_EXTENSION = "invites"


@dataclass(frozen=True)
class Services:
    """Created once per application, by the factory."""

    settings: Settings
    signer: Signer
    links: Links
    mail_context: MailContext


def init_app(app: Flask, services: Services) -> None:
    app.extensions[_EXTENSION] = services


def services() -> Services:
    return cast(Services, current_app.extensions[_EXTENSION])


def links() -> Links:
    return services().links


def now() -> datetime:
    """In UTC."""
    return utcnow()
