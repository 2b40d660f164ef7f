"""Finds the files beside the Python code: ``templates``, ``static`` and ``gunicorn.conf.py``."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_IN_WHEEL = _PACKAGE / "_data"  # pyproject.toml puts them there

IS_INSTALLED = _IN_WHEEL.is_dir()
"""Whether this is an installed wheel, not a checkout of the repository."""


def bundled(name: str) -> Path:
    """In a checkout, these files are beside the package; in a wheel, inside it."""
    return (_IN_WHEEL if IS_INSTALLED else _PACKAGE.parent) / name
