"""The form of the records that ``serve --record`` writes and ``monitor`` reads: Parquet, one row for each text.

Imports nothing of Parquet: the server writes and ``monitor.records`` reads, and neither knows the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from textwright.core.types import Int32s

LABELS_KEY: Final = b"textwright.labels"
"""Key of the schema's metadata: the names of the model's labels, in the order of ``probabilities``, as a JSON list."""
RECORD_FILES: Final = "records-*.parquet"
"""Names of the files in a folder of records; their order is that of their last rows."""


class PredictionRecord(NamedTuple):
    """What is kept of one text; the fields are the columns, in this order.

    Args:
        time: When it was answered, UTC.
        request_id: Of its request, as the answer's header x-request-id shows it.
        position: Of the text in its request, from 0.
        model: Name of the model.
        version: Its version.
        labels: The labels that were predicted: one for a single-label task.
        confidence: The probability of the predicted label.
        probabilities: Of all labels, in the model's order.
        num_tokens: Tokens that were read, of a model of several stages by the first.
        unknown_rate: Share of them that the vocabulary does not know.
        truncated: Whether the text was longer than the model reads.
        stage: Which stage answered; None for a model of one stage.
        words: The distinct buckets of its words; see :mod:`textwright.core.word_sketch`.
        text: The text itself; None unless texts are recorded.
    """

    time: datetime
    request_id: str
    position: int
    model: str
    version: str
    labels: Sequence[str]
    confidence: float
    probabilities: Sequence[float]
    num_tokens: int
    unknown_rate: float
    truncated: bool
    stage: str | None
    words: Int32s
    text: str | None
