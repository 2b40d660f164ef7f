"""The rows of one account. Other accounts' ids are refused like ids that don't exist."""

from invites.authorization import audit_log
from invites.authorization.audit_log import AuditCategory
from invites.core.paging import Page, paged
from invites.members.account_batches import AccountBatches
from invites.members.account_invitations import AccountInvitations
from invites.members.account_members import AccountMembers
from invites.models import Account, AuditEntry


class Scope:
    """Each ``find`` raises RuleError(NOT_FOUND)."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.members = AccountMembers(account)
        self.invitations = AccountInvitations(account)
        self.batches = AccountBatches(account)

    def audit_log(self, category: AuditCategory | None, search: str, page: int) -> Page[AuditEntry]:
        return paged(audit_log.entries(self.account, category, search), page)
