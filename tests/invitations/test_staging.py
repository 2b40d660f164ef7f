"""Staged lists: uploaded, reviewed, edited, and sent once."""

import io
import tracemalloc
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invites import db
from invites.core.errors import Reason
from invites.core.roles import Role
from invites.invitations import (
    classify,
    edits,
    send_invitations,
    skipped,
    staged_lists,
    staged_rows,
    staging,
    subprocess_pool,
)
from invites.invitations.review import review_entries
from invites.invitations.send_invitations import LARGE, Approval, InvitationRequest
from invites.invitations.subprocess_pool import PoolError
from invites.lists.entries import MAX_ENTRIES, Entry
from invites.lists.table import BOTH_NAMES, Choice
from invites.members import accounts, answers, memberships
from invites.models import INVITED, Batch, Delivery, EntryOutcome, Invitation, StagedList, StagedRow
from tests.support import zip_bombs
from tests.support.actions import invite, refused, reread, send
from tests.support.postgres import sqlite_only

CSV = b"""name,email,boss
Ben,ben@example.org,olive@example.org
Cem,cem@example.org,olive@example.org
Ada,ada@example.org,
Ben again,BEN@example.org,
Nobody,not one,
"""


@pytest.fixture
def staged(people, owner, now):
    return staging.stage(owner, "people.csv", CSV, now)


def outcomes(staged):
    """Row number to outcome."""
    rows = StagedRow.select().where(StagedRow.list == staged.id).order_by(StagedRow.number)
    return {row.number: row.outcome for row in rows}


def row(staged, number):
    return StagedRow.get(StagedRow.list == staged.id, StagedRow.number == number)


def shown(staged, outcome, number):
    return staged_rows.page(staged, outcome, number)


def seen(owner, staged, now, *typed, agreed=None):
    entries = [Entry(text) for text in typed]
    return Approval(review_entries(owner.account, entries, staged, now).fingerprint, agreed)


def invitation_request(staged, *typed, key="k", role=Role.USER, **more):
    return InvitationRequest(key, [Entry(text) for text in typed], role, staged, **more)


