"""Optimize an artifact for inference: try what may help, measure it here, keep what wins, and say no to the rest.

::

    artifact -> candidates -> graph -> accuracy check -> speed, measured here -> verdict -> new artifact

``optimization`` is the pipeline of quantization; other packages beside it have their own.
Imports the ONNX tools of the train extra; no prediction needs a file of this package.
"""
