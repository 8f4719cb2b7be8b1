"""What a person is asked about: texts in the order in which they are shown, with what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textwright.core.labels import Task
from textwright.review.label_errors import LabelErrors


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A text to decide on.

    Args:
        file: Where it stands.
        line: Its line there, or row, or the position in its request.
        text: The text.
        given: Its labels so far; None for a text that has none yet.
        suggested: The labels that a model would give it.
        probabilities: Label -> probability, as far as they are known.
        reason: Why it is asked about, in a sentence.
        similar: Similar texts: labels in words, and the text.
        unit: What ``line`` counts: "line", "row", or "text" of a request.
    """

    file: str
    line: int
    text: str
    given: tuple[str, ...] | None
    suggested: tuple[str, ...]
    probabilities: Mapping[str, float]
    reason: str
    similar: tuple[tuple[str, str], ...] = ()
    unit: str = "line"

    @property
    def key(self) -> tuple[str, int, str]:
        """What makes it the same text at the same place."""
        return self.file, self.line, self.text


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """The texts of a review.

    Args:
        source: What the user called them.
        task: Whether a text has one label, or any number of them.
        labels: The labels to choose from.
        items: In the order in which they are asked about.
    """

    source: str
    task: Task
    labels: tuple[str, ...]
    items: tuple[ReviewItem, ...]


def queue_of_errors(errors: LabelErrors, limit: int) -> ReviewQueue:
    """Ask about suspected labels, the surest first.

    Args:
        errors: What is suspected.
        limit: Texts at most.
    """
    items = []
    for issue in errors.issues[:limit]:
        probabilities = {}
        if len(issue.labels) == len(issue.suggested) == 1:
            probabilities = {
                issue.labels[0]: issue.probability,
                issue.suggested[0]: issue.suggested_probability,
            }
        agree = f"{issue.num_agreeing} of {len(issue.neighbors)} similar texts are labeled as suggested"
        items.append(
            ReviewItem(
                file=issue.file,
                line=issue.line,
                unit=issue.unit,
                text=issue.text,
                given=issue.labels,
                suggested=issue.suggested,
                probabilities=probabilities,
                reason=f"the label may be wrong; {agree}" if issue.neighbors else "the label may be wrong",
                similar=tuple((", ".join(item.labels) or "(none)", item.text) for item in issue.neighbors),
            )
        )
    return ReviewQueue(errors.source, Task(errors.task), errors.labels, tuple(items))
