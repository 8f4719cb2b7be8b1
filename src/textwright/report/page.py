"""The one template environment of all pages, and their colors for notebooks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from textwright.core.percent import percent

_PACKAGE: Final = "textwright.report"
_UNBROKEN: Final = re.compile(r"(?<=\d) (?=%)|(?<=\bp) (?== )|(?<=\bp =) (?=\d)")
"""The spaces of "95 %" and "p = 0.03", at which no line may end."""


def render(template: str, charts: Mapping[str, str], **values: Any) -> str:  # noqa: ANN401  whatever a template shows
    """Fill a template; every value is escaped, and a name that is missing is an error.

    Args:
        template: A file of ``templates``.
        charts: Name -> SVG of ``report.svg``, in which names of others are escaped already.
        values: What the template shows.

    Raises:
        ImportError: If jinja2 is not installed.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    loader = PackageLoader(_PACKAGE)
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, finalize=_unbroken)
    pages.trim_blocks = pages.lstrip_blocks = True
    pages.filters["duration"] = duration
    pages.filters["percent"] = percent
    drawn = {name: Markup(svg) for name, svg in charts.items()}  # noqa: S704  drawn by us, names escaped by matplotlib
    return pages.get_template(template).render(charts=drawn, **values)


def _unbroken(value: object) -> object:
    """Keep a number and its sign on one line; drawings stay as they are."""
    return _UNBROKEN.sub("\N{NO-BREAK SPACE}", value) if type(value) is str else value


def duration(seconds: float) -> str:
    """Write a time as people say it: "8 ms", "12 s", "3 min", "2.1 h"."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@cache
def theme(selector: str) -> str:
    """Return the colors and the font of the pages.

    Args:
        selector: Of the element that they are defined for.
    """
    path = files(_PACKAGE) / "templates" / "theme.css"
    return path.read_text(encoding="utf-8").replace(":root", selector)
