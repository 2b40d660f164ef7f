"""Many at once, on one database: threads as in the web process, and processes."""

import multiprocessing
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from invites import db
from invites.core.errors import Reason, RuleError
from invites.core.roles import Role
from invites.db import schema
from invites.invitations import manage, send_invitations, staged_lists, staging, unsubscribe
from invites.invitations.send_invitations import InvitationRequest
from invites.lists.entries import MAX_ENTRIES
from invites.members import answers, installation, memberships, permanent_link
from invites.models import (
    Account,
    AuditEntry,
    Batch,
    Delivery,
    Invitation,
    InvitationState,
    Membership,
    StagedList,
    StagedRow,
    UnsubscribedAddress,
    User,
)
from invites.outbox import claims, enqueue
from tests.conftest import NOW
from tests.support.actions import (
    WORKER,
    attempt_all,
    invitation_request,
    invite,
    new_profile,
    reread,
    send,
)
from tests.support.people import make_member, make_user

# They are forked from a process that has loaded this module.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])

WAIT = 60  # seconds; only a test that hangs gets there


def answer(action):
    """The result of ``action`` on a connection of its own, or the reason for its refusal."""
    db.connect()
    try:
        return action()
    except RuleError as refused:
        return refused.reason
    finally:
        db.close()


def at_once(*all_deeds):
    """The results of ``all_deeds``, each done by a thread of its own, all at the same moment."""
    start = threading.Barrier(len(all_deeds))

    def wait_and_do(action):
        start.wait(WAIT)
        return answer(action)

    with ThreadPoolExecutor(len(all_deeds)) as threads:
        return list(threads.map(wait_and_do, all_deeds))


@pytest.fixture(autouse=True)
def wide_windows(database, monkeypatch):
    """Pauses before each statement of a transaction, so that others could come in between."""
    backend = type(db.database.obj)
    execute_sql = backend.execute_sql

    def slowly(self, *args, **kwargs):
        if self.in_transaction():
            time.sleep(0.002)
        return execute_sql(self, *args, **kwargs)

    monkeypatch.setattr(backend, "execute_sql", slowly)


@pytest.fixture
def noa(database, now):
    return make_user("Noa New", "new@example.org", now)


def acceptance(invitation_id, user_id):
    """Accept as a request does: with rows read just before."""
    invitation, user = Invitation.get_by_id(invitation_id), User.get_by_id(user_id)
    return answers.accept(invitation, user, NOW)


def test_twenty_acceptances_at_once_make_one_member(owner, noa, now):
    invitation = invite(owner, now)
    results = at_once(*[lambda: acceptance(invitation.id, noa.id)] * 20)
    assert sorted(map(str, results)).count(str(Reason.INVITATION_CLOSED)) == 19
    assert Membership.select().where(Membership.user == noa).count() == 1
    assert AuditEntry.select().where(AuditEntry.action == "accepted").count() == 1


def test_twenty_new_people_for_one_invitation_make_one_profile(owner, now):
    invitation = invite(owner, now)

    def accept():
        mine = Invitation.get_by_id(invitation.id)
        return answers.accept_as_new(mine, new_profile(), now)

    results = at_once(*[accept] * 20)
    assert sum(isinstance(one, Membership) for one in results) == 1
    assert User.select().where(User.email == "new@example.org").count() == 1
    assert Membership.select().where(Membership.invitation == invitation).count() == 1


@pytest.mark.parametrize("round_", range(5))
def test_of_accepting_and_revoking_at_once_one_counts(owner, noa, now, round_):
    invitation = invite(owner, now)
    accepted, revoked = at_once(
        lambda: acceptance(invitation.id, noa.id),
        lambda: manage.revoke(reread(owner), reread(invitation), now),
    )
    is_member = memberships.find(owner.account, noa) is not None
    state = reread(invitation).state
    if is_member:
        assert (state, revoked) == (InvitationState.ACCEPTED, Reason.INVITATION_CLOSED)
    else:
        assert (state, accepted) == (InvitationState.REVOKED, Reason.INVITATION_CLOSED)


