"""Reading files: the entries of lists as people have them, and what is refused."""

import codecs
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invites.core.errors import Reason, RuleError
from invites.lists import files
from invites.lists.entries import MAX_ENTRIES, Entry
from invites.lists.table import MAX_BYTES, Choice, Table
from invites.web.error_labels import sentence
from tests.support import large_files, list_files, zip_bombs
from tests.support.actions import ends_soon, refused

ADA = list_files.ADA


def read(content):
    table = files.read(content)
    return table.entries(table.choice())


def lists(maker):
    return [pytest.param(one, id=one.name) for one in maker()]


@pytest.mark.parametrize("one", lists(list_files.dialects))
def test_any_encoding_separator_and_line_end_is_read(one):
    assert read(one.content) == one.entries


@pytest.mark.parametrize("one", lists(list_files.oddities))
def test_unusual_lists_are_read(one):
    assert read(one.content) == one.entries


@pytest.mark.parametrize("one", lists(list_files.workbooks))
def test_a_workbook_is_read(one):
    assert read(one.content) == one.entries


@pytest.mark.parametrize("one", lists(list_files.contacts))
def test_contacts_are_read(one):
    assert read(one.content) == one.entries


@pytest.mark.parametrize("maker", [list_files.oddities, list_files.workbooks, list_files.contacts])
def test_text_and_delimiter_make_the_same_table_again(maker):
    for one in maker():
        table = files.read(one.content)
        again = Table(table.text.encode().decode(), table.delimiter)
        assert again.entries(again.choice()) == one.entries
        assert again.columns() == table.columns()


def test_another_column_can_be_picked():
    table = files.read(b"Name,Email,Boss\nAda,ada@example.org,x@example.org\n")
    assert table.choice() == Choice(email=1, name=0)
    assert table.entries(Choice(email=2, name=None)) == [Entry("x@example.org", 2)]


def test_first_and_last_names_are_one_more_column():
    rows = "Last Name,First Name,Email\nOkafor,Ada,a@x.org\n,Ben,b@x.org\nRoy,,c@x.org\n,,d@x.org\n"
    table = files.read(rows.encode())
    both = table.columns()[-1]
    assert (both.header, both.examples) == (
        "First Name + Last Name",
        ("Ada Okafor", "Ben", "Roy"),
    )
    assert table.choice() == Choice(email=2, name=both.index)
    assert [entry.name for entry in table.entries(table.choice())] == [
        "Ada Okafor",
        "Ben",
        "Roy",
        "",
    ]
    first_only = table.entries(Choice(email=2, name=1))
    assert [entry.name for entry in first_only] == ["Ada", "Ben", "", ""]


@pytest.mark.parametrize(
    "titles", ["Full name,First name,Last name", "Name,Given name,Family name"]
)
def test_a_column_of_full_names_is_preferred_to_first_and_last_names(titles):
    table = files.read(f"{titles},Email\nAda Okafor,Ada,Okafor,a@x.org\n".encode())
    assert table.choice() == Choice(email=3, name=0)


@pytest.mark.parametrize("titles", ["First name,Town", "Last name,Town"])
def test_a_first_or_last_name_alone_makes_no_full_name(titles):
    table = files.read(f"{titles},Email\nAda,Bonn,a@x.org\n".encode())
    assert [column.index for column in table.columns()] == [0, 1, 2]


def test_columns_say_what_is_in_them():
    table = files.read(f"Name,,Email\nAda,,{ADA}\nBen,,x@y.z\nCem,,\nDua,,\n".encode())
    name, email = table.columns()
    assert (name.index, name.header, name.examples) == (0, "Name", ("Ada", "Ben", "Cem"))
    assert (email.index, email.header, email.addresses) == (2, "Email", 2)


def test_columns_without_a_header_have_their_first_cells():
    (only,) = files.read(b"a@x.org\nb@x.org\n").columns()
    assert (only.header, only.examples, only.addresses) == ("", ("a@x.org", "b@x.org"), 2)


