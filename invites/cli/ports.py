"""Checks that the web server's port is free, and otherwise finds the process that uses it."""

import os
import socket
from contextlib import suppress
from pathlib import Path

from invites.db import NotReadyError

_LISTENING = "0A"  # the state in /proc/net/tcp


def refuse_taken(bind: str) -> None:
    """Raises NotReadyError if nothing can listen on ``bind``, such as ``127.0.0.1:8000``.

    Does nothing if the socket was inherited, for example from systemd.
    """
    if "LISTEN_FDS" in os.environ or "GUNICORN_FD" in os.environ:
        return
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, int(port)), family=family).close()
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        raise NotReadyError(
            f"Invites can't listen on {bind}: {reason}{_by_whom(int(port))}. "
            "Set INVITES_BIND to an address and a free port of this machine, "
            "such as 127.0.0.1:8001."
        ) from None


def _by_whom(port: int) -> str:
    """Says which process listens on ``port``. Empty if /proc doesn't show it."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for link in Path("/proc").glob("[0-9]*/fd/*") if sockets else ():
        with suppress(OSError):  # the process ended, or belongs to someone else
            if str(link.readlink()) in sockets:
                process = link.parents[1]
                command = (
                    (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
                return f" by process {process.name} ({command.strip()[:100]})"
    return ""


def _listening(port: int) -> list[str]:
    """The inodes of the sockets that listen on ``port``."""
    found = []
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (Path("/proc/net") / table).read_text().splitlines()[1:]:
                _number, local, _remote, state, *_, inode = line.split()[:10]
                if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
                    found.append(inode)
    return found
