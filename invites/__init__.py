"""Invites: brings the people of a small organization in.

Arrows between the modules go one way:
``factory → blueprints → web → rules → models → db``. Import-linter holds them
(see pyproject.toml).
"""
