"""What people write above the columns of their lists, in the languages of our users and others."""

import unicodedata

_LONGEST = 100  # characters of a title that are looked at

# All without accents, spaces and signs.
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

# From the whole name to a part of it.
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
_NAME_RANK = {title: rank for rank, title in enumerate(_NAME)}


def email_weight(title: str) -> float:
    """How much more an address counts below this title: 1 for a title that says nothing."""
    plain = _plain(title)
    if plain in _EMAIL:
        return 10
    if any(part in plain for part in _EMAIL_PART):
        return 3
    return 1.5 if any(part in plain for part in _ADDRESS_PART) else 1


def name_rank(title: str) -> int | None:
    """How well the title fits people's names, 0 best; None when it doesn't."""
    return _NAME_RANK.get(_plain(title))


def is_given_name(title: str) -> bool:
    """Whether it stands above first names."""
    return _plain(title) in _GIVEN


def is_family_name(title: str) -> bool:
    """Whether it stands above last names."""
    return _plain(title) in _FAMILY


def _plain(title: str) -> str:
    letters = unicodedata.normalize("NFKD", title[:_LONGEST].casefold())
    return unicodedata.normalize("NFC", "".join(filter(str.isalnum, letters)))