class TestKeeping:
    def test_every_row_has_one_outcome_and_they_add_up(self, staged):
        assert outcomes(staged) == {
            2: "invite",
            3: "invite",
            4: "member",
            5: "duplicate",
            6: "invalid",
        }
        assert staged_rows.counts(staged).total() == 5

    def test_rows_keep_their_text_name_address_and_problem(self, staged):
        twice, wrong = row(staged, 5), row(staged, 6)
        assert (twice.text, twice.name, twice.email) == (
            "BEN@example.org",
            "Ben again",
            "ben@example.org",
        )
        assert (wrong.text, wrong.email, wrong.problem) == ("not one", "", Reason.ADDRESS_NO_AT)

    @pytest.mark.parametrize("number", [None, 0, -1, 999])
    def test_a_forged_number_finds_nothing(self, owner, now, number):
        staging.stage(owner, "people.csv", CSV, now)
        assert staged_lists.find(owner, number) is None

    def test_a_list_is_found_only_by_its_uploader(self, people, owner, staged, now):
        second = accounts.create("Second", owner.user, now)
        for other in (people[Role.ADMIN], accounts.find_membership(owner.user, second.slug)):
            assert staged_lists.find(other, staged.id) is None
            assert staged_lists.newest(other) is None

    def test_the_newest_unsent_list_is_there_again(self, owner, staged, now):
        newer = staging.stage(owner, "newer.csv", b"zed@example.org\n", now)
        assert staged_lists.newest(owner) == newer
        send_invitations.send(owner, invitation_request(newer), now)
        assert staged_lists.newest(owner) == staged

    def test_a_replaced_list_does_not_come_back(self, owner, staged, now):
        newer = staging.stage(owner, "newer.csv", b"zed@example.org\n", now, instead_of=staged.id)
        assert staged_lists.find(owner, staged.id) is None
        send_invitations.send(owner, invitation_request(newer), now)
        assert staged_lists.newest(owner) is None

    def test_a_list_is_replaced_only_by_a_file_that_can_be_read(self, owner, staged, now):
        with refused(Reason.FILE_NO_ADDRESSES):
            staging.stage(owner, "newer.csv", b"name\nAda\n", now, instead_of=staged.id)
        assert staged_lists.newest(owner) == staged

    def test_a_sent_list_is_not_replaced(self, owner, staged, now):
        batch = send_invitations.send(owner, invitation_request(staged), now)
        staging.stage(owner, "newer.csv", CSV, now, instead_of=staged.id)
        assert send_invitations.send(owner, invitation_request(staged), now) == batch

    def test_nobody_replaces_the_list_of_somebody_else(self, people, staged, now):
        staging.stage(people[Role.ADMIN], "theirs.csv", CSV, now, instead_of=staged.id)
        assert StagedList.select().count() == 2

    def test_a_bad_file_is_refused_and_not_kept(self, owner, now):
        with refused(Reason.FILE_NO_ADDRESSES):
            staging.stage(owner, "people.csv", b"name\nAda\n", now)
        assert StagedList.select().count() == StagedRow.select().count() == 0

    def test_deleting_a_list_deletes_its_rows(self, owner, staged):
        staged_lists.delete(staged)
        assert staged_lists.find(owner, staged.id) is None
        assert StagedRow.select().count() == 0

    def test_a_list_is_deleted_after_a_day(self, owner, staged, now):
        staged_lists.delete_expired(now + timedelta(days=1))
        assert staged_lists.find(owner, staged.id) == staged
        staged_lists.delete_expired(now + timedelta(days=1, seconds=1))
        assert StagedList.select().count() == StagedRow.select().count() == 0

    def test_only_the_three_newest_lists_of_a_person_are_kept(self, owner, now):
        kept = [staging.stage(owner, f"{n}.csv", CSV, now) for n in range(5)]
        assert [staged_lists.find(owner, one.id) is not None for one in kept] == [False] * 2 + [
            True
        ] * 3

    @pytest.mark.parametrize(
        ("sent", "kept"),
        [
            ("people.csv", "people.csv"),
            ("C:\\\\Users\\\\Olive\\\\people.csv", "people.csv"),
            ("/home/olive/people.csv", "people.csv"),
            ("a\nb\u202e.csv", "ab.csv"),
            ("x" * 300 + ".csv", "x" * 120),
            ("/", "list.csv"),
        ],
    )
    def test_a_file_name_is_stored_without_folders_and_invisible_characters(
        self, owner, now, sent, kept
    ):
        assert staging.stage(owner, sent, CSV, now).file_name == kept

    @pytest.mark.slow
    def test_50_000_rows_fit(self, owner, now):
        rows = b"".join(b"person%d@example.org\n" % n for n in range(MAX_ENTRIES))
        staged = staging.stage(owner, "people.csv", b"email\n" + rows, now)
        assert staged_rows.counts(staged) == {EntryOutcome.INVITE: MAX_ENTRIES}
        with refused(Reason.LIST_TOO_LONG):
            review_entries(owner.account, [Entry("one.more@example.org")], staged, now)


