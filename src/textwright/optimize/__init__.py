"""Optimize an artifact for inference: try what may help, measure it here, keep what wins, and say no to the rest.

::

    artifact -> ladder of recipes -> graph -> gate (same answers?) -> speed (faster here?) -> verdict -> new artifact

``search`` walks; every other module is one of its steps. Imports the ONNX tools of the train extra; no file of it is
on the way to a prediction.
"""
