"""What a push to the hub is given; each setting is defined here and nowhere else."""

from __future__ import annotations

from textwright.config import Settings


class PushSettings(Settings):
    """Where to push, and what the model card says that nobody can measure."""

    private: bool = False
    """Make a repository that only its owner can read; one that exists must be private already."""
    revision: str = "main"
    """Branch to push to; made from the main branch if it does not exist."""
    license: str = "unknown"
    """License of the model, as the hub writes it (apache-2.0, mit, cc-by-4.0)."""
    language: str = ""
    """Language of the texts, as the hub writes it (en, de); by default the card names none."""
    dataset: str = ""
    """Dataset of the hub that the model was trained on (owner/name); known where the source was hf://owner/name."""
    card: bool = True
    """Write the README.md of the repository; --no-card leaves it as somebody edited it."""
    message: str = ""
    """Message of the commit; by default the model's name and version."""
