"""The pages: one module per page or resource, each request → rule → page or fragment."""

import pkgutil
from importlib import import_module

from flask import Flask


def register(app: Flask) -> None:
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        app.register_blueprint(import_module(module.name).blueprint)
