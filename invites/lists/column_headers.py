"""Reads column headers in many languages: whether a column has addresses or names, and whose."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

_MAX_LENGTH = 150  # characters examined

# All in lower case, without accents, spaces or punctuation.
_EMAIL = frozenset((
    "email", "emails", "mail", "mails", "emailaddress", "emailaddresses", "mailaddress",
    "emailid", "emailvalue", "primaryemail", "emailadresse", "mailadresse", "epost", "epostadresse",
    "epostadress", "eposta", "epostaadresi", "emailadres", "mailadres", "adresemail", "courriel",
    "courrielelectronique", "adressecourriel", "adressemail", "adresseemail", "adresseelectronique",
    "correo", "correos", "correoelectronico", "direcciondecorreo", "direcciondecorreoelectronico",
    "enderecodeemail", "indirizzoemail", "indirizzomail", "indirizzodiposta", "postaelettronica",
    "sahkoposti", "sahkopostiosoite", "emailcim", "почта", "электроннаяпочта", "メール",
    "メールアドレス", "电子邮件", "邮箱", "電子郵件", "이메일", "البريدالالكتروني",
))  # fmt: skip
_LOGIN = frozenset((
    "username", "userprincipalname", "upn", "login", "loginname", "loginid", "userlogin", "userid",
    "signinname", "signinaddress", "benutzername", "anmeldename", "identifiant",
    "nomdutilisateur", "nombredeusuario", "usuario", "nomedeusuario", "nomeutente",
    "gebruikersnaam", "brukernavn", "brugernavn", "anvandarnamn", "kayttajatunnus",
    "nazwauzytkownika", "kullaniciadi", "логин", "имяпользователя", "ユーザー名", "用户名",
    "사용자이름",
))  # fmt: skip
_EMAIL_PART = (
    "mail",
    "courriel",
    "correo",
    "epost",
    "почт",
    "пошт",
    "メール",
    "邮",
    "郵",
    "이메일",
)
_ADDRESS_PART = ("adres", "address", "direccion", "endereco", "indirizzo", "kontakt", "contact")

# Words in the headers of a person's other addresses, or of other people's addresses.
_SECONDARY = frozenset((
    "alternate", "alternative", "alternatemail", "recovery", "secondary", "second", "other",
    "additional", "proxy", "backup", "old", "former", "previous", "cc", "bcc", "alias", "aliases",
    "manager", "managers", "supervisor", "boss", "parent", "parents", "guardian", "emergency",
    "buyer", "purchaser", "organizer", "sponsor", "referrer", "inviter", "shipping", "reply",
    "alternativ", "alternativen", "zweite", "weitere", "andere", "wiederherstellung", "autre",
    "secondaire", "secours", "recuperation", "alternativo", "secundario", "otro", "recuperacion",
    "outro", "recuperacao", "secondario", "altro", "recupero", "tweede", "herstel", "annan",
    "anden", "toinen", "inny", "dodatkowy", "zapasowy", "yedek", "другой", "резервный",
    "дополнительный", "予備", "备用", "備用",
))  # fmt: skip

# Best first: full names, then first names.
_NAME = (
    "fullname", "name", "displayname", "nameinfull", "contactname", "membername",
    "volunteername", "firstandlastname", "firstnamelastname", "firstlastname", "lastnamefirstname",
    "vollername", "vollstandigername", "vorundnachname", "vornamenachname", "vornameundnachname",
    "nomcomplet", "nometprenom", "prenometnom", "nomprenom", "prenomnom", "quelestvotrenom",
    "commentvousappelezvous", "commenttappellestu", "nombrecompleto", "nombreyapellidos",
    "nombreyapellido", "comotellamas", "comosellama", "nomecompleto", "nomeecognome",
    "nomeesobrenome", "cometichiami", "comosechama", "wieheisstdu", "wieheissensie",
    "hoeheetje", "hoeheetu", "volledigenaam", "naam", "navn", "namn", "fullstandigtnamn",
    "fuldenavn", "fulltnavn", "kokonimi", "nimi", "nev", "imieinazwisko", "adsoyad", "adisoyadi",
    "имяифамилия", "фио", "каквасзовут", "姓名", "名前", "お名前", "氏名", "이름", "성명", "الاسم",
    "firstname", "givenname", "given", "forename", "fname", "first", "preferredname",
    "preferredfirstname", "nickname", "vorname", "rufname", "prenom", "nombre", "nombres",
    "primernombre", "nome", "voornaam", "fornamn", "fornavn", "etunimi", "imie", "ad", "adi", "имя",
    "імя", "jmeno", "keresztnev", "prenume", "ime", "vardas", "vards", "eesnimi", "ονομα", "名",
)  # fmt: skip
_GIVEN = frozenset(_NAME[_NAME.index("firstname") :])
_FAMILY = frozenset((
    "lastname", "last", "lname", "surname", "sn", "familyname", "family", "nachname",
    "familienname", "zuname", "nom", "nomdefamille", "apellido", "apellidos", "primerapellido",
    "cognome", "sobrenome", "apelido", "achternaam", "familienaam", "efternamn", "efternavn",
    "etternavn", "sukunimi", "nazwisko", "soyad", "soyadi", "фамилия",
    "прізвище", "prijmeni", "vezeteknev", "nume", "priimek", "prezime", "pavarde", "uzvards",
    "perekonnanimi", "επωνυμο", "姓",
))  # fmt: skip
_NAME_RANK = {header: rank for rank, header in enumerate(_NAME)}

# Words that say whose address or name is in a column.
_PEOPLE = frozenset((
    "attendee", "billing", "buyer", "contact", "customer", "delegate", "donor", "employee", "guest",
    "invitee", "member", "participant", "purchaser", "registrant", "shipping", "student",
    "subscriber", "user", "volunteer", "teilnehmer", "mitglied", "kunde", "kunden", "rechnung",
    "participante", "cliente", "client", "membre", "socio",
))  # fmt: skip
_FILLERS = frozenset((
    "what", "whats", "s", "is", "are", "your", "you", "the", "of", "please", "enter", "type",
    "provide", "give", "us", "my", "a", "an", "to", "required", "optional", "main", "primary",
    "preferred", "personal", "work", "business", "current", "valid", "best", "in", "full", "value",
    "wie", "lautet", "ist", "dein", "deine", "ihr", "ihre", "bitte", "der", "die", "das", "des",
    "quel", "quelle", "est", "votre", "ton", "ta", "le", "la", "l", "du", "de",
    "cual", "es", "tu", "su", "el", "qual", "o", "seu", "sua", "il", "tuo", "suo", "tua",
    "wat", "uw", "je", "jouw", "hvad", "hva", "er", "dit", "din", "vad", "ar", "ditt",
    "jakie", "jest", "twoje", "twoj", "podaj", "ваш", "ваше", "ваша", "как", "お", "您的",
))  # fmt: skip

_BRACKETS = re.compile(
    r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|\uff08[^\uff08\uff09]*\uff09|【[^【】]*】"
)
_NUMBERING = re.compile(r"\s*(?:\d+\s*[.)]|[a-z]\))\s+")
_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_E_MAIL = re.compile(r"\be[\s_.-]+(?=mail|post)")
_WORDS = re.compile(r"[^\W\d_]+|\d+")


class Header(NamedTuple):
    """``plain``: the words that matter, joined. ``people``: the words that are in _PEOPLE."""

    plain: str
    people: frozenset[str]
    is_secondary: bool


def email_weight(header: str) -> float:
    """How likely it is that the column has the addresses to invite.

    1 if the header doesn't mention addresses, more if it does, less for secondary addresses.
    """
    found = _read(header)
    if found.is_secondary:
        return 0.3
    if found.plain in _EMAIL:
        return 10
    if any(part in found.plain for part in _EMAIL_PART):
        return 3
    return 1.5 if any(part in found.plain for part in _ADDRESS_PART) else 1


def is_login(header: str) -> bool:
    """Whether the column has logins, which may be addresses, as ``Username`` in Microsoft 365."""
    return _joined(_words(header)) in _LOGIN


def is_title(cell: str) -> bool:
    """Whether the cell is a known header of addresses or names."""
    return _read(cell).plain in _EMAIL or is_login(cell) or name_rank(cell) is not None


def name_rank(header: str) -> int | None:
    """0 is best; None if this isn't a header of names."""
    return None if is_login(header) else _NAME_RANK.get(_read(header).plain)


