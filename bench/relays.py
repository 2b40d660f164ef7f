"""Slow mail servers: the worker's many connections compared with a bare loop."""

import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from bench.delivery import a_message, bare, ours, timed

CONNECTIONS = 16
RUNS = 5

KINDS = {
    "20 ms per email": (20, 0),
    "50 ms per email": (50, 0),
    "20 ms per round trip": (0, 20),
}
PEOPLE = {"20 ms per email": 20_000, "50 ms per email": 10_000, "20 ms per round trip": 20_000}


def main() -> None:
    """Prints the worker's rate, and its ratio to that of sixteen bare loops."""
    print(f"{CONNECTIONS} connections, medians of {RUNS} runs")
    for kind, (thinks, travel) in KINDS.items():
        ratios, rates = [], []
        for _ in range(RUNS):
            with _relay(thinks, travel) as port:
                message = a_message(port)
                alone = timed(partial(bare, port, message, mails=50), 50).rate
                rate = ours(port, CONNECTIONS, PEOPLE[kind]).rate
            rates.append(rate)
            ratios.append(rate / (CONNECTIONS * alone))
        ratio = statistics.median(ratios)
        rate = statistics.median(rates)
        print(f"{kind:<22} {rate:7,.0f}/s {ratio:6.2f} x {CONNECTIONS} x bare")


@contextmanager
def _relay(thinks: int, travel: int) -> Iterator[int]:
    command = [sys.executable, "-m", "bench.sink", str(thinks), str(travel)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


if __name__ == "__main__":
    main()