class TestLookingOver:
    def test_pages_show_rows_in_the_order_of_the_file(self, owner, now):
        rows = "".join(f"p{n}@example.org\nwrong {n}\n" for n in range(50))
        staged = staging.stage(owner, "p.csv", rows.encode(), now)
        first, last = shown(staged, None, 1), shown(staged, None, 99)
        assert [row.number for row in first] == list(range(1, 21))
        assert (last.last, last.total) == (100, 100)
        wrong = shown(staged, EntryOutcome.INVALID, 1)
        assert (wrong.total, wrong.rows[0].text) == (50, "wrong 0")

    def test_an_edited_row_is_classified_again(self, staged, now):
        edits.edit_row(staged, 6, " Nobody@Example.org ", now)
        edited = row(staged, 6)
        assert (edited.outcome, edited.email, edited.problem) == (
            "invite",
            "nobody@example.org",
            "",
        )
        edits.edit_row(staged, 6, "olive@example.org", now)
        assert row(staged, 6).outcome == "member"
        edits.edit_row(staged, 6, "still not one", now)
        assert (row(staged, 6).outcome, row(staged, 6).email) == ("invalid", "")

    def test_an_excluded_row_can_be_included_again(self, staged, now):
        edits.exclude(staged, 3, now)
        assert row(staged, 3).outcome == "excluded"
        edits.include(staged, 3, now)
        assert row(staged, 3).outcome == "invite"
        edits.exclude(staged, 6, now)
        edits.include(staged, 6, now)
        assert row(staged, 6).outcome == "invalid"

    def test_a_duplicate_counts_once_the_first_row_is_excluded_or_edited(self, staged, now):
        edits.exclude(staged, 2, now)
        assert outcomes(staged)[5] == "invite"
        edits.include(staged, 2, now)
        assert (outcomes(staged)[2], outcomes(staged)[5]) == ("invite", "duplicate")
        edits.edit_row(staged, 2, "benno@example.org", now)
        assert (outcomes(staged)[2], outcomes(staged)[5]) == ("invite", "invite")

    def test_a_domain_is_corrected_in_all_rows(self, owner, now):
        rows = b"a@gmial.com\nb@GMIAL.com\nc@gmail.con\nd@gmail.con\nd@gmail.com\ne@hotmial.com\n"
        staged = staging.stage(owner, "p.csv", rows, now)
        assert staged_rows.common_misspellings(staged) == [
            ("gmial.com", "gmail.com", 2),
            ("gmail.con", "gmail.com", 2),
        ]
        assert edits.correct_domain(staged, "gmial.com", now) == 2
        assert (row(staged, 1).text, row(staged, 2).text) == ("a@gmail.com", "b@gmail.com")
        edits.correct_domain(staged, "gmail.con", now)
        assert list(outcomes(staged).values()) == ["invite"] * 4 + ["duplicate", "invalid"]
        assert staged_rows.common_misspellings(staged) == []

    def test_misspellings_in_many_rows_are_counted_with_little_memory(self, owner, now):
        rows = "".join(f"p{n}@gmial.com\n" for n in range(5_000)).encode()
        staged = staging.stage(owner, "p.csv", rows, now)
        tracemalloc.start()
        assert staged_rows.common_misspellings(staged) == [("gmial.com", "gmail.com", 5_000)]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 200_000

    def test_undoing_a_correction_keeps_other_edits(self, owner, now):
        rows = b"a@gmial.com\nb@GMIAL.com\nc@gmial.com\nd@gmail.com\ne@gmail.con\n"
        staged = staging.stage(owner, "p.csv", rows, now)
        edits.exclude(staged, 2, now)
        before = outcomes(staged)
        edits.edit_row(staged, 5, "e@gmail.com", now)
        edits.correct_domain(staged, "gmial.com", now)
        edits.edit_row(staged, 3, "kim@example.org", now)
        edits.undo_correction(staged, "gmial.com", now)
        assert outcomes(staged) == {**before, 3: "invite", 5: "invite"}
        assert (row(staged, 1).text, row(staged, 3).text) == ("a@gmial.com", "kim@example.org")
        assert edits.correct_domain(staged, "gmial.com", now) == 1

    @pytest.mark.slow
    def test_many_rows_are_corrected_and_that_is_undone_in_a_subprocess(
        self, owner, now, monkeypatch
    ):
        rows = "".join(f"p{n}@gmial.com\n" for n in range(5_000)).encode()
        staged = staging.stage(owner, "p.csv", rows, now)
        monkeypatch.setattr(classify, "read", None)  # would be called in this process
        edits.correct_domain(staged, "gmial.com", now)
        assert staged_rows.counts(staged) == {EntryOutcome.INVITE: 5_000}
        edits.undo_correction(staged, "gmial.com", now)
        assert staged_rows.counts(staged) == {EntryOutcome.INVALID: 5_000}

    def test_rows_misspelled_outside_their_domain_are_not_grouped(self, owner, now):
        rows = b"www.a@gmail.com\nwww.b@gmail.com\n"
        staged = staging.stage(owner, "p.csv", rows, now)
        assert row(staged, 1).suggestion == "a@gmail.com"
        assert staged_rows.common_misspellings(staged) == []

    def test_an_address_kept_as_is_is_invited(self, owner, now):
        staged = staging.stage(owner, "p.csv", b"a@gmial.com\nb@example.org\n", now)
        assert outcomes(staged)[1] == "invalid"
        edits.keep_as_is(staged, 1, now)
        assert (outcomes(staged)[1], row(staged, 1).email) == ("invite", "a@gmial.com")
        assert not edits.reclassify(staged, now)

    def test_a_missing_row_is_refused(self, staged, now):
        for number in (1, 7, 10**6):
            with refused(Reason.NOT_FOUND):
                edits.exclude(staged, number, now)

    def test_other_columns_can_be_picked(self, staged, now):
        assert [column["header"] for column in staged.columns] == ["name", "email", "boss"]
        assert (staged.email_column, staged.name_column) == (1, 0)
        edits.edit_row(staged, 6, "nobody@example.org", now)
        staging.pick_columns(staged, Choice(2, None), now)
        assert outcomes(staged) == {
            2: "member",
            3: "duplicate",
            4: "invalid",
            5: "invalid",
            6: "invalid",
        }
        assert row(staged, 2).name == ""
        assert (reread(staged).email_column, reread(staged).name_column) == (2, None)

    @pytest.mark.slow
    def test_other_columns_of_a_large_list_are_read_in_a_subprocess(self, owner, now, monkeypatch):
        text = "a,b\n" + "".join(f"a{n}@example.org,b{n}@example.org\n" for n in range(5_000))
        staged = staging.stage(owner, "p.csv", text.encode(), now)
        monkeypatch.setattr(staging, "_classified", None)  # would be called in this process
        staging.pick_columns(staged, Choice(1, None), now)
        assert staged.email_column == 1
        assert staged_rows.counts(staged) == {"invite": 5_000}
        assert row(staged, 2).email == "b0@example.org"

    def test_picking_another_name_column_keeps_edits_and_exclusions(self, staged, now):
        edits.edit_row(staged, 6, "nobody@example.org", now)
        edits.exclude(staged, 3, now)
        before = outcomes(staged)
        staging.pick_columns(staged, Choice(1, None), now)
        assert outcomes(staged) == before
        assert (row(staged, 6).text, row(staged, 2).name) == ("nobody@example.org", "")
        staging.pick_columns(staged, Choice(1, 0), now)
        assert row(staged, 2).name == "Ben"
        assert reread(staged).name_column == 0

    @pytest.mark.parametrize(
        "text",
        [
            "Nobody <no@example.org>",
            "mailto:no@example.org",
            "no@example.org,",
            "\u200bno@example.org",
        ],
    )
    def test_text_pasted_into_a_row_is_read_as_in_a_file(self, staged, now, text):
        edits.edit_row(staged, 6, text, now)
        assert (row(staged, 6).text, row(staged, 6).outcome) == ("no@example.org", "invite")

    def test_first_and_last_names_can_be_picked_together_and_alone(self, owner, now):
        rows = b"First name,Last name,Email\nAda,Okafor,ada@x.org\nBen,,not one\n"
        staged = staging.stage(owner, "p.csv", rows, now)
        assert (row(staged, 2).name, row(staged, 3).name) == ("Ada Okafor", "Ben")
        staging.pick_columns(staged, Choice(2, 0), now)
        assert row(staged, 2).name == "Ada"
        staging.pick_columns(staged, Choice(2, BOTH_NAMES), now)
        assert row(staged, 2).name == "Ada Okafor"
        with refused(Reason.NOT_FOUND):
            staging.pick_columns(staged, Choice(BOTH_NAMES, None), now)

    @pytest.mark.parametrize(
        "choice", [Choice(3, None), Choice(-1, 0), Choice(1, 3), Choice(1, BOTH_NAMES)]
    )
    def test_a_missing_column_is_refused(self, staged, now, choice):
        with refused(Reason.NOT_FOUND):
            staging.pick_columns(staged, choice, now)
        assert len(outcomes(staged)) == 5

    def test_a_sent_list_cannot_be_edited(self, owner, staged, now):
        send_invitations.send(owner, invitation_request(staged), now)
        for action in (
            lambda: edits.exclude(staged, 2, now),
            lambda: staging.pick_columns(staged, Choice(2, None), now),
            lambda: edits.correct_domain(staged, "example.org", now),
            lambda: edits.undo_correction(staged, "example.org", now),
        ):
            with refused(Reason.NOT_FOUND):
                action()

    def test_picking_columns_of_a_deleted_list_is_refused(self, staged, now):
        staged_lists.delete(staged)
        with refused(Reason.NOT_FOUND):
            staging.pick_columns(staged, Choice(2, None), now)

    def test_rows_that_are_not_invited_are_listed(self, staged):
        assert [row.number for row in staged_rows.without(staged, INVITED)] == [4, 5, 6]

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["edit_row", "exclude", "include", "keep_as_is"]),
                st.integers(2, 6),
                st.sampled_from(["ben@example.org", "new@example.org", "wrong", "", "ada@x"]),
            ),
            max_size=8,
        )
    )
    @pytest.mark.slow
    def test_any_edits_leave_the_outcomes_of_classifying_everything_again(
        self, staged, now, actions
    ):
        with db.database.atomic() as undone:
            for action, number, text in actions:
                more = (text,) if action == "edit_row" else ()
                getattr(edits, action)(staged, number, *more, now)
            before = outcomes(staged)
            assert len(before) == 5
            assert not edits.reclassify(staged, now)
            assert outcomes(staged) == before
            emails = [email for email, _ in staged_rows.recipients(staged, INVITED)]
            assert len(emails) == len(set(emails))
            undone.rollback()


