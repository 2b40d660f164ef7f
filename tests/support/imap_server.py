"""An IMAP server on a real socket, with only the commands that ``flask bounces`` uses."""

import re
import socket
import ssl
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO

_FETCH = re.compile(rb"BODY\.PEEK\[\]<0\.(\d+)>")


@dataclass
class ImapServer:
    """One folder. ``messages`` and ``flags`` are by UID.

    ``broken``: UIDs of messages that can't be fetched. ``later``: the capabilities after login.
    ``tells_of_none``: whether a search without results gets an empty response line; some servers
    send none.
    """

    messages: dict[int, bytes] = field(default_factory=dict)
    flags: dict[int, set[str]] = field(default_factory=dict)
    capabilities: str = "IMAP4rev1 AUTH=PLAIN"
    later: str = "IMAP4rev1 UIDPLUS"
    user: str = "invites@example.org"
    password: str = "a pass wörd"
    hang_up_at: bytes = b"never"
    folder: str = "INBOX"
    broken: set[int] = field(default_factory=set)
    tells_of_none: bool = True
    commands: list[bytes] = field(default_factory=list)

    def put(self, *messages: bytes) -> None:
        """Delivers unread messages."""
        for raw in messages:
            uid = max(self.messages, default=100) + 1
            self.messages[uid] = raw
            self.flags[uid] = set()

    @contextmanager
    def open(self, tls: ssl.SSLContext | None, *, silent: bool = False) -> Iterator[int]:
        """Listens during the block. Yields the port."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            thread = threading.Thread(
                target=self._serve, args=(listening, tls, silent), daemon=True
            )
            thread.start()
            yield listening.getsockname()[1]
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join(10)

    def _serve(self, listening: socket.socket, tls: ssl.SSLContext | None, silent: bool) -> None:
        with suppress(OSError):
            while True:
                plain, _ = listening.accept()
                with plain, suppress(OSError):
                    link = tls.wrap_socket(plain, server_side=True) if tls else plain
                    with link, link.makefile("rwb") as file:
                        if silent:
                            file.readline()
                        else:
                            self._talk(file)

    def _talk(self, file: Any) -> None:
        self._say(file, b"* OK ready")
        for line in file:
            tag, _, words = line.rstrip(b"\r\n").partition(b" ")
            self.commands.append(words)
            if words.startswith(self.hang_up_at):
                return
            self._say(file, *self._answer(words, file, tag))
            if words == b"LOGOUT":
                return

    def _answer(self, words: bytes, file: BinaryIO, tag: bytes) -> list[bytes]:
        match words.split(b" "):
            case [b"CAPABILITY"]:
                is_in = self.commands[-2:-1] and self.commands[-2].startswith(
                    (b"AUTHENTICATE", b"LOGIN")
                )
                known = self.later if is_in else self.capabilities
                return [f"* CAPABILITY {known}".encode(), tag + b" OK Done."]
            case [b"AUTHENTICATE", b"PLAIN"]:
                return [tag + self._check(file)]
            case [b"LOGIN", *_]:
                right = f'LOGIN "{self.user}" "{self.password}"'.encode()
                return [
                    tag + (b" OK Done." if words == right else b" NO [AUTHENTICATIONFAILED] No.")
                ]
            case [b"SELECT", *_]:
                known = words == f'SELECT "{self.folder}"'.encode()
                return [tag + (b" OK [READ-WRITE]" if known else b" NO No such mailbox.")]
            case [b"UID", b"FETCH", uid, *_] if int(uid) in self.broken:
                return [tag + b" NO [SERVERBUG] It can't be read."]
            case [b"UID", *command]:
                return [*self._on_messages(command), tag + b" OK Done."]
            case [b"LOGOUT"]:
                return [b"* BYE", tag + b" OK Done."]
        return [tag + b" BAD What?"]

    def _on_messages(self, command: list[bytes]) -> list[bytes]:
        match command:
            case [b"SEARCH", b"UNSEEN"]:
                unseen = [uid for uid in self.messages if r"\Seen" not in self.flags[uid]]
                found = b" ".join([b"* SEARCH", *(str(uid).encode() for uid in unseen)])
                return [found] if unseen or self.tells_of_none else []
            case [b"FETCH", uid, part]:
                return self._message(int(uid), part)
            case [b"STORE", uid, b"+FLAGS.SILENT", *flags]:
                self.flags[int(uid)] |= set(b" ".join(flags).decode().strip("()").split())
            case [b"EXPUNGE", uid]:
                assert r"\Deleted" in self.flags[int(uid)]
                del self.messages[int(uid)]
        return []

    def _message(self, uid: int, part: bytes) -> list[bytes]:
        limit = _FETCH.search(part)
        assert limit is not None
        raw = self.messages[uid][: int(limit[1])]
        return [b"* 1 FETCH (UID %d BODY[]<0> {%d}" % (uid, len(raw)), raw + b")"]

    def _check(self, file: BinaryIO) -> bytes:

        self._say(file, b"+ ")
        given = b64decode(file.readline())
        right = f"\0{self.user}\0{self.password}".encode()
        return b" OK Done." if given == right else b" NO [AUTHENTICATIONFAILED] Wrong password."

    @staticmethod
    def _say(file: Any, *lines: bytes) -> None:
        for line in lines:
            file.write(line + b"\r\n")
        file.flush()
