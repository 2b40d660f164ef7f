"""Exports of common programs: which column is read, where the people begin, and their names."""

from pathlib import Path

import pytest

from invites.core.errors import Reason
from invites.lists import files
from tests.support import zip_bombs
from tests.support.actions import refused

_FOLDER = Path(__file__).parent / "exports"
ADA, BOB = "ada@example.org", "bob@example.org"
BOTH = [(ADA, "Ada Lovelace"), (BOB, "Bob Ray")]


def read(content):
    table = files.read(content)
    return [(entry.text, entry.name) for entry in table.entries(table.choice())]


@pytest.mark.parametrize(
    ("name", "people"),
    [
        ("microsoft-365-users.csv", BOTH),
        ("google-workspace-users.csv", BOTH[:1]),
        ("mailchimp.csv", BOTH[:1]),
        ("linkedin-connections.csv", [("", "Ada Lovelace"), (BOB, "Bob Ray")]),
        ("google-contacts.csv", [(f"{ADA} ::: ada@example.net", "Ada Lovelace"), BOTH[1]]),
        (
            "two-addresses-in-a-cell.csv",
            [
                (f"{ADA}; ada@example.net", "Ada Lovelace"),
                (f"{BOB}; bob@example.net", "Bob Ray"),
            ],
        ),
        (
            "polish-cp1250.csv",
            [("lukasz@example.org", "Łukasz Wójcik"), ("zaneta@example.org", "Żaneta Ząb")],
        ),
        ("backslash-paths.xlsx", [(ADA, "Ada")]),
        ("empty-email-line.vcf", [(ADA, "Ada"), ("cleo@example.org", "Cleo"), (BOB, "Bob")]),
        ("addresses.ldif", BOTH),
    ],
)
def test_an_export_is_read(name, people):
    assert read((_FOLDER / name).read_bytes()) == people


@pytest.mark.parametrize(
    "titles",
    [
        "Username,First name,Last name,Alternate email address",
        "User principal name,First name,Last name,Proxy addresses",
        "UPN,givenName,surname,Recovery Email",
        "Login,FNAME,LNAME,Other e-mail",
        "E-mail Address,First Name,Last Name,E-mail 2 Address",
        "E-mail 1 - Value,First Name,Last Name,E-mail 2 - Value",
        "Email Address [Required],First Name [Required],Last Name [Required],Work Secondary Email",
        "Attendee email,Attendee first name,Attendee Surname,Buyer email",
        "Billing Email,Billing First Name,Billing Last Name,Backup email",
        "Email (Billing),First Name (Billing),Last Name (Billing),Manager Email",
        "user_email,first_name,last_name,user_email_old",
        "E-Mail-Adresse,Vorname,Nachname,Alternative E-Mail",
        "Adresse e-mail,Prénom,Nom,E-mail de récupération",
        "Correo electrónico,Nombre,Apellidos,Correo secundario",
        "メールアドレス,名,姓,予備のメール",
    ],
)
def test_the_main_address_is_read_rather_than_another_one(titles):
    rows = f"{titles}\n{ADA},Ada,Lovelace,ada@example.net\n{BOB},Bob,Ray,bob@example.net\n"
    assert read(rows.encode()) == BOTH


def test_a_login_that_is_no_address_is_not_read():
    rows = f"Username,Display name,Alternate email address\nada,Ada,{ADA}\nbob,Bob,{BOB}\n"
    assert read(rows.encode()) == [(ADA, "Ada"), (BOB, "Bob")]


@pytest.mark.parametrize(
    "title",
    [
        *("What is your name?", "Full name (first and last)", "Name (first and last) *"),
        *("1. What is your name?", "Your name", "Attendee name", "user_display_name"),
        *("Billing Name", "Name of participant", "Wie heißt du?", "Wie lautet dein Name?"),
        *("Quel est votre nom ?", "¿Cuál es tu nombre?", "Come ti chiami?", "Ad Soyad"),
        *("Wat is uw naam?", "Hvad er dit navn?", "Как вас зовут?", "お名前", "이름"),
    ],
)
def test_a_column_of_names_is_found_however_it_is_asked_for(title):
    assert read(f"Timestamp,{title},Email *\n1,Ada,{ADA}\n".encode()) == [(ADA, "Ada")]


