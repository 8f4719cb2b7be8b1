"""The fast stage of a cascade, loaded: it reads every text, and answers those that it is sure of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from textwright.core.artifact import Artifact
from textwright.core.encodings import Encodings
from textwright.core.graph_checks import check_graph
from textwright.core.numerics import activate
from textwright.core.stages import StagedEncodings, certainty
from textwright.core.types import Float32s, TokenIds
from textwright.runtime.engines import open_session
from textwright.runtime.model import GraphModel


class FastModel(GraphModel):
    """The fast stage's tokenizer and graph, whose logits come in the strong stage's units.

    Args:
        artifact: A verified artifact that has a fast stage.
        variant: Name of the variant that is loaded.
        num_threads: Threads of one inference, >= 1; None takes one per physical core.
    """

    def __init__(self, artifact: Artifact, variant: str, *, num_threads: int | None = None) -> None:
        manifest = artifact.manifest
        self._graph = artifact.path / manifest.variant(variant).fast
        check_graph(self._graph, artifact.files)
        session = open_session(self._graph, num_threads=num_threads)
        super().__init__(artifact.fast_tokenizer(), session, num_labels=len(manifest.labels))
        self._manifest = manifest
        self._decision = manifest.decision
        assert manifest.fast_stage is not None  # noqa: S101  fast_tokenizer has refused it
        self._certainty = manifest.fast_stage.certainty
        self._scale = np.float32(manifest.temperature / manifest.fast_stage.temperature)

    @property
    def graph_path(self) -> Path:
        """The file of the graph."""
        return self._graph

    @property
    def logit_scale(self) -> float:
        """From its own units to those of the strong stage."""
        return float(self._scale)

    def infer(self, batch: Encodings | Sequence[TokenIds]) -> Float32s:
        """Run the fast stage once; see :meth:`GraphModel.infer`.

        Returns:
            Logits, (B, K), in nats of the strong stage: its temperature calibrates them.
        """
        return np.asarray(super().infer(batch) * self._scale, dtype=np.float32)

    def read(self, texts: Sequence[str], encode_rest: Callable[[Sequence[str]], Encodings]) -> StagedEncodings:
        """Answer what this stage is sure of, and encode the rest.

        Args:
            texts: N texts.
            encode_rest: Encodes texts for the strong stage.

        Returns:
            N texts, each answered or with the ids that the strong stage reads.

        Raises:
            TextError: If a text cannot be encoded.
            BackendError: If the engine fails or a logit is not finite.
        """
        encodings = self.encode(texts)
        logits = self.infer_all(encodings)
        probabilities = activate(logits, self._manifest.labels.task, temperature=self._manifest.temperature)
        settled = certainty(probabilities, self._decision) >= self._certainty
        rest = encode_rest([texts[position] for position in np.flatnonzero(~settled).tolist()])
        return StagedEncodings.merged(encodings, rest, settled, logits)
