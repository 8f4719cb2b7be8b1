"""Which engine runs a graph: ONNX Runtime, which every machine has, or the one that a variant was gated on.

A literal table; the manifest's ``engine`` is a key of it. Called by the predictor alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from textwright.core.types import Float32s, Ints
from textwright.errors import ArtifactFormatError
from textwright.runtime.openvino import OpenVinoSession
from textwright.runtime.session import CUDA, Session


class OpenSession(Protocol):
    """An open graph; calls from several threads at a time are allowed."""

    @property
    def num_labels(self) -> int | None:
        """Columns of the logits (K), as far as the graph says; None if it leaves them open."""

    def infer(self, input_ids: Ints, attention_mask: Ints) -> Float32s:
        """Turn ids (B, T) and mask (B, T) into logits, (B, K)."""


class _Opener(Protocol):
    def __call__(self, path: Path, *, num_threads: int | None) -> OpenSession: ...


ENGINES: Final[Mapping[str, Callable[[], _Opener]]] = {
    "onnxruntime": lambda: Session,
    "onnxruntime-cuda": lambda: partial(Session, provider=CUDA),
    "openvino": lambda: partial(OpenVinoSession, precision="f32"),
    "openvino-bf16": lambda: partial(OpenVinoSession, precision="bf16", widens=True),
    "openvino-int8": lambda: partial(OpenVinoSession, precision="bf16"),
}
"""Name -> gives what opens a graph."""
DEFAULT: Final = "onnxruntime"


def open_session(path: Path, engine: str = "", *, num_threads: int | None = None) -> OpenSession:
    """Open a graph with an engine.

    Args:
        path: The ``.onnx`` file.
        engine: A key of ``ENGINES``; empty takes ONNX Runtime.
        num_threads: Threads of one call, >= 1; None takes one per physical core.

    Returns:
        The open graph.

    Raises:
        ArtifactFormatError: If there is no such engine in this version.
        MissingExtraError: If the engine is not installed; says how to install it.
        BackendError: If the engine cannot open the graph.
    """
    if engine and engine not in ENGINES:
        raise ArtifactFormatError(
            f"{path} was gated on the engine {engine!r}, and this textwright knows {', '.join(ENGINES)}; upgrade "
            "textwright, or name a variant that needs none"
        )
    return ENGINES[engine or DEFAULT]()(path, num_threads=num_threads)