def test_at_most_a_hundred_columns_are_shown_including_those_with_addresses():
    columns = files.read(b"x," * 200 + b"ada@example.org\n").columns()
    assert len(columns) == 100
    assert columns[-1].index == 200


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.FILE_EMPTY),
        (b" \r\n\t\n", Reason.FILE_EMPTY),
        (codecs.BOM_UTF8, Reason.FILE_EMPTY),
        (codecs.BOM_UTF16_LE, Reason.FILE_EMPTY),
        (b"email\n", Reason.FILE_NO_ADDRESSES),
        (b"name,team\nAda,1\n", Reason.FILE_NO_ADDRESSES),
        (list_files.workbook({"A": [["name"], ["Ada"]]}), Reason.FILE_NO_ADDRESSES),
        (b"BEGIN:VCARD\nFN:Ada\nEND:VCARD\n", Reason.FILE_NO_ADDRESSES),
        (b"%PDF-1.7 a@b.c\n", Reason.FILE_NOT_TEXT),
        (b"\x89PNG\r\n\x1a\n a@b.c", Reason.FILE_NOT_TEXT),
        (b"\xff\xd8\xff\xe0 a photo", Reason.FILE_NOT_TEXT),
        (b"\x1f\x8b gzip", Reason.FILE_NOT_TEXT),
        (b"MZ\x90\0\3 a program", Reason.FILE_NOT_TEXT),
        (b"\x7fELF a program", Reason.FILE_NOT_TEXT),
        (b"ada@example.org\n\0", Reason.FILE_NOT_TEXT),
        (b"ada@example.org\n\1\2\3", Reason.FILE_NOT_TEXT),
        (bytes(range(256)) * 10, Reason.FILE_NOT_TEXT),
        (codecs.BOM_UTF16_LE + b"odd", Reason.FILE_NOT_TEXT),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, Reason.FILE_NOT_TEXT),
        (zip_bombs.ole("WordDocument"), Reason.FILE_NOT_TEXT),
        (zip_bombs.ole("EncryptedPackage"), Reason.FILE_WORKBOOK_LOCKED),
        (zip_bombs.ole("Workbook"), Reason.FILE_WORKBOOK_BROKEN),
        (zip_bombs.zipped({"list.csv": b"a@b.c"}), Reason.FILE_ZIP),
        (zip_bombs.zipped({}), Reason.FILE_ZIP),
        (b"\n<html><table><tr><td>ada@example.org", Reason.FILE_MARKUP),
        (b"<TABLE border=1><tr><td>ada@example.org", Reason.FILE_MARKUP),
        (b"<?xml version='1.0'?><Workbook>ada@example.org", Reason.FILE_MARKUP),
        (zip_bombs.zipped({"word/document.xml": b"a@b.c"}), Reason.FILE_NOT_TEXT),
        (zip_bombs.zipped({"xl/workbook.xml": b"a@b.c"}), Reason.FILE_WORKBOOK_BROKEN),
        (b"PK\x03\x04" + b"\0" * 100, Reason.FILE_WORKBOOK_BROKEN),
        (list_files.workbook({"A": [[ADA]]})[:-50], Reason.FILE_WORKBOOK_BROKEN),
        (b"Ada," + b"a@b.c," * 20_000, Reason.FILE_TOO_WIDE),
        (b'"\n",' * 400_000 + b"a@b.c", Reason.FILE_TOO_WIDE),
    ],
)  # fmt: skip
def test_other_files_are_refused_with_the_reason(content, reason):
    with refused(reason):
        read(content)


@pytest.mark.parametrize(
    ("content", "reason", "row"),
    [
        (f'email\n{ADA}\n"ada@example.org\nben@example.org\n', Reason.FILE_BROKEN_QUOTES, 3),
        (f'email\n"{ADA}\n' + "x@example.org\n" * 10_000, Reason.FILE_BROKEN_QUOTES, 2),
        (f'"{ADA}', Reason.FILE_BROKEN_QUOTES, 1),
        (f"email,note\n{ADA},\n{ADA}," + "x" * 200_000, Reason.FILE_LONG_CELL, 3),
        (f'email,note\n"{ADA}",' + "x" * 200_000, Reason.FILE_LONG_CELL, 2),
        (f'email,note\n{ADA},"' + "x" * 200_000 + '"', Reason.FILE_LONG_CELL, 2),
    ],
)
def test_the_row_that_cannot_be_read_is_named(app, content, reason, row):
    with refused(reason) as caught:
        read(content.encode())
    assert caught.value.details["row"] == row
    with app.test_request_context():
        assert f"ow {row} " in sentence(caught.value)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.startswith("file_")])
def test_each_refusal_has_a_sentence(app, reason):
    with app.test_request_context():
        assert sentence(RuleError(reason, row=3, limit=5)).endswith(".")


def addresses(count):
    return b"".join(b"person%d@example.org\n" % number for number in range(count))


@pytest.mark.parametrize("header", [b"", b"email\n"])
@pytest.mark.slow
def test_50_000_rows_are_read_and_one_more_is_refused(header):
    assert len(read(header + addresses(MAX_ENTRIES) + b"\n" * 10_000)) == MAX_ENTRIES
    with refused(Reason.LIST_TOO_LONG):
        read(header + addresses(MAX_ENTRIES + 1))


@pytest.mark.slow
def test_an_export_of_50_000_rows_and_20_columns_is_read():
    others = zip_bombs.cell("", "what a CRM knows") * 19
    people = (
        zip_bombs.row(n + 1, zip_bombs.cell("", f"p{n}@example.org"), others)
        for n in range(MAX_ENTRIES)
    )
    assert len(read(zip_bombs.workbook("".join(people)))) == MAX_ENTRIES


