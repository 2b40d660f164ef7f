"""Uploads a list of 50,000 rows. Measures the time to the preview, typing, paging and memory.

The account has 100,000 members and 200,000 earlier invitations. The floor is the unavoidable work:
decoding, ``csv.reader``, a regular expression per address, and inserting the rows with
``executemany``.
"""

import csv
import gc
import http.client
import io
import re
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import openpyxl
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder

from bench import csrf
from bench.costs import PAGE, _logged_in, _pages_served, _resident
from bench.costs import _p95 as _p95_of_pages
from bench.delivery import installation
from bench.large_account import EARLIER, MEMBERS, ROWS, make_large_account, texts
from bench.measuring import seconds
from invites import db
from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.invitations import staging, subprocess_pool
from invites.models import JoinedBy, Membership, User
from invites.people import profiles, sessions
from invites.people.profiles import NewProfile

HTMX = {"HX-Request": "true"}
RUNS = 3
NEW = PAGE
_ADDRESS = re.compile(r"[A-Za-z0-9_+.-]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z]{2,63}")


def main() -> None:
    """Prints medians, and their ratios to the floor."""
    with installation(1) as app:
        mo = _another_owner()
        content, workbook = _csv(), _xlsx()
        with _pages_served(app, 1) as (web, cookie):
            idle = _p95_of_pages(cookie, lambda: True)
            before = _resident(web.pid)
            visitor = _Visitor(_logged_in(app, mo))
            visitor.drop("people.csv", content)  # the first one waits until a process has started
            floors, uploads, workbooks = [], [], []
            for _ in range(RUNS):
                floors.append(seconds(lambda: _floor(content)))
                uploads.append(_first_drop(visitor, "people.csv", content))
                workbooks.append(_first_drop(visitor, "people.xlsx", workbook))
            floor, upload = statistics.median(floors), statistics.median(uploads)
            xlsx = statistics.median(workbooks)
            print(f"{ROWS:,} rows, {MEMBERS:,} members, {EARLIER:,} invitations; {RUNS} runs")
            print(f"floor                    {floor * 1000:7.0f} ms")
            print(f"upload to preview, CSV   {upload * 1000:7.0f} ms {upload / floor:5.2f} x floor")
            print(f"upload to preview, XLSX  {xlsx * 1000:7.0f} ms {xlsx / upload:5.2f} x CSV")
            _other_people(visitor, content, cookie, idle)
            _memory(visitor, content, web.pid, before)
        gc.freeze()  # as gunicorn.conf.py does
        _typing_and_paging(_client(app))


def _first_drop(visitor: "_Visitor", name: str, content: bytes) -> float:
    """Seconds until the preview appears for a person without other lists."""
    db.execute("DELETE FROM staged_list", ())
    time.sleep(0.5)  # until the next process is loaded
    return seconds(lambda: visitor.drop(name, content))


def _other_people(visitor: "_Visitor", content: bytes, cookie: str, idle: float) -> None:
    """Times other people's pages while one list after another is dropped."""
    with _dropping(visitor, content):
        during = _p95_of_pages(cookie, lambda: True)
    print(f"other people's pages, p95              {during / idle:7.2f} x idle")


def _memory(visitor: "_Visitor", content: bytes, pid: int, before: int) -> None:
    """PSS of the web process and its subprocesses over idle: peak, afterwards, a minute later."""
    peak = 0
    with _dropping(visitor, content):
        until = time.monotonic() + 10
        while time.monotonic() < until:
            peak = max(peak, _resident(pid))
            time.sleep(0.02)
    after = _resident(pid)
    time.sleep(subprocess_pool._SPARE_SECONDS + 2)
    later = _resident(pid)
    print(f"memory over idle, peak                 {(peak - before) / 1e6:7.0f} MB")
    print(f"memory over idle, after all            {(after - before) / 1e6:7.0f} MB")
    print(f"memory over idle, a minute later       {(later - before) / 1e6:7.0f} MB")


@contextmanager
def _dropping(visitor: "_Visitor", content: bytes) -> Iterator[None]:
    """Drops the same list repeatedly during the block, at least ten times."""
    stop = threading.Event()

    def work() -> None:
        count = 0
        while not stop.is_set() or count < 10:
            visitor.drop("people.csv", content)
            count += 1

    with ThreadPoolExecutor() as pool:
        working = pool.submit(work)
        yield
        stop.set()
        working.result()


