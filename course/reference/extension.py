"""A Sphinx extension: pages from docstrings, and references in them that lead to public names."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.ext.napoleon import GoogleDocstring
from sphinx.util import logging

import textwright
from textwright import errors

_LOG = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, Any]:
    """Load what reads docstrings, and register what resolves references."""
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")
    app.add_css_file("reference.css")
    app.connect("config-inited", _configure)
    app.connect("autodoc-skip-member", _skip_foreign)
    app.connect("autodoc-process-docstring", _read_property, priority=600)  # after napoleon
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _configure(_: Sphinx, config: Config) -> None:
    config.autodoc_typehints = "description"
    config.autodoc_typehints_description_target = "documented"
    config.autodoc_typehints_format = "short"
    config.autodoc_member_order = "bysource"
    config.napoleon_numpy_docstring = False
    config.napoleon_custom_sections = [("Source", "notes_style")]
    config.myst_enable_extensions = {*config.myst_enable_extensions, "deflist"}


def _skip_foreign(_app: Sphinx, _what: str, _name: str, member: object, _skip: bool, _options: object) -> bool | None:
    """Leave out what a base class of another package brings: its own documentation describes it."""
    module = getattr(member, "__module__", None)
    return True if isinstance(module, str) and not module.startswith("textwright") else None


def _read_property(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Read the docstring of a property as that of a function: napoleon takes what stands before a colon for a type."""
    if what == "property":
        text = inspect.cleandoc(thing.__doc__ or "")
        lines[:] = [*GoogleDocstring(text, app.config, app, "method", name, thing, options).lines(), ""]


def _resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element) -> nodes.Node | None:
    """Lead a reference to an inner name to its public name; show one that has none as code, if it exists.

    Annotations name a class by the module that it lives in, docstrings by what an import inside the package says;
    pages exist for the public names alone.
    """
    target = str(node.get("reftarget", ""))
    if node.get("refdomain") != "py":
        return None
    name = target.rpartition(".")[2]
    error = getattr(errors, name, None)
    if isinstance(error, type) and issubclass(error, errors.TextwrightError):
        return _link(app, node, content, "reference/errors", f"error-{error.code}")
    if name in textwright.__all__ and f"textwright.{name}" in env.domains.python_domain.objects:
        docname = env.domains.python_domain.objects[f"textwright.{name}"].docname
        return _link(app, node, content, docname, f"textwright.{name}")
    if target.startswith("textwright.") and not _exists(target):
        _LOG.warning("there is no %s", target, location=node)
    return content


def _link(app: Sphinx, node: pending_xref, content: nodes.Element, page: str, anchor: str) -> nodes.reference:
    link = nodes.reference("", "", content, internal=True)
    link["refuri"] = f"{app.builder.get_relative_uri(node['refdoc'], page)}#{anchor}"
    return link


def _exists(target: str) -> bool:
    """Whether a dotted name can be imported."""
    module, _, rest = target.partition(".")
    thing: object = import_module(module)
    for part in rest.split("."):
        module = f"{module}.{part}"
        try:
            thing = getattr(thing, part) if hasattr(thing, part) else import_module(module)
        except ImportError:
            return False
    return True
