"""Accounts and their members: joining, roles, ownership, links, two-step policy."""
