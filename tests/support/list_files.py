"""Lists of people in each encoding and dialect, and with oddities, beside their entries."""

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import openpyxl

from invites.lists.entries import Entry

ADA = "ada@example.org"
BEN = "ben@example.org"


def without_address(row, name, other_cells):
    return "", row, name, False, other_cells


ADA_AND_BEN = [Entry(ADA, 2, "Zoë Ada"), Entry(BEN, 3, "Jürgen, Ben")]

_ENCODINGS = {
    "UTF-8": lambda text: text.encode(),
    "UTF-8 with mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16 LE": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE": lambda text: text.encode("utf-16-be"),
    "UTF-16 LE with mark": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "UTF-16 BE with mark": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "Windows-1252": lambda text: text.encode("cp1252"),
}
_OASIS = "urn:oasis:names:tc:opendocument:xmlns"
_LINE_ENDS = {"Unix": "\n", "Windows": "\r\n", "old Mac": "\r"}


@dataclass(frozen=True)
class List:
    """A file and its entries."""

    name: str
    content: bytes
    entries: list[Entry]


def dialects() -> Iterator[List]:
    """The same two people in each encoding, with each delimiter and line ending."""
    rows = [["Team", "Name", "E-Mail"], ["1", "Zoë Ada", ADA], ["2", "Jürgen, Ben", BEN]]
    for encoding, encode in _ENCODINGS.items():
        for delimiter in ",;\t|":
            for system, line_end in _LINE_ENDS.items():
                for separator_line in ("", f"sep={delimiter}{line_end}"):
                    text = separator_line + csv_text(rows, delimiter, line_end)
                    name = f"{encoding} {delimiter!r} {system} {separator_line[:4]}"
                    yield List(name, encode(text), ADA_AND_BEN)


def oddities() -> Iterator[List]:
    """Lists with other peculiarities."""
    for name, (text, entries) in _ODD_TEXTS.items():
        found = [Entry(*entry) for entry in entries]
        yield List(name, text.encode(), found)
    yield List(
        "Mac Roman", f"Name,Email\rÉmile,{ADA}\r".encode("mac_roman"), [Entry(ADA, 2, "Émile")]
    )
    for name, content, entries in _ODD_BYTES:
        yield List(name, content, [Entry(*entry) for entry in entries])
    yield List("forty columns", _forty_columns(), [Entry(ADA, 2, "Ada"), Entry(BEN, 3, "Ben")])


def workbooks() -> Iterator[List]:
    """Excel files."""
    people = [["Name", "Email"], ["Ada", ADA], ["Ben", BEN]]
    both = [Entry(ADA, 2, "Ada"), Entry(BEN, 3, "Ben")]
    yield List("plain", workbook({"People": people}), both)
    yield List("out of LibreOffice", open_document(people), both)
    yield List("second sheet", workbook({"Read me": [["Hello"]], "People": people}), both)
    yield List(
        "whom to ask, before",
        workbook({"Read me": [["Questions?", "office@example.org"]], "People": people}),
        both,
    )
    yield List("whom to ask, behind", workbook({"People": people, "Help": [["a@b.org"]]}), both)
    yield List("two sheets of as many", workbook({"People": people, "Old": people[::-1]}), both)
    yield List(
        "gaps",
        workbook({"People": [[], [None, "Email"], [], [None, ADA], [None], [None, BEN]]}),
        [Entry(ADA, 4), Entry(BEN, 6)],
    )
    yield List(
        "merged cells above the titles",
        workbook(
            {"P": [["Name", None, "Contact"], ["First", "Last", "E-mail"], ["Ada", "O", ADA]]}
        ),
        [Entry(ADA, 3, "Ada O")],
    )
    yield List(
        "numbers and days",
        workbook({"People": [["Email", "Name"], [ADA, 7], [5, date(2026, 11, 2)], [5.25, None]]}),
        [Entry(ADA, 2, "7"), Entry("5", 3, "2026-11-02"), Entry("5.25", 4)],
    )
    yield List(
        "line breaks and quotes",
        workbook({"P": [["Name", "Email"], ['Ada "A"\nOkafor', f"{ADA}\n"], ["Ben", BEN]]}),
        [Entry(ADA, 2, 'Ada "A" Okafor'), Entry(BEN, 3, "Ben")],
    )


def contacts() -> Iterator[List]:
    """Exported address books."""
    for name, (text, entries) in _CARDS.items():
        yield List(name, text.encode(), [Entry(*entry) for entry in entries])


