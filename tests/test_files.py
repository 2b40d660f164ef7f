"""Reading an uploaded CSV file."""

import codecs
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invites import files
from invites.recipients import Entry
from invites.refusals import Reason, Refused
from invites.tables import MAX_BYTES
from tests.shorthand import refused


def read_csv(content):
    table = files.read(content)
    entries = table.entries(table.choice())
    return [Entry(entry.text, entry.row) for entry in entries if entry.text]


ADA_AND_BEN = [Entry("ada@example.org", 2), Entry("ben@example.org", 3)]


@pytest.mark.parametrize(
    "text",
    [
        "email\nada@example.org\nben@example.org\n",
        "email\nada@example.org\nben@example.org",
        "email\r\nada@example.org\r\nben@example.org\r\n",
        "email\rada@example.org\rben@example.org\r",
        '"email"\n"ada@example.org"\n"ben@example.org"\n',
        "email\n  ada@example.org  \nben@example.org\n",
        "name,email\nAda,ada@example.org\nBen,ben@example.org\n",
        "email,name\nada@example.org,Ada\nben@example.org,Ben\n",
        "name;email;team\nAda;ada@example.org;1\nBen;ben@example.org;2\n",
        'name;email\n"Okafor, Ada";ada@example.org\n"Ito, Ben";ben@example.org\n',
        'name,email\n"Okafor, Ada",ada@example.org\n"Ito, Ben",ben@example.org\n',
        "name\temail\nAda\tada@example.org\nBen\tben@example.org\n",
        "name|email\nAda|ada@example.org\nBen|ben@example.org\n",
        'name,email\n"Ada ""A"" Okafor",ada@example.org\nBen,ben@example.org\n',
        "name,email\nAda,ada@example.org\nBen,ben@example.org\nCem\n",
        "name,email\nAda,ada@example.org\nBen,ben@example.org\nCem,\n,,\n\n",
        "E-Mail-Adresse\nada@example.org\nben@example.org\n",
    ],
)
def test_the_email_column_is_found(text):
    assert read_csv(text.encode()) == ADA_AND_BEN


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"]
)
def test_a_file_from_any_office_program_is_read(encoding):
    text = "prénom,email\nZoë,ada@example.org\nJürgen,ben@example.org\n"
    assert read_csv(text.encode(encoding)) == ADA_AND_BEN


def test_utf_16_with_its_mark_is_read_in_both_byte_orders():
    text = "email\nada@example.org\nben@example.org\n"
    assert read_csv(codecs.BOM_UTF16_LE + text.encode("utf-16-le")) == ADA_AND_BEN
    assert read_csv(codecs.BOM_UTF16_BE + text.encode("utf-16-be")) == ADA_AND_BEN


def test_a_file_without_a_header_loses_no_address():
    assert read_csv(b"ada@example.org\nben@example.org\n") == [
        Entry("ada@example.org", 1),
        Entry("ben@example.org", 2),
    ]


def test_rows_are_numbered_as_the_spreadsheet_shows_them():
    content = b'name,email\n\n"two\nlines",ada@example.org\n,\nBen,ben@example.org\n'
    assert read_csv(content) == [Entry("ada@example.org", 3), Entry("ben@example.org", 5)]


def test_a_header_below_empty_rows_is_no_address():
    assert read_csv(b"\n,\nname,email\nAda,ada@example.org\n") == [Entry("ada@example.org", 4)]


def test_many_empty_rows_before_the_first_are_fine():
    assert read_csv(b" \n" * 50 + b"ada@example.org\n") == [Entry("ada@example.org", 51)]


def test_what_is_no_address_stays_in_the_list_to_be_shown():
    assert read_csv(b"email\nada@example.org\nnot one\n")[1] == Entry("not one", 3)


def test_of_two_columns_with_addresses_the_fuller_one_counts():
    content = b"email,boss\nada@example.org,\nben@example.org,ada@example.org\n"
    assert read_csv(content) == ADA_AND_BEN


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.FILE_EMPTY),
        (b" \r\n\t\n", Reason.FILE_EMPTY),
        (codecs.BOM_UTF8, Reason.FILE_EMPTY),
        (codecs.BOM_UTF16_LE, Reason.FILE_EMPTY),
        (b"email\n", Reason.FILE_NO_ADDRESSES),
        (b"name,team\nAda,1\n", Reason.FILE_NO_ADDRESSES),
        (b"%PDF-1.7\n", Reason.FILE_NOT_TEXT),
        (b"\x89PNG\r\n\x1a\n", Reason.FILE_NOT_TEXT),
        (b"\xff\xd8\xff\xe0 a photo", Reason.FILE_NOT_TEXT),
        (b"\x1f\x8b gzip", Reason.FILE_NOT_TEXT),
        (b"ada@example.org\n\0\1\2\3", Reason.FILE_NOT_TEXT),
        (bytes(range(256)) * 10, Reason.FILE_NOT_TEXT),
        (codecs.BOM_UTF16_LE + b"odd", Reason.FILE_NOT_TEXT),
        (b'email\n"ada@example.org\n' + b"x@example.org\n" * 10_000, Reason.FILE_BROKEN_QUOTES),
    ],
)
def test_what_is_no_list_is_refused_with_the_reason(content, reason):
    with refused(reason):
        read_csv(content)


def addresses(count):
    return b"".join(b"person%d@example.org\n" % number for number in range(count))


def test_50_000_rows_below_a_header_are_read():
    assert len(read_csv(b"email\n" + addresses(50_000))) == 50_000


def test_50_000_rows_without_a_header_are_read():
    assert len(read_csv(addresses(50_000))) == 50_000


@pytest.mark.parametrize("header", [b"", b"email\n"])
def test_the_50_001st_row_refuses_the_whole_file(header):
    with refused(Reason.LIST_TOO_LONG):
        read_csv(header + addresses(50_001))


def test_empty_rows_do_not_count_as_rows():
    assert len(read_csv(b"email\n" + addresses(50_000) + b"\n" * 10_000)) == 50_000


def test_20_megabytes_are_read_and_a_byte_more_is_refused():
    content = b"ada@example.org\n" + (b" " * 1023 + b"\n") * 20 * 1024
    content = content[:MAX_BYTES]
    assert read_csv(content) == [Entry("ada@example.org", 1)]
    with pytest.raises(Refused) as caught:
        read_csv(content + b"\n")
    assert (caught.value.reason, caught.value.details) == (Reason.FILE_TOO_LARGE, {"limit": 20})


def test_millions_of_empty_rows_take_neither_long_nor_much_memory():
    started = time.process_time()
    assert len(read_csv(b"ada@example.org\n" + b"\n" * 5_000_000)) == 1
    assert time.process_time() - started < 10


@given(
    st.binary()
    | st.text(alphabet='ab@.,;\t|"\n\r ').map(str.encode)
    | st.text().map(lambda text: f"email\n{text}@example.org".encode("utf-16"))
)
def test_any_bytes_are_either_entries_or_a_reason(content):
    try:
        entries = read_csv(content)
    except Refused:
        return
    assert any("@" in entry.text for entry in entries)
    assert all(entry.text.strip() for entry in entries)
    assert [entry.row for entry in entries] == sorted({entry.row for entry in entries})
