"""The decks: Markdown in ``course/slides``, figures by name from executed lessons, numbers from ``course/results``."""