@pytest.mark.parametrize(
    "title",
    ["Company Name", "Event name", "Username", "User name", "Manager name", "File name"],
)
def test_other_names_are_not_used_to_greet_people(title):
    assert read(f"{title},Email\nAda,{ADA}\n".encode()) == [(ADA, "")]


def test_names_belong_to_the_person_with_the_address():
    titles = "Buyer first name,Buyer last name,Buyer email,Attendee first name,Attendee last name"
    rows = f"{titles},Attendee email\nOlive,Owner,olive@example.org,Ada,Lovelace,{ADA}\n"
    assert read(rows.encode()) == BOTH[:1]


@pytest.mark.parametrize(
    "above",
    [
        'Notes:\n"You may notice that some of the email addresses are missing"\n\n',
        "Members of 2026\n",
        "Contacts,,\n",
        "Exported by olive@example.org on 2 November,,\n",
        'Report: email list,,\n"Please write to all addresses, in the order of the list.",,\n',
    ],
)
def test_lines_above_the_header_are_no_people(above):
    rows = f"{above}First Name,Last Name,Email Address\nAda,Lovelace,{ADA}\nBob,Ray,{BOB}\n"
    assert read(rows.encode()) == BOTH


@pytest.mark.parametrize("heading", ["Email", "Email addresses", "All members"])
def test_a_list_of_one_column_has_a_header_of_one_cell(heading):
    assert read(f"{heading}\n{ADA}\n{BOB}\n".encode()) == [(ADA, ""), (BOB, "")]


@pytest.mark.parametrize(
    ("rows", "delimiter"),
    [
        (f"Name,Email\nAda,{ADA}; a@example.net\nBob,{BOB}; b@example.net\n", ","),
        (f"Name;Email\nAda;{ADA}, a@example.net\nBob;{BOB}, b@example.net\n", ";"),
        (f"Name,Email\nAda,{ADA}|a@example.net\nBob,{BOB}|b@example.net\n", ","),
        (f"Name\tEmail\nAda\t{ADA}; a@example.net\nBob\t{BOB}; b@example.net\n", "\t"),
        (f"Name,Email,Note\nAda,{ADA},a; b; c\nBob,{BOB},d; e; f\n", ","),
        (f"Name;Email;Note\nAda;{ADA};a, b, c\nBob;{BOB};d, e\n", ";"),
        (f"Okafor, Ada;{ADA}\nRay, Bob;{BOB}\n", ";"),
        (f"Name,Email,Phone\nAda,{ADA}; a@example.net\nBob,{BOB},1\n", ","),
    ],
)
def test_the_header_and_even_rows_tell_the_delimiter(rows, delimiter):
    assert files.read(rows.encode()).delimiter == delimiter


def test_another_delimiter_and_encoding_can_be_given():
    content = "Name;Email|x\nŁukasz;lukasz@example.org|1\n".encode("cp1250")
    table = files.read(content, "cp1252", "|")
    assert (table.encoding, table.delimiter) == ("cp1252", "|")
    assert table.text.startswith("Name;Email|x\n£ukasz")
    assert files.read_again(content, "cp1252", "|") == table


@pytest.mark.parametrize(
    ("card", "people"),
    [
        (f"FN:Bob\nEMAIL;TYPE=HOME:\nEMAIL;TYPE=WORK:{BOB}\n", [(BOB, "Bob")]),
        (f"FN:Bob\nEMAIL;PREF=1:\nitem1.EMAIL:  \nEMAIL:{BOB}\n", [(BOB, "Bob")]),
        ("FN:Bob\nEMAIL:\n", [("", "Bob")]),
    ],
)
def test_empty_addresses_of_a_contact_are_skipped(card, people):
    other = f"BEGIN:VCARD\nFN:Ada Lovelace\nEMAIL:{ADA}\nEND:VCARD\n"
    cards = f"{other}BEGIN:VCARD\nVERSION:3.0\n{card}END:VCARD\n"
    assert read(cards.encode()) == [BOTH[0], *people]


