"""Remove tokens, attention heads and neurons."""
