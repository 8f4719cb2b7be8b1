"""The texts that documentation, the page and the curl line ask a model for: which to choose, and which are stored.

They stand in the manifest, under ``data``, where older versions leave them alone. Callers: ``pipeline`` chooses,
``api.model`` shows, ``deploy.package`` replaces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from textwright.core.manifest_checks import is_text
from textwright.errors import ArtifactFormatError, SettingsError

STORED: Final = "example_texts"
"""Where the manifest's account of the data holds them; absent in older artifacts."""
TYPED: Final = "example_text"
"""Where it says that one was typed instead of chosen, so that no text of the data is stored."""
MAX_CHARS: Final = 1_000
"""Of one text: it stands in every OpenAPI document."""
_MAX_TEXTS: Final = 8
_SHORTEST_CHARS: Final = 4
_LONGEST_CHARS: Final = 160
_NUM_CHOSEN: Final = 2
_PERSONAL: Final = re.compile(r"@|://|\bwww\.|\d{3}|\d\d(?:[ ./-]?\d\d){3}", re.IGNORECASE)
"""Signs of an address, an account or a telephone number. Names of people have no sign."""
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def choose_example_texts(texts: Sequence[str], labels: Sequence[object]) -> tuple[str, ...]:
    """Choose up to two short texts of different labels, without signs of personal data.

    Args:
        texts: N texts that the model was not trained on.
        labels: What each is labeled, N; only compared.

    Returns:
        The first that fit, in their order, cut at a space where all are long; none if all have addresses or long
        numbers in them.
    """
    is_shown = [_is_harmless(text) for text in texts]
    known = [(text, label) for text, label, shown in zip(texts, labels, is_shown, strict=True) if shown]
    chosen = [item for item in known if len(item[0].strip()) <= _LONGEST_CHARS] or known
    first = chosen[:1]
    other = [item for item in chosen if item[1] != first[0][1] and item[0] != first[0][0]]
    return tuple(_shortened(text.strip()) for text, _ in [*first, *other][:_NUM_CHOSEN])


def check_typed(text: str) -> str:
    """Check a text that was typed as the example.

    Args:
        text: The text; empty means that none was typed.

    Returns:
        The text without blanks at its ends.

    Raises:
        SettingsError: If it is blank, or longer than :data:`MAX_CHARS`.
    """
    if text and not text.strip():
        raise SettingsError("--example-text is blank; type a text as the model will be asked for")
    if len(text) > MAX_CHARS:
        raise SettingsError(f"--example-text has {len(text):,} characters; at most {MAX_CHARS:,} are stored")
    return text.strip()


def typed_example(data: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Say in a manifest's account of the data that one text was typed as the example.

    Args:
        data: What the manifest says of the data.
        text: As :func:`check_typed` gives it, not empty.
    """
    return {**data, TYPED: text, STORED: [text]}


def stored_example_texts(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Read the example texts of a manifest.

    Args:
        data: What the manifest says of the data.

    Returns:
        The texts; none for an older artifact, and where none could be shown.

    Raises:
        ArtifactFormatError: If they are anything but a few short texts.
    """
    texts = data.get(STORED, [])
    if not (isinstance(texts, list) and len(texts) <= _MAX_TEXTS and all(map(_is_example, texts))):
        raise ArtifactFormatError(
            f"the manifest's {STORED} must be up to {_MAX_TEXTS} texts of 1 to {MAX_CHARS} characters; "
            "write the artifact again"
        )
    return tuple(texts)


def _is_example(text: object) -> bool:
    return isinstance(text, str) and is_text(text) and 1 <= len(text) <= MAX_CHARS


def _is_harmless(text: str) -> bool:
    bare = text.strip()
    return len(bare) >= _SHORTEST_CHARS and not (_PERSONAL.search(bare) or _UNPRINTABLE.search(bare))


def _shortened(text: str) -> str:
    """Cut a long text at its last space, or where it has none at the bound."""
    if len(text) <= _LONGEST_CHARS:
        return text
    start = text[: _LONGEST_CHARS - 2]
    return f"{start[: start.rfind(' ')] if ' ' in start else start} \N{HORIZONTAL ELLIPSIS}"
