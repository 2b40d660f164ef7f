"""Runs what is heavy in a process of its own: pages stay quick, and its memory goes back.

Python's fork server has the modules loaded, so that each piece of work begins
within milliseconds. It starts with the first one.
"""

import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from invites import db
from invites.refusals import Refused

P = ParamSpec("P")
T = TypeVar("T")

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["__main__", "invites.staging"])
_at_once = threading.BoundedSemaphore(2)  # the others wait: a box has two cores


class AsideError(Exception):
    """The process ended before its work did."""


def run(work: Callable[P, T], *arguments: P.args, **more: P.kwargs) -> T:
    """What ``work`` answers in another process, which uses the same database.

    ``work`` is a function of a module; arguments and answer can be pickled.
    Raises Refused as ``work`` does, and AsideError when something else ends it.
    """
    with _at_once:
        ours, theirs = _context.Pipe(duplex=False)
        process = _context.Process(
            target=_work, args=(theirs, db.path(), work, arguments, more), daemon=True
        )
        process.start()
        theirs.close()
        try:
            answer, refused = ours.recv()
        except EOFError:
            raise AsideError from None
        finally:
            ours.close()
            process.join()
    if refused is not None:
        reason, details = refused
        raise Refused(reason, **details)
    found: T = answer
    return found


def _work(
    theirs: Connection, path: Path, work: Callable[..., Any], arguments: Any, more: Any
) -> None:
    db.configure(path)
    db.connect()
    try:
        theirs.send((work(*arguments, **more), None))
    except Refused as refused:
        theirs.send((None, (refused.reason, refused.details)))
    finally:
        db.close()
        theirs.close()
