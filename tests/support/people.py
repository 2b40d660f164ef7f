"""People for tests: a member with each role, and a stranger who owns another account."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from invites.core.roles import Role
from invites.members import accounts, memberships
from invites.models import Account, JoinedBy, Membership, User
from invites.people.passwords import hash_password

PASSWORD = "a horse in the rain"


@cache
def password_hash() -> str:
    """The scrypt hash of PASSWORD, computed once."""
    return hash_password(PASSWORD)


def make_user(name: str, email: str, now: datetime, *, confirmed: bool = True) -> User:
    """A person whose password is PASSWORD."""
    return User.create(
        name=name,
        email=email,
        phone="",
        password_hash=password_hash(),
        email_confirmed_at=now if confirmed else None,
        created_at=now,
    )


def make_member(
    account: Account, name: str, email: str, role: Role, now: datetime, *, confirmed: bool = True
) -> Membership:
    """A new person who is an active member of ``account``."""
    user = make_user(name, email, now, confirmed=confirmed)
    return memberships.join(account, user, role, now, joined_by=JoinedBy.INVITATION)


class People:
    """The members of one account, by role. ``stranger`` owns another account."""

    def __init__(self, members: Mapping[Role, Membership], stranger: Membership) -> None:
        self._members = members
        self.stranger = stranger

    @classmethod
    def of(cls, account: Account, now: datetime) -> "People":
        """Olive the Owner, Ada the Admin, Mo the Moderator, Uma the User, and Zoe the stranger."""
        owner = Membership.get(Membership.account == account, Membership.role == Role.OWNER)
        members = {
            Role.OWNER: owner,
            Role.ADMIN: make_member(account, "Ada Okafor", "ada@example.org", Role.ADMIN, now),
            Role.MODERATOR: make_member(account, "Mo Diaz", "mo@example.org", Role.MODERATOR, now),
            Role.USER: make_member(account, "Uma Roy", "uma@example.org", Role.USER, now),
        }
        zoe = make_user("Zoe Blank", "zoe@elsewhere.example", now)
        elsewhere = accounts.create("Elsewhere", zoe, now)
        return cls(members, Membership.get(Membership.account == elsewhere))

    def __getitem__(self, role: Role) -> Membership:
        return self._members[role]
