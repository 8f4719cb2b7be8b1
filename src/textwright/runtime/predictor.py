"""The predictor: encode, infer, decode; Python, HTTP, Lambda and evaluation all make these calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeAlias, TypeVar

import numpy as np

from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact
from textwright.core.encodings import Encodings
from textwright.core.graph_checks import check_graph
from textwright.core.labels import Labels, Task
from textwright.core.numerics import activate
from textwright.core.text_input import list_of_texts
from textwright.core.types import Bools, Float32s, Ints
from textwright.errors import ArtifactCorruptError, ArtifactFormatError, BackendError, GoldenMismatchError
from textwright.runtime import bounds
from textwright.runtime.bounds import bounded_memory, memory_bound, stopped_after
from textwright.runtime.engines import OpenSession, open_session
from textwright.runtime.explain_protocol import run, together
from textwright.runtime.model import GraphModel

if TYPE_CHECKING:
    from textwright.core.surprisal import Surprisal
    from textwright.runtime.explain import Explainer
    from textwright.runtime.explanation import TextExplanation

GOLDEN_TOLERANCE: Final = 1e-3
"""Largest difference of a golden logit between machines, in nats: kernels differ, models do not."""


_Choices: TypeAlias = tuple[Iterable[str | None], Iterable[tuple[str, ...]]]
"""For each text the most probable label, and the labels that hold, as in :class:`TextPrediction`."""


class TextPrediction(NamedTuple):
    """What is said about one text.

    Args:
        label: The predicted label: the most probable one, or of two labels with a threshold, the one that it decides
            for; None when no label of a multi-label task reaches its threshold, or when the model abstains.
        labels: The labels that hold: one for a single-label task, none if the model abstains; any number, by falling
            probability, for a multi-label task.
        probabilities: Label name -> probability, in the model's label order, calibrated.
        truncated: True if the text was longer than the model's ``max_length`` and was not read whole.
        stage: Which stage answered, such as "fast" or "strong"; None for a model of one stage.
        out_of_distribution: True if the model abstains since the text is unlike its training texts.
    """

    label: str | None
    labels: tuple[str, ...]
    probabilities: dict[str, float]
    truncated: bool
    stage: str | None = None
    out_of_distribution: bool = False

    @property
    def confidence(self) -> float:
        """The probability of ``label``, in [0, 1]; where that is None, the highest among the labels."""
        return self.probabilities[self.best_label]

    @property
    def best_label(self) -> str:
        """``label``, and where that is None, the most probable label."""
        return max(self.probabilities, key=self.probabilities.__getitem__) if self.label is None else self.label


class Scores(NamedTuple):
    """What is said about N texts.

    Args:
        predictions: N predictions, in the order of the texts.
        logits: (N, K), in nats; ``probabilities`` of the same predictor calibrates them.
        lengths: Tokens of each text, (N,), as the first stage counts them.
    """

    predictions: list[TextPrediction]
    logits: Float32s
    lengths: Ints


class Predictor(GraphModel):
    """One loaded artifact variant. Safe to share between threads: nothing changes after loading.

    A predictor answers in one or more *stages*, each a predictor itself: what a stage does not accept, the next one
    answers. A model is its own only stage.

    Args:
        artifact: A verified artifact.
        variant: Name of the graph to load; None takes the default.
        num_threads: Threads of one inference, >= 1; None takes one per physical core.
    """

    def __init__(self, artifact: Artifact, *, variant: str | None = None, num_threads: int | None = None) -> None:
        manifest = artifact.manifest
        self.artifact = artifact
        self.variant = variant or manifest.default_variant
        self._num_threads = num_threads
        super().__init__(artifact.tokenizer(), self._open(num_threads), num_labels=len(manifest.labels))
        self._decision = manifest.decision
        self._surprisal = self._read_surprisal()

    _surprisal: Surprisal | None = None

    stage: str | None = None
    """What this predictor is called as a stage of another; None if it stands alone."""
    min_confidence: float = 0.0
    """As a stage it answers from this confidence on, in [0, 1]; see ``Decision.confidence``."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Pickle the artifact's path, from which another process loads the same artifact again."""
        path, digest = self.artifact.path.absolute(), self.artifact.digest
        return load_again, (type(self), path, self.variant, self._num_threads, digest)

    def with_threads(self, num_threads: int) -> Self:
        """Open the same graph for another number of threads.

        Args:
            num_threads: Threads of one inference, >= 1.

        Returns:
            A predictor that shares everything else with this one.
        """
        other = self._copy()
        other._session = self._open(num_threads)  # noqa: SLF001  its own class
        other._num_threads = num_threads  # noqa: SLF001
        return other

    def as_stage(self, name: str, min_confidence: float, temperature: float) -> Self:
        """Let the same graph answer as a stage of another predictor.

        Args:
            name: What the stage is called in its predictions.
            min_confidence: It answers from this confidence on.
            temperature: That of the other predictor. The logits are scaled so that it calibrates those of all stages.
        """
        other = self._copy()
        other.stage, other.min_confidence = name, min_confidence
        other.logit_scale = temperature / self.artifact.manifest.temperature
        return other

    def with_stages(self, change: Callable[[Predictor], Predictor]) -> Predictor:
        """Replace each stage by what ``change`` makes of it."""
        return change(self)

    def _copy(self) -> Self:
        other = type(self).__new__(type(self))
        vars(other).update(vars(self))  # copy() would pickle, and so load the artifact again
        other.__dict__.pop("explainer", None)  # it would ask this one
        return other

    def _read_surprisal(self) -> Surprisal | None:
        facts = self.artifact.manifest.out_of_distribution
        if not facts:
            return None
        from textwright.core.surprisal import read_surprisal  # few models need it, and start-up pays for each import

        content = (self.artifact.path / artifacts.SURPRISALS).read_bytes()
        return read_surprisal(content, facts, self._encoder)

    def _open(self, num_threads: int | None) -> OpenSession:
        engine = self.artifact.manifest.variant(self.variant).engine
        check_graph(self.graph_path, self.artifact.files)
        return open_session(self.graph_path, engine, num_threads=num_threads)

    @property
    def graph_path(self) -> Path:
        """The file of the graph."""
        return self.artifact.path / self.artifact.manifest.variant(self.variant).file

    @property
    def labels(self) -> Labels:
        """The label names in the order of the logits' columns, with the task."""
        return self.artifact.manifest.labels

    @property
    def temperature(self) -> float:
        """Calibration divisor of the logits, > 0."""
        return self.artifact.manifest.temperature * self.logit_scale

    @property
    def stages(self) -> tuple[Predictor, ...]:
        """What answers, in the order in which it reads a text; of a model this predictor alone."""
        return (self,)

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages that may answer; none for a model of one stage."""
        return tuple(stage.stage for stage in self.stages if stage.stage is not None)

    def answered_by(self, predictions: Iterable[TextPrediction]) -> dict[int, list[int]]:
        """Group predictions by the stage that made them.

        Returns:
            Number of the stage in :attr:`stages` -> positions of its predictions; no stage without any.
        """
        numbers = {stage.stage: number for number, stage in enumerate(self.stages)}
        positions: dict[int, list[int]] = {}
        for position, item in enumerate(predictions):
            positions.setdefault(numbers[item.stage], []).append(position)
        return positions

    def accepts(self, logits: Float32s) -> Bools:
        """Say which texts this stage answers, and does not leave to the next.

        Args:
            logits: (B, K), in nats, as :meth:`infer` gave them.

        Returns:
            (B,).
        """
        if not self.min_confidence:
            return np.ones(len(logits), dtype=np.bool_)
        return np.asarray(self._decision.confidence(self.probabilities(logits)) >= self.min_confidence)

    def decode(self, logits: Float32s, encodings: Encodings) -> list[TextPrediction]:
        """Turn logits into predictions: calibrate, activate, choose.

        Args:
            logits: (B, K), in nats, as :meth:`infer` gave them.
            encodings: What they were inferred from; it knows which texts were cut.

        Returns:
            B predictions, in order.

        Raises:
            BackendError: If a logit is not finite.
        """
        rows = self.probabilities(logits)
        is_unlike = self.out_of_distribution(encodings)
        is_single = self.labels.task is Task.SINGLE_LABEL
        choices = self._choose_one(rows, is_unlike) if is_single else self._choose_many(rows)
        by_label = map(dict, map(partial(zip, self.labels.names), rows.tolist()))
        columns = (*choices, by_label, encodings.truncated.tolist(), repeat(self.stage, len(rows)), is_unlike.tolist())
        return list(map(TextPrediction._make, zip(*columns, strict=True)))

    def out_of_distribution(self, encodings: Encodings) -> Bools:
        """Tell which texts are too unlike the training texts to get a label.

        Args:
            encodings: B texts, as :meth:`encode` gave them.

        Returns:
            (B,); False for every text where the model answers whatever it is asked.
        """
        if self._surprisal is None:
            return np.zeros(len(encodings), dtype=np.bool_)
        highest = self.artifact.manifest.out_of_distribution["max_surprisal"]
        return np.asarray(self._surprisal.of_texts(encodings) > highest)

    def probabilities(self, logits: Float32s) -> Float32s:
        """Calibrate and activate logits.

        Args:
            logits: (B, K), in nats.

        Returns:
            Probabilities, (B, K): softmax for a single-label task, sigmoid for a multi-label one.

        Raises:
            BackendError: If a logit is not finite.
        """
        return activate(logits, self.labels.task, temperature=self.temperature)

    def logits(self, texts: Iterable[str]) -> Float32s:
        """Encode texts and infer them in batches of like length.

        Args:
            texts: N texts, from any iterable.

        Returns:
            Logits, (N, K), in the order of the texts.
        """
        return self.score(texts).logits

    def score(self, texts: Iterable[str], *, in_one_batch: bool = False) -> Scores:
        """Predict the labels of texts, with the logits behind them.

        Args:
            texts: N texts, as for :meth:`predict`.
            in_one_batch: Run the model once over all texts, whatever their lengths.

        Raises:
            TextError, BackendError: As :meth:`predict` does.
        """
        encodings = self.encode(texts)
        logits = self.infer(encodings) if in_one_batch else self.infer_all(encodings)
        return Scores(self.decode(logits, encodings), logits, encodings.lengths)

    def predict(self, texts: Iterable[str]) -> list[TextPrediction]:
        """Predict the labels of texts.

        Args:
            texts: N texts of any length, from any iterable that has an order: a list, a generator, an array, a column
                of a table. Beyond ``max_length`` tokens a text is not read, and says so.

        Returns:
            N predictions, in the order of the texts.

        Raises:
            TextError: If an item is not a string, or no Unicode text; or if ``texts`` is one string, a
                table, a mapping or a set; names the cure.
            BackendError: If the engine fails.
        """
        return self.score(texts).predictions

    def explain(
        self, texts: Iterable[str], *, max_cost: float | None = None, label: str | None = None
    ) -> list[TextExplanation]:
        """Say which words of each text speak for its label, and which against it.

        Args:
            texts: N texts, from any iterable.
            max_cost: Tokens that may be read for a text, as a multiple of its own, > 0; more finds single words more
                exactly. None takes 8. A bag of words is always explained exactly, for less.
            label: The label to explain; None takes each text's predicted label, of a multi-label task the most
                probable one.

        Returns:
            N explanations, in the order of the texts.

        Raises:
            TextError: If an item is not a string, or no Unicode text; or if ``texts`` is one string, a
                table, a mapping or a set; names the cure.
            NotFoundError: If the model has no such label.
            BackendError: If the engine fails.
        """
        texts = list_of_texts(texts)
        return self.explain_scored(texts, self.infer_all(self.encode(texts)), max_cost, label)

    def explain_scored(
        self, texts: Sequence[str], logits: Float32s, max_cost: float | None, label: str | None = None
    ) -> list[TextExplanation]:
        """Explain N texts whose logits, (N, K), this predictor gave; see :meth:`explain`."""
        parts = self.explainer.parts(texts, logits, max_cost, label)
        return run(together(parts), lambda probes: self.infer_all(Encodings.of(probes)))

    @cached_property
    def explainer(self) -> Explainer:
        """What explains this model; made when first asked for, so that loading does not wait for it."""
        from textwright.runtime.explain import Explainer

        return Explainer(self, self._decision, self.temperature)

    def verify_golden(self) -> None:
        """Run the golden examples and compare their logits with the stored ones.

        Raises:
            GoldenMismatchError: Names the first text that differs, by how much, and the bound.
            ArtifactFormatError: If the golden examples are not of their form.
            BackendError: If the engine fails.
        """
        golden = self.artifact.golden(self.variant)
        if not golden or not self._has_golden():
            self.logits(["a text"])  # that the graph gives logits of the labels at all
            return
        stored = np.asarray([item.logits for item in golden], dtype=np.float32)
        difference = np.abs(self.logits([item.text for item in golden]) - stored).max(axis=1)
        worst = int(difference.argmax())
        if not difference[worst] <= GOLDEN_TOLERANCE:  # NaN is worse than any bound
            raise GoldenMismatchError(
                f"{self.artifact.path}: golden example {worst + 1} gives logits that differ by {difference[worst]:.2g} "
                f"from the stored ones (bound {GOLDEN_TOLERANCE:g}) in variant {self.variant}; this machine or its "
                "ONNX Runtime does not reproduce the model, so it is not served; export it again here"
            )

    def _has_golden(self) -> bool:
        """Say whether golden logits were stored for this very variant."""
        manifest = self.artifact.manifest
        return bool(manifest.variant(self.variant).golden) or self.variant == manifest.reference_variant

    def _choose_one(self, rows: Float32s, is_unlike: Bools) -> _Choices:
        names = self.labels.names
        none = len(names)
        chosen = np.where(is_unlike | self._decision.abstains(rows), none, self._decision.choose(rows)).tolist()
        return map((*names, None).__getitem__, chosen), map([*((name,) for name in names), ()].__getitem__, chosen)

    def _choose_many(self, rows: Float32s) -> _Choices:
        holds = self._decision.holds(rows)
        ranked = np.where(holds, -rows, 1 - rows).argsort(axis=1, kind="stable").tolist()  # those that hold first
        held = holds.sum(axis=1).tolist()
        labels = [
            tuple(self.labels.names[index] for index in order[:count])
            for order, count in zip(ranked, held, strict=True)
        ]
        return [names[0] if names else None for names in labels], labels


_AnyPredictor = TypeVar("_AnyPredictor", bound=Predictor)


def load_again(
    kind: type[_AnyPredictor], path: Path, variant: str, num_threads: int | None, digest: str
) -> _AnyPredictor:
    """Load what was pickled, and refuse another artifact that has taken its place."""
    artifact = artifacts.read(path)
    if artifact.digest != digest:
        raise ArtifactCorruptError(
            f"{path} holds version {artifact.version}, and version {digest[:12]} was pickled; load it again by its path"
        )
    return verified(kind, artifact, variant, num_threads)


def verified(
    kind: type[_AnyPredictor], artifact: Artifact, variant: str | None, num_threads: int | None
) -> _AnyPredictor:
    """Load a variant of an artifact that was read already, and run its golden examples, in bounded time and memory.

    Raises:
        ArtifactFormatError: If the model cannot be run.
        GoldenMismatchError: If it does not reproduce its golden examples here.
    """
    try:
        with bounded_memory(artifact.size_bytes, artifact.manifest.variant(variant).engine):
            predictor = kind(artifact, variant=variant, num_threads=num_threads)
            with stopped_after(bounds.MAX_OPEN_SECONDS, predictor.stop):
                predictor.verify_golden()
    except BackendError as error:
        raise ArtifactFormatError(f"{artifact.path}: the model cannot be run: {error}") from error
    except MemoryError as error:
        bound = memory_bound(artifact.size_bytes)
        raise ArtifactFormatError(
            f"{artifact.path}: opening the model takes more than the {bound / 2**30:.1f} GiB allowed for its size"
        ) from error
    return predictor
