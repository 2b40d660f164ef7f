"""Reads the unread messages of a Maildir, an mbox file or an IMAP folder.

Each message has a function ``done`` that marks it as read, or deletes it if ``delete`` is set. A
message for which it isn't called is read again next time.
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

from invites.bounces.message_parts import MAX_SIZE
from invites.core.settings import MailboxServer

_TIMEOUT = 30  # seconds for each reply of an IMAP server
_BLANK_LINE = re.compile(rb"\n\r?\n")
_READ = re.compile(rb"^Status:.*R", re.MULTILINE | re.IGNORECASE)


class MailboxError(Exception):
    """A mailbox can't be read; the message says which and why."""


@dataclass(frozen=True)
class ReceivedMessage:
    """``raw``: the first MAX_SIZE bytes."""

    raw: bytes
    done: Callable[[], None]


@contextmanager
def mailbox_errors(where: str) -> Iterator[None]:
    """Turns errors in reading ``where`` into a MailboxError."""
    try:
        yield
    except mailbox.NoSuchMailboxError:
        raise MailboxError(f"{where} can't be used: there is no such file.") from None
    except mailbox.ExternalClashError as error:
        raise MailboxError(
            f"{where} can't be used: {_text(error)}. If no program uses it, remove {where}.lock."
        ) from error
    except OSError as error:
        place = error.filename or where  # a single file of a Maildir
        raise MailboxError(f"{place} can't be used: {error.strerror or _text(error)}") from error
    except (mailbox.Error, imaplib.IMAP4.error, UnicodeError) as error:
        raise MailboxError(f"{where} can't be used: {_text(error)}") from error


def _text(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    text = reason.decode("ascii", "replace") if isinstance(reason, bytes) else str(error)
    return text or type(error).__name__


def maildir(folder: Path, *, delete: bool) -> Generator[ReceivedMessage, None, None]:
    """Skips messages that are marked as seen. Marking moves a message to ``cur``.

    If a file can't be read, raises an error after yielding all other messages.
    """
    if not ((folder / "new").is_dir() and (folder / "cur").is_dir()):
        raise MailboxError(
            f"{folder} can't be used: it lacks the folders 'new' and 'cur' of a Maildir."
        )
    everything = [*(folder / "new").iterdir(), *(folder / "cur").iterdir()]
    unreadable: list[OSError] = []
    for path in filter(_is_unseen, sorted(everything)):
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_SIZE)
        except FileNotFoundError:
            continue  # another program moved it
        except OSError as error:
            unreadable.append(error)
        else:
            yield ReceivedMessage(raw, partial(_remove if delete else _mark_seen, path))
    if unreadable:
        raise unreadable[0]


def _is_unseen(path: Path) -> bool:
    return path.is_file() and "S" not in path.name.partition(":2,")[2]


def _mark_seen(path: Path) -> None:
    name, _, flags = path.name.partition(":2,")
    seen = "".join(sorted({*flags, "S"}))
    with suppress(FileNotFoundError):  # another program moved it
        path.rename(path.parent.parent / "cur" / f"{name}:2,{seen}")


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def mbox(file: Path, *, delete: bool) -> Generator[ReceivedMessage, None, None]:
    """Skips messages with an R in the field Status. Marking adds the field."""
    box = mailbox.mbox(file, create=False)
    with closing(box):
        box.lock()
        for key in list(box.iterkeys()):  # a copy, because marking may remove a key
            raw = box.get_bytes(key, from_=True)
            if not _READ.search(_BLANK_LINE.split(raw, maxsplit=1)[0]):
                yield ReceivedMessage(
                    raw[:MAX_SIZE], partial(_mark_mbox, box, key, raw, delete=delete)
                )


def _mark_mbox(box: mailbox.mbox, key: str, raw: bytes, *, delete: bool) -> None:
    if delete:
        box.remove(key)
        return
    envelope, _, message = raw.partition(b"\n")
    box[key] = envelope + b"\nStatus: RO\n" + message


def imap(
    server: MailboxServer, *, delete: bool, timeout: float = _TIMEOUT
) -> Generator[ReceivedMessage, None, None]:
    """The unseen messages of an IMAP folder, over TLS. Marking sets the flag ``Seen``.

    A message that the server can't return stays unseen, and an error is raised after all other
    messages. ``delete`` expunges only the messages that were read. This needs UIDPLUS (RFC 4315),
    which many servers announce only after login. Without it, messages are marked as deleted but
    kept.
    """
    context = ssl.create_default_context()
    connection = imaplib.IMAP4_SSL(server.host, server.port, ssl_context=context, timeout=timeout)
    try:
        _log_in(connection, server)
        expunges = delete and b"UIDPLUS" in b" ".join(_data(connection.capability())).upper()
        _data(connection.select(_quoted(_modified_utf7(server.folder))))
        # Without None: some servers return nothing if there are no unseen messages.
        unseen = filter(None, _data(connection.uid("SEARCH", "UNSEEN")))
        refused: list[Any] = []
        for uid in b" ".join(unseen).decode().split():
            kind, found = connection.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MAX_SIZE}>)")
            refused += found if kind != "OK" else []
            for raw in (item[1] for item in found if isinstance(item, tuple)):
                yield ReceivedMessage(
                    raw, partial(_mark_imap, connection, uid, delete=delete, expunge=expunges)
                )
        if refused:
            raise imaplib.IMAP4.error(refused[0])
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            connection.logout()
        with suppress(OSError):
            connection.shutdown()  # logout doesn't close the connection if the server is gone


def _log_in(connection: imaplib.IMAP4, server: MailboxServer) -> None:
    if "AUTH=PLAIN" in connection.capabilities:
        secret = f"\0{server.username}\0{server.password}".encode()
        connection.authenticate("PLAIN", lambda _challenge: secret)
    elif not f"{server.username}{server.password}".isascii():
        raise imaplib.IMAP4.error("Without AUTH=PLAIN, user name and password must be ASCII.")
    else:
        connection.login(_quoted(server.username), server.password)


def _mark_imap(connection: imaplib.IMAP4, uid: str, *, delete: bool, expunge: bool) -> None:
    flags = r"(\Deleted \Seen)" if delete else r"(\Seen)"
    _data(connection.uid("STORE", uid, "+FLAGS.SILENT", flags))
    if expunge:
        _data(connection.uid("EXPUNGE", uid))


def _data(answer: tuple[str, list[Any]]) -> list[Any]:
    kind, data = answer
    if kind != "OK":
        raise imaplib.IMAP4.error(data[0])
    return data


def _quoted(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def _modified_utf7(name: str) -> str:
    """See RFC 3501, 5.1.3."""
    return re.sub("&|[^ -~]+", _shifted, name)


def _shifted(match: re.Match[str]) -> str:
    if match[0] == "&":
        return "&-"
    letters = b64encode(match[0].encode("utf-16-be")).decode()
    return f"&{letters.rstrip('=').replace('/', ',')}-"
