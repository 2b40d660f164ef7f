"""One application, and the people who use it."""

from tests.support.http_fixtures import (
    ada,
    app,
    bracketing,
    database,
    fresh_app,
    member,
    mo,
    now,
    olive,
    only_app,
    populated_database,
    settings,
    site,
    somebody,
)

__all__ = [
    "ada",
    "app",
    "bracketing",
    "database",
    "fresh_app",
    "member",
    "mo",
    "now",
    "olive",
    "only_app",
    "populated_database",
    "settings",
    "site",
    "somebody",
]
