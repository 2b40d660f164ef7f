"""What a check of ``flask doctor`` finds."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """``text``: what was found and, unless it is OK, what to do."""

    status: Status
    subject: str
    text: str


Found = Iterator[tuple[Status, str]]
