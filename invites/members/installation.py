"""Setup of a new installation: the first account and its owner, the installer."""

from datetime import datetime

from invites import db
from invites.core.errors import Reason, RuleError
from invites.members import accounts
from invites.models import Account, User
from invites.people import profiles
from invites.people.profiles import NewProfile


def is_set_up() -> bool:
    return User.select().exists()


def set_up(account_name: str, profile: NewProfile, now: datetime) -> tuple[Account, User]:
    """Works once. Raises RuleError(ALREADY_SET_UP), or TEXT_* for the name of the account."""
    with db.transaction():
        if is_set_up():
            raise RuleError(Reason.ALREADY_SET_UP)
        installer = profiles.create(profile, now, confirmed=True)
        installer.is_installer = True
        installer.save()
        return accounts.create(account_name, installer, now), installer
