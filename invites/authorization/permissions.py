"""Permissions: who may do what. ``is_allowed`` decides for pages, ``authorize`` for rules.

An Account Owner may do everything. An Admin can't grant or change the role of Account Owner. A
Moderator can invite and remove Users. The actor's effective role counts: everybody is a User until
they have confirmed their address.
"""

import logging
from enum import StrEnum

from invites.core.errors import Reason, RuleError
from invites.core.roles import Role
from invites.models import Invitation, Membership, User

log = logging.getLogger("invites.authorization.permissions")


class Action(StrEnum):
    """``lowest``: the lowest role that may do it."""

    lowest: Role

    def __new__(cls, name: str, lowest: Role) -> "Action":
        action = str.__new__(cls, name)
        action._value_ = name
        action.lowest = lowest
        return action

    VISIT = "visit", Role.USER
    LEAVE = "leave", Role.USER
    SEE_PEOPLE = "see_people", Role.MODERATOR
    INVITE = "invite", Role.MODERATOR
    MANAGE_INVITATION = "manage_invitation", Role.MODERATOR
    REMOVE_MEMBER = "remove_member", Role.MODERATOR
    CHANGE_ROLE = "change_role", Role.ADMIN
    MANAGE_PERMANENT_LINK = "manage_permanent_link", Role.ADMIN
    CHANGE_SETTINGS = "change_settings", Role.ADMIN
    SEE_AUDIT_LOG = "see_audit_log", Role.ADMIN
    CLAIM_OWNERSHIP = "claim_ownership", Role.ADMIN


# The highest role that a member may grant, change or remove, by the member's own role.
HIGHEST_GRANTABLE = {
    Role.USER: None,
    Role.MODERATOR: Role.USER,
    Role.ADMIN: Role.ADMIN,
    Role.OWNER: Role.OWNER,
}

Target = Role | Invitation | Membership | None


def is_allowed(actor: Membership, action: Action, target: Target = None) -> bool:
    """``target``: the role to grant, or the invitation or membership to change."""
    if not actor.is_active or actor.effective_role < action.lowest:
        return False
    if target is None:
        return True
    if not isinstance(target, Role) and target.account_id != actor.account_id:
        return False
    role = target if isinstance(target, Role) else target.role
    highest = HIGHEST_GRANTABLE[actor.effective_role]
    return highest is not None and role <= highest


def authorize(actor: Membership, action: Action, target: Target = None) -> None:
    """Raises RuleError(NOT_ALLOWED), and logs it, unless ``is_allowed`` (ASVS 5.0 16.3.2).

    Call it in the transaction of the action. It reads the member again, because they may have been
    demoted since the request began.
    """
    if not is_allowed(fresh(actor), action, target):
        log.warning("denied: %s to user %s", action, actor.user_id)
        raise RuleError(Reason.NOT_ALLOWED)


def fresh(member: Membership) -> Membership:
    """Reads the member from the database again."""
    return Membership.select(Membership, User).join(User).where(Membership.id == member.id).get()


def grantable_roles(actor: Membership) -> list[Role]:
    """Lowest first."""
    return [role for role in Role if is_allowed(actor, Action.INVITE, role)]
