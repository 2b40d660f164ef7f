"""Guesses the encoding of text that isn't Unicode: a single-byte or an East Asian one."""

import codecs
import io
import json
import re
import subprocess
import sys
from collections import defaultdict

from invites.lists.letters import ENCODINGS, likelihood

_SAMPLE = 8 * 1024  # bytes
_MAX_LINE = 4 * 1024  # bytes
_ADDRESS = re.compile(rb"(?<![\x80-\xff])[\w.+-]+@[\w-]+\.[\w.-]+")

_SIMILAR = 0.03  # if likelihoods differ by less, statistics decide
_LIKELY = 0.8
_RARE = {"iso8859_5", "iso8859_6", "euc_jp", "koi8_r", "mac_roman", "cp850", "cp852"}


def guess_encoding(content: bytes) -> str:
    """One of letters.ENCODINGS, or "" if the guess is uncertain."""
    sample = _ADDRESS.sub(b" ", b"".join(non_ascii_lines(content)))
    texts = {encoding: _decoded(sample, encoding) for encoding in ENCODINGS}
    likely = {name: likelihood(text, name) for name, text in texts.items() if text is not None}
    best = max(likely.values(), default=0)
    if not sample or best < _LIKELY:
        return ""
    names = [name for name, value in likely.items() if value >= best - _SIMILAR]
    if len({texts[name] for name in names}) > 1:
        scores = _statistics(sample)
        names.sort(key=lambda name: -scores[name])
        others = (scores[name] for name in names if texts[name] != texts[names[0]])
        lines = sample.count(b"\n")
        if scores[names[0]] <= (1 + 1 / (lines + 1)) * max(others):  # no clear lead
            return ""
    return names[0]


def non_ascii_lines(content: bytes) -> list[bytes]:
    """The first 8 KB or so of lines with a byte above 127."""
    if b"\n" not in content[: 2 * _MAX_LINE]:
        content = content[: 4 * _SAMPLE].replace(b"\r", b"\n")
    lines: list[bytes] = []
    size = 0
    for line in io.BytesIO(content):
        if not line.isascii() and len(line) <= _MAX_LINE:
            lines.append(line)
            size += len(line)
            if size > _SAMPLE:
                break
    return lines


def _decoded(sample: bytes, encoding: str) -> str | None:
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError:
        return None


def _statistics(sample: bytes) -> defaultdict[str, float]:
    """Scores from chardet, by encoding; none if it fails.

    Runs in a process of its own, because its models take 40 MB and are rarely needed.
    """
    scores: defaultdict[str, float] = defaultdict(float)
    try:
        done = subprocess.run(  # noqa: S603  # our own program; the sample is only its input
            [sys.executable, "-I", "-c", _PROGRAM, *_CHARDET_NAMES],
            input=sample,
            capture_output=True,
            check=True,
            timeout=_MAX_SECONDS,
        )
    except subprocess.SubprocessError:
        return scores
    for codec, confidence in json.loads(done.stdout):
        name = _BY_CODEC.get(codecs.lookup(codec or "ascii").name, "")
        weight = 1.25 if name == "cp1252" else 0.8 if name in _RARE else 1
        scores[name] = max(scores[name], weight * confidence)
    return scores


_PROGRAM = """
import chardet, json, sys
found = chardet.detect_all(
    sys.stdin.buffer.read(), ignore_threshold=True, include_encodings=sys.argv[1:]
)
print(json.dumps([(one["encoding"], one["confidence"]) for one in found]))
"""
_MAX_SECONDS = 10
_CHARDET_NAMES = [
    "euc_jis_2004" if name == "euc_jp" else name.replace("_", "-") for name in ENCODINGS
] + ["shift_jis_2004", "big5hkscs", "euc_kr"]
_BY_CODEC = {codecs.lookup(name).name: name for name in ENCODINGS} | {
    "euc_jis_2004": "euc_jp",
    "shift_jis_2004": "cp932",
    "big5hkscs": "big5",
    "euc_kr": "cp949",
}
