"""One file per page or resource: request → rule → page or fragment, nothing else."""

import pkgutil
from importlib import import_module

from flask import Flask


def register(app: Flask) -> None:
    """Register the ``blueprint`` of every module in this package."""
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        app.register_blueprint(import_module(module.name).blueprint)