class TestSending:
    def test_rows_are_sent_with_typed_entries_rows_first(self, owner, staged, now):
        batch = send_invitations.send(
            owner, invitation_request(staged, "dora@example.org", "ben@example.org"), now
        )
        invited = Invitation.select().where(Invitation.batch == batch).order_by(Invitation.id)
        assert [one.email for one in invited] == [
            "ben@example.org",
            "cem@example.org",
            "dora@example.org",
        ]
        assert [one.name for one in invited] == ["Ben", "Cem", ""]
        assert batch.file_name == "people.csv"
        batch = reread(batch)
        assert batch.skipped["counts"] == {"member": 1, "duplicate": 2, "invalid": 1}
        first, *others = skipped.of_batch(batch)
        assert first[:3] == (6, "not one", "address_no_at")
        assert [one.outcome for one in others] == ["member", "duplicate", "duplicate"]

    def test_a_list_is_sent_once_from_two_tabs(self, owner, staged, now):
        first = send_invitations.send(owner, invitation_request(staged, key="one tab"), now)
        again = send_invitations.send(owner, invitation_request(staged, key="another tab"), now)
        assert first == again
        assert Batch.select().count() == 1
        assert Delivery.select().count() == 2

    def test_a_sent_list_is_not_sent_again_with_other_content(self, owner, staged, now):
        send_invitations.send(owner, invitation_request(staged), now)
        for other in (
            invitation_request(staged, role=Role.ADMIN),
            invitation_request(staged, "dora@example.org"),
        ):
            with refused(Reason.LIST_SENT):
                send_invitations.send(owner, other, now)
        assert Batch.select().count() == 1

    def test_rows_are_deleted_once_sent(self, owner, staged, now):
        batch = send_invitations.send(owner, invitation_request(staged), now)
        assert StagedRow.select().count() == 0
        assert (reread(staged).batch, bytes(reread(staged).content)) == (batch, b"")

    def test_a_review_that_was_seen_is_sent(self, owner, staged, now):
        review = seen(owner, staged, now, "dora@example.org")
        assert send_invitations.send(
            owner, invitation_request(staged, "dora@example.org", approval=review), now
        )

    @pytest.mark.parametrize("typed", [(), ("eve@example.org",)])
    def test_a_review_that_was_not_seen_is_not_sent(self, owner, staged, now, typed):
        review = seen(owner, staged, now, "dora@example.org")
        with refused(Reason.REVIEW_FIRST):
            send_invitations.send(owner, invitation_request(staged, *typed, approval=review), now)
        with refused(Reason.REVIEW_FIRST):
            send_invitations.send(
                owner, invitation_request(staged, approval=seen(owner, None, now)), now
            )

    def test_reclassifying_returns_what_changed(self, people, owner, staged, now):
        review = seen(owner, staged, now)
        invitation = invite(people[Role.ADMIN], now, "ben@example.org")
        with refused(Reason.REVIEW_FIRST):
            send_invitations.send(owner, invitation_request(staged, approval=review), now)
        assert outcomes(staged)[2] == "invite"
        assert edits.reclassify(staged, now) == {(EntryOutcome.INVITE, EntryOutcome.PENDING): 1}
        assert send_invitations.send(
            owner, invitation_request(staged, approval=seen(owner, staged, now)), now
        )
        answers.decline(invitation, now)

    def test_the_number_of_many_rows_has_to_be_confirmed(self, owner, now):
        rows = "".join(f"p{n}@example.org\n" for n in range(LARGE))
        staged = staging.stage(owner, "p.csv", rows.encode(), now)
        with refused(Reason.CONFIRM_FIRST):
            send_invitations.send(
                owner, invitation_request(staged, approval=seen(owner, staged, now)), now
            )
        review = seen(owner, staged, now, agreed=LARGE)
        assert send_invitations.send(owner, invitation_request(staged, approval=review), now)

    def test_removed_members_are_invited_only_on_request(self, people, owner, now):
        memberships.deactivate(owner, people[Role.USER], now)
        staged = staging.stage(owner, "p.csv", b"uma@example.org\n", now)
        with refused(Reason.NOBODY_TO_INVITE):
            send_invitations.send(owner, invitation_request(staged), now)
        assert send_invitations.send(
            owner, invitation_request(staged, also=frozenset({EntryOutcome.REMOVED})), now
        )

    def test_excluded_rows_are_not_mailed(self, owner, now):
        staged = staging.stage(owner, "p.csv", b"one@example.org\n", now)
        edits.exclude(staged, 1, now)
        with refused(Reason.NOBODY_TO_INVITE):
            send_invitations.send(owner, invitation_request(staged), now)
        send(owner, now, "one@example.org")

    @sqlite_only
    def test_a_list_is_sent_although_an_earlier_one_had_its_id(self, owner, staged, now):
        first = send_invitations.send(owner, invitation_request(staged), now)
        later = now + staged_lists.KEPT + timedelta(seconds=1)
        next_one = staging.stage(owner, "next.csv", b"zed@example.org\n", later)
        assert next_one.id == staged.id
        assert send_invitations.send(owner, invitation_request(next_one), later) != first

    @sqlite_only
    def test_an_approval_does_not_apply_to_a_later_list_with_the_same_id(self, owner, staged, now):
        review = seen(owner, staged, now)
        staged_lists.delete(staged)
        soon = now + timedelta(seconds=1)
        next_one = staging.stage(owner, "next.csv", CSV.replace(b"Cem", b"Kim"), soon)
        assert next_one.id == staged.id
        with refused(Reason.REVIEW_FIRST):
            send_invitations.send(owner, invitation_request(next_one, approval=review), soon)

    def test_a_deleted_list_counts_as_empty(self, owner, staged, now):
        staged_lists.delete(staged)
        with refused(Reason.LIST_EMPTY):
            send_invitations.send(owner, invitation_request(staged), now)


