"""Whether response times reveal who has a profile, at login and password reset."""

import logging
import statistics
import time
from collections.abc import Callable

from flask.testing import FlaskClient

from bench import csrf
from bench.delivery import installation
from invites.core.clock import utcnow
from invites.members import accounts
from invites.people import profiles
from invites.people.profiles import NewProfile

TRIES = 200  # with known addresses, and as many with unknown ones


def main() -> None:
    """Prints the medians and their difference."""
    with installation(1) as app:
        app.extensions["rate_limiter"].hit = lambda *_counter: True
        logging.getLogger("invites").setLevel(logging.ERROR)  # refused logins are expected
        _people()
        client = app.test_client()
        token = csrf.token(client.get("/login").text)
        form = {"csrf_token": token, "password": "not the right one"}
        _compare("login", _asker(client, "/login", 422, form))
        _compare("forgotten password", _asker(client, "/password-reset", 200, form))


def _people() -> None:
    now = utcnow()
    olive = profiles.prepare("Olive", "olive@example.org", "a horse in the rain")
    accounts.create("Riverside Relief", profiles.create(olive, now, confirmed=True), now)
    for n in range(TRIES):
        known = NewProfile(f"P {n}", f"known{n}@example.org", "", olive.password_hash)
        profiles.create(known, now, confirmed=True)


def _asker(
    client: FlaskClient, url: str, status: int, form: dict[str, str]
) -> Callable[[str], float]:
    def ask(email: str) -> float:
        start = time.perf_counter()
        answer = client.post(url, data={"email": email} | form)
        seconds = time.perf_counter() - start
        assert answer.status_code == status, answer.status_code
        return seconds

    return ask


def _compare(what: str, ask: Callable[[str], float]) -> None:
    known, unknown = [], []
    for n in range(TRIES):
        known.append(ask(f"known{n}@example.org"))
        unknown.append(ask(f"unknown{n}@example.org"))
    of_known, of_unknown = (statistics.median(times) * 1000 for times in (known, unknown))
    print(f"{what:<20} known {of_known:6.1f} ms, unknown {of_unknown:6.1f} ms", end=", ")
    print(f"difference {abs(of_known - of_unknown):5.1f} ms")


if __name__ == "__main__":
    main()
