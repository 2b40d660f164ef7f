"""Permissions, the inviter's authority, and the audit log."""
