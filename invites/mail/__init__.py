"""Renders mail and builds its messages. The texts are in templates/email/."""
