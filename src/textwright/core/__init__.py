"""What every room shares: labels, tokenization, numerics, metrics and the artifact's format.

Imports the standard library, numpy and tokenizers; nothing else.
"""
