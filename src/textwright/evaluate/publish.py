"""The one way to publish an artifact: write, measure what was written, add golden examples and card, verify, rename.

::

    contents -> temporary folder -> predictors -> golden examples, metrics, card -> manifest -> verified -> its name

Whatever makes an artifact calls it. What it measures is the very graph that is shipped, which is written
once; a folder of the artifact's name is always a finished one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact, Manifest
from textwright.core.reference_profile import ReferenceProfile
from textwright.core.surprisal import Surprisal
from textwright.evaluate.evaluation import Evaluation
from textwright.runtime.loading import open_predictor, open_verified
from textwright.runtime.predictor import Predictor
from textwright.runtime.selection import golden_lines


class Publication:
    """An artifact between its first file and its name; :func:`publish` makes one.

    Args:
        draft: Where it is written.
        manifest: What is said of it so far.
        contents: File name -> bytes, the graphs and the tokenizer at least; golden files may be missing.
        num_threads: Of each predictor; None takes one per physical core.

    Attributes:
        manifest: What is said of it, with what was added since.
        card: The model card; empty leaves the one in ``contents``.
    """

    def __init__(
        self, draft: artifacts.Draft, manifest: Manifest, contents: Mapping[str, bytes], num_threads: int | None
    ) -> None:
        self.manifest = manifest
        self.card = ""
        self._draft, self._num_threads = draft, num_threads
        self._new_golden: list[str] = []
        golden_files = [item.golden or artifacts.GOLDEN for item in manifest.variants.values()]
        missing = {name: b"" for name in golden_files if name not in contents}
        for name, content in {**contents, **missing}.items():
            draft.put(name, content)
        draft.seal(manifest)

    @property
    def artifact(self) -> Artifact:
        """What is written so far; after the block of :func:`publish` the verified artifact in its place."""
        return self._draft.artifact

    def predictor(self, variant: str | None = None) -> Predictor:
        """Load a variant as it will be shipped.

        Args:
            variant: Its name; None takes the default.
        """
        return open_predictor(self.artifact, variant=variant, num_threads=self._num_threads)

    def add_golden(self, predictor: Predictor, texts: Sequence[str]) -> None:
        """Store texts with the logits that a variant gives.

        Args:
            predictor: The variant; see :meth:`predictor`.
            texts: Short texts; they are scored at every load.
        """
        file = self.manifest.variants[predictor.variant].golden or artifacts.GOLDEN
        self._draft.put(file, golden_lines(predictor, texts))
        self._new_golden.append(predictor.variant)

    def add_metrics(self, variant: str, evaluation: Evaluation, batch_invariance: Mapping[str, float]) -> None:
        """Say in the manifest what was measured of a variant.

        Args:
            variant: Its name.
            evaluation: On the split that all variants' metrics come from.
            batch_invariance: As ``BatchInvariance.to_manifest`` gives it; empty if not measured.
        """
        metrics = {name: asdict(interval) for name, interval in evaluation.metrics.items()}
        measured = replace(self.manifest.variants[variant], metrics=metrics, batch_invariance=batch_invariance)
        variants = {**self.manifest.variants, variant: measured}
        self.manifest = replace(self.manifest, variants=variants, metrics_split=evaluation.split)

    def set_min_confidence(self, min_confidence: float) -> None:
        """Let the model abstain below a confidence, in [0, 1]; predictors loaded from now on do."""
        self.manifest = replace(self.manifest, min_confidence=min_confidence)
        self._draft.seal(self.manifest)

    def set_out_of_distribution(self, surprisal: Surprisal, max_surprisal: float, rate: float) -> None:
        """Let the model abstain on texts unlike the training texts; predictors loaded from now on do.

        Args:
            surprisal: Fitted on the training texts.
            max_surprisal: Above it a text gets no label.
            rate: Share of the validation texts that may lie above.
        """
        self._draft.put(artifacts.SURPRISALS, surprisal.to_bytes())
        self.manifest = replace(self.manifest, out_of_distribution=surprisal.facts(max_surprisal, rate))
        self._draft.seal(self.manifest)

    def add_training(self, metadata: Mapping[str, Any]) -> None:
        """Add to what the manifest says of the training."""
        self.manifest = replace(self.manifest, training={**self.manifest.training, **metadata})

    def add_profile(self, profile: ReferenceProfile) -> None:
        """Store what the validation texts looked like, for ``monitor``."""
        self._draft.put(artifacts.PROFILE, profile.to_bytes())

    def finish(self) -> None:
        """Write card and manifest, and replay the golden examples that were added."""
        if self.card:
            self._draft.put(artifacts.CARD, self.card.encode())
        self._draft.seal(self.manifest)
        for variant in self._new_golden:
            open_verified(self.artifact, variant=variant, num_threads=self._num_threads)


@contextmanager
def publish(
    path: Path, manifest: Manifest, contents: Mapping[str, bytes], *, num_threads: int | None = None
) -> Iterator[Publication]:
    """Write an artifact to a temporary folder, let the block measure it there, verify it and give it its name.

    Args:
        path: The folder; an artifact that is there already is replaced.
        manifest: What is said of it before anything is measured.
        contents: File name -> bytes; golden files may be missing.
        num_threads: Of each predictor; None takes one per physical core.

    Yields:
        What gives predictors, and takes golden examples, metrics and card. If the block raises, ``path`` is untouched.

    Raises:
        SettingsError: If ``path`` holds something that is no artifact; nothing is touched then.
        GoldenMismatchError: If the finished artifact does not reproduce its golden examples.
    """
    with artifacts.draft(path) as draft:
        publication = Publication(draft, manifest, contents, num_threads)
        yield publication
        publication.finish()
