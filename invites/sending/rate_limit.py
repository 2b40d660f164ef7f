"""How many messages a minute may be sent."""

import time


class RateLimit:
    """Spaces mails evenly, so that no burst exceeds the mail provider's own limit."""

    def __init__(self) -> None:
        self.per_minute: int | None = None
        self._next = 0.0

    def allows_one(self) -> bool:
        return self.delay() == 0

    def count(self) -> None:
        """For a mail that is sent now."""
        if self.per_minute is not None:
            # After a late mail, the next one may be sent sooner, so that short waits don't lower
            # the rate. It makes up for one gap, but at least 0.1 and at most 1 second: more would
            # be a burst.
            gap = 60 / self.per_minute
            earliest = time.monotonic() - min(1.0, max(gap, 0.1))
            self._next = max(self._next, earliest) + gap

    def uncount(self) -> None:
        if self.per_minute is not None:
            self._next -= 60 / self.per_minute

    def delay(self) -> float:
        """Seconds until the next mail may be sent."""
        return max(0.0, self._next - time.monotonic()) if self.per_minute else 0.0
