"""What all tests share: a migrated database, a cast of people, an application."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import werkzeug.test
from flask import Flask
from hypothesis import settings as hypothesis_settings
from jinja2 import FileSystemBytecodeCache

from invites import db
from invites.core.roles import Role
from invites.core.secret_key import make_secret_key
from invites.core.settings import Settings, load_settings
from invites.core.tokens import Signer
from invites.db import schema
from invites.factory import create_app
from invites.members import accounts
from invites.models import TABLES, Account, Membership
from invites.people import passwords
from invites.web import list_capacity
from tests.support import postgres as postgres_support
from tests.support.people import People, make_user
from tests.support.postgres import PostgresServer

hypothesis_settings.register_profile(
    "suite", derandomize=True, deadline=None, max_examples=100, database=None
)
hypothesis_settings.load_profile("suite")

# Werkzeug's client doesn't close the temporary file of a large form.
werkzeug.test.stream_encode_multipart = partial(
    werkzeug.test.stream_encode_multipart, use_tempfile=False
)

REAL_PASSWORD_METHOD = passwords.METHOD
NOW = datetime(2026, 11, 2, 18, 4, 11, 123456, tzinfo=UTC)


def pytest_configure() -> None:
    """Keep the tests' databases in memory where that is possible, and wait for no disk."""
    if os.access("/dev/shm", os.W_OK):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/dev/shm")


SIGNING_KEY = "a secret key for tests"


@pytest.fixture(autouse=True)
def fresh_list_budget() -> None:
    """Lists of earlier tests don't use up the processor time of later ones, on a slow machine."""
    list_capacity._budgets = list_capacity._Budgets()


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hashes that cost a thousandth: what they cost is not what most tests are about."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "METHOD", "scrypt:1024:1:1")
        yield


@pytest.fixture
def now() -> datetime:
    """The moment at which rule tests happen. Tests over HTTP happen in the present."""
    return NOW


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL server with a database "test" that has the newest schema."""
    with postgres_support.running() as server:
        db.configure(server.create("test"), folder=tmp_path_factory.mktemp("migrated"))
        schema.migrate(TABLES)
        db.database.close_all()
        yield server


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with the newest schema, made by the real migrations once."""
    path = tmp_path_factory.mktemp("migrated") / "invites.sqlite3"
    db.configure(path)
    schema.migrate(TABLES)
    db.connect()
    db.database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return path


if postgres_support.is_wanted():

    @pytest.fixture
    def settings(tmp_path: Path, postgres: PostgresServer) -> Settings:
        """Settings without a mail server, with the data in a folder of the test's own."""
        url = postgres.url("test")
        return load_settings({"INVITES_DATA": str(tmp_path / "data"), "INVITES_DATABASE": url})

    @pytest.fixture
    def database(postgres: PostgresServer, settings: Settings) -> Iterator[str]:
        """A PostgreSQL database of the test's own, connected in this thread."""
        make_secret_key(settings.data)
        db.configure(postgres.url("test"), folder=settings.data)
        db.connect()
        opened = db.database.obj
        yield postgres.url("test")
        postgres_support.empty(opened.connection())
        for used in (opened, db.database.obj):  # an application configures its own
            used.close_all()

else:

    @pytest.fixture
    def settings(tmp_path: Path) -> Settings:
        """Settings without a mail server, with the data in a folder of the test's own."""
        return load_settings({"INVITES_DATA": str(tmp_path / "data")})

    @pytest.fixture
    def database(migrated: Path, settings: Settings) -> Iterator[Path]:
        """A database of the test's own, connected in this thread."""
        make_secret_key(settings.data)
        shutil.copy(migrated, settings.database_path)
        db.configure(settings.database_path)
        db.connect()
        yield settings.database_path
        db.close()


@pytest.fixture
def signer() -> Signer:
    """A signer with a key of its own."""
    return Signer([SIGNING_KEY])


@pytest.fixture
def account(database: Path, now: datetime) -> Account:
    """Riverside Relief, founded by Olive."""
    return accounts.create(
        "Riverside Relief", make_user("Olive Martin", "olive@example.org", now), now
    )


@pytest.fixture
def people(account: Account, now: datetime) -> People:
    """One active member of Riverside Relief for each role, and the Owner of another account."""
    return People.of(account, now)


@pytest.fixture
def owner(people: People) -> Membership:
    """Olive, Account Owner of Riverside Relief."""
    return people[Role.OWNER]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Compiled templates, which every application would make anew."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("compiled")))


@pytest.fixture
def app(database: Path, settings: Settings, compiled: FileSystemBytecodeCache) -> Flask:
    """The application on the test's own database."""
    app = create_app(settings)
    app.jinja_env.bytecode_cache = compiled
    app.config.update(TESTING=True)
    return app
