"""A server: the real web process and mail worker, on a free port and with their own data."""

import atexit
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from urllib.request import urlopen

from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from invites import db
from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.core.secret_key import load_secret_keys
from invites.core.settings import PROJECT_ROOT
from invites.core.tokens import Signer
from invites.members import accounts
from invites.members.links import Links
from invites.models import Account, Invitation, Membership, User
from invites.people import sessions
from tests.support import preloaded
from tests.support.actions import invite
from tests.support.people import PASSWORD, make_member, make_user
from tests.support.smtp_server import SmtpServer, free_port

OWNER = "olive@example.org"

_DEVICE = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36"
_PATIENCE = timedelta(seconds=30)
_PROGRAMS = Path(sys.executable).parent
_PAGES = ("gunicorn", "--config", "gunicorn.conf.py", "app:app")
_WORKER = ("flask", "worker")


@dataclass(frozen=True)
class Server:
    """A running server. Tests can call rules on its database while ``rules`` is open."""

    data: Path
    url: str
    smtp: SmtpServer | None

    @contextmanager
    def rules(self) -> Iterator[None]:
        """Connects this process to the server's database."""
        db.configure(self.data / "invites.sqlite3")
        db.connect()
        try:
            yield
        finally:
            db.close()

    @property
    def links(self) -> Links:
        return Links(self.url, self.signer)

    @property
    def signer(self) -> Signer:
        """Has the server's keys."""
        return Signer(load_secret_keys(self.data))

    def session_cookie(self, email: str) -> str:
        """The cookie of a new session, as after logging in on a device that isn't shared."""
        token = sessions.start(User.get(User.email == email), _DEVICE, utcnow())
        app = Flask("invites")
        app.secret_key = load_secret_keys(self.data)[0]
        serializer = SecureCookieSessionInterface().get_signing_serializer(app)
        assert serializer is not None
        return str(serializer.dumps({"_user_id": token, "_fresh": True, "_permanent": True}))

    @property
    def account(self) -> Account:
        """Riverside Relief."""
        return Account.get_by_id(1)

    @property
    def owner(self) -> Membership:
        """Olive, the installer, in Riverside Relief."""
        member = accounts.find_membership(User.get(User.email == OWNER), self.account.slug)
        assert member is not None
        return member

    def member(
        self, name: str, email: str, role: Role = Role.USER, *, confirmed: bool = True
    ) -> Membership:
        """A new person who is an active member of Riverside Relief."""
        return make_member(self.account, name, email, role, utcnow(), confirmed=confirmed)

    def invitation(self, email: str) -> Invitation:
        """The newest invitation to an address."""
        newest = Invitation.select().where(Invitation.email == email)
        return newest.order_by(Invitation.id.desc()).get()

    def invitation_link(self, email: str) -> str:
        """Makes Olive invite ``email``. Returns the link in the email."""
        return self.links.mailed_invitation(invite(self.owner, utcnow(), email))

    def account_of(self, name: str) -> Membership:
        """The Owner of a new account with this name, a new person."""
        email = f"{name.split()[0].lower()}@elsewhere.example"
        owner = make_user(f"Zoe of {name}", email, utcnow())
        account = accounts.create(name, owner, utcnow())
        return Membership.get(Membership.account == account)


def flask(*command: str, data: Path, **options: str) -> str:
    """Runs a ``flask`` command. Returns what it printed."""
    done = subprocess.run(
        [_PROGRAMS / "flask", *command],
        cwd=PROJECT_ROOT,
        env=environment(data),
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        **options,
    )
    return done.stdout


def new_data(folder: Path) -> Path:
    """The data of a new installation in ``folder``, only migrated."""
    return shutil.copytree(_migrated(), folder)


def set_up_data(folder: Path) -> Path:
    """The data of an installation that Olive has set up for Riverside Relief."""
    return shutil.copytree(_set_up(), folder)


@cache
def _migrated() -> Path:
    """Created once per test process, with the real command."""
    root = mkdtemp(dir=os.environ.get("PYTEST_DEBUG_TEMPROOT"))
    atexit.register(shutil.rmtree, root)
    flask("migrate", data=Path(root, "migrated"))
    return Path(root, "migrated")


@cache
def _set_up() -> Path:
    data = new_data(_migrated().with_name("set-up"))
    who = ("--account", "Riverside Relief", "--name", "Olive Martin", "--email", OWNER)
    flask("setup", *who, "--password-stdin", data=data, input=PASSWORD)
    return data


@contextmanager
def running(
    data: Path, *, smtp: SmtpServer | None = None, mail_port: int | None = None
) -> Iterator[Server]:
    """Runs web process and worker. At the end, stops them and fails on tracebacks and warnings."""
    port = free_port()
    env = environment(data, port=port, mail_port=smtp.port if smtp else mail_port)
    server = Server(data, env["INVITES_BASE_URL"], smtp)
    logs = [data / "web.log", data / "mail.log"]
    for log in logs:
        log.touch()  # the process may write to it only after a while
    commands = zip((_PAGES, _WORKER), logs, strict=True)
    processes = [preloaded.start(*command, env=env, log=log) for command, log in commands]
    try:
        wait_until_well(server.url, logs)
        yield server
    finally:
        statuses = _stop(processes)
    output = "\n".join(log.read_text() for log in logs)
    assert statuses == [0, 0], f"ended with {statuses}:\n{output}"
    assert "Traceback" not in output, output
    assert "Warning" not in output, output


def environment(
    data: Path, *, port: int | None = None, mail_port: int | None = None
) -> dict[str, str]:
    """The environment of the processes, without the developer's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INVITES_")}
    env = kept | {"FLASK_APP": "app.py", "INVITES_DATA": str(data), "PYTHONWARNINGS": "default"}
    if port:
        env["INVITES_BIND"] = f"127.0.0.1:{port}"
        env["INVITES_BASE_URL"] = f"http://localhost:{port}"  # passkeys need a name
    # Set even if empty, so a .env file can't redirect the tests' email.
    env["INVITES_MAIL_SERVER"] = "127.0.0.1" if mail_port else ""
    env["INVITES_MAIL_PORT"] = str(mail_port or "")
    return env


def _stop(processes: list[preloaded.Process]) -> list[int]:
    """Terminates all and waits. Returns their exit statuses."""
    for process in processes:
        process.terminate()
    try:
        return [process.wait(_PATIENCE.seconds) for process in processes]
    finally:
        for process in processes:
            process.kill()  # does nothing to one that has ended


def wait_until_well(url: str, logs: Iterable[Path] = ()) -> None:
    """Waits until /healthz reports that web server, database and worker work."""
    deadline = utcnow() + _PATIENCE
    while True:
        try:
            with urlopen(f"{url}/healthz", timeout=5) as answer:
                json.load(answer)
                return
        except OSError:
            if utcnow() > deadline:
                output = "\n".join(log.read_text() for log in logs)
                raise AssertionError(f"the server doesn't get well:\n{output}") from None
            time.sleep(0.05)
