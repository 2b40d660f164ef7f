"""Fixtures of tests that send requests to the application."""

import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import get_domain
from jinja2 import FileSystemBytecodeCache

from invites import db
from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.core.secret_key import make_secret_key
from invites.core.settings import Settings, load_settings
from invites.factory import create_app
from invites.members import accounts
from invites.web import rate_limits
from tests.support.bracketing import Bracketing
from tests.support.browsing import Browser
from tests.support.people import People, make_user
from tests.support.populated_account import Rows, Site, signed_in


@pytest.fixture
def now() -> datetime:
    """The present: requests can't choose another time."""
    return utcnow()


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings that all tests share. Each test has its own database at the same path."""
    settings = load_settings({"INVITES_DATA": str(tmp_path_factory.mktemp("settings") / "data")})
    make_secret_key(settings.data)
    return settings


@pytest.fixture
def database(migrated: Path, settings: Settings) -> Iterator[Path]:
    """The test's own database, where the application looks for it."""
    renew(settings.database_path, migrated)
    db.configure(settings.database_path)
    db.connect()
    yield settings.database_path
    db.close()


def renew(database: Path, source: Path) -> None:
    """Replaces ``database`` and the files beside it (-wal, -shm) with a copy of ``source``."""
    for old in database.parent.glob(f"{database.name}*"):
        old.unlink()
    shutil.copy(source, database)


@pytest.fixture(scope="session")
def only_app(settings: Settings, compiled: FileSystemBytecodeCache) -> Flask:
    """One application for all tests, because creating one takes longer than most tests."""
    return make_app(settings, compiled)


@pytest.fixture
def app(database: Path, only_app: Flask) -> Iterator[Flask]:
    """The application, as if it had just started."""
    only_app.config["WTF_CSRF_ENABLED"] = True
    rate_limits.init_app(only_app)
    services = only_app.extensions["invites"]
    yield only_app
    only_app.extensions["invites"] = services


@pytest.fixture
def fresh_app(database: Path, settings: Settings, compiled: FileSystemBytecodeCache) -> Flask:
    """The test's own application, to which it can add views."""
    return make_app(settings, compiled)


def make_app(settings: Settings, compiled: FileSystemBytecodeCache) -> Flask:
    app = create_app(settings)
    app.jinja_env.bytecode_cache = compiled
    app.config.update(TESTING=True)
    return app


@pytest.fixture(scope="session")
def populated_database(
    migrated: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Rows]:
    """A database in which Riverside Relief has rows of every kind. Created once."""
    path = tmp_path_factory.mktemp("populated_database") / "invites.sqlite3"
    shutil.copy(migrated, path)
    db.configure(path)
    now = utcnow()
    account = accounts.create(
        "Riverside Relief", make_user("Olive Martin", "olive@example.org", now), now
    )
    rows = Rows(People.of(account, now), now)
    db.close()
    return path, rows


@pytest.fixture
def site(populated_database: tuple[Path, Rows], app: Flask, database: Path) -> Site:
    """Riverside Relief with rows of every kind. Can't be combined with the fixtures below."""
    path, rows = populated_database
    db.close()
    renew(database, path)
    return Site(app, deepcopy(rows))


@pytest.fixture
def member(app: Flask, people: People) -> Callable[[Role], Browser]:
    """Returns the device of the member with a role."""
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


@pytest.fixture
def bracketing(site: Site) -> Iterator[Site]:
    """Riverside Relief in the language of ``bracketing.py``."""
    with site.app.app_context():
        domain = get_domain()
    domain.cache["en", domain.domain[0]] = Bracketing()
    yield site
    domain.cache.clear()