@pytest.mark.parametrize("round_", range(5))
def test_of_accepting_and_declining_at_once_the_state_tells_the_truth(owner, noa, now, round_):
    invitation = invite(owner, now)
    at_once(
        lambda: acceptance(invitation.id, noa.id),
        lambda: answers.decline(reread(invitation), now),
    )
    # Who declines first can still accept; who accepted can't decline.
    assert memberships.find(owner.account, noa).is_active
    assert reread(invitation).state == InvitationState.ACCEPTED


def opting_out_of(invitation):
    return lambda: unsubscribe.unsubscribe(reread(invitation), NOW)


def test_who_opts_out_twenty_times_at_once_does_it_once(owner, now):
    invitation = invite(owner, now)
    assert at_once(*[opting_out_of(invitation)] * 20) == [None] * 20
    assert UnsubscribedAddress.select().count() == 1
    assert AuditEntry.select().where(AuditEntry.action == "unsubscribed").count() == 1


@pytest.mark.parametrize("round_", range(5))
def test_who_opts_out_while_a_list_is_sent_has_no_invitation_open(owner, now, round_):
    old = invite(owner, now - timedelta(days=20))
    at_once(opting_out_of(old), lambda: send(reread(owner), now, old.email, "else@example.org"))
    of_theirs = Invitation.select().where(Invitation.email == old.email)
    assert InvitationState.PENDING not in {one.state for one in of_theirs}
    for _batch in range(2):  # the older one goes first
        attempt_all(now)
    sent = Delivery.select().where(Delivery.state == "sent")
    assert [mail.recipient for mail in sent] == ["else@example.org"]


@pytest.mark.parametrize("round_", range(5))
def test_of_opting_out_and_accepting_at_once_both_count(owner, noa, now, round_):
    invitation = invite(owner, now)
    at_once(opting_out_of(invitation), lambda: acceptance(invitation.id, noa.id))
    assert memberships.find(owner.account, noa).is_active
    assert reread(invitation).state == InvitationState.ACCEPTED


@pytest.mark.parametrize(
    "action",
    [
        lambda actor, other: memberships.change_role(actor, other, Role.USER, NOW),
        lambda actor, other: memberships.deactivate(actor, other, NOW),
    ],
    ids=["demote", "remove"],
)
def test_of_two_owners_who_demote_or_remove_each_other_one_remains(owner, account, now, action):
    other = make_member(account, "Otto Berg", "otto@example.org", Role.OWNER, now)
    results = at_once(
        lambda: action(reread(owner), reread(other)), lambda: action(reread(other), reread(owner))
    )
    assert sorted(results, key=str) == [None, Reason.NOT_ALLOWED]
    assert len(owners_of(account)) == 1


def test_of_two_owners_who_step_down_at_once_one_remains(owner, account, now):
    other = make_member(account, "Otto Berg", "otto@example.org", Role.OWNER, now)
    results = at_once(
        *(lambda who=who: memberships.change_role(reread(who), reread(who), Role.USER, now)
          for who in (owner, other))
    )  # fmt: skip
    assert sorted(results, key=str) == [None, Reason.LAST_OWNER]
    assert len(owners_of(account)) == 1


def test_of_two_owners_who_leave_at_once_one_remains(owner, account, now):
    other = make_member(account, "Otto Berg", "otto@example.org", Role.OWNER, now)
    results = at_once(
        lambda: memberships.leave(reread(owner), now), lambda: memberships.leave(reread(other), now)
    )
    assert sorted(results, key=str) == [None, Reason.LAST_OWNER]
    assert len(owners_of(account)) == 1


def owners_of(account):
    return Membership.select().where(
        Membership.account == account,
        Membership.role == Role.OWNER,
        Membership.deactivated_at.is_null(),
    )


def test_ten_presses_of_one_button_make_one_batch(owner, now):
    one = invitation_request(*(f"p{n}@example.org" for n in range(100)), key="k")
    batches = at_once(*[lambda: send_invitations.send(reread(owner), one, now)] * 10)
    assert {batch.id for batch in batches} == {Batch.get().id}
    assert Invitation.select().count() == Delivery.select().count() == 100


