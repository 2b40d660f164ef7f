"""CSV files to open in a spreadsheet program: no cell is a formula there."""

import csv
import io

import pytest
from flask import Flask

from invites.web.csv_export import csv_file
from tests.support.actions import ends_soon


def exported(app: Flask, cell: str) -> str:
    with app.test_request_context():
        text = csv_file("list.csv", [[cell]]).get_data(as_text=True)
    [[found]] = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    return found


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("\uff1d1", "'\uff1d1"),
        ("  @sum", "  '@sum"),
        ("\t=1", "\t'=1"),
        ("a;=1", "a;'=1"),
        ("a; =1", "a; '=1"),
        ("a\t\t=1", "a\t\t'=1"),
        ("a \r\n -1\n=2", "a \r\n '-1\n'=2"),
    ],
)
def test_a_formula_becomes_text_wherever_a_program_may_see_the_beginning_of_a_cell(
    app: Flask, cell: str, safe: str
) -> None:
    assert exported(app, cell) == safe


@pytest.mark.parametrize("cell", ["ann-lee@example.org", "1 + 1 = 2", "a\tb", "a;b", " ", ""])
def test_other_text_is_exported_as_it_is(app: Flask, cell: str) -> None:
    assert exported(app, cell) == cell


@pytest.mark.parametrize("gap", ["\t", "\n", " ", ";", " \t"])
def test_a_long_gap_is_exported_quickly(app: Flask, gap: str) -> None:
    with ends_soon():
        exported(app, f"a{gap * 45_000}b")


def test_the_rows_are_read_before_the_file_is_sent(app: Flask) -> None:
    """A slow reader would otherwise keep a transaction open."""
    rows = iter([["Ann"]] * 100_000)
    with app.test_request_context():
        response = csv_file("list.csv", rows)
        assert next(rows, None) is None
        assert response.get_data(as_text=True).count("Ann\r\n") == 100_000
