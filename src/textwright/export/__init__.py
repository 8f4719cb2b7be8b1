"""From a trained torch module to an ONNX graph, and the proof that the two agree."""
