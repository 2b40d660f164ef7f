"""Kills the mail worker again and again while a batch is sent, and counts what arrives.

``make soak`` runs it for thousands of mails; tests/sending/test_worker.py has a short version.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from invites import db
from invites.cli import readiness
from invites.core.clock import utcnow
from invites.core.settings import load_settings
from invites.members import accounts
from invites.models import UNSENT_STATES, Delivery, DeliveryState, MailThrottle, Membership
from tests.support import preloaded
from tests.support.actions import send
from tests.support.people import make_user
from tests.support.scripted_smtp_server import ScriptedServer

Worker = Callable[[], AbstractContextManager[preloaded.Process]]


@dataclass(frozen=True)
class Count:
    """``killed_connections``: those that were open, over all kills.

    ``duplicates``: arrivals beyond the first of a message.
    """

    people: int
    kills: int
    killed_connections: int
    recipients: int
    message_ids: int
    duplicates: int
    sent: int

    @property
    def is_as_promised(self) -> bool:
        """Everyone got one message, and each kill duplicated at most one per open connection."""
        everybody = self.recipients == self.message_ids == self.sent == self.people
        return everybody and self.duplicates <= self.killed_connections


def soak(people: int, kills: int, connections: int, seed: int) -> Count:
    """Sends to ``people``, and kills the worker ``kills`` times at random moments."""
    chance = random.Random(seed)
    server = ScriptedServer(delay=0.01)  # so that all connections are used
    with server.listening(), tempfile.TemporaryDirectory() as folder:
        environ = {
            "INVITES_DATA": folder,
            "INVITES_MAIL_SERVER": "127.0.0.1",
            "INVITES_MAIL_PORT": str(server.port),
        }
        worker = partial(preloaded.worker, environ, Path(folder, "worker.log"))
        settings = load_settings(environ)
        db.configure(settings.database_path)
        readiness.prepare(settings)
        db.connect()
        try:
            _queue(people, connections)
            killed = _kill_again_and_again(worker, server, people, kills, chance)
            sent = Delivery.select().where(Delivery.state == DeliveryState.SENT).count()
        finally:
            db.close()
    message_ids = {message_id for _, message_id in server.received}
    return Count(
        people,
        len(killed),
        killed_connections=sum(killed),
        recipients=len(set(server.recipients)),
        message_ids=len(message_ids),
        duplicates=len(server.received) - len(message_ids),
        sent=sent,
    )


def _queue(people: int, connections: int) -> None:
    now = utcnow()
    MailThrottle.create(id=1, per_minute=None, connections=connections)
    account = accounts.create("Riverside", make_user("Olive", "olive@example.org", now), now)
    owner = Membership.get(Membership.account == account)
    send(owner, now, *(f"person{n:05}@example.org" for n in range(people)))


def _kill_again_and_again(
    worker: Worker, server: ScriptedServer, people: int, kills: int, chance: random.Random
) -> list[int]:
    """Returns how many connections were open at each kill of a worker that had mail to send."""
    step = people // (kills + 1)
    killed = []
    for goal in range(step, people - step + 1, step):
        with worker() as process:
            while len(server.received) < goal and _is_unfinished():
                time.sleep(chance.uniform(0, 0.003))
            process.stop()
            if _is_unfinished():
                killed.append(server.open_now)
            process.kill()
            process.wait(60)
    with worker() as process:
        while _is_unfinished():
            assert process.poll() is None
            time.sleep(0.02)
    return killed


def _is_unfinished() -> bool:
    return bool(Delivery.select().where(Delivery.state.in_(UNSENT_STATES)).exists())


def main() -> None:
    """Prints the counts of each round, and fails if they are wrong.

    Takes minutes. Arguments: rounds, people, kills.
    """
    given = [int(text) for text in sys.argv[1:]]
    rounds, people, kills = [*given, *(5, 4000, 20)[len(given) :]]
    for seed in range(rounds):
        count = soak(people, kills, connections=8, seed=seed)
        print(count, flush=True)  # noqa: T201  # its whole purpose
        if not count.is_as_promised:
            sys.exit("Messages were lost, or duplicated too often.")


if __name__ == "__main__":
    main()