def workbook(sheets: dict[str, list[list[object]]]) -> bytes:
    """An .xlsx file with these sheets."""
    book = openpyxl.Workbook(write_only=True)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def open_document(rows: list[list[str]]) -> bytes:
    """An .ods file with these rows, and below them a million empty, formatted ones."""
    names = " ".join(f'xmlns:{of}="{_OASIS}:{of}:1.0"' for of in ("office", "table", "text"))
    lines = "".join(
        "<table:table-row>"
        + "".join(
            '<table:table-cell office:value-type="string">'
            f"<text:p>{cell}</text:p></table:table-cell>"
            for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    content = (
        f"<office:document-content {names}><office:body><office:spreadsheet>"
        f'<table:table table:name="A">{lines}'
        '<table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="1024"/></table:table-row>'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("content.xml", content)
        file.writestr("META-INF/manifest.xml", "<manifest/>")
    return out.getvalue()


def csv_text(rows: list[list[str]], delimiter: str, line_end: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=line_end).writerows(rows)
    return out.getvalue()


def _forty_columns() -> bytes:
    titles = [f"Field {number}" for number in range(40)]
    titles[7], titles[31], titles[35] = "First Name", "Email Address", "Manager's Email"
    rows = [[f"{number}" for number in range(40)] for _ in range(2)]
    for row, name, email in zip(rows, ["Ada", "Ben"], [ADA, BEN], strict=True):
        row[7], row[31], row[35] = name, email, "boss@example.org"
    return csv_text([titles, *rows], ",", "\r\n").encode()


_BOTH = [(ADA, 2), (BEN, 3)]
_BOTH_NAMED = [(ADA, 2, "Ada"), (BEN, 3, "Ben")]
_BOTH_WHOLE = [(ADA, 2, "Ada O"), (BEN, 3, "Ben I")]  # first and last name

_ODD_TEXTS: dict[str, tuple[str, list[tuple[object, ...]]]] = {
    "no line end at the end": (f"email\n{ADA}\n{BEN}", _BOTH),
    "spaces around": (f"email\n  {ADA} \n\u00a0{BEN}\n", _BOTH),
    "quotes around whole rows": (
        f'"Name,Email"\n"Ada,{ADA}"\n"""Ito, Ben"",{BEN}"\n',
        [(ADA, 2, "Ada"), (BEN, 3, "Ito, Ben")],
    ),
    "one column of names and addresses in quotes": (
        f'"Okafor, Ada <{ADA}>"\n"Ito, Ben <{BEN}>"\n',
        [(ADA, 1, "Okafor, Ada"), (BEN, 2, "Ito, Ben")],
    ),
    "two in each cell": (
        f'"{ADA}, {BEN}"\n"{BEN}, {ADA}"\n',
        [(f"{ADA}, {BEN}", 1), (f"{BEN}, {ADA}", 2)],
    ),
    "spaces behind commas": (f'"Name", "Email"\n"Ada", "{ADA}"\n"Ben", "{BEN}"\n', _BOTH_NAMED),
    "quotes that are doubled": (
        f'name,email\n"Ada ""A"" Okafor",{ADA}\nBen,{BEN}\n',
        [(ADA, 2, 'Ada "A" Okafor'), (BEN, 3, "Ben")],
    ),
    "a quote in the middle": (
        f'name,size,email\nAda,5",{ADA}\nBen,6" wide,{BEN}\n',
        _BOTH_NAMED,
    ),
    "line breaks in quotes": (
        f'name,email\n\n"two\nlines",{ADA}\n,\nBen,{BEN}\n',
        [(ADA, 3, "two lines"), (BEN, 5, "Ben")],
    ),
    "no header": (f"{ADA}\n{BEN}\n", [(ADA, 1), (BEN, 2)]),
    "no header, broken first address": (
        f"ada.example.org\n{BEN}\n",
        [("ada.example.org", 1), (BEN, 2)],
    ),
    "no header, first address missing": (
        f"Cem,\nBen,{BEN}\n",
        [without_address(1, "", "Cem"), (BEN, 2)],
    ),
    "no header, no address in the first thousand": (
        "Cem,\n" * 1500 + f"Ben,{BEN}\n",
        [*(without_address(row, "", "Cem") for row in range(2, 1501)), (BEN, 1501)],
    ),
    "no header, a space in the first address": (
        f"ada example.org,Ada\n{BEN},Ben\n",
        [("ada example.org", 1), (BEN, 2)],
    ),
    "a line above the header": (
        f"Members of 2026,\n\nName,Email\nAda,{ADA}\nBen,{BEN}\n",
        [(ADA, 4, "Ada"), (BEN, 5, "Ben")],
    ),
    "a word like a title in the first row of people": (
        f"Name,Contact\nCem,by mail\nAda,{ADA}\n",
        [("by mail", 2, "Cem"), (ADA, 3, "Ada")],
    ),
    "a header with an @": (f"E-Mail (privat @ home)\n{ADA}\n{BEN}\n", _BOTH),
    "all in one line": (f"{ADA}; {BEN};\n", [(ADA, 1), (BEN, 2)]),
    "all in one line, with names": (
        f"Ada <{ADA}>, Ben <{BEN}>",
        [(ADA, 1, "Ada"), (BEN, 2, "Ben")],
    ),
    "all in one line, with names in quotes": (
        f'"Okafor, Ada" <{ADA}>, "Ito, Ben" <{BEN}>\n',
        [(ADA, 1, "Okafor, Ada"), (BEN, 2, "Ito, Ben")],
    ),
    "all in one line, with names in quotes and semicolons": (
        f'"Okafor, Ada" <{ADA}>; "Ito, Ben" <{BEN}>',
        [(ADA, 1, "Okafor, Ada"), (BEN, 2, "Ito, Ben")],
    ),
    "lines with as many as there was room for": (
        f"{ADA}, Cem <cem@example.org>,\n{BEN}\n",
        [(ADA, 1), ("cem@example.org", 2, "Cem"), (BEN, 3)],
    ),
    "two columns of addresses": (f"{ADA},x@example.org\n{BEN},\n", [(ADA, 1), (BEN, 2)]),
    "one address": (ADA, [(ADA, 1)]),
    "a header below empty rows": (f"\n,\nname,email\nAda,{ADA}\n", [(ADA, 4, "Ada")]),
    "many empty rows first": (" \n" * 2000 + f"email\n{ADA}\n", [(ADA, 2002)]),
    "empty rows between and behind": (
        f"email\n\n{ADA}\n,,\n{BEN}\n" + "\n" * 99,
        [(ADA, 3), (BEN, 5)],
    ),
    "rows without an address": (
        f"name,email\nAda,{ADA}\nCem\nDua,\n,,\nEve, \n",
        [
            (ADA, 2, "Ada"),
            *(
                without_address(row, name, name)
                for row, name in ((3, "Cem"), (4, "Dua"), (6, "Eve"))
            ),
        ],
    ),
    "in angle brackets": (f"<{ADA}>\n<{BEN}>\n", [(ADA, 1), (BEN, 2)]),
    "what is no address": (f"email\n{ADA}\nnot one\n", [(ADA, 2), ("not one", 3)]),
    "the manager's address too": (
        f"Manager Email,Email\nx@example.org,{ADA}\nx@example.org,\nx@example.org,{BEN}\n",
        [(ADA, 2), without_address(3, "", "x@example.org"), (BEN, 4)],
    ),
    "Twitter names first": (f"handle,contact\n@ada,{ADA}\n@ben,{BEN}\n", _BOTH),
    "semicolons beside commas": (f"Okafor, Ada;{ADA}\nIto, Ben;{BEN}\n", [(ADA, 1), (BEN, 2)]),
    "one column with commas in quotes": (f'email\n"{ADA}"\n"{BEN}"\n', _BOTH),
    "cells with names": (
        f"email\nAda Okafor <{ADA}>\nmailto:{BEN}?subject=Hello\n",
        [(ADA, 2, "Ada Okafor"), (BEN, 3)],
    ),
    "two in a cell": (f'email\n"{ADA}, {BEN}"\n', [(f"{ADA}, {BEN}", 2)]),
    "a space that slipped in": ("email\nada okafor@example.org\n", [("ada okafor@example.org", 2)]),
    "invisible spaces and dots": (f"email\n\ufeff{ADA}.\n{BEN},\u200b\n".replace(",", ";"), _BOTH),
    "names that are links": (
        f"name,email\nhttp://evil.example,{ADA}\nben@example.org,{BEN}\n",
        _BOTH,
    ),
    "names that are long or odd": (
        f"name,email\n{'Ada ' * 40},{ADA}\n\x07Ben\u202e,{BEN}\n",
        [(ADA, 2, ("Ada " * 40)[:100].strip()), (BEN, 3, "Ben")],
    ),
    "German": (f"Vorname;Nachname;E-Mail-Adresse\nAda;O;{ADA}\nBen;I;{BEN}\n", _BOTH_WHOLE),
    "French": (f"Prénom;Nom;Courriel\nAda;O;{ADA}\nBen;I;{BEN}\n", _BOTH_WHOLE),
    "Spanish": (f"Nombre;Correo electrónico\nAda;{ADA}\nBen;{BEN}\n", _BOTH_NAMED),
    "Russian": (f"Имя;Почта\nAda;{ADA}\nBen;{BEN}\n", _BOTH_NAMED),
    "Japanese": (f"名前,メールアドレス\nAda,{ADA}\nBen,{BEN}\n", _BOTH_NAMED),
    "Mailchimp": (
        f'"Email Address","First Name","Last Name",MEMBER_RATING\n{ADA},Ada,O,2\n{BEN},Ben,I,2\n',
        _BOTH_WHOLE,
    ),
    "Google contacts": (
        f"Name,Given Name,E-mail 1 - Type,E-mail 1 - Value\nAda,A,Work,{ADA}\nBen,B,* Home,{BEN}\n",
        _BOTH_NAMED,
    ),
}

# Among them UTF-8 files to which a program without UTF-8 added rows, and a file from DOS.
_ODD_BYTES: list[tuple[str, bytes, list[tuple[object, ...]]]] = [
    (
        "UTF-8 and Windows-1252",
        f"name,email\nÁron Í\u201d,{ADA}\n".encode() + f"René,{BEN}\n".encode("cp1252"),
        [(ADA, 2, "Áron Í\u201d"), (BEN, 3, "René")],
    ),
    (
        "UTF-8 with mark, and Windows-1252",
        f"name,email\nZoë,{ADA}\n".encode("utf-8-sig") + f"René,{BEN}\n".encode("cp1252"),
        [(ADA, 2, "Zoë"), (BEN, 3, "René")],
    ),
    (
        "out of DOS",
        f"name;email\r\nJürgen;{ADA}\r\nBen;{BEN}\r\n\x1a".encode("cp850"),
        [(ADA, 2, "Jürgen"), (BEN, 3, "Ben")],
    ),
    (
        "line breaks out of Excel cells",
        f'name,email\n"Ada\vOkafor",{ADA}\v\n'.encode(),
        [(ADA, 2, "Ada Okafor")],
    ),
]

_CARDS: dict[str, tuple[str, list[tuple[object, ...]]]] = {
    "version 3": (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nN:Okafor;Ada;;;\r\nFN:Ada Okafor\r\n"
        f"EMAIL;TYPE=HOME:x@example.org\r\nEMAIL;TYPE=PREF,WORK:{ADA}\r\nEND:VCARD\r\n",
        [(ADA, 1, "Ada Okafor")],
    ),
    "version 4, two cards": (
        f"BEGIN:VCARD\nVERSION:4.0\nFN:Ada\\, Jr\nitem1.EMAIL;PREF=1:{ADA}\nEND:VCARD\n"
        f"BEGIN:VCARD\nVERSION:4.0\nFN:Ben\nEMAIL:{BEN}\nEND:VCARD\n",
        [(ADA, 1, "Ada, Jr"), (BEN, 2, "Ben")],
    ),
    "version 4, preferred in order": (
        f"BEGIN:VCARD\nFN:Ada\nEMAIL:x@example.org\nEMAIL;PREF=2:y@example.org\n"
        f"EMAIL;TYPE=home;PREF=1:{ADA}\nEND:VCARD\n",
        [(ADA, 1, "Ada")],
    ),
    "iPhone": (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nPRODID:-//Apple Inc.//iPhone OS 17.1//EN\r\n"
        f"N:Okafor;Ada;;;\r\nFN:Ada Okafor\r\nitem1.EMAIL;type=INTERNET:x@example.org\r\n"
        f"item1.X-ABLabel:_$!<Work>!$_\r\nEMAIL;type=INTERNET;type=HOME;type=pref:{ADA}\r\n"
        "END:VCARD\r\n",
        [(ADA, 1, "Ada Okafor")],
    ),
    "version 2.1, quoted-printable": (
        "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Ok=C3=A1for;Zo=\r\n"
        f"=C3=AB;;;\r\nEMAIL;INTERNET:{ADA}\r\nEND:VCARD\r\n",
        [(ADA, 1, "Zoë Okáfor")],
    ),
    "version 2.1, Windows-1252": (
        "BEGIN:VCARD\nFN;CHARSET=WINDOWS-1252;ENCODING=QUOTED-PRINTABLE:Zo=EB\n"
        f"EMAIL:{ADA}\nEND:VCARD\n",
        [(ADA, 1, "Zoë")],
    ),
    "version 2.1, half a letter": (
        "BEGIN:VCARD\nEMAIL;CHARSET=UTF-7;ENCODING=QUOTED-PRINTABLE:+2AA-ada@example.org\n"
        "END:VCARD\n",
        [("?ada@example.org", 1)],
    ),
    "folded": (
        f"BEGIN:VCARD\nFN:Ada O\n kafor\nPHOTO;ENCODING=b:{'A' * 70}\n {'A' * 70}\n"
        "EMAIL:ada@exam\n\tple.org\nEND:VCARD\n",
        [(ADA, 1, "Ada Okafor")],
    ),
    "a card without an address": (
        f"BEGIN:VCARD\nFN:Cem\nEND:VCARD\nBEGIN:VCARD\nFN:Ada\nEMAIL:{ADA}\nEND:VCARD\n",
        [without_address(1, "Cem", "Cem"), (ADA, 2, "Ada")],
    ),
}  # fmt: skip
