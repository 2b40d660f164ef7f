"""Where bounces lie: a Maildir, an mbox file, an IMAP folder. Unread ones only.

Each gives letters one by one; a letter that is put away isn't given again.
Nothing is deleted unless asked for.
"""

import imaplib
import mailbox
import re
import ssl
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from invites.bounces.dsn import READ_AT_MOST
from invites.core.settings import MailboxServer

_SILENCE = 30  # seconds that an IMAP server may let us wait for its next word
_BLANK_LINE = re.compile(rb"\n\r?\n")
_READ = re.compile(rb"^Status:.*R", re.MULTILINE | re.IGNORECASE)


class BoxError(Exception):
    """A mailbox that can't be read; the message says which and why."""


@dataclass(frozen=True)
class Letter:
    """The beginning of one message, and how to have it not read again."""

    raw: bytes
    put_away: Callable[[], None]


@contextmanager
def named_troubles(where: str) -> Iterator[None]:
    """Turns what may go wrong while letters are read and put away into a BoxError."""
    try:
        yield
    except mailbox.NoSuchMailboxError:
        raise BoxError(f"{where} can't be used: there is no such file.") from None
    except mailbox.ExternalClashError as error:
        raise BoxError(
            f"{where} can't be used: {_words(error)}. If no program uses it, remove {where}.lock."
        ) from error
    except OSError as error:
        raise BoxError(f"{where} can't be used: {error.strerror or _words(error)}") from error
    except (mailbox.Error, imaplib.IMAP4.error, UnicodeError) as error:
        raise BoxError(f"{where} can't be used: {_words(error)}") from error


def _words(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    words = reason.decode("ascii", "replace") if isinstance(reason, bytes) else str(error)
    return words or type(error).__name__


def maildir(folder: Path, *, delete: bool) -> Generator[Letter, None, None]:
    """The letters of a Maildir that aren't marked as seen; what is put away goes to ``cur``."""
    if not ((folder / "new").is_dir() and (folder / "cur").is_dir()):
        raise BoxError(
            f"{folder} can't be used: it lacks the folders 'new' and 'cur' of a Maildir."
        )
    everything = [*(folder / "new").iterdir(), *(folder / "cur").iterdir()]
    for path in filter(_is_unseen, sorted(everything)):
        with path.open("rb") as file:
            raw = file.read(READ_AT_MOST)
        yield Letter(raw, partial(_remove if delete else _mark_seen, path))


def _is_unseen(path: Path) -> bool:
    return path.is_file() and "S" not in path.name.partition(":2,")[2]


def _mark_seen(path: Path) -> None:
    name, _, flags = path.name.partition(":2,")
    seen = "".join(sorted({*flags, "S"}))
    with suppress(FileNotFoundError):  # another program was faster
        path.rename(path.parent.parent / "cur" / f"{name}:2,{seen}")


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def mbox(file: Path, *, delete: bool) -> Generator[Letter, None, None]:
    """The letters of an mbox file without ``Status: R``; what is put away gets one."""
    box = mailbox.mbox(file, create=False)
    with closing(box):
        box.lock()
        for key in list(box.iterkeys()):  # what is put away may be removed meanwhile
            raw = box.get_bytes(key, from_=True)
            if not _READ.search(_BLANK_LINE.split(raw, maxsplit=1)[0]):
                yield Letter(raw[:READ_AT_MOST], partial(_settle, box, key, raw, delete=delete))


def _settle(box: mailbox.mbox, key: str, raw: bytes, *, delete: bool) -> None:
    if delete:
        box.remove(key)
        return
    envelope, _, message = raw.partition(b"\n")
    box[key] = envelope + b"\nStatus: RO\n" + message


def imap(
    server: MailboxServer, *, delete: bool, silence: float = _SILENCE
) -> Generator[Letter, None, None]:
    """The unseen letters of an IMAP folder, over TLS; what is put away is marked as seen.

    A letter that the server can't hand out is told of after all others; it stays unseen.
    Deletes only what it read: what others have marked as deleted isn't expunged, so a
    server without UIDPLUS (RFC 4315), which many tell of after the log-in only, just marks.
    """
    context = ssl.create_default_context()
    link = imaplib.IMAP4_SSL(server.host, server.port, ssl_context=context, timeout=silence)
    try:
        _log_in(link, server)
        expunges = delete and b"UIDPLUS" in b" ".join(_good(link.capability())).upper()
        _good(link.select(_quoted(_modified_utf7(server.folder))))
        unseen = filter(None, _good(link.uid("SEARCH", "UNSEEN")))  # of none, some tell nothing
        refused: list[Any] = []
        for uid in b" ".join(unseen).decode().split():
            kind, found = link.uid("FETCH", uid, f"(BODY.PEEK[]<0.{READ_AT_MOST}>)")
            refused += found if kind != "OK" else []
            for raw in (item[1] for item in found if isinstance(item, tuple)):
                yield Letter(raw, partial(_tick, link, uid, delete=delete, expunge=expunges))
        if refused:
            raise imaplib.IMAP4.error(refused[0])
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            link.logout()
        with suppress(OSError):
            link.shutdown()  # logout doesn't, when the server is gone already


def _log_in(link: imaplib.IMAP4, server: MailboxServer) -> None:
    if "AUTH=PLAIN" in link.capabilities:
        secret = f"\0{server.username}\0{server.password}".encode()
        link.authenticate("PLAIN", lambda _challenge: secret)
    elif not f"{server.username}{server.password}".isascii():
        raise imaplib.IMAP4.error("Without AUTH=PLAIN it takes only ASCII names and passwords.")
    else:
        link.login(_quoted(server.username), server.password)


def _tick(link: imaplib.IMAP4, uid: str, *, delete: bool, expunge: bool) -> None:
    _good(link.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted \Seen)" if delete else r"(\Seen)"))
    if expunge:
        _good(link.uid("EXPUNGE", uid))


def _good(answer: tuple[str, list[Any]]) -> list[Any]:
    kind, data = answer
    if kind != "OK":
        raise imaplib.IMAP4.error(data[0])
    return data


def _quoted(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def _modified_utf7(name: str) -> str:
    """The name of a folder as IMAP has it (RFC 3501, 5.1.3)."""
    return re.sub("&|[^ -~]+", _shifted, name)


def _shifted(match: re.Match[str]) -> str:
    if match[0] == "&":
        return "&-"
    letters = b64encode(match[0].encode("utf-16-be")).decode()
    return f"&{letters.rstrip('=').replace('/', ',')}-"
