"""What an engine is: something that scores fragments in any order and says when each is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from textwright.bulk.ledger import FragmentResult
from textwright.bulk.plan import Fragment, PlannedFile
from textwright.bulk.scoring import ScoreJob
from textwright.runtime.predictor import Predictor


class ScoreTask(NamedTuple):
    """A fragment and the file that it is of."""

    file: PlannedFile
    fragment: Fragment


class Engine(Protocol):
    """Scores fragments."""

    def results(
        self, predictor: Predictor, job: ScoreJob, tasks: Sequence[ScoreTask], on_rows: Callable[[int], object]
    ) -> Iterator[FragmentResult]:
        """Score fragments.

        Args:
            predictor: The model, of one thread; other processes open the same artifact and variant.
            job: What is the same for all fragments.
            tasks: The fragments.
            on_rows: Called with the number of rows that were written since its last call.

        Yields:
            What came of each fragment, as soon as its output is there.

        Raises:
            DataError, BackendError: As :class:`~textwright.bulk.scoring.FragmentScorer` does, or if a process ended.
        """
