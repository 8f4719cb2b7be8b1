"""OpenVINO as an engine: the same ONNX file, on Intel's kernels; an extra, for variants that were gated on it.

Its Python package sends an event when it is imported, without asking, if ``openvino_telemetry`` can be imported;
here it cannot (docs/decisions/0016).
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from textwright.core.types import Float32s, Ints
from textwright.errors import BackendError, MissingExtraError
from textwright.runtime.forks import keep_forever, watch

Precision: TypeAlias = Literal["f32", "bf16"]

_TELEMETRY: Final = "openvino_telemetry"
_TOKENS: Final = 32
"""The number of tokens of a batch is rounded up to a multiple of this."""


def import_openvino() -> Any:  # noqa: ANN401  the module has no types
    """Import OpenVINO without letting it phone home.

    A module that is None in ``sys.modules`` cannot be imported, and OpenVINO then takes a stub that sends nothing.

    Returns:
        The ``openvino`` module.

    Raises:
        MissingExtraError: If it is not installed.
    """
    sys.modules.setdefault(_TELEMETRY, None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError as error:
        raise MissingExtraError("a variant that was gated on OpenVINO", "openvino") from error
    return openvino


class OpenVinoSession:
    """One ONNX graph in memory, on OpenVINO.

    Args:
        path: The ``.onnx`` file.
        num_threads: Threads inside one call, >= 1; None takes one per physical core.
        precision: What is computed in: bf16 takes half the bytes and, on a processor that multiplies it, half the time
            or less; elsewhere OpenVINO computes in float32.
        widens: Whether weights stored in 8 bits are widened when the graph is opened. OpenVINO by itself keeps them
            narrow and widens them in each call, which costs a MiniLM a seventh of its texts per second. Not for graphs
            that multiply integers.

    Raises:
        MissingExtraError: If OpenVINO is not installed.
        BackendError: If the engine cannot open the graph.
    """

    def __init__(
        self, path: Path, *, num_threads: int | None = None, precision: Precision, widens: bool = False
    ) -> None:
        openvino = import_openvino()
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": num_threads or 0,
            "NUM_STREAMS": 1,
        }
        try:
            core = openvino.Core()
            model = core.read_model(str(path))
            if widens:
                _fold_constants(model)
            self._compiled = core.compile_model(model, "CPU", settings)
        except Exception as error:
            raise BackendError(f"OpenVINO cannot open {path}: {error}") from error
        self._by_thread = threading.local()
        self._is_forked = False
        watch(self)

    def on_fork(self) -> None:
        """Refuse all calls: OpenVINO does not work in a forked process once its parent has used it."""
        self._is_forked = True
        keep_forever(self._compiled)
        keep_forever(self._by_thread)

    @property
    def num_labels(self) -> int | None:
        """Columns of the logits (K), as far as the graph says; None if it leaves them open."""
        shape = self._compiled.output("logits").get_partial_shape()
        return shape[1].get_length() if len(shape) == 2 and shape[1].is_static else None

    def infer(self, input_ids: Ints, attention_mask: Ints) -> Float32s:
        """Run the graph once, as :meth:`textwright.runtime.session.Session.infer` does.

        Args:
            input_ids: Token ids, (B, T).
            attention_mask: 1 on tokens, 0 on padding, (B, T).

        Returns:
            Logits, (B, K), in nats.

        Raises:
            BackendError: If the engine fails.
        """
        num_texts = len(input_ids)
        if self._is_forked:
            raise BackendError(
                "OpenVINO does not work in a process that was forked after the model was loaded; load it in the child "
                "(gunicorn without --preload), or name a variant that runs on ONNX Runtime"
            )
        if num_texts > 1:
            input_ids, attention_mask = _filled_up(input_ids, attention_mask)
        try:
            results = self._request().infer({"input_ids": input_ids, "attention_mask": attention_mask})
            return np.array(results["logits"][:num_texts], dtype=np.float32)
        except Exception as error:
            raise BackendError(f"OpenVINO failed on a batch of shape {input_ids.shape}: {error}") from error

    def _request(self) -> Any:  # noqa: ANN401
        """Return this thread's request: one of them serves one call at a time."""
        if not hasattr(self._by_thread, "request"):
            self._by_thread.request = self._compiled.create_infer_request()
        return self._by_thread.request


def _filled_up(input_ids: Ints, attention_mask: Ints) -> tuple[Ints, Ints]:
    """Put texts of padding behind a batch, so that its number of tokens is one of few.

    OpenVINO prepares its kernels anew for each shape that it has not met, and keeps them. Graphs that leave padding out
    have as many shapes as batches have numbers of tokens, which cost time in every batch and 1 GiB of memory.

    Args:
        input_ids: Token ids, (B, T).
        attention_mask: 1 on tokens, 0 on padding, (B, T).

    Returns:
        Both with the same first rows, (B', T); the number of tokens is a multiple of ``_TOKENS``.
    """
    num_texts, length = input_ids.shape
    missing = int(-attention_mask.sum() % _TOKENS)
    padding = ((0, -(-missing // max(length, 1))), (0, 0))
    input_ids, attention_mask = np.pad(input_ids, padding), np.pad(attention_mask, padding)
    attention_mask[num_texts:].reshape(-1)[:missing] = 1
    return input_ids, attention_mask


def _fold_constants(model: Any) -> None:  # noqa: ANN401  the module has no types
    """Compute in place what depends on no input, widened weights among it."""
    from openvino.passes import ConstantFolding, Manager

    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(model)
