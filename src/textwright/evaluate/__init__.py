"""Measure what is shipped: a predictor on labeled texts, never the model that was trained.

Imports core, data, runtime and report; ``figures`` brings matplotlib and is imported only where it draws.
"""
