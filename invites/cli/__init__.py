"""The flask commands, and what they need to know about an installation."""
