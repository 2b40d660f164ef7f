"""How many messages a minute may be sent."""

import time

_LIMITED_FOR = 2.0  # seconds


class RateLimit:
    """Spaces mails evenly, so that no burst exceeds the mail provider's own limit."""

    def __init__(self) -> None:
        self._per_minute: int | None = None
        self._next = 0.0
        self._refused_at = float("-inf")

    def change(self, per_minute: int | None) -> None:
        """None: no limit. A higher one applies at once."""
        self._per_minute = per_minute
        if per_minute is not None:
            self._next = min(self._next, time.monotonic() + 60 / per_minute)

    def allows_one(self) -> bool:
        """Whether a mail may be sent now."""
        if self.delay():
            self._refused_at = time.monotonic()
            return False
        return True

    def is_reached(self) -> bool:
        """Whether mail waited for it in the last seconds, so that connections suffice."""
        return time.monotonic() - self._refused_at < _LIMITED_FOR

    def count(self) -> None:
        """For a mail that is sent now."""
        if self._per_minute is not None:
            # After a late mail, the next one may be sent sooner, so that short waits don't lower
            # the rate. It makes up for one gap, but at least 0.1 and at most 1 second: more would
            # be a burst.
            gap = 60 / self._per_minute
            earliest = time.monotonic() - min(1.0, max(gap, 0.1))
            self._next = max(self._next, earliest) + gap

    def uncount(self) -> None:
        if self._per_minute is not None:
            self._next -= 60 / self._per_minute

    def delay(self) -> float:
        """Seconds until the next mail may be sent."""
        return max(0.0, self._next - time.monotonic()) if self._per_minute else 0.0
