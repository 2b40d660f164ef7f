"""Headers of address and name columns, in many languages."""

import unicodedata

_MAX_LENGTH = 100  # characters examined

# All in lower case, without accents, spaces and punctuation.
_EMAIL = (
    "email", "emails", "mail", "mails", "emailaddress", "emailaddresses", "mailaddress",
    "emailid", "email1", "primaryemail", "emailadresse", "mailadresse", "epost", "epostadresse",
    "epostadress", "eposta", "emailadres", "adresemail", "courriel", "courrielelectronique",
    "adressecourriel", "adressemail", "adresseemail", "adresseelectronique", "correo",
    "correos", "correoelectronico", "direcciondecorreo", "enderecodeemail", "indirizzoemail",
    "indirizzomail", "postaelettronica", "sahkoposti", "почта", "электроннаяпочта", "メール",
    "メールアドレス", "电子邮件", "邮箱", "電子郵件", "이메일", "البريدالالكتروني",
)  # fmt: skip
_EMAIL_PART = ("mail", "courriel", "correo", "epost", "почт", "メール", "邮", "郵", "이메일")
_ADDRESS_PART = ("adres", "address", "direccion", "endereco", "indirizzo", "kontakt", "contact")

# Ranked from full names to parts of them.
_NAME = (
    "fullname", "name", "displayname", "nameinfull", "contactname", "membername",
    "volunteername", "firstandlastname", "firstnamelastname", "vollername", "vollstandigername",
    "nomcomplet", "nometprenom", "prenometnom", "nomprenom", "prenomnom", "nombrecompleto",
    "nombreyapellidos", "nombreyapellido", "nomecompleto", "nomeecognome", "volledigenaam",
    "naam", "navn", "namn", "fullstandigtnamn", "imieinazwisko", "имяифамилия", "фио", "姓名",
    "名前", "氏名", "이름", "الاسم", "firstname", "givenname", "given", "forename", "first",
    "preferredname", "nickname", "vorname", "rufname", "prenom", "nombre", "nombres",
    "primernombre", "nome", "voornaam", "fornamn", "fornavn", "etunimi", "imie", "имя",
)  # fmt: skip
_GIVEN = frozenset(_NAME[_NAME.index("firstname") :])
_FAMILY = frozenset((
    "lastname", "last", "surname", "familyname", "family", "nachname", "familienname", "zuname",
    "nom", "nomdefamille", "apellido", "apellidos", "primerapellido", "cognome", "sobrenome",
    "apelido", "achternaam", "familienaam", "efternamn", "efternavn", "etternavn", "sukunimi",
    "nazwisko", "фамилия",
))  # fmt: skip
_NAME_RANK = {header: rank for rank, header in enumerate(_NAME)}


def email_weight(header: str) -> float:
    """1 if the header says nothing about addresses."""
    plain = _plain(header)
    if plain in _EMAIL:
        return 10
    if any(part in plain for part in _EMAIL_PART):
        return 3
    return 1.5 if any(part in plain for part in _ADDRESS_PART) else 1


def name_rank(header: str) -> int | None:
    """0 is best; None if it isn't a header for names."""
    return _NAME_RANK.get(_plain(header))


def is_given_name(header: str) -> bool:
    return _plain(header) in _GIVEN


def is_family_name(header: str) -> bool:
    return _plain(header) in _FAMILY


def _plain(header: str) -> str:
    letters = unicodedata.normalize("NFKD", header[:_MAX_LENGTH].casefold())
    return unicodedata.normalize("NFC", "".join(filter(str.isalnum, letters)))
