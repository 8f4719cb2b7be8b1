"""Templates of pages: those of one package, and the frame and style sheets that all pages share. Needs jinja2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jinja2 import Environment

_SHARED: Final = "textwright.evaluate"


def page_templates(package: str = _SHARED) -> Environment:
    """Open the templates of a package; whatever is put into them is escaped, and what they lack is an error.

    Args:
        package: Its templates come first, then the shared ones.

    Raises:
        ImportError: If jinja2 is not installed.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loader = ChoiceLoader([PackageLoader(package), PackageLoader(_SHARED)])
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    pages.trim_blocks = pages.lstrip_blocks = True
    return pages