@pytest.mark.parametrize(
    ("record", "people"),
    [
        ("dn: mail=zoe@example.org\ncn:: Wm/DqyBPa8OhZm9y\nmail: zoe@example.org\n",
         [("zoe@example.org", "Zoë Okáfor")]),
        ("version: 1\n\n# all\n# of them\ndn:: bWFpbD16\ngivenName: Zoe\nsn: Ray\n"
         "mail: z@exam\n ple.org\n",
         [("z@example.org", "Zoe Ray")]),
        ("dn: cn=z\ncn: Zoe\nmail:: em9lQGV4YW1wbGUub3Jn\nmail: zoe@example.net\n",
         [("zoe@example.org", "Zoe")]),
        ("dn: cn=z\r\ncn;lang-en: Zoe\r\nmail: z@example.org\r\njpegPhoto:< file:///z.jpg\r\n",
         [("z@example.org", "Zoe")]),
        ("dn: ou=people\nobjectclass: organizationalUnit\nou: people\n\ndn: cn=z\ncn: Zoe\n"
         "mail: z@example.org\n\ndn: cn=y\nsn: Yan\n\n"
         "dn: cn=x\nchangetype: delete\nmail: x@x.org\n",
         [("z@example.org", "Zoe"), ("", "Yan")]),
        ("dn: cn=z\ncn: Zoe\nmail:: %%%\nmail: z@example.org\n", [("z@example.org", "Zoe")]),
        ("dn: cn=z\ncn: Zoe\nmail:: éé\nmail: z@example.org\n", [("z@example.org", "Zoe")]),
    ],
)  # fmt: skip
def test_address_books_in_ldif_are_read(record, people):
    assert read(record.encode()) == people


def test_what_a_zip_is_follows_from_its_content_types():
    types = b'<Types><Override ContentType="application/vnd.%s.main+xml"/></Types>'
    word = types % b"openxmlformats-officedocument.wordprocessingml.document"
    sheet = types % b"openxmlformats-officedocument.spreadsheetml.sheet"
    with refused(Reason.FILE_NOT_TEXT):
        files.read(zip_bombs.zipped({"[Content_Types].xml": word, "word\\document.xml": b"a@b.c"}))
    with refused(Reason.FILE_WORKBOOK_BROKEN):
        files.read(zip_bombs.zipped({"[Content_Types].xml": sheet, "Workbook.xml": b"a@b.c"}))
    with refused(Reason.FILE_ZIP):
        files.read(zip_bombs.zipped({"folder\\list.csv": b"a@b.c"}))


def test_a_spreadsheet_with_a_password_is_called_locked():
    manifest = b"<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>"
    parts = {
        "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
        "content.xml": b"\x8f\x01",
        "META-INF/manifest.xml": manifest,
    }
    with refused(Reason.FILE_WORKBOOK_LOCKED):
        files.read(zip_bombs.zipped(parts))


@pytest.mark.parametrize(
    ("cell", "address", "name"),
    [
        ("1. Ada - ada@example.org", ADA, "Ada"),
        ("- Ada Lovelace: ada@example.org", ADA, "Ada Lovelace"),
        ("\u2022 ada@example.org", ADA, ""),
        ("(3) Ada \u2013 ada@example.org", ADA, "Ada"),
        ("private: ada@example.org", "private: ada@example.org", ""),
        ("Email: ada@example.org", "Email: ada@example.org", ""),
    ],
)
def test_numbered_and_dashed_lists_are_read(cell, address, name):
    assert read(f"Email\n{cell}\nBob {BOB}\n".encode())[0] == (address, name)


@pytest.mark.parametrize("name", ["علی\u200cمحمد", "क्\u200dष"])
def test_the_joiners_of_persian_and_indic_names_are_kept(name):
    assert read(f"Name,Email\n{name},{ADA}\n".encode()) == [(ADA, name)]


@pytest.mark.parametrize(
    ("written", "read_as"),
    [("JÃ¼rgen", "Jürgen"), ("£ukasz", ""), ("Mu\x96oz", ""), ("Ada\ufffd", ""), ("Zoë", "Zoë")],
)
def test_a_garbled_name_is_repaired_or_dropped(written, read_as):
    assert read(f"Name,Email\n{written},{ADA}\n".encode()) == [(ADA, read_as)]
