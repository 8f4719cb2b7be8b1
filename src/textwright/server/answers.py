"""How large an answer may be: said before anything is computed; and large ones are written off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from textwright.api.validation import check_num_texts, larger_flag
from textwright.errors import RequestLimitError
from textwright.server.service import Service

SCORE_BYTES: Final = 24
"""A float64 in JSON and its comma."""
_TEXT_BYTES: Final = 120
"""What stands around the scores of one text."""
_NAME_BYTES: Final = 4
"""Quotes, colon and comma of a name."""
_QUICK_SCORES: Final = 4_096
"""As many scores are written in about a millisecond."""

T = TypeVar("T")


def check_answer(
    service: Service, num_texts: int, num_scores: int | None = None, *, score_bytes: int = SCORE_BYTES
) -> None:
    """Refuse a request of too many texts, or whose answer would be too large.

    Args:
        service: The model that answers; the names of its labels count.
        num_texts: Texts of the request.
        num_scores: Scores in the answer to one text; None for one per label.
        score_bytes: Bytes of one score and what stands around it, without the label's name.

    Raises:
        RequestLimitError: Names the bytes, the bound and the cure.
    """
    check_num_texts(num_texts, service.settings.max_texts)
    num_labels, bound = len(service.info.labels), service.settings.max_answer_bytes
    num_scores = num_labels if num_scores is None else num_scores
    names = min(num_scores * service.longest_label, service.label_bytes * -(-num_scores // num_labels))
    num_bytes = num_texts * (_TEXT_BYTES + names + num_scores * (score_bytes + _NAME_BYTES))
    if num_bytes > bound:
        raise RequestLimitError(
            f"the answer for {num_texts} texts would have up to {num_bytes} bytes, at most {bound} are allowed; send "
            f"fewer texts, ask for fewer labels or outputs (top_k, outputs), or {larger_flag('max_answer_bytes')}"
        )


async def write(num_scores: int, function: Callable[[], T]) -> T:
    """Write an answer; a large one in a thread, so that others are answered meanwhile.

    Args:
        num_scores: Scores of all texts together.
        function: Writes it.

    Returns:
        What the function returns.
    """
    return function() if num_scores <= _QUICK_SCORES else await asyncio.to_thread(function)
