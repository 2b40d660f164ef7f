"""Who may do what to whom: every button, every role, every role of its target."""

import shutil
from collections.abc import Callable, Iterator
from itertools import product

import pytest
from flask import Flask
from werkzeug.routing import Rule

from invites import db
from invites.authorization.permissions import Action
from invites.core.roles import Role
from invites.invitations import manage
from invites.members import memberships
from invites.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    Invitation,
    User,
)
from invites.outbox import deliveries
from invites.web.access import declared
from tests.support.actions import invite
from tests.support.people import make_member
from tests.support.populated_account import ACCOUNT, Site, everything, signed_in

pytestmark = pytest.mark.slow

# The guide: the roles that each role may invite, deactivate, reactivate and change.
MODERATORS = {Role.MODERATOR: {Role.USER}}
ADMINS = {
    Role.ADMIN: {Role.USER, Role.MODERATOR, Role.ADMIN},
    Role.OWNER: set(Role),
}
REACH = {
    Action.INVITE: MODERATORS | ADMINS,
    Action.MANAGE_INVITATION: MODERATORS | ADMINS,
    Action.REMOVE_MEMBER: MODERATORS | ADMINS,
    Action.CHANGE_ROLE: ADMINS,
}


class Target:
    """A member, an invitation and its batch, all with one role, ready for a button."""

    def __init__(self, site: Site, role: Role) -> None:
        self.now, self.owner = site.rows.now, site.rows.owner
        # Another Owner, so that nothing is refused for the last one.
        make_member(self.owner.account, "Oz", "oz@example.org", Role.OWNER, self.now)
        self.member = make_member(self.owner.account, "Tim", "tim@example.org", role, self.now)
        self.invitation = invite(self.owner, self.now, "tam@example.org", role)

    def be_ready_for(self, endpoint: str) -> None:
        """Fails for a new button until it is listed."""
        _READY[endpoint](self)

    def values(self) -> dict[str, object]:
        return {
            "slug": self.owner.account.slug,
            "membership_id": self.member.id,
            "invitation_id": self.invitation.id,
            "batch_id": self.invitation.batch_id,
        }

    def is_removed(self) -> None:
        memberships.deactivate(self.owner, self.member, self.now)

    def is_unconfirmed(self) -> None:
        User.update(email_confirmed_at=None).where(User.id == self.member.user_id).execute()

    def is_revoked(self) -> None:
        manage.revoke(self.owner, self.invitation, self.now)

    def mail_is(self, state: DeliveryState) -> None:
        mine = Delivery.invitation == self.invitation
        Delivery.update(state=state, finished_at=self.now).where(mine).execute()

    def mail_is_on_hold(self) -> None:
        self.mail_is(DeliveryState.WITHDRAWN)
        Delivery.update(reply_text=deliveries.ON_HOLD).execute()

    def batch_is(self, state: BatchState) -> None:
        Batch.update(state=state).where(Batch.id == self.invitation.batch_id).execute()


_READY: dict[str, Callable[[Target], object]] = {
    "users.update": lambda _target: None,
    "users.deactivate": lambda _target: None,
    "users.reactivate": Target.is_removed,
    "users.resend_confirmation": Target.is_unconfirmed,
    "invitations.resend": lambda target: target.mail_is(DeliveryState.SENT),
    "invitations.revoke": lambda _target: None,
    "invitations.restore": Target.is_revoked,
    "batches.pause": lambda target: target.batch_is(BatchState.RUNNING),
    "batches.resume": lambda target: target.batch_is(BatchState.PAUSED),
    "batches.retry": lambda target: target.mail_is(DeliveryState.FAILED),
    "batches.cancel": lambda _target: None,
    "batches.send_on_hold": Target.mail_is_on_hold,
    "batches.resend": lambda target: target.mail_is(DeliveryState.SENT),
}


