"""Experiment tracking: a training's settings, epochs, metrics and artifact in MLflow or in Weights & Biases.

Off unless ``train --track`` asks for it. Neither library sends usage data: their telemetry is switched off before they
are imported, unless the user's environment switches it on.
"""
