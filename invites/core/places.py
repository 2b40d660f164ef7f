"""Limits how many tasks run at the same time."""

from collections import Counter
from threading import Lock


class Places:
    """``total``: places in all. ``each``: at most for one person or network."""

    def __init__(self, total: int, each: int) -> None:
        self._total, self._each = total, each
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    def take(self, who: str) -> bool:
        """Returns whether there was a free place. Never waits."""
        with self._lock:
            is_free = self._taken.total() < self._total and self._taken[who] < self._each
            if is_free:
                self._taken[who] += 1
            return is_free

    def leave(self, who: str) -> None:
        with self._lock:
            self._taken[who] -= 1
            self._taken = +self._taken  # forgets those without a place