def buttons(app: Flask) -> Iterator[Rule]:
    """Every route that changes a member, an invitation or a batch."""
    touched = {"membership_id", "invitation_id", "batch_id"}
    for rule in app.url_map.iter_rules():
        if "POST" in rule.methods and "slug" in rule.arguments and touched & rule.arguments:
            yield rule


def person(site: Site, role: Role) -> User:
    found = site.user(role.name.lower())
    assert found is not None
    return found


class Box:
    """A site that is reset after every button."""

    def __init__(self, site: Site, target_role: Role, endpoint: str) -> None:
        self.site = site
        site.app.config["WTF_CSRF_ENABLED"] = False
        self.target = Target(site, target_role)
        self.target.be_ready_for(endpoint)
        self.devices = {role: signed_in(site.app, person(site, role)) for role in Role}
        db.close()
        self._untouched = site.database.with_name("untouched")
        shutil.copy(site.database, self._untouched)

    def press(self, role: Role, url: str, /, **form: object) -> tuple[int, bool]:
        """Returns the status, and whether anything changed."""
        before = everything(self._untouched)
        answer = self.devices[role].client.post(url, data=form, buffered=True)
        changed = everything(self.site.database) != before
        shutil.copy(self._untouched, self.site.database)
        return answer.status_code, changed


def test_every_button_is_listed_here(app: Flask) -> None:
    assert {rule.endpoint for rule in buttons(app)} == set(_READY)


@pytest.mark.parametrize("target", Role, ids=lambda role: role.name)
@pytest.mark.parametrize("endpoint", [name for name in _READY if name != "users.update"])
def test_a_button_works_within_ones_reach_and_changes_nothing_otherwise(
    site: Site, endpoint: str, target: Role
) -> None:
    box = Box(site, target, endpoint)
    (rule,) = (rule for rule in buttons(site.app) if rule.endpoint == endpoint)
    declaration = declared(site.app.view_functions[endpoint])
    assert declaration
    action = declaration.who
    assert isinstance(action, Action)
    url = site.app.url_map.bind("localhost").build(endpoint, box.target.values())
    assert rule.rule.startswith("/accounts/<slug>/")
    for actor in Role:
        status, changed = box.press(actor, url)
        reaches = target in REACH[action].get(actor, set())
        assert changed == reaches, f"{actor.name} {endpoint} {target.name}: {status}"


@pytest.mark.parametrize("target", Role, ids=lambda role: role.name)
def test_a_role_is_changed_only_from_and_to_roles_within_reach(site: Site, target: Role) -> None:
    box = Box(site, target, "users.update")
    url = f"{ACCOUNT}/users/{box.target.member.id}/edit"
    for actor, wanted in product(Role, Role):
        if wanted == target:
            continue
        status, changed = box.press(actor, url, role=int(wanted))
        reach = REACH[Action.CHANGE_ROLE].get(actor, set())
        reaches = {target, wanted} <= reach
        assert changed == reaches, f"{actor.name}: {target.name} to {wanted.name}: {status}"


@pytest.mark.parametrize("wanted", Role, ids=lambda role: role.name)
@pytest.mark.parametrize("actor", Role, ids=lambda role: role.name)
def test_people_are_invited_only_with_roles_within_reach(
    site: Site, actor: Role, wanted: Role
) -> None:
    site.app.config["WTF_CSRF_ENABLED"] = False
    device = signed_in(site.app, person(site, actor))
    place = f"{ACCOUNT}/invitations/new"
    typed = {"email": "zoe@example.org", "role": str(int(wanted))}
    before = Invitation.select().count()
    if device.open(place).status == 403:
        device.post(place, typed)
    else:
        device.press("Send Invitation", **typed)
    while "Send Invitation" in device.text and device.status == 200:
        device.press("Send Invitation", **typed)  # without JavaScript it is shown first
    reaches = wanted in REACH[Action.INVITE].get(actor, set())
    assert Invitation.select().count() - before == reaches
