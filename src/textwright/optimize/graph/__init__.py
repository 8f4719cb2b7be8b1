"""Rewrites of an ONNX graph that keep its predictions: fusion of operators."""
