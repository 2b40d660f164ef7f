"""Pauses after failures."""

import time
from collections.abc import Sequence


class Backoff:
    """A pause after a failure, longer after each one in a row."""

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0.0

    def begin(self, pauses: Sequence[float]) -> float:
        """``pauses``: seconds after the first failure, the second, and so on. The last one repeats.

        Returns the pause. Changes nothing during one, in which what was begun before may fail.
        """
        pause = pauses[min(self._failures, len(pauses) - 1)]
        if not self.is_on():
            self._until = time.monotonic() + pause
            self._failures += 1
        return pause

    def end(self) -> None:
        self._failures, self._until = 0, 0.0

    def is_on(self) -> bool:
        return time.monotonic() < self._until
