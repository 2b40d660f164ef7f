"""An account that asks its Moderators and up for a second step at their log-in."""

from datetime import datetime

from invites import activity, db, second_factor
from invites.access import Action, authorize
from invites.activity import Deed
from invites.models import Account, Membership, User
from invites.refusals import Reason, Refused
from invites.roles import Role


def require(actor: Membership, required: bool, now: datetime) -> None:
    """Begin or end to ask for one.

    Raises Refused(SECOND_STEP_FIRST) for whoever would lock themselves out, and
    NOT_ALLOWED.
    """
    with db.transaction():
        authorize(actor, Action.CHANGE_SETTINGS)
        account = Account.get_by_id(actor.account_id)
        if account.requires_second_factor == required:
            return
        if required and not second_factor.is_on(actor.user):
            raise Refused(Reason.SECOND_STEP_FIRST)
        account.requires_second_factor = required
        account.save(only=[Account.requires_second_factor])
        deed = Deed.SECOND_STEP_REQUIRED if required else Deed.SECOND_STEP_OPTIONAL
        activity.record(deed, account, actor.user, now)


def is_missing(membership: Membership) -> bool:
    """Whether the account asks this member for a second step that they haven't set up."""
    return (
        membership.account.requires_second_factor
        and membership.role > Role.USER
        and not second_factor.is_on(membership.user)
    )


def without(account: Account) -> list[User]:
    """The Moderators and up who have none, by name."""
    members = (
        Membership.select(Membership, User)
        .join(User)
        .where(
            Membership.account == account,
            Membership.role > Role.USER,
            Membership.deactivated_at.is_null(),
        )
        .order_by(db.plain(User.name), User.id)
    )
    return [one.user for one in members if not second_factor.is_on(one.user)]
