"""Invites brings people into an organization. docs/architecture.md describes the packages."""

__version__ = "0.1.0"
