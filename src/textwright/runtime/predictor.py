"""The predictor: encode, infer, decode; every door -- Python, HTTP, Lambda, bulk, evaluate -- makes these calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeAlias, TypeVar

import numpy as np

from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact
from textwright.core.encodings import Encodings
from textwright.core.graph_checks import check_graph
from textwright.core.labels import Labels, Task
from textwright.core.numerics import activate
from textwright.core.stages import STAGES, StagedEncodings, stages_of
from textwright.core.text_input import list_of_texts
from textwright.core.types import Float32s, TokenIds
from textwright.errors import ArtifactCorruptError, ArtifactFormatError, BackendError, GoldenMismatchError
from textwright.runtime import bounds
from textwright.runtime.bounds import bounded_memory, memory_bound, stopped_after
from textwright.runtime.engines import OpenSession, open_session
from textwright.runtime.fast_stage import FastModel
from textwright.runtime.model import GraphModel
from textwright.runtime.probing import run, together
from textwright.runtime.processor import instruction_set

if TYPE_CHECKING:
    from textwright.runtime.explain import Explainer, StagedExplainer
    from textwright.runtime.explanation import Explanation

GOLDEN_TOLERANCE: Final = 1e-3
"""Largest difference of a golden logit between machines, in nats: kernels differ, models do not."""


_Choices: TypeAlias = tuple[Iterable[str | None], Iterable[tuple[str, ...]]]
"""For each text the most probable label, and the labels that hold, as in :class:`Prediction`."""


class Prediction(NamedTuple):
    """What is said about one text.

    Args:
        label: The predicted label: the most probable one, or of two labels with a threshold, the one that it decides
            for; None when no label of a multi-label task reaches its threshold.
        labels: The labels that hold: one for a single-label task, any number, by falling probability,
            for a multi-label task.
        probabilities: Label name -> probability, in the model's label order, calibrated.
        truncated: True if the text was longer than the model's ``max_length`` and its end was not read.
        stage: Which stage of a cascade answered, "fast" or "strong"; None for a model of one stage.
    """

    label: str | None
    labels: tuple[str, ...]
    probabilities: dict[str, float]
    truncated: bool
    stage: str | None = None

    @property
    def confidence(self) -> float:
        """The probability of ``label``, in [0, 1]; where that is None, the highest among the labels."""
        return max(self.probabilities.values()) if self.label is None else self.probabilities[self.label]


class Predictor(GraphModel):
    """One loaded artifact variant, of one stage or two. Safe to share between threads: nothing changes after loading.

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
        self._fast = FastModel(artifact, self.variant, num_threads=num_threads) if manifest.fast_stage else None

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Pickle the artifact's path, from which another process loads the same artifact again."""
        path, digest = self.artifact.path.absolute(), self.artifact.digest
        return _load_again, (type(self), path, self.variant, self._num_threads, digest)

    def with_threads(self, num_threads: int) -> Self:
        """Open the same graph for another number of threads.

        Args:
            num_threads: Threads of one inference, >= 1.

        Returns:
            A predictor that shares everything else with this one.
        """
        other = type(self).__new__(type(self))
        vars(other).update(vars(self))  # copy() would pickle, and so load the artifact again
        other._session = self._open(num_threads)  # noqa: SLF001  its own class
        other._num_threads = num_threads  # noqa: SLF001
        other.__dict__.pop("explainer", None)  # it would ask this one
        return other

    def _open(self, num_threads: int | None) -> OpenSession:
        engine = self.artifact.manifest.variant(self.variant).engine
        check_graph(self.graph_path, self.artifact.files)
        return open_session(self.graph_path, engine, num_threads=num_threads)

    def stop(self) -> None:
        """End the calls that run and refuse all that come, where the engine can."""
        super().stop()
        if self._fast is not None:
            self._fast.stop()

    @property
    def graph_path(self) -> Path:
        """The file of the graph."""
        return self.artifact.path / self.artifact.manifest.variant(self.variant).file

    @property
    def labels(self) -> Labels:
        """The label names in the order of the logits' columns, with the task."""
        return self.artifact.manifest.labels

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages that may answer; none for a model of one stage."""
        return STAGES if self._fast else ()

    def encode(self, texts: Iterable[str]) -> Encodings:
        """Turn texts into token ids, before queueing, so that a batcher can count tokens.

        The fast stage of a cascade runs here: the texts that it answers have no ids, since nothing is left to do.

        Args:
            texts: B texts, from any iterable; empty ones are allowed.

        Returns:
            B encodings, in order; of a cascade :class:`~textwright.core.stages.StagedEncodings`.

        Raises:
            TextError: If an item is not a string, or no Unicode text; or if ``texts`` is one string, a
                table, a mapping or a set; names the cure.
            BackendError: If the engine of the fast stage fails.
        """
        if self._fast is None:
            return super().encode(texts)
        return self._fast.read(list_of_texts(texts), super().encode)

    def encode_to_infer(self, texts: Iterable[str]) -> Encodings:
        """Turn texts into token ids whatever a fast stage would say; to measure the model, and to warm it.

        Args:
            texts: B texts, as for :meth:`encode`.

        Returns:
            B encodings, in order.
        """
        return super().encode(texts)

    def infer(self, batch: Encodings | Sequence[TokenIds]) -> Float32s:
        """Run the model once over a batch; see :meth:`GraphModel.infer`. What the fast stage answered stays."""
        return self._completed(batch, self.infer) if isinstance(batch, StagedEncodings) else super().infer(batch)

    def infer_all(self, encodings: Encodings) -> Float32s:
        """Infer any number of texts; see :meth:`GraphModel.infer_all`. What the fast stage answered stays."""
        if isinstance(encodings, StagedEncodings):
            return self._completed(encodings, self.infer_all)
        return super().infer_all(encodings)

    def _completed(self, staged: StagedEncodings, infer: Callable[[Encodings], Float32s]) -> Float32s:
        if staged.settled.all():
            return staged.logits
        logits = staged.logits.copy()
        logits[~staged.settled] = infer(staged.sent_on())
        return logits

    def decode(self, logits: Float32s, encodings: Encodings) -> list[Prediction]:
        """Turn logits into predictions: calibrate, activate, choose.

        Args:
            logits: (B, K), in nats, as :meth:`infer` gave them.
            encodings: What they were inferred from; it knows which texts lost their end, and which stage answered.

        Returns:
            B predictions, in order.

        Raises:
            BackendError: If a logit is not finite.
        """
        rows = self.probabilities(logits)
        choices = self._choose_one(rows) if self.labels.task is Task.SINGLE_LABEL else self._choose_many(rows)
        by_label = map(dict, map(partial(zip, self.labels.names), rows.tolist()))
        answered_by = stages_of(encodings, has_fast_stage=self._fast is not None)
        columns = (*choices, by_label, encodings.truncated.tolist(), answered_by)
        return list(map(Prediction._make, zip(*columns, strict=True)))

    def probabilities(self, logits: Float32s) -> Float32s:
        """Calibrate and activate logits.

        Args:
            logits: (B, K), in nats.

        Returns:
            Probabilities, (B, K): softmax for a single-label task, sigmoid for a multi-label one.

        Raises:
            BackendError: If a logit is not finite.
        """
        return activate(logits, self.labels.task, temperature=self.artifact.manifest.temperature)

    def logits(self, texts: Iterable[str]) -> Float32s:
        """Encode texts and infer them in batches of like length.

        Args:
            texts: N texts, from any iterable.

        Returns:
            Logits, (N, K), in the order of the texts.
        """
        return self.infer_all(self.encode(texts))

    def predict(self, texts: Iterable[str]) -> list[Prediction]:
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
        encoded = self.encode(texts)
        return self.decode(self.infer_all(encoded), encoded)

    def explain(self, texts: Iterable[str], *, max_cost: float | None = None) -> list[Explanation]:
        """Say which words of each text speak for its label, and which against it.

        Args:
            texts: N texts, from any iterable.
            max_cost: Tokens that may be read for a text, as a multiple of its own, > 0; more finds single words more
                exactly. None takes 8. A bag of words is always explained exactly, for less.

        Returns:
            N explanations of the predicted labels, of a multi-label task of the most probable ones, in the order of the
            texts.

        Raises:
            TextError: If an item is not a string, or no Unicode text; or if ``texts`` is one string, a
                table, a mapping or a set; names the cure.
            BackendError: If the engine fails.
        """
        texts = list_of_texts(texts)
        encoded = self.encode(texts)
        answered_by = stages_of(encoded, has_fast_stage=self._fast is not None)
        parts = self.explainer.parts(texts, self.infer_all(encoded), answered_by, max_cost)
        return run(together(parts), lambda probes: self.infer_all(Encodings.of(probes)))

    @cached_property
    def explainer(self) -> Explainer | StagedExplainer:
        """What explains this model; made when first asked for, so that loading does not wait for it."""
        from textwright.runtime.explain import Explainer, StagedExplainer

        temperature = self.artifact.manifest.temperature
        explainer = Explainer(self, self._decision, temperature)
        if self._fast is None:
            return explainer
        return StagedExplainer(Explainer(self._fast, self._decision, temperature), explainer)

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

    def _choose_one(self, rows: Float32s) -> _Choices:
        names = self.labels.names
        chosen = self._decision.choose(rows).tolist()
        return map(names.__getitem__, chosen), map([(name,) for name in names].__getitem__, chosen)

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


def load(path: str | Path | Artifact, *, variant: str | None = None, num_threads: int | None = None) -> Predictor:
    """Open an artifact as what predicts and no more; arguments and errors are those of :func:`textwright.load`."""
    return load_as(Predictor, path, variant=variant, num_threads=num_threads)


def load_as(
    kind: type[_AnyPredictor],
    path: str | Path | Artifact,
    *,
    variant: str | None = None,
    num_threads: int | None = None,
) -> _AnyPredictor:
    """Load an artifact as :func:`load` does, as a predictor of the caller's own class.

    Args:
        kind: The class.
        path: As for :func:`load`, or an artifact that was verified, which is not verified again.
        variant: As for :func:`load`.
        num_threads: As for :func:`load`.

    Raises:
        NotFoundError, ArtifactError: As :func:`load` does.
    """
    artifact = path if isinstance(path, Artifact) else artifacts.read(Path(path))
    try:
        predictor = open_verified(kind, artifact, variant, num_threads)
    except GoldenMismatchError as error:
        bound_to = artifact.manifest.variant(variant).instruction_set
        if not bound_to or bound_to == instruction_set():
            raise
        reference = artifact.manifest.reference_variant
        import logging  # here, since each import is part of a Lambda function's cold start

        logging.getLogger(__name__).warning(
            "variant %s passed its gates on %s and does not reproduce on %s, so %s answers instead: %s",
            *(variant or artifact.manifest.default_variant, bound_to, instruction_set(), reference, error),
        )
        predictor = open_verified(kind, artifact, reference, num_threads)
    return predictor


def _load_again(
    kind: type[_AnyPredictor], path: Path, variant: str, num_threads: int | None, digest: str
) -> _AnyPredictor:
    """Load what was pickled, and refuse another artifact that has taken its place."""
    artifact = artifacts.read(path)
    if artifact.digest != digest:
        raise ArtifactCorruptError(
            f"{path} holds version {artifact.version}, and version {digest[:12]} was pickled; load it again by its path"
        )
    return open_verified(kind, artifact, variant, num_threads)


def open_verified(
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
