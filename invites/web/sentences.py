"""Fills in sentences, without a second period after a name that ends with one (Riverside Inc.)."""

import re
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

import flask_babel
from flask import Flask
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

_NAME_AND_PERIOD = re.compile(r"(%\((\w+)\)s)\.")


def init_app(app: Flask, **options: Any) -> None:
    """``options``: those of flask_babel.Babel."""
    _Babel(app, **options)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # added by Jinja's i18n extension
        _template_gettext, _template_ngettext, newstyle=False
    )


def counted(singular: str, plural: str) -> Callable[..., str]:
    """``ngettext``, to be called later with the number."""
    return partial(flask_babel.ngettext, singular, plural)


def with_one_period(sentence: str, variables: Mapping[str, Any]) -> str:
    def fitted(found: re.Match[str]) -> str:
        return found[1] if str(variables.get(found[2])).endswith(".") else found[0]

    return _NAME_AND_PERIOD.sub(fitted, sentence)


class _Domain(flask_babel.Domain):
    def gettext(self, string: str, **variables: Any) -> str:
        sentence = str(super().gettext(string))
        return with_one_period(sentence, variables) % variables if variables else sentence

    def ngettext(self, singular: str, plural: str, num: int, **variables: Any) -> str:
        sentence = self.get_translations().ungettext(singular, plural, num)
        variables["num"] = flask_babel.format_decimal(num)
        return with_one_period(sentence, variables) % variables


class _Babel(flask_babel.Babel):
    @cached_property
    def domain_instance(self) -> _Domain:
        return _Domain(domain=self.domain)


@pass_eval_context
def _template_gettext(context: EvalContext, string: str, **variables: Any) -> str:
    return _filled(context, flask_babel.get_translations().ugettext(string), variables)


@pass_eval_context
def _template_ngettext(
    context: EvalContext, singular: str, plural: str, num: int, **variables: Any
) -> str:
    sentence = flask_babel.get_translations().ungettext(singular, plural, num)
    return _filled(context, sentence, {"num": flask_babel.format_decimal(num)} | variables)


def _filled(context: EvalContext, sentence: str, variables: Mapping[str, Any]) -> str:
    """Escapes the variables on HTML pages."""
    fitted = with_one_period(sentence, variables)
    if not context.autoescape:
        return fitted % variables
    return Markup(fitted) % variables  # noqa: S704  # as Jinja does; the sentence is from us
