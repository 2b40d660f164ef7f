"""The four roles."""

from enum import IntEnum


class Role(IntEnum):
    """From lowest to highest. Each may do everything that the lower ones may."""

    USER = 10
    MODERATOR = 20
    ADMIN = 30
    OWNER = 40
