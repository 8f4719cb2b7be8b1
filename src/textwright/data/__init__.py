"""Labeled sources, their splits, and the built-in assets; imports numpy, and pyarrow only where Parquet is read."""