@pytest.mark.slow
def test_20_megabytes_are_read_and_a_byte_more_is_refused():
    content = b"ada@example.org\n" + (b" " * 1023 + b"\n") * 20 * 1024
    content = content[:MAX_BYTES]
    assert read(content) == [Entry(ADA, 1)]
    with refused(Reason.FILE_TOO_LARGE) as caught:
        read(content + b"\n")
    assert caught.value.details == {"limit": 20}


@pytest.mark.parametrize("name", zip_bombs.QUICK)
@pytest.mark.slow
def test_a_bomb_is_refused_before_it_goes_off(name):
    _goes_off_nowhere(*zip_bombs.QUICK[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", zip_bombs.SLOW)
def test_a_large_bomb_is_refused_before_it_goes_off(name):
    _goes_off_nowhere(*zip_bombs.SLOW[name])


def _goes_off_nowhere(make_bomb, reason):
    content = make_bomb()
    with ends_soon(), refused(reason):
        read(content)


@pytest.mark.parametrize(
    "cell",
    ["a@" + "." * 65_000 + " x", "a@" * 32_000, "1" * 90_000 + " x", "<" * 65_000, "x.y" * 30_000],
    ids=lambda cell: cell[:3],
)
def test_no_cell_takes_long(cell):
    with ends_soon():
        read(f"{cell}\nada@example.org\n".encode())


MEASURE = """
import sys
from invites.core.errors import RuleError
from invites.lists import files

def read(content):
    table = files.read(content)
    return table.entries(table.choice())

def peak():
    lines = open("/proc/self/status").read().split("\\n")
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

read(b"Name,Email\\nA,a@b.org")
open("/proc/self/clear_refs", "w").write("5")
idle, content = peak(), open(sys.argv[1], "rb").read()
try:
    read(content)
except RuleError:
    pass
print(peak() - idle)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells")
@pytest.mark.parametrize("separator", ["; ", ",  ", "\t| "])
def test_many_people_in_one_cell_are_read_quickly_even_if_one_has_no_address(separator):
    people = [f"Ann Lee {n} <ann{n}@example.org>" for n in range(25)]
    with ends_soon():
        read((separator.join([*people, "Bob"]) + "\n").encode())


@pytest.mark.parametrize("name", large_files.LARGE_FILES)
def test_20_megabytes_of_anything_take_less_than_100_megabytes(tmp_path, name):
    path = tmp_path / "list.csv"
    path.write_bytes(large_files.LARGE_FILES[name]())
    command = [sys.executable, "-c", MEASURE, str(path)]
    # Without a tracer: coverage alone takes 30 MB of this.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60, env=env)
    assert float(done.stdout) < 100


_PIECES = st.sampled_from(
    ["a@b.org", "Email", "Name", ",", ";", "\t", "|", '"', "\n", "\r\n", " ", "sep=;\n", "ü", "\0",
     "BEGIN:VCARD\n", "END:VCARD\n", "EMAIL", "FN", ":", "=", "ENCODING=QUOTED-PRINTABLE", "\\"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=30).map("".join), st.sampled_from(["utf-8", "utf-16"]))
def test_any_text_is_either_entries_or_a_reason(text, encoding):
    _is_read_or_refused(text.encode(encoding))


@given(st.binary() | st.binary().map(lambda tail: b"BEGIN:VCARD\nEMAIL:" + tail))
def test_any_bytes_are_either_entries_or_a_reason(content):
    _is_read_or_refused(content)


@given(st.data())
@pytest.mark.slow
def test_a_zip_with_any_directory_is_either_read_or_refused(data):
    content = bytearray(zip_bombs.zipped({"list.csv": b"a@b.c"}))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    _is_read_or_refused(bytes(content))


def _is_read_or_refused(content):
    try:
        table = files.read(content)
        choice = table.choice()
        entries = table.entries(choice)
    except RuleError:
        return
    assert choice.email in [column.index for column in table.columns()]
    assert choice.name != choice.email
    numbers = [entry.row for entry in entries]
    assert numbers == sorted(set(numbers))
    assert all(entry.text == entry.text.strip() for entry in entries)
    assert all("@" not in entry.name and len(entry.name) <= 100 for entry in entries)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.just("\n"), max_size=20),
            st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.org", fullmatch=True),
        ),
        min_size=1,
    ),
    st.sampled_from(",;\t|"),
)
@pytest.mark.slow
def test_written_csv_is_read_back(people, delimiter):
    text = list_files.csv_text([["Name", "Email"], *people], delimiter, "\r\n")
    found = read(text.encode())
    assert [(entry.text, entry.row) for entry in found] == [
        (email, row) for row, (_, email) in enumerate(people, start=2)
    ]


def test_the_sheets_of_a_workbook_are_named_starting_with_the_one_read():
    people = [["Email"], *([f"p{n}@example.org"] for n in range(9))]
    sheets = {"Read me": [["Hello"]], "People": people, "Old\u202e": people}
    assert files.read(list_files.workbook(sheets)).sheets == ("People", "Read me", "Old")
    assert files.read(b"Email\nada@example.org").sheets == ()