def test_two_admins_who_invite_the_same_people_at_once_invite_them_once(people, owner, now):
    emails = [f"p{n}@example.org" for n in range(100)]
    results = at_once(
        lambda: send_invitations.send(reread(owner), invitation_request(*emails), now),
        lambda: send_invitations.send(
            reread(people[Role.ADMIN]), invitation_request(*reversed(emails)), now
        ),
    )
    assert sum(answer is Reason.NOBODY_TO_INVITE for answer in results) == 1
    assert Invitation.select().count() == Delivery.select().count() == 100


def test_ten_admins_who_enable_the_link_at_once_get_one_link(owner, now):
    links = at_once(*[lambda: permanent_link.enable(reread(owner), now)] * 10)
    assert len({link.id for link in links}) == 1


def test_joining_ten_times_at_once_makes_one_member(owner, noa, now):
    link = permanent_link.enable(owner, now)
    joined = at_once(*[lambda: permanent_link.join(link, noa, now)] * 10)
    assert len({membership.id for membership in joined}) == 1


def test_ten_setups_at_once_make_one_installer(database, now):
    results = at_once(
        *(
            lambda n=n: installation.set_up(f"Box {n}", new_profile(f"p{n}@example.org"), now)
            for n in range(10)
        )
    )
    assert results.count(Reason.ALREADY_SET_UP) == 9
    assert User.select().count() == Account.select().count() == 1


def test_of_ten_resends_at_once_one_mails(owner, now):
    invitation = invite(owner, now)
    attempt_all(now)
    results = at_once(*[lambda: manage.resend(reread(owner), reread(invitation), now)] * 10)
    assert results.count(Reason.EMAIL_STILL_QUEUED) == 9
    assert Delivery.select().count() == 2


def test_each_mail_is_claimed_by_one_of_two_workers(owner, now):
    send(owner, now, *(f"p{n}@example.org" for n in range(49)))
    one, other = at_once(lambda: claims.claim(1, NOW, 300), lambda: claims.claim(2, NOW, 300))
    assert sorted([len(one), len(other)]) == [0, 49]


def test_of_many_claimed_mails_only_the_one_that_was_revoked_is_withdrawn(owner, now):
    send(owner, now, *(f"p{n}@example.org" for n in range(40)))
    revoked = Invitation.get(Invitation.email == "p7@example.org")
    Invitation.update(state="revoked").where(Invitation.id == revoked.id).execute()
    claimed = claims.claim(WORKER, NOW, 40)
    assert len(claimed) == 39
    states = {mail.recipient: mail.state for mail in Delivery.select()}
    assert states.pop("p7@example.org") == "withdrawn"
    assert set(states.values()) == {"sending"}


def in_a_process(path, start, results, action, arguments):
    db.configure(path)
    start.wait(WAIT)
    try:
        results.put(answer(lambda: action(*arguments)))
    except Exception as error:  # the test shows it
        results.put(repr(error))


def in_processes(path, count, action, *arguments):
    """The results of ``count`` processes that do the same thing at the same moment."""
    start, results = PROCESSES.Barrier(count), PROCESSES.Queue()
    processes = [
        PROCESSES.Process(target=in_a_process, args=(path, start, results, action, arguments))
        for _ in range(count)
    ]
    for process in processes:
        process.start()
    answered = [results.get(timeout=WAIT) for _ in processes]
    for process in processes:
        process.join()
    return answered


def acceptance_id(invitation_id, user_id):
    return acceptance(invitation_id, user_id).id


def issue_id(actor_id):
    emails = [f"p{n}@example.org" for n in range(1000)]
    return send_invitations.send(
        Membership.get_by_id(actor_id), invitation_request(*emails, key="k"), NOW
    ).id


def claim_all():
    return [mail.id for mail in claims.claim(random.randrange(1000), NOW, 300)]


@pytest.mark.slow
def test_each_mail_is_claimed_by_one_of_two_processes(owner, database, now):
    send(owner, now, *(f"p{n}@example.org" for n in range(49)))
    one, other = in_processes(database, 2, claim_all)
    assert len(one) + len(other) == 49
    assert not set(one) & set(other)


def claim_and_wait(path, taken, done):
    """Be the only worker, if nobody is, until told."""
    db.configure(path)
    with db.only_one("worker", lambda: True) as claimed:
        taken.put(claimed is not None)
        done.wait(WAIT)


