"""The four roles, lowest to highest, as in the guide."""

from enum import IntEnum


class Role(IntEnum):
    """What a member may do; a higher number may do all that a lower one may."""

    USER = 10
    MODERATOR = 20
    ADMIN = 30
    OWNER = 40