class TestLargeFiles:
    @pytest.fixture
    def large(self):
        rows = b"".join(b"a.rather.long.address.of.person%d@example.org\n" % n for n in range(9000))
        return io.BytesIO(b"email\n" + rows)

    def test_are_read_in_a_subprocess(self, owner, now, large):
        staged = staging.stage_file(owner, "p.csv", large, now)
        assert staged_rows.counts(staged) == {EntryOutcome.INVITE: 9000}
        assert staged_lists.newest(owner) == staged

    def test_of_a_workbook_the_processor_time_counts_however_small_it_is(self, owner, now):
        small = io.BytesIO(zip_bombs.workbook("<row/>" * 300_000))
        subprocess_pool.take_seconds_spent()
        with refused(Reason.FILE_NO_ADDRESSES):
            staging.stage_file(owner, "p.xlsx", small, now)
        assert subprocess_pool.take_seconds_spent() > 0

    def test_of_guessing_an_encoding_the_processor_time_counts(self, owner, now):
        small = io.BytesIO(b"Name,Email\n\xcf\xe5\xf2\xf0,p@example.org\n")
        subprocess_pool.take_seconds_spent()
        staging.stage_file(owner, "p.csv", small, now)
        assert subprocess_pool.take_seconds_spent() > 0

    def test_are_read_in_another_way_in_a_subprocess(self, owner, now, monkeypatch):
        rows = "".join(f"Łukasz,person{n}@example.org\n" for n in range(20_000))
        content = io.BytesIO(f"Name,Email\n{rows}".encode("cp1250"))
        staged = staging.stage_file(owner, "p.csv", content, now)
        assert (staged.encoding, row(staged, 2).name) == ("cp1250", "Łukasz")
        monkeypatch.setattr(staging, "_classified", None)  # would be called in this process
        staging.pick_format(staged, "cp1252", ",", now)
        assert (staged.encoding, row(staged, 2).name) == ("cp1252", "")

    def test_replace_the_list_before(self, owner, staged, now, large):
        staging.stage_file(owner, "p.csv", large, now, instead_of=staged.id)
        assert staged_lists.find(owner, staged.id) is None

    def test_are_refused_with_the_reason(self, owner, now, large):
        bad = io.BytesIO(large.getvalue().replace(b"@", b" at "))
        with refused(Reason.FILE_NO_ADDRESSES):
            staging.stage_file(owner, "p.csv", bad, now)

    def test_that_break_the_subprocess_are_refused_and_not_kept(
        self, owner, now, large, monkeypatch
    ):
        def break_down(*_):
            raise PoolError

        monkeypatch.setattr(staging.subprocess_pool, "run", break_down)
        with refused(Reason.FILE_UNREADABLE):
            staging.stage_file(owner, "p.csv", large, now)
        assert StagedList.select().count() == 0
