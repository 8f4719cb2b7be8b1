"""Rewrites of an ONNX graph that keep its predictions: no work for padding, fusion of operators."""