class _Visitor:
    """A person who drops lists on New Invitation."""

    def __init__(self, cookie: str) -> None:
        page, self.cookie = _ask("GET", NEW, cookie)
        self._token = csrf.token(page)

    def drop(self, name: str, content: bytes) -> None:
        """Sends a file and waits for its preview."""
        form = {"csrf_token": self._token, "role": "10", "csv_file": (io.BytesIO(content), name)}
        request = EnvironBuilder(method="POST", data=form).get_request()
        body, kind = request.get_data(), str(request.content_type)
        answer, _ = _ask("POST", f"{NEW}/file", self.cookie, body, kind)
        assert "50,000 rows" in answer, answer[:500]


def _ask(method: str, url: str, cookie: str, body: bytes = b"", kind: str = "") -> tuple[str, str]:
    """The response's text, and the current cookie. Waits after a 503, as the page does."""
    connection = http.client.HTTPConnection("127.0.0.1", 8371)
    headers = {"Cookie": cookie, "HX-Request": "true"} | ({"Content-Type": kind} if kind else {})
    connection.request(method, url, body, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        time.sleep(int(answer.headers["Retry-After"]))
        return _ask(method, url, cookie, body, kind)
    return text, answer.headers.get("Set-Cookie", cookie).partition(";")[0]


def _another_owner() -> User:
    now = utcnow()
    mo = profiles.create(NewProfile("Mo", "mo@example.org", "", ""), now, confirmed=True)
    Membership.create(
        account=make_large_account(),
        user=mo,
        role=Role.OWNER,
        joined_by=JoinedBy.INVITATION,
        joined_at=now,
    )
    return mo


def _csv() -> bytes:
    lines = ["Name;E-Mail;Town", *(f"Person {n};{a};Town" for n, a in enumerate(texts()))]
    return "\r\n".join(lines).encode()


def _xlsx() -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["Name", "E-Mail", "Town"])
    for n, address in enumerate(texts()):
        sheet.append([f"Person {n}", address, "Town"])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _client(app: Flask) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction() as cookies:
        cookies["_user_id"] = sessions.start(Membership.get().user, "bench", utcnow())
        cookies["_fresh"] = True
    return client


def _floor(content: bytes) -> None:
    rows = list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=";"))
    valid = [bool(_ADDRESS.fullmatch(row[1])) for row in rows]
    source = db.database.connection()
    with tempfile.TemporaryDirectory() as folder:
        raw = sqlite3.connect(Path(folder) / "raw.sqlite3", isolation_level=None)
        raw.executescript("PRAGMA journal_mode=wal; PRAGMA synchronous=full;")
        found = source.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'staged_row' AND sql IS NOT NULL"
            " ORDER BY type DESC"
        )
        for (sql,) in found.fetchall():
            raw.execute(sql)
        raw.execute("BEGIN IMMEDIATE")
        raw.executemany(
            "INSERT INTO staged_row VALUES (1, ?, ?, ?, ?, ?, '', '', 0)",
            (
                (n, row[1], row[0], row[1], "invite" if valid[n] else "invalid")
                for n, row in enumerate(rows)
            ),
        )
        raw.execute("COMMIT")


def _typing_and_paging(client: FlaskClient) -> None:
    token = csrf.token(client.get(NEW).text)
    typed = "\n".join(f"typed{n}@town{n % 30}.example" for n in range(500))
    form = {"csrf_token": token, "role": "10", "email": typed}
    _p95("typing, 500 addresses in the field", client, f"{NEW}/review", form)
    staged = staging.stage(Membership.get(), "people.csv", _csv(), utcnow())
    form["list_id"] = str(staged.id)
    _p95("typing beside a list of 50,000", client, f"{NEW}/review", form)
    rows = f"{NEW}/list/{staged.id}/rows"
    for place in (":1", ":2000", "pending:40", "invalid:1"):
        _p95(f"rows at {place}", client, rows, {"csrf_token": token, "go": place})
    _p95("leaving out a row", client, f"{rows}/77/exclusion", {"csrf_token": token})


def _p95(what: str, client: FlaskClient, url: str, form: dict[str, str]) -> None:
    times = []
    for _ in range(60):
        start = time.perf_counter()
        answer = client.post(url, data=form, headers=HTMX)
        times.append(time.perf_counter() - start)
        assert answer.status_code == 200, answer.text[:500]
    print(f"{what:<38} {statistics.quantiles(times, n=20)[-1] * 1000:7.1f} ms, p95")


if __name__ == "__main__":
    main()
