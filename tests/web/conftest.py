"""One application, and the people who use it."""

from tests.support.http_fixtures import (
    ada,
    app,
    database,
    fresh_app,
    furnished,
    member,
    mo,
    now,
    olive,
    only_app,
    settings,
    somebody,
    world,
)

__all__ = [
    "ada",
    "app",
    "database",
    "fresh_app",
    "furnished",
    "member",
    "mo",
    "now",
    "olive",
    "only_app",
    "settings",
    "somebody",
    "world",
]
