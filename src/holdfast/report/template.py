"""Jinja templates, with everything from data escaped and an unknown name an error."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from holdfast.report import words

__all__ = ["fill"]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("holdfast.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("count", "decimal", "described", "duration", "percent", "points"):
        environment.filters[name] = getattr(words, name)
    environment.globals["span"] = words.span
    return environment


def fill(name: str, context: Mapping[str, Any]) -> Markup:
    """Return a template of ``report/templates`` with its names filled in."""
    return Markup(_environment().get_template(name).render(context))
