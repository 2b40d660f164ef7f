"""Files that were dropped, kept until they are sent."""

from datetime import timedelta

import pytest

from invites import accounts, uploads
from invites.models import Upload
from invites.recipients import Entry
from invites.refusals import Reason
from invites.roles import Role
from tests.shorthand import refused, reread

CSV = b"email\nben@example.org\ncem@example.org\n"


@pytest.fixture
def upload(owner, now):
    return uploads.keep(owner, "people.csv", CSV, now)


def test_a_file_gives_its_entries_back(owner, upload):
    found = uploads.find(owner, upload.id)
    expected = [Entry("ben@example.org", 2), Entry("cem@example.org", 3)]
    assert uploads.entries(found) == expected
    assert found.file_name == "people.csv"


def test_no_file_has_no_entries(owner):
    assert uploads.entries(None) == []
    assert uploads.find(owner, None) is None


@pytest.mark.parametrize("number", [0, -1, 999, 2**63, 10**30])
def test_a_forged_number_finds_nothing(owner, upload, number):
    assert uploads.find(owner, number) is None


def test_a_file_is_found_by_nobody_else(people, owner, upload, now):
    assert uploads.find(people[Role.ADMIN], upload.id) is None
    second = accounts.found("Second", owner.user, now)
    assert uploads.find(accounts.membership(owner.user, second.slug), upload.id) is None


def test_a_bad_file_is_refused_and_not_kept(owner, now):
    with refused(Reason.FILE_NO_ADDRESSES):
        uploads.keep(owner, "people.csv", b"name\nAda\n", now)
    assert Upload.select().count() == 0


def test_a_file_that_was_taken_away_is_dropped(owner, upload):
    uploads.drop(upload)
    assert uploads.find(owner, upload.id) is None


def test_a_file_is_forgotten_after_a_day(owner, upload, now):
    uploads.sweep(now + timedelta(days=1))
    assert reread(upload) == upload
    uploads.sweep(now + timedelta(days=1, seconds=1))
    assert uploads.find(owner, upload.id) is None


def test_anybodys_new_file_sweeps_out_the_old_ones(people, owner, upload, now):
    uploads.keep(people.stranger, "new.csv", CSV, now + timedelta(days=1, seconds=1))
    assert uploads.find(owner, upload.id) is None


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("C:\\Users\\Ada\\people.csv", "people.csv"),
        ("/home/ada/people.csv", "people.csv"),
        ("../../etc/passwd", "passwd"),
        ("pe\0op\nle.csv", "people.csv"),
        ("\u202evsc.exe", "vsc.exe"),
        ("Größe 5.csv", "Größe 5.csv"),
        ("", "list.csv"),
        ("/", "list.csv"),
        ("\n", "list.csv"),
        ("x" * 500, "x" * 120),
    ],
)
def test_the_name_of_a_file_is_fit_to_be_shown(owner, now, sent, kept):
    assert uploads.keep(owner, sent, CSV, now).file_name == kept


def test_a_file_of_50_000_rows_is_kept(owner, now):
    rows = b"".join(b"person%d@example.org\n" % number for number in range(50_000))
    upload = uploads.keep(owner, "people.csv", b"email\n" + rows, now)
    assert len(uploads.entries(uploads.find(owner, upload.id))) == 50_000


def test_the_newest_three_files_of_a_person_are_kept(owner, now):
    kept = [uploads.keep(owner, f"{n}.csv", CSV, now) for n in range(5)]
    assert [uploads.find(owner, file.id) is not None for file in kept] == [False] * 2 + [True] * 3


def test_a_huge_cell_is_kept_only_as_far_as_it_can_be_shown(owner, now):
    upload = uploads.keep(owner, "people.csv", CSV + b"x" * 90_000 + b"@example.org\n", now)
    assert max(len(entry.text) for entry in uploads.entries(upload)) == 1000
