"""A predictor made of predictors: each stage answers the texts that it is sure of and leaves the others to the next.

Its ``encode`` is that of the first stage, text to ids like any other. The texts that a stage leaves are encoded by the
next one's own tokenizer, so infer and decode belong to a stage; :meth:`CascadePredictor.score` makes the round, and a
server makes it with a queue for each stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast

import numpy as np

from textwright.core.artifact import Artifact
from textwright.core.encodings import Encodings
from textwright.core.text_input import list_of_texts
from textwright.core.types import Float32s
from textwright.runtime.predictor import Predictor, Scores, TextPrediction, load_again

if TYPE_CHECKING:
    from textwright.runtime.explanation import TextExplanation

_AnyPredictor = TypeVar("_AnyPredictor", bound=Predictor)


class CascadePredictor(Predictor):
    """Two or more models, from the fastest to the strongest, that answer as one.

    Args:
        artifact: A verified artifact of a cascade.
        variant: Name of the combination of graphs to load; None takes the default.
        num_threads: Threads of one inference, >= 1; None takes one per physical core.
    """

    def __init__(self, artifact: Artifact, *, variant: str | None = None, num_threads: int | None = None) -> None:
        manifest = artifact.manifest
        self.artifact = artifact
        self.variant = variant or manifest.default_variant
        self._num_threads = num_threads
        self._decision = manifest.decision
        graphs = manifest.variant(self.variant).stages
        stages = (
            Predictor(item.artifact, variant=graphs[item.name], num_threads=num_threads).as_stage(
                item.name, item.min_confidence, manifest.temperature
            )
            for item in artifact.stages
        )
        self._stages = tuple(stages)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Pickle the artifact's path; the class is made again, since it may have been made for another base."""
        path, digest = self.artifact.path.absolute(), self.artifact.digest
        return _load_cascade_again, (_base_of(type(self)), path, self.variant, self._num_threads, digest)

    @property
    def stages(self) -> tuple[Predictor, ...]:
        """The models, from the fastest to the strongest."""
        return self._stages

    def with_threads(self, num_threads: int) -> Self:
        """Open the same graphs for another number of threads."""
        other = self.with_stages(lambda stage: stage.with_threads(num_threads))
        other._num_threads = num_threads  # noqa: SLF001  its own class
        return other

    def with_stages(self, change: Callable[[Predictor], Predictor]) -> Self:
        """Replace each stage by what ``change`` makes of it."""
        other = self._copy()
        other._stages = tuple(map(change, self._stages))  # noqa: SLF001
        return other

    def stop(self) -> None:
        """End the calls that run and refuse all that come, where the engines can."""
        for stage in self._stages:
            stage.stop()

    def encode(self, texts: Iterable[str]) -> Encodings:
        """Turn texts into the token ids of the first stage, which reads every text; see :meth:`Predictor.encode`."""
        return self._stages[0].encode(texts)

    def infer(self, batch: object) -> Float32s:  # noqa: ARG002
        """Refuse: the ids of one stage mean nothing to another.

        Raises:
            TypeError: Always.
        """
        raise TypeError("a cascade infers in each of its stages; call score(texts), or infer of a stage")

    def infer_all(self, encodings: object) -> Float32s:
        """Refuse, as :meth:`infer` does."""
        return self.infer(encodings)

    def score(self, texts: Iterable[str], *, in_one_batch: bool = False) -> Scores:
        """Predict the labels of texts; see :meth:`Predictor.score`.

        Returns:
            The predictions of the stages that answer. The logits of all are calibrated by the one temperature of this
            predictor.
        """
        texts = list_of_texts(texts)
        predictions: list[TextPrediction | None] = [None] * len(texts)
        logits = np.empty((len(texts), len(self.labels)), dtype=np.float32)
        lengths, remaining = np.zeros(len(texts), dtype=np.int64), np.arange(len(texts))
        for number, stage in enumerate(self._stages):
            scores = stage.score([texts[position] for position in remaining.tolist()], in_one_batch=in_one_batch)
            if number == 0:
                lengths = scores.lengths
            accepted = stage.accepts(scores.logits)
            logits[remaining[accepted]] = scores.logits[accepted]
            for row in np.flatnonzero(accepted).tolist():
                predictions[remaining[row]] = scores.predictions[row]
            remaining = remaining[~accepted]
            if not len(remaining):
                break
        return Scores(cast("list[TextPrediction]", predictions), logits, lengths)

    def explain(
        self, texts: Iterable[str], *, max_cost: float | None = None, label: str | None = None
    ) -> list[TextExplanation]:
        """Explain each prediction by the stage that made it; see :meth:`Predictor.explain`."""
        texts = list_of_texts(texts)
        scores = self.score(texts)
        explanations: dict[int, TextExplanation] = {}
        for number, positions in self.answered_by(scores.predictions).items():
            theirs = [texts[position] for position in positions]
            explained = self._stages[number].explain_scored(theirs, scores.logits[positions], max_cost, label)
            explanations.update(zip(positions, explained, strict=True))
        return [explanations[position] for position in range(len(texts))]


_CLASSES: Final[dict[type[Predictor], type[Predictor]]] = {Predictor: CascadePredictor}
"""Class -> what it is for cascades; one each, so that equal objects have one class."""


def as_cascade(kind: type[_AnyPredictor]) -> type[_AnyPredictor]:
    """Make a predictor's class one of cascades: its own methods stay, and those of Predictor give way.

    Args:
        kind: ``Predictor`` or a class derived from it.
    """
    subclass = _CLASSES.get(kind)
    if subclass is None:
        subclass = type(
            kind.__name__, (kind, CascadePredictor), {"__module__": kind.__module__, "__doc__": kind.__doc__}
        )
        subclass = _CLASSES.setdefault(kind, subclass)
    return cast("type[_AnyPredictor]", subclass)


def _base_of(kind: type[Predictor]) -> type[Predictor]:
    return kind.__bases__[0]


def _load_cascade_again(
    kind: type[Predictor], path: Path, variant: str, num_threads: int | None, digest: str
) -> Predictor:
    return load_again(as_cascade(kind), path, variant, num_threads, digest)
