"""Count tokens as a family does, before anything is trained; called by ``textwright data check --family``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from textwright.data.lengths import (
    DEFAULT_MAX_LENGTH,
    UNLIMITED,
    TokenCounter,
    count_characters,
    count_tokens,
    count_words,
)
from textwright.models import find_family


def family_tokens(name: str, settings: Mapping[str, Any] | None = None) -> TokenCounter:
    """Find out how a family counts tokens and how many it reads.

    Args:
        name: As typed after ``--family``.
        settings: Settings of the family; absent ones have their defaults.

    Returns:
        Its own tokenizer where it comes with a pretrained encoder; else the rule of the word families.

    Raises:
        NotFoundError: If there is no such family, or no such encoder.
        SettingsError: If one of its settings is wrong.
        AssetError: If the encoder cannot be fetched.
    """
    family = find_family(name)
    config = family.config.parse(settings or {}, source=f"settings of {name}")
    max_length = int(family.defaults.get("max_length", DEFAULT_MAX_LENGTH))
    encoder = getattr(config, "encoder", None)
    if encoder is None:
        count = count_characters if family.unit_of_length == "characters" else count_words
        return TokenCounter(count, family.unit_of_length, name, max_length)
    tokenizer = family.build_tokenizer((), config, UNLIMITED)
    return TokenCounter(partial(count_tokens, tokenizer), f"tokens of {encoder}", name, max_length)
