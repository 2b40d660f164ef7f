"""Renders and builds messages. Their texts are in templates/email/."""
