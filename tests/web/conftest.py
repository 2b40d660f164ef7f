"""What tests over HTTP share: they happen in the present, in a furnished account."""

import shutil
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask

from invites import accounts, db
from invites.clock import utcnow
from invites.roles import Role
from tests.browsing import Browser
from tests.cast import Cast, make_user
from tests.web.world import Rows, World, signed_in


@pytest.fixture
def now() -> datetime:
    """The present: over HTTP nobody can choose another moment."""
    return utcnow()


@pytest.fixture(scope="session")
def furnished(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rows]:
    """A database with Riverside Relief in the middle of its work, made once."""
    path = tmp_path_factory.mktemp("furnished") / "invites.sqlite3"
    shutil.copy(migrated, path)
    db.configure(path)
    now = utcnow()
    account = accounts.found(
        "Riverside Relief", make_user("Olive Martin", "olive@example.org", now), now
    )
    rows = Rows(Cast.of(account, now), now)
    db.close()
    return path, rows


@pytest.fixture
def world(furnished: tuple[Path, Rows], app: Flask, database: Path) -> World:
    """Riverside Relief in the middle of its work. Not together with the fixtures below."""
    path, rows = furnished
    db.close()
    shutil.copy(path, database)
    return World(app, deepcopy(rows))


@pytest.fixture
def member(app: Flask, people: Cast) -> Callable[[Role], Browser]:
    """The device of the member with a role."""
    return lambda role: signed_in(app, people[role].user)


@pytest.fixture
def olive(member: Callable[[Role], Browser]) -> Browser:
    """The device of Olive, Account Owner."""
    return member(Role.OWNER)


@pytest.fixture
def ada(member: Callable[[Role], Browser]) -> Browser:
    """The device of Ada, Admin."""
    return member(Role.ADMIN)


@pytest.fixture
def mo(member: Callable[[Role], Browser]) -> Browser:
    """The device of Mo, Moderator."""
    return member(Role.MODERATOR)


@pytest.fixture
def somebody(app: Flask) -> Browser:
    """A device on which nobody is logged in."""
    return Browser(app)
