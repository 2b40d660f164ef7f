"""What the most expensive requests cost: CPU time, and the web process's peak memory over idle.

Sends them to every route that takes a form, over real sockets to gunicorn: logged out, as a member
with each role, and twelve at once. Each logged-in request comes from a new person, because every
person has a budget of CPU time.
"""

import csv
import itertools
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from werkzeug.routing import Rule

from invites import db
from invites.cli import readiness
from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.core.settings import PROJECT_ROOT, load_settings
from invites.factory import create_app
from invites.invitations import staging
from invites.invitations.review import review_entries
from invites.lists.email_field import read_field
from invites.members import accounts
from invites.models import Membership, User
from invites.people import sessions
from invites.web.access import declared
from invites.web.form_limits import LIST
from tests.support import zip_bombs
from tests.support.people import People, make_member, make_user
from tests.support.populated_account import Rows, Site
from tests.web.test_access import Places, routes

PORT = 8372
MEGABYTE = 1024 * 1024
LIMITS = {"logged out": (60, 1.0), "logged in": (100, 2.0)}  # megabytes, seconds on a fast machine
FLOOR = 0.012  # seconds that the measurement in ``slowness`` takes there
AT_ONCE = 12
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


@dataclass(frozen=True)
class Body:
    """``rest`` follows the fields csrf_token and role."""

    name: str
    kind: str
    rest: bytes
    headers: str = ""
    is_chunked: bool = False

    def request(self, url: str, cookie: str, token: str) -> bytes:
        start = b""
        if self.kind == URLENCODED:
            start = f"csrf_token={token}&role=10&".encode()
        elif self.kind == MULTIPART:
            start = part("csrf_token", token.encode()) + part("role", b"10")
        body = start + self.rest
        length = "Transfer-Encoding: chunked" if self.is_chunked else f"Content-Length: {len(body)}"
        if self.is_chunked:
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        head = (
            f"POST {url} HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nConnection: close\r\n"
            f"Content-Type: {self.kind}\r\n{length}\r\nCookie: {cookie}\r\n{self.headers}\r\n"
        )
        return head.encode() + body


def part(name: str, content: bytes, more: str = "") -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def in_field(content: bytes) -> bytes:
    return part("email", content) + b"--b--\r\n"


