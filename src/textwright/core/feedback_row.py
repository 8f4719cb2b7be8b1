"""The form of the feedback that ``serve --feedback`` stores and ``review`` joins with records: columns, table, files.

Imports nothing of Parquet: the server writes and ``review.feedback`` reads, and neither knows the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

TABLE: Final = "feedback"
"""Of a SQLite file; its labels are a JSON list and its time is text, ISO 8601."""
FEEDBACK_FILES: Final = "feedback-*.parquet"
"""Names of the files beside records."""


class FeedbackRow(NamedTuple):
    """What was said of one text; the fields are the columns, in this order.

    Args:
        request_id: Of the request that asked for it.
        position: Of the text in that request, from 0.
        labels: The right ones: one for a single-label task.
        key: Name of the API key; None without keys.
        time: When it was said, UTC.
    """

    request_id: str
    position: int
    labels: Sequence[str]
    key: str | None
    time: datetime
