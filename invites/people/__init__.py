"""Profiles, passwords, sessions and two-step verification."""
