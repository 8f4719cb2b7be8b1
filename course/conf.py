"""Sphinx: one theme, MathML made at build time, nothing from another host."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

project = tomllib.loads((HERE / "course.toml").read_text(encoding="utf-8"))["book"]["title"]
html_title = "Textwright"
author = "The Textwright authors"
copyright = author  # noqa: A001  Sphinx's name
extensions = ["myst_nb", "booktools.mathml"]
extensions.append("reference.extension")
nb_execution_mode = "off"  # booktools executes; Sphinx only shows
myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "dollarmath", "smartquotes"]
myst_heading_anchors = 3
nb_merge_streams = True
html_math_renderer = "mathml"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_js_files = [("quiz.js", {"defer": "defer"}), ("copy.js", {"defer": "defer"})]
html_show_sphinx = False
html_copy_source = False
html_show_search_summary = False  # excerpts are fetched, which a page opened from a file may not do
html_show_sourcelink = False
pygments_style = "tango"
pygments_dark_style = "github-dark"
html_theme_options = {
    "light_css_variables": {
        "font-stack": "'Inter Variable', system-ui, sans-serif",
        "font-stack--monospace": "'JetBrains Mono Variable', ui-monospace, monospace",
        "color-brand-primary": "#2456c7",
        "color-brand-content": "#2456c7",
    },
    "dark_css_variables": {"color-brand-primary": "#7aa2f7", "color-brand-content": "#7aa2f7"},
    "navigation_with_keys": True,
}
