"""Reads a collection of real bounces, and compares the outcomes with what its own tests expect.

Usage: python -m bench.bounces FOLDER [--list]. FOLDER: a checkout of the Git repository
sisimai/p5-sisimai, which has hundreds of bounces, and tests that say which are hard. Replaces the
Message-ID of the returned message with one of ours. Bounces without one can't be matched.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

from invites.bounces import reading

_OURS = b"<1-AAAAAAAAAAAAAAAAAAAAAAAA@invites.example.org>"
_SAMPLES = Path("set-of-emails/maildir/bsd")
_ID_LINE = re.compile(rb"^\W*(?:[\w-]+-)?Message-ID[ \t]*:\s*(<?[^<>\s]{6,}>?)", re.M | re.I)
_ENGINE = re.compile(r"\$enginename\s*=\s*'([^']+)'")
_EXPECTED = re.compile(r"'(\d+)'\s*=>\s*\[(\[.*?\])\]\s*,?\s*\n", re.DOTALL)
_RECIPIENT = re.compile(r"\['([^']*)',\s*'[^']*',\s*'([^']*)',\s*(\d)")


def main() -> None:
    folder, is_verbose = Path(sys.argv[1]), "--list" in sys.argv
    found = defaultdict(list)
    for name, kind in _expected(folder):
        raw, has_id = _with_our_id((folder / _SAMPLES / name).read_bytes())
        report = reading.read(raw)
        actions = {each.action for each in report.recipients} if report else ()
        outcome = " and ".join(sorted(actions)) or "not read"
        found[kind, "with" if has_id else "without", outcome].append(name)
    for (kind, has, outcome), names in sorted(found.items()):
        print(f"{len(names):4} {kind}, {has} a Message-ID: {outcome}")
        if is_verbose:
            print("     ", *names)


def _expected(folder: Path) -> Iterator[tuple[str, str]]:
    """File name and kind: hard, soft with status 5 or 4, feedback, vacation or delivered."""
    for test in sorted(folder.glob("t/[3-8]*.t")):
        text = test.read_text("utf-8")
        if engine := _ENGINE.search(text):
            is_standard = engine[1] in {"ARF", "RFC3464", "RFC3834"}
            prefix = "" if is_standard else "rhost-" if "-rhost-" in test.name else "lhost-"
            for number, rows in _EXPECTED.findall(text):
                yield f"{prefix}{engine[1].lower()}-{int(number):02}.eml", _kind(rows)


def _kind(rows: str) -> str:
    recipients = _RECIPIENT.findall(rows)
    for reason in ("feedback", "vacation", "delivered"):
        if any(reason == each[1] for each in recipients):
            return reason
    if any(is_hard == "1" for _, _, is_hard in recipients):
        return "hard"
    return "soft 4.x" if all(each[0].startswith("4") for each in recipients) else "soft 5.x"


def _with_our_id(raw: bytes) -> tuple[bytes, bool]:
    """Also returns whether the returned message has a Message-ID, perhaps in base64."""
    head, blank_line, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    if ids := set(_ID_LINE.findall(body)):
        for one in ids:
            body = body.replace(one, _OURS)
        return head + blank_line + body, True
    message = message_from_bytes(raw)
    has_id = False
    for part in message.walk():
        content = part.get_payload(decode=True)
        encoding = part.get("Content-Transfer-Encoding", "").strip().lower()
        if encoding == "base64" and isinstance(content, bytes):
            text, count = _ID_LINE.subn(b"Message-ID: " + _OURS, content)
            has_id = has_id or count > 0
            part.set_payload(text)
            del part["Content-Transfer-Encoding"]
    return (message.as_bytes() if has_id else raw), has_id


if __name__ == "__main__":
    main()