@pytest.mark.slow
def test_only_one_process_is_the_worker_and_the_next_one_takes_over_when_it_is_killed(database):
    taken, done = PROCESSES.Queue(), PROCESSES.Event()
    first = PROCESSES.Process(target=claim_and_wait, args=(database, taken, done))
    first.start()
    assert taken.get(timeout=WAIT)
    with db.only_one("worker", lambda: True) as claimed:
        assert not claimed
    first.kill()
    first.join()
    with db.only_one("worker", lambda: True) as claimed:
        assert claimed


@pytest.mark.slow
def test_acceptances_in_four_processes_make_one_member(owner, noa, database, now):
    invitation = invite(owner, now)
    results = in_processes(database, 4, acceptance_id, invitation.id, noa.id)
    assert results.count(Reason.INVITATION_CLOSED) == 3
    assert Membership.get(Membership.user == noa).id in results


@pytest.mark.slow
def test_one_button_pressed_in_four_processes_makes_one_batch(owner, database):
    assert in_processes(database, 4, issue_id, owner.id) == [Batch.get().id] * 4
    assert Invitation.select().count() == Delivery.select().count() == 1000


STEPS = {
    "the invitations are written": (send_invitations, "_insert_invitations"),
    "the mails are queued": (enqueue, "queue_batch"),
    "the list is marked as sent": (staged_lists, "mark_sent"),
    "the rows of a list are written": (staging, "_insert"),
}
MOMENTS = [0.01, 0.05, 0.1, 0.2, 0.4]  # seconds of the second that all of it takes
CSV_OF_50_000 = b"".join(b"person%d@example.org\n" % number for number in range(MAX_ENTRIES))


def stage_50_000(actor_id):
    return staging.stage(Membership.get_by_id(actor_id), "p.csv", CSV_OF_50_000, NOW)


def send_the_list(actor_id):
    request = InvitationRequest("k", [], Role.USER, StagedList.get())
    return send_invitations.send(Membership.get_by_id(actor_id), request, NOW)


def do_until(path, current, step, action, actor_id):
    """Say when ``step`` is reached, or the deed begins, and stop at the step until killed."""
    db.configure(path)
    db.connect()
    if step is None:
        current.set()
    else:
        module, name = STEPS[step]
        original = getattr(module, name)

        def stop_there(*arguments):
            original(*arguments)
            current.set()
            time.sleep(WAIT)

        setattr(module, name, stop_there)
    action(actor_id)


def kill_during(path, step, seconds, action, actor_id):
    current = PROCESSES.Event()
    process = PROCESSES.Process(target=do_until, args=(path, current, step, action, actor_id))
    process.start()
    assert current.wait(WAIT)
    time.sleep(seconds)
    process.kill()
    process.join()
    assert schema.is_sound()


@pytest.mark.slow
def test_a_kill_while_a_list_is_read_keeps_all_its_rows_or_none(owner, database):
    kill_during(database, "the rows of a list are written", 0, stage_50_000, owner.id)
    assert StagedList.select().count() == StagedRow.select().count() == 0
    stage_50_000(owner.id)
    assert StagedRow.select().count() == MAX_ENTRIES


@pytest.mark.slow
def test_a_kill_while_50_000_people_are_invited_leaves_all_or_nothing(owner, database):
    staged = stage_50_000(owner.id)
    for step in (
        "the invitations are written",
        "the mails are queued",
        "the list is marked as sent",
    ):
        kill_during(database, step, 0, send_the_list, owner.id)
        assert (
            Batch.select().count() == Invitation.select().count() == Delivery.select().count() == 0
        )
        assert StagedRow.select().count() == MAX_ENTRIES
        assert reread(staged).batch_id is None
    for seconds in MOMENTS:
        kill_during(database, None, seconds, send_the_list, owner.id)
        sent = Batch.select().count() * MAX_ENTRIES
        assert Invitation.select().count() == Delivery.select().count() == sent
        assert StagedRow.select().count() == MAX_ENTRIES - sent
    batch = send_the_list(owner.id)
    assert Batch.get() == batch
    assert Invitation.select().count() == Delivery.select().count() == MAX_ENTRIES
