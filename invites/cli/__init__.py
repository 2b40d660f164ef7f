"""The flask commands, and backups."""
