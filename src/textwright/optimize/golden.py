"""Golden examples of a graph: texts with the logits that it gives here."""

from __future__ import annotations

import json
from collections.abc import Sequence

from textwright.runtime.predictor import Predictor


def golden_lines(predictor: Predictor, texts: Sequence[str]) -> str:
    """Write what a graph says of some texts as the lines of a golden file.

    Args:
        predictor: The variant that they are of.
        texts: Short texts; they are run at every load.

    Returns:
        One JSON object a line; nothing for no texts.
    """
    rows = predictor.logits(texts).tolist() if texts else []
    items = [{"text": text, "logits": row} for text, row in zip(texts, rows, strict=True)]
    return "".join(f"{json.dumps(item, ensure_ascii=False)}\n" for item in items)
