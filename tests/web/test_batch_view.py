"""What the page of a batch says and offers, for each state, without a request."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from invites.core.roles import Role
from invites.members.account_batches import ListedBatch
from invites.members.batch_progress import Progress
from invites.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    Invitation,
    InvitationState,
    InvitationStatus,
    Membership,
    User,
)
from invites.web.batch_view import BatchView, mail_tag

NOW = datetime(2026, 11, 2, 18, 4, tzinfo=UTC)
NOTHING = Progress(
    mails=dict.fromkeys(DeliveryState, 0),
    people=dict.fromkeys(InvitationStatus, 0),
    undelivered=[],
    deferred=[],
    not_due=0,
    per_minute=0.0,
    retriable=0,
    on_hold=0,
    unneeded=0,
    without_authority=0,
)


def progress(mails: Mapping[DeliveryState, int] = MappingProxyType({}), **counts: Any) -> Progress:
    """``mails`` to as many people, none of whom has answered."""
    people = NOTHING.people | {InvitationStatus.PENDING: sum(mails.values())}
    return replace(NOTHING, **{"mails": NOTHING.mails | dict(mails), "people": people} | counts)


WAITING = progress({DeliveryState.QUEUED: 3, DeliveryState.SENT: 1})
SENT = progress({DeliveryState.SENT: 4})
ANSWERED = replace(SENT, people=NOTHING.people | {InvitationStatus.ACCEPTED: 4})


def member(role: Role = Role.ADMIN, *, is_installer: bool = False) -> Membership:
    user = User(name="Ada", is_installer=is_installer, email_confirmed_at=NOW)
    return Membership(user=user, account=1, role=role)


def view(
    state: BatchState = BatchState.RUNNING,
    counts: Progress = WAITING,
    role: Role = Role.USER,
    **more: Any,
) -> BatchView:
    batch = Batch(id=7, state=state, role=role, stop_reason="550 No")
    usual = {"member": member(), "has_mail_server": True, "worker_is_running": True}
    return BatchView(batch, counts, now=NOW, **usual | more)


def actions(view: BatchView) -> list[str]:
    return [button.action for button in view.buttons]


def the_note(view: BatchView) -> str:
    (note,) = view.notes
    return f"{note.text} {note.details}"


def obstacle(view: BatchView) -> str:
    note = view.obstacle
    return f"{note.text} {note.details}" if note else ""


class TestButtons:
    @pytest.mark.parametrize(
        ("state", "counts", "expected"),
        [
            (BatchState.PROBING, WAITING, ["pause", "ask_cancellation"]),
            (BatchState.RUNNING, WAITING, ["pause", "ask_cancellation"]),
            (BatchState.PAUSED, WAITING, ["resume", "ask_cancellation"]),
            (BatchState.STOPPED, WAITING, ["resume", "ask_cancellation"]),
            (BatchState.PAUSED, SENT, ["resume"]),
            (BatchState.CANCELED, WAITING, []),
            (BatchState.DONE, SENT, []),
            (BatchState.DONE, progress(retriable=2), ["retry"]),
            (BatchState.DONE, progress(on_hold=2), ["send_on_hold"]),
        ],
    )
    def test_each_state_offers_what_can_be_done(
        self, state: BatchState, counts: Progress, expected: list[str]
    ) -> None:
        assert actions(view(state, counts)) == expected

    def test_resume_is_the_main_button_while_mails_wait(self) -> None:
        (resume, _cancel) = view(BatchState.PAUSED).buttons
        assert resume.is_main
        (resume,) = view(BatchState.PAUSED, SENT).buttons
        assert not resume.is_main

    def test_nothing_is_offered_beside_the_question_whether_to_cancel(self) -> None:
        assert actions(view(is_canceling=True)) == []

    def test_a_moderator_cannot_manage_a_batch_of_admins(self) -> None:
        of_admins = view(role=Role.ADMIN, member=member(Role.MODERATOR))
        assert not of_admins.may_manage
        assert actions(of_admins) == []
        assert actions(view(role=Role.USER, member=member(Role.MODERATOR))) != []


class TestPolling:
    def test_it_is_frequent_while_mails_are_sent(self) -> None:
        assert view().poll_seconds == 2

    @pytest.mark.parametrize(
        "calm",
        [view(BatchState.PAUSED), view(has_mail_server=False), view(BatchState.DONE, SENT)],
        ids=["paused", "no mail server", "sent, not answered"],
    )
    def test_it_is_slower_while_only_answers_can_come(self, calm: BatchView) -> None:
        assert calm.poll_seconds == 5

    def test_it_ends_when_everybody_has_answered(self) -> None:
        assert view(BatchState.DONE, ANSWERED).poll_seconds is None


class TestPace:
    def test_it_tells_the_speed_and_the_time_left(self) -> None:
        fast = replace(WAITING, per_minute=60.0)
        assert view(counts=fast).pace == "60 per minute, less than a minute left"

    def test_without_a_speed_mails_wait_for_their_turn(self) -> None:
        assert view().pace == "The unsent emails are queued."

    def test_the_first_mails_of_a_big_batch_are_sent_alone(self) -> None:
        assert view(BatchState.PROBING).pace == "Ten are sent first, then the others."

    def test_it_names_the_batch_that_is_sent_first(self) -> None:
        ahead = Batch(id=6)
        assert view(ahead=ahead).waits_for is ahead
        assert view(ahead=ahead).pace == "Waiting for another batch:"

    @pytest.mark.parametrize(
        "halted",
        [
            view(BatchState.PAUSED, ahead=Batch()),
            view(has_mail_server=False, ahead=Batch()),
            view(worker_is_running=False, ahead=Batch()),
            view(outage="no route", ahead=Batch()),
        ],
        ids=["paused", "no mail server", "no worker", "outage"],
    )
    def test_it_is_silent_while_nothing_can_be_sent(self, halted: BatchView) -> None:
        assert halted.pace == ""
        assert halted.waits_for is None

    @pytest.mark.parametrize("state", [BatchState.DONE, BatchState.RUNNING])
    def test_at_the_end_it_tells_which_mails_were_not_needed(self, state: BatchState) -> None:
        assert view(state, SENT, ahead=Batch()).pace == "Done."
        answered = progress({DeliveryState.SENT: 2, DeliveryState.WITHDRAWN: 1}, unneeded=1)
        end = "Done. 1 email wasn't needed: the person had answered."
        assert view(state, answered).pace == end
        assert view(state, answered).announcement == f"2 of 3 sent. {end}"

    def test_a_batch_with_mails_on_hold_has_not_ended(self) -> None:
        assert view(BatchState.DONE, replace(SENT, on_hold=1)).pace == ""


class TestObstacle:
    @pytest.mark.parametrize(
        ("shown", "words"),
        [
            (view(BatchState.PAUSED), "Paused. 3 emails stay queued until you resume."),
            (view(BatchState.STOPPED), "The mail server answered: 550 No"),
            (view(BatchState.CANCELED, NOTHING), "Canceled."),
            (view(has_mail_server=False), "No mail server is configured yet"),
            (view(worker_is_running=False), "The mail worker"),
            (view(outage="no route"), "Reason: no route"),
        ],
        ids=["paused", "stopped", "canceled", "no mail server", "no worker", "outage"],
    )
    def test_it_says_what_keeps_mails_from_being_sent(self, shown: BatchView, words: str) -> None:
        assert words in obstacle(shown)
        assert shown.pace == ""  # which would be in the same place

    @pytest.mark.parametrize("state", [BatchState.PAUSED, BatchState.STOPPED, BatchState.CANCELED])
    def test_the_state_of_the_batch_comes_before_others(self, state: BatchState) -> None:
        assert "mail worker" not in obstacle(
            view(state, worker_is_running=False, outage="no route")
        )

    def test_a_paused_batch_without_waiting_mails_has_none(self) -> None:
        assert view(BatchState.PAUSED, SENT).obstacle is None

    def test_there_is_none_once_all_is_sent(self) -> None:
        assert (
            view(BatchState.DONE, SENT, worker_is_running=False, outage="no route").obstacle is None
        )

    @pytest.mark.parametrize(
        ("what", "page"),
        [
            ({"has_mail_server": False}, "mail.mailbox"),
            ({"outage": "no route"}, "mail.page"),
        ],
    )
    def test_only_the_operator_gets_a_link_to_what_helps(
        self, what: dict[str, Any], page: str
    ) -> None:
        note = view(member=member(is_installer=True), **what).obstacle
        assert note is not None
        assert note.link is not None
        assert note.link.endpoint == page
        note = view(**what).obstacle
        assert note is not None
        assert note.link is None


class TestNotes:
    def test_a_batch_that_is_sent_has_none(self) -> None:
        assert view().notes == []
        assert view(BatchState.DONE, SENT).notes == []

    def test_unknown_outcomes_warn_of_duplicates_where_they_can_be_retried(self) -> None:
        unknown = progress({DeliveryState.UNKNOWN: 2}, retriable=2)
        assert "get it twice" in the_note(view(BatchState.DONE, unknown))
        over = replace(unknown, retriable=0)
        assert "get it twice" not in the_note(view(BatchState.DONE, over))
        low = member(Role.MODERATOR)
        shown = view(BatchState.DONE, unknown, role=Role.ADMIN, member=low)
        assert "get it twice" not in the_note(shown)

    def test_mails_on_hold_and_invitations_without_authority_are_told_beside_the_state(
        self,
    ) -> None:
        counts = replace(WAITING, on_hold=1, without_authority=2)
        assert "Paused" in obstacle(view(BatchState.PAUSED, counts))
        on_hold, without = view(BatchState.PAUSED, counts).notes
        assert "1 email is on hold: it was queued in the backup" in on_hold.text
        assert "2 invitations can't be accepted" in without.text
        assert without.link is not None
        assert without.link.values == {"status": "without_authority"}


class TestAnnouncement:
    def test_the_end_is_announced_with_the_totals(self) -> None:
        assert view(BatchState.DONE, SENT).announcement == "4 of 4 sent. Done."

    def test_nothing_is_announced_while_mails_are_sent(self) -> None:
        assert view().announcement == ""
        assert view(BatchState.PAUSED).announcement == ""

    def test_what_keeps_mails_is_announced_without_its_reason(self) -> None:
        assert "mail worker" in view(worker_is_running=False).announcement
        assert "mail server" in view(outage="no route").announcement
        assert "no route" not in view(outage="no route").announcement
        assert "Stopped" in view(BatchState.STOPPED).announcement

    def test_a_halted_batch_announces_no_outage(self) -> None:
        assert (
            view(BatchState.PAUSED, worker_is_running=False, outage="no route").announcement == ""
        )


class TestFigures:
    def test_four_are_always_there(self) -> None:
        found = [(figure.label, figure.count) for figure in view().figures]
        assert found == [("accepted", 0), ("declined", 0), ("queued", 3), ("failed", 0)]

    def test_failures_stand_out(self) -> None:
        counts = progress({DeliveryState.FAILED: 1, DeliveryState.BOUNCED: 1})
        failed = view(BatchState.DONE, counts).figures[3]
        assert (failed.count, failed.is_bad) == (2, True)
        assert not view().figures[3].is_bad

    def test_the_others_appear_when_they_count_something(self) -> None:
        withdrawn = {DeliveryState.UNKNOWN: 1, DeliveryState.WITHDRAWN: 6}
        counts = progress(withdrawn, on_hold=2, unneeded=3)
        assert [figure.count for figure in view(counts=counts).figures[4:]] == [1, 2, 3, 1]


class TestUndelivered:
    @staticmethod
    def rows(state: InvitationState, **more: Any) -> list[tuple[str | None, bool]]:
        invitation = Invitation(
            account=1, role=Role.USER, state=state, expires_at=NOW + timedelta(days=1)
        )
        failed = Delivery(invitation=invitation, state=DeliveryState.FAILED)
        found = view(BatchState.DONE, progress(undelivered=[failed]), **more).undelivered
        return [(row.tag and row.tag.look, row.can_manage) for row in found]

    def test_one_who_can_still_accept_can_be_mailed_again(self) -> None:
        assert self.rows(InvitationState.PENDING) == [(None, True)]

    def test_one_who_answered_needs_nothing(self) -> None:
        assert self.rows(InvitationState.ACCEPTED) == [("accepted", False)]

    def test_a_user_cannot_mail_again(self) -> None:
        assert self.rows(InvitationState.PENDING, member=member(Role.USER)) == [(None, False)]


@pytest.mark.parametrize(
    ("state", "mails", "undelivered", "text", "look"),
    [
        (BatchState.RUNNING, 1, 0, "1 of 4 sent", ""),
        (BatchState.PROBING, 0, 0, "0 of 4 sent", ""),
        (BatchState.DONE, 4, 0, "done", "accepted"),
        (BatchState.DONE, 3, 0, "done", "accepted"),  # one had answered
        (BatchState.DONE, 3, 1, "done, 1 undelivered", "warning"),
        (BatchState.DONE, 0, 0, "none sent", "warning"),
        (BatchState.PAUSED, 1, 0, "paused", "warning"),
        (BatchState.STOPPED, 1, 0, "stopped", "failed"),
        (BatchState.CANCELED, 1, 0, "canceled", ""),
    ],
)
def test_the_list_of_batches_tags_each_with_how_far_its_mails_are(
    state: BatchState, mails: int, undelivered: int, text: str, look: str
) -> None:
    listed = ListedBatch(Batch(state=state), 4, mails, undelivered)
    tag = mail_tag(listed, has_mail_server=True, is_installer=False)
    assert (tag.text, tag.look) == (text, look)


def test_without_a_mail_server_the_operator_reads_where_mails_wait() -> None:
    sent = ListedBatch(Batch(state=BatchState.RUNNING), 4, 0)
    assert mail_tag(sent, has_mail_server=False, is_installer=True).text == "in the Mailbox"
    assert mail_tag(sent, has_mail_server=False, is_installer=False).text == "queued"
