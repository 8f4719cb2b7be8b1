"""Fewer bits: int8 and float16 weights, int8 products."""
