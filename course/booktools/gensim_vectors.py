"""``python -m booktools.gensim_vectors``: train word2vec by gensim on the corpus of lesson 8 and record its score.

Needs gensim, which nothing else of the course does: ``pip install gensim`` beside the course's packages.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Final

from booktools.layout import COURSE
from textwright.core.files import write_text

RECORDED: Final = COURSE / "recorded" / "08-gensim.json"
_SETTINGS: Final = {
    "vector_size": 100, "window": 5, "negative": 5, "sample": 1e-4, "ns_exponent": 0.75, "epochs": 3, "min_count": 10,
}  # fmt: skip


def main() -> int:
    """Train, measure and write; return the exit code."""
    from nano import probe, text

    gensim = import_module("gensim")
    documents = [text.words(each) for each in text.corpus()]
    model = gensim.models.Word2Vec(documents, sg=1, workers=1, seed=0, **_SETTINGS)
    vectors = model.wv
    related = probe.agreement(vectors.vectors, vectors.key_to_index, probe.word_pairs("wordsim353"))
    told = {
        "gensim": gensim.__version__,
        "settings": _SETTINGS,
        "related": round(related.rho, 4),
        "low": round(related.low, 4),
        "high": round(related.high, 4),
        "num_pairs": related.num_pairs,
    }
    write_text(RECORDED, json.dumps(told, indent=1) + "\n")
    print(f"wrote {RECORDED}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