def repeated(piece: bytes, size: float) -> bytes:
    return piece * int(size * MEGABYTE // len(piece))


def many(pattern: str, count: int = 49_000) -> bytes:
    return "\n".join(pattern.format(n) for n in range(count)).encode()


def right_to_left(number: int) -> str:
    """Three invalid addresses at Hebrew domains, which take longest to read."""
    domain = ".".join(chr(0x5D0 + (number + n) % 27) + "\u05d0" * 37 for n in range(4))
    return "?".join(f"{name}..b{number}@{domain}" for name in "abc")


FILE = '; filename="people.csv"'
FORMS = [
    Body("escapes, 24 MB", URLENCODED, b"email=" + b"%3C" * 8_000_000),
    Body("escapes, 60 kB", URLENCODED, b"email=" + b"%3C" * 20_000),
    Body("escapes, 24 MB, chunked", URLENCODED, b"email=" + b"%3C" * 8_000_000, is_chunked=True),
    Body("fields, 60 kB", URLENCODED, b"&".join(b"f%d=" % n for n in range(7_000))),
    Body("a million parts", MULTIPART, part("a", b"x") * 300_000),
    Body("a million headers", MULTIPART, b"--b\r\n" + b"a:b\r\n" * 1_000_000),
    Body("a typed text, 30 MB", MULTIPART, in_field(repeated(b"<", 30))),
    Body("password, 60 kB", URLENCODED, b"email=a@b.co&password=" + b"aA1!" * 15_000),
    Body("credential, 60 kB", URLENCODED, b"credential=" + b"[" * 60_000),
    Body("JSON, 24 MB", "application/json", b"[" * 24_000_000),
    Body("compressed, 24 MB", URLENCODED, b"\x1f\x8b" * 12_000_000, "Content-Encoding: gzip\r\n"),
    Body("accepted types, 700 kB", URLENCODED, b"", f"Accept: {'a;b=c,' * 1_300}\r\n" * 90),
    Body("cookies, 700 kB", URLENCODED, b"", "".join(
        "Cookie: " + "".join(f"{n}{m}=;" for m in range(1_000))[:8_000] + "\r\n" for n in range(85)
    )),
]  # fmt: skip
LISTS = [
    Body("one line of a@b.co,", MULTIPART, in_field(repeated(b"a@b.co,", 3.9))),
    Body("a row of a@b.co", MULTIPART, in_field(repeated(b"a@b.co\t", 3.9))),
    Body("signs to escape", MULTIPART, in_field(
        repeated(b"<" * 40 + b"\n", 0.55) + "\U0001f600".encode()
    )),
    Body("one character of four bytes", MULTIPART, in_field(
        repeated(b"Ann ann@example.org, ", 2.9) + "\U0001f600".encode()
    )),
    Body("50,000 people", MULTIPART, in_field(many('"Ann {0}" <ann{0}@town{0}.org>'))),
    Body("bad domains", MULTIPART, in_field(many("p@-town{}.org"))),
    Body("internationalized domains", MULTIPART, in_field(many("p@büro{}.org"))),
    Body("two addresses", MULTIPART, in_field(many("a{0}@b{0}.co@d{0}.co"))),
    Body("gaps", MULTIPART, in_field((b"ab.org" + b" " * 490 + b"b\n") * 8_000)),
    Body("headers of fields", MULTIPART, b"".join(
        part(f"f{n}", b"x", ";a=b" * 1_900) for n in range(980)
    ) + in_field(b"")),
    Body("kept as is", MULTIPART, part("kept_as_is", repeated(b"a ", 3.9)) + in_field(b"a@b.co")),
    Body("edited rows", MULTIPART, b"".join(
        part(f"text-{n}", right_to_left(n).encode()) for n in range(1, 21)
    ) + in_field(b"a@b.co")),
    Body("corrected among other line ends", MULTIPART, part("use", b"0")
         + in_field(b"a@gmial.com\n" + repeated("a\x85".encode(), 3.8))),
    Body("a file of 20 MB", MULTIPART, part("csv_file", repeated(b"a@b.co,\n", 19.9), FILE)
         + in_field(b"")),
    Body("a file of bad domains", MULTIPART, part("csv_file", many("p@büro{}.org"), FILE)
         + in_field(b"")),
    Body("a file with 25 people in a cell", MULTIPART, part(
        "csv_file", b"; ".join([b"Ann <a@b.co>"] * 25) + b"; Bob\n", FILE
    ) + in_field(b"")),
    Body("a file of titles", MULTIPART, part("csv_file", "\n".join(
        ",".join(f"name {row} {n:x} (x) {'(a)' * 30}" for n in range(2_000)) for row in range(10)
    ).encode() + b"\na@b.co", FILE) + in_field(b"")),
    Body("a workbook of 60 kB", MULTIPART, part(
        "csv_file", zip_bombs.workbook("<row/>" * 6_500_000), FILE
    ) + in_field(b"")),
    Body("a small file of bad domains", MULTIPART, part("csv_file", many("p@ü{}.x", 5_000), FILE)
         + in_field(b"")),
]  # fmt: skip
MANY_AT_ONCE = {"one line of a@b.co,", "signs to escape", "50,000 people", "a file of 20 MB"}


@dataclass(frozen=True)
class Cost:
    who: str
    route: str
    body: str
    status: str
    megabytes: float
    seconds: float
    slowness: float

    @property
    def is_over(self) -> bool:
        most, longest = LIMITS["logged out" if self.who == "nobody" else "logged in"]
        return self.megabytes > most or self.seconds > longest * self.slowness

    def __str__(self) -> str:
        mark = "  over" if self.is_over else ""
        quick = self.seconds / self.slowness
        return (
            f"{self.who:10} {self.route:28} {self.body:28} {self.status:4}"
            f"{self.megabytes:6.0f} MB {self.seconds:6.2f} s, {quick:5.2f} s quick{mark}"
        )


class Process:
    """Gunicorn's worker process, without the arbiter."""

    def __init__(self, arbiter: int) -> None:
        children = Path(f"/proc/{arbiter}/task/{arbiter}/children")
        while not (found := children.read_text().split()):
            time.sleep(0.1)
        self._proc = Path(f"/proc/{found[0]}")

    def reset_peak(self) -> None:
        (self._proc / "clear_refs").write_text("5")

    def memory(self, name: str) -> float:
        lines = (self._proc / "status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith(name))) / 1024

    def seconds(self) -> float:
        """CPU time, including that of children that have ended."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


class Attacker:
    """Signs cookies and forms as the application does."""

    def __init__(self, site: Site) -> None:
        self._site, app = site, site.app
        serializer = SecureCookieSessionInterface().get_signing_serializer(app)
        assert serializer
        self._cookies = serializer
        self._tokens = URLSafeTimedSerializer(str(app.secret_key), salt="wtf-csrf-token")
        self._numbers = itertools.count()

    def person(self, role: Role) -> Membership:
        email = f"attacker{next(self._numbers)}@example.org"
        return make_member(self._site.rows.account, "Attacker", email, role, utcnow())

    def credentials(self, user: User | None) -> tuple[str, str]:
        """A cookie and a form token."""
        raw = secrets.token_hex(20)
        session: dict[str, object] = {"csrf_token": raw}
        if user is not None:
            session |= {"_user_id": sessions.start(user, "bench", utcnow()), "_fresh": True}
        return f"invites={self._cookies.dumps(session)}", str(self._tokens.dumps(raw))


def main() -> None:
    """Prints the most expensive requests, and exits with 1 if one is above the limits.

    Arguments: the endpoints to attack. The default is all of them.
    """
    with installation() as site, served(site.app) as web:
        attacker = Attacker(site)
        send(Body("", URLENCODED, b"").request("/login", *attacker.credentials(None)))
        idle = web.memory("VmRSS")
        kinds = (one_at_a_time, at_once, with_large_list, sent)
        costs = [cost for kind in kinds for cost in kind(web, idle, site, attacker)]
        print(f"idle: {idle:.0f} MB; after {len(costs):,} kinds: {web.memory('VmRSS'):.0f} MB")
    for who in dict.fromkeys(cost.who for cost in costs):
        theirs = [cost for cost in costs if cost.who == who]
        worst = sorted(theirs, key=lambda one: -one.megabytes)[:4]
        worst += sorted(theirs, key=lambda one: -one.seconds)[:4]
        print(*dict.fromkeys(map(str, worst)), sep="\n")
    over = [cost for cost in costs if cost.is_over]
    print(f"{len(over)} of {len(costs):,} are above the limits")
    print(*over, sep="\n")
    sys.exit(bool(over))


def one_at_a_time(web: Process, idle: float, site: Site, attacker: Attacker) -> Iterator[Cost]:
    places = Places(site, None)
    for who, rule in itertools.product(["nobody", *(role.name for role in Role)], forms(site.app)):
        for body in FORMS + LISTS * (takes_list(site.app, rule) and who not in ("nobody", "USER")):
            person = None if who == "nobody" else attacker.person(Role[who])
            if person and "list_id" in rule.arguments:
                content = b"p@gmial.com\n" * 1_000
                places._of_all["list_id"] = staging.stage(person, "p.csv", content, utcnow()).id
            credentials = attacker.credentials(person.user if person else None)
            request = body.request(places.url(rule), *credentials)
            yield measured(web, idle, (who.lower(), rule.endpoint, body.name), [request])


def at_once(web: Process, idle: float, site: Site, attacker: Attacker) -> Iterator[Cost]:
    """Requests that arrive together."""
    new = f"/accounts/{site.rows.account.slug}/invitations/new"
    for url, body in itertools.product(("/login", new), FORMS[:3]):
        requests = [body.request(url, *attacker.credentials(None)) for _ in range(AT_ONCE)]
        yield measured(web, idle, ("nobody", f"{AT_ONCE} x {url[-20:]}", body.name), requests)
    for body in (body for body in LISTS if body.name in MANY_AT_ONCE):
        people = [attacker.person(Role.MODERATOR).user for _ in range(AT_ONCE)]
        requests = [body.request(f"{new}/review", *attacker.credentials(one)) for one in people]
        yield measured(web, idle, ("at once", f"{AT_ONCE} x review", body.name), requests)
        requests = [body.request(f"{new}/file", *attacker.credentials(one)) for one in people]
        yield measured(web, idle, ("at once", f"{AT_ONCE} x file", body.name), requests)


def with_large_list(web: Process, idle: float, site: Site, attacker: Attacker) -> Iterator[Cost]:
    """Pages and corrections with a list of 20 MB."""
    new = f"/accounts/{site.rows.account.slug}/invitations/new"
    person = attacker.person(Role.MODERATOR)
    rows = (f"p{n}@gmial.com,{'x' * 380}\n" for n in range(49_990))
    content = f"Email,Name\n{''.join(rows)}"[: 19 * MEGABYTE] + "\n,without an address\n"
    staged = staging.stage(person, "p.csv", content.encode(), utcnow())
    cookie, token = attacker.credentials(person.user)
    for page in (new, f"{new}/list/{staged.id}/not-invited.csv"):
        head = f"GET {page} HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nConnection: close\r\n"
        requests = [f"{head}Cookie: {cookie}\r\n\r\n".encode()] * AT_ONCE
        yield measured(web, idle, ("at once", f"{AT_ONCE} x {page[-20:]}", "20 MB"), requests)
    for change in ("corrections", "corrections/undone"):
        body = Body("20 MB", MULTIPART, part("domain", b"gmial.com") + in_field(b""))
        request = body.request(f"{new}/list/{staged.id}/{change}", cookie, token)
        yield measured(web, idle, ("moderator", change, body.name), [request])


def sent(web: Process, idle: float, site: Site, attacker: Attacker) -> Iterator[Cost]:
    """All other writers wait until the list is sent."""
    person = attacker.person(Role.MODERATOR)
    text = "\n".join(["ann@example.org", *map(right_to_left, range(2_000))])
    seen = review_entries(person.account, read_field(text), None, utcnow()).fingerprint
    body = Body("2,000 invalid addresses", MULTIPART, part("seen", seen.encode())
                + in_field(text.encode()))  # fmt: skip
    url = f"/accounts/{site.rows.account.slug}/invitations/new"
    request = body.request(url, *attacker.credentials(person.user))
    yield measured(web, idle, ("moderator", "sent", body.name), [request])


def forms(app: Flask) -> list[Rule]:
    wanted = sys.argv[1:]
    found = [rule for rule, method in routes(app) if method == "POST"]
    return [rule for rule in found if not wanted or rule.endpoint in wanted]


def takes_list(app: Flask, rule: Rule) -> bool:
    declaration = declared(app.view_functions[rule.endpoint])
    return declaration is not None and declaration.body is LIST


def measured(
    web: Process, idle: float, labels: tuple[str, str, str], requests: list[bytes]
) -> Cost:
    web.reset_peak()
    before = web.seconds()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = set(pool.map(send, requests))
    status = "/".join(sorted(statuses))
    seconds = (web.seconds() - before) / len(requests)
    cost = Cost(*labels, status, web.memory("VmHWM") - idle, seconds, slowness())
    print(cost, file=sys.stderr)
    return cost


def slowness() -> float:
    """How many times as long as a fast machine this one takes now."""
    rows = [f"person{n}@example.org,Person {n}" for n in range(50_000)]
    start = time.thread_time()
    set(map(tuple, csv.reader(rows)))
    return max(1.0, (time.thread_time() - start) / FLOOR)


def send(request: bytes) -> str:
    """The status. The server may respond and close the connection before the request ends."""
    with socket.create_connection(("127.0.0.1", PORT), timeout=120) as connection:
        with suppress(ConnectionError):
            connection.sendall(request)
        with suppress(OSError):
            return connection.recv(100)[9:12].decode() or "cut"
    return "cut"


@contextmanager
def installation() -> Iterator[Site]:
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(
            {"INVITES_DATA": folder, "INVITES_BIND": f"127.0.0.1:{PORT}", "INVITES_MAIL_SERVER": ""}
        )
        db.configure(settings.database_path)
        readiness.prepare(settings)
        app = create_app(settings)
        with app.app_context():
            db.connect()
            now = utcnow()
            account = accounts.create(
                "Riverside Relief", make_user("Olive", "olive@example.org", now), now
            )
            try:
                yield Site(app, Rows(People.of(account, now), now))
            finally:
                db.close()


@contextmanager
def served(app: Flask) -> Iterator[Process]:
    """Gunicorn, as ``flask serve`` starts it."""
    settings = app.extensions["invites"].settings
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "app:app"],
        cwd=PROJECT_ROOT,
        env=os.environ
        | {"INVITES_DATA": str(settings.data), "INVITES_BIND": settings.bind}
        | {"INVITES_MAIL_SERVER": "", "MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "131072"},
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            with suppress(ConnectionError), socket.create_connection(("127.0.0.1", PORT)):
                break
            time.sleep(0.1)
        yield Process(process.pid)
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
