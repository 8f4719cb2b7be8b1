"""Which pretrained encoder reads which languages, and when the English one will not do.

Names, languages and licenses are those of the model cards; only the built-in encoder is measured here. Callers: the
check of a file, the comparison and ``textwright families``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from textwright.core.percent import percent
from textwright.data.scripts import NO_SCRIPT
from textwright.family_catalog import find_entry

BUILT_IN: Final = "minilm-l6"
_OTHERS: Final = 0.1
"""Share of the texts in another script than Latin from which on an English encoder is advised against."""


class KnownEncoder(NamedTuple):
    """An encoder that ``--model.encoder`` takes.

    Args:
        name: A built-in asset or an id of the Hugging Face hub.
        languages: What it was trained on.
        parameters: How many, with its word vectors.
        license: Of the weights.
    """

    name: str
    languages: str
    parameters: str
    license: str


KNOWN_ENCODERS: Final = (
    KnownEncoder(BUILT_IN, "English (built in)", "22 M", "Apache-2.0"),
    KnownEncoder("answerdotai/ModernBERT-base", "English, long texts", "149 M", "Apache-2.0"),
    KnownEncoder("intfloat/multilingual-e5-small", "some 100 languages", "118 M", "MIT"),
    KnownEncoder("jhu-clsp/mmBERT-small", "some 1,800 languages", "140 M", "MIT"),
    KnownEncoder("jhu-clsp/mmBERT-base", "some 1,800 languages", "307 M", "MIT"),
    KnownEncoder("FacebookAI/xlm-roberta-base", "100 languages", "278 M", "MIT"),
    KnownEncoder("microsoft/mdeberta-v3-base", "100 languages", "276 M", "MIT"),
)
_ADVISED: Final = "intfloat/multilingual-e5-small"


def advice_for_scripts(scripts: Mapping[str, int], family: str, encoder: str = BUILT_IN) -> str:
    """Advise an encoder of many languages where texts are in scripts that the English one does not read.

    Args:
        scripts: Writing system -> texts that are mainly in it.
        family: The family that reads them.
        encoder: What it reads with.

    Returns:
        A sentence; empty if the family has no encoder, it is another than ours, or nearly all texts are Latin.
    """
    counts = {name: count for name, count in scripts.items() if name not in {NO_SCRIPT, "Latin"}}
    others, total = sum(counts.values()), sum(scripts.values())
    if encoder != BUILT_IN or others < max(1, _OTHERS * total) or "encoder" not in find_entry(family).settings:
        return ""
    names = ", ".join(sorted(counts, key=lambda name: -counts[name])[:3])
    return (
        f"{others:,} texts ({percent(others / total)}) are mainly in other scripts than Latin ({names}), and the "
        f"built-in encoder of {family} reads English; name one of many languages, such as --model.encoder {_ADVISED} "
        f"(textwright families {family} lists some), or take a family that learns its words from your texts"
    )