def is_given_name(header: str) -> bool:
    return _read(header).plain in _GIVEN


def is_family_name(header: str) -> bool:
    return _read(header).plain in _FAMILY


def people_in(header: str) -> frozenset[str]:
    """Words that say whose column this is: ``billing`` for *Billing First Name*."""
    return _read(header).people


def _read(header: str) -> Header:
    return _cached(header[:_MAX_LENGTH])


@lru_cache(maxsize=1000)
def _cached(header: str) -> Header:
    words = _words(header)
    whole = _joined(words)
    outside = _words(_BRACKETS.sub(" ", header)) or words
    rest = [word for word in outside if word not in _PEOPLE | _FILLERS and word != "1"]
    joined = _joined(outside)
    known = _EMAIL | _FAMILY | _NAME_RANK.keys()
    plain = next((one for one in (whole, joined) if one in known), _joined(rest) or joined)
    is_secondary = not _SECONDARY.isdisjoint(words) or (any(word in "23456789" for word in outside))
    return Header(plain, _PEOPLE.intersection(words), is_secondary)


def _words(header: str) -> list[str]:
    """In lower case and without accents."""
    header = _NUMBERING.sub("", header[:_MAX_LENGTH], count=1) if header else ""
    letters = unicodedata.normalize("NFKD", _CAMEL_CASE.sub(" ", header).casefold())
    bare = "".join(c for c in letters if not "\u0300" <= c <= "\u036f").replace("\u0131", "i")
    return _WORDS.findall(_E_MAIL.sub("e", unicodedata.normalize("NFC", bare)))


def _joined(words: list[str]) -> str:
    return "".join(words)
