"""Measure what is shipped: a predictor on labelled texts, never the model that was trained.

Imports core, data and runtime; the report alone needs matplotlib and jinja2, and imports them when it is drawn.
"""
