"""One person's way through a queue: what is next, what was decided, and one step back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textwright.core.labels import Task
from textwright.errors import RequestError
from textwright.review.decisions import DecisionFile
from textwright.review.queue import ReviewItem, ReviewQueue

_SHOWN_PROBABILITIES = 5


class ReviewSession:
    """Walks through the items that are not decided; what is skipped comes again at the end, and after a restart.

    Args:
        queue: The items.
        decisions: Where decisions go; what it holds already is not asked about again.
    """

    def __init__(self, queue: ReviewQueue, decisions: DecisionFile) -> None:
        self.queue = queue
        self.decisions = decisions
        self._waiting = [index for index, item in enumerate(queue.items) if item.key not in decisions]
        self._history: list[int] = []

    @property
    def num_decided(self) -> int:
        """Items of the queue that are decided."""
        return len(self.queue.items) - len(self._waiting)

    @property
    def current(self) -> int | None:
        """Number of the item that is asked about; None when all are decided."""
        return self._waiting[0] if self._waiting else None

    def decide(self, index: int, labels: Sequence[str]) -> None:
        """Store the right labels of the item that is asked about.

        Args:
            index: Its number, so that a page that is out of date decides nothing.
            labels: One, or of a multi-label task any number.

        Raises:
            RequestError: If another item is asked about, or the labels cannot be those of a text.
            DataError: If the decision cannot be written.
        """
        item = self._item(index)
        unknown = [name for name in labels if name not in self.queue.labels]
        if unknown or len(set(labels)) < len(labels):
            raise RequestError("a label is not one of this review, or named twice; load the page again")
        if self.queue.task is Task.SINGLE_LABEL and len(labels) != 1:
            raise RequestError(f"{len(labels)} labels were given; give this text exactly one")
        self.decisions.add(item, labels)
        self._waiting.remove(index)
        self._history.append(index)

    def skip(self, index: int) -> None:
        """Put the item that is asked about at the end.

        Raises:
            RequestError: If another item is asked about.
        """
        self._item(index)
        self._waiting.append(self._waiting.pop(0))

    def undo(self) -> None:
        """Take the last decision of this session back and ask about it again; does nothing where there is none.

        Raises:
            DataError: If the file cannot be written.
        """
        if self._history:
            index = self._history[-1]
            self.decisions.remove(self.queue.items[index].key)
            self._history.pop()
            self._waiting.insert(0, index)

    def state(self) -> dict[str, Any]:
        """Say what the page shows."""
        return {
            "source": self.queue.source,
            "out": str(self.decisions.path),
            "labels": list(self.queue.labels),
            "is_multi_label": self.queue.task is Task.MULTI_LABEL,
            "num_decided": self.num_decided,
            "num_items": len(self.queue.items),
            "can_undo": bool(self._history),
            "item": None if self.current is None else _shown(self.current, self.queue.items[self.current]),
        }

    def _item(self, index: int) -> ReviewItem:
        if index != self.current:
            raise RequestError("the page shows a text that is not asked about now; load it again")
        return self.queue.items[index]


def _shown(index: int, item: ReviewItem) -> dict[str, Any]:
    ranked = sorted(item.probabilities.items(), key=lambda pair: -pair[1])[:_SHOWN_PROBABILITIES]
    return {
        "index": index,
        "place": f"{item.file}, {item.unit} {item.line}",
        "text": item.text,
        "given": None if item.given is None else list(item.given),
        "suggested": list(item.suggested),
        "probabilities": ranked,
        "reason": item.reason,
        "similar": [{"labels": labels, "text": text} for labels, text in item.similar],
    }
