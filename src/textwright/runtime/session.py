"""Open an ONNX graph, with ONNX Runtime's telemetry switched off before it is imported."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textwright.core.types import Float32s, Ints
from textwright.errors import BackendError
from textwright.runtime import bounds
from textwright.runtime.bounds import stopped_after
from textwright.runtime.forks import keep_forever, watch

if TYPE_CHECKING:
    import onnxruntime

CPU: Final = "CPUExecutionProvider"
CUDA: Final = "CUDAExecutionProvider"


def import_onnxruntime() -> Any:  # noqa: ANN401  the module has no types
    """Import ONNX Runtime without letting it phone home.

    Version 1.31 and later uploads events unless ``ORT_DISABLE_TELEMETRY=1`` stands in the environment *before*
    the import; the API call alone comes too late.

    Returns:
        The ``onnxruntime`` module.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    return onnxruntime


class Session:
    """One ONNX graph in memory: ``infer`` is all it can do. A forked process opens it again when it first calls it.

    Args:
        path: The ``.onnx`` file, or its bytes.
        num_threads: Threads inside one call, >= 1; None takes one per physical core.
        provider: Where the graph runs, as ONNX Runtime names it; what it cannot run there runs on the processor.

    Raises:
        BackendError: If the engine cannot open the graph.
    """

    def __init__(self, path: Path | bytes, *, num_threads: int | None = None, provider: str = CPU) -> None:
        self._path = path
        self._num_threads = num_threads
        self._provider = provider
        self._run_options = import_onnxruntime().RunOptions()
        self._version = _version(path)
        self._reopening = Lock()
        self._session: onnxruntime.InferenceSession | None = self._open()
        watch(self)

    def _open(self) -> onnxruntime.InferenceSession:
        runtime, path = import_onnxruntime(), self._path
        options = runtime.SessionOptions()
        options.intra_op_num_threads = self._num_threads or 0
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Workers must sleep between calls: an idle server may not burn a core.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        graph, providers = path if isinstance(path, bytes) else str(path), list(dict.fromkeys((self._provider, CPU)))
        try:
            with stopped_after(bounds.MAX_OPEN_SECONDS, lambda: options.set_load_cancellation_flag(True)):
                return runtime.InferenceSession(graph, options, providers=providers)
        except Exception as error:
            raise BackendError(
                f"ONNX Runtime cannot open {'the graph' if isinstance(path, bytes) else path}: {error}"
            ) from error

    def on_fork(self) -> None:
        """Open the graph again at the next call: the threads of this session stayed with the parent process."""
        if self._session is not None:
            keep_forever(self._session)
        self._session, self._reopening = None, Lock()  # another thread of the parent may have held the old lock

    def _opened(self) -> onnxruntime.InferenceSession:
        if self._session is not None:
            return self._session
        with self._reopening:
            if self._session is None:
                path = self._path
                if not isinstance(path, bytes) and _version(path) != self._version:
                    raise BackendError(
                        f"{path} was replaced after it was loaded and before this process was forked; load the "
                        "model in the child process"
                    )
                self._session = self._open()
            return self._session

    @property
    def num_labels(self) -> int | None:
        """Columns of the logits (K), as far as the graph says; None if it leaves them open."""
        shape: list[int | str] = next(
            (item.shape for item in self._opened().get_outputs() if item.name == "logits"), []
        )
        return shape[1] if len(shape) == 2 and isinstance(shape[1], int) else None

    def stop(self) -> None:
        """End calls that run, after the operator at which they are, and refuse all that come."""
        self._run_options.terminate = True

    def infer(self, input_ids: Ints, attention_mask: Ints) -> Float32s:
        """Run the graph once.

        Args:
            input_ids: Token ids, (B, T).
            attention_mask: 1 on tokens, 0 on padding, (B, T).

        Returns:
            Logits, (B, K), in nats.

        Raises:
            BackendError: If the engine fails.
        """
        (logits,) = self.values(["logits"], input_ids, attention_mask)
        return np.asarray(logits, dtype=np.float32)

    def values(self, names: Sequence[str], input_ids: Ints, attention_mask: Ints) -> list[Float32s]:
        """Run the graph once and return what it is asked for, for tools that look inside.

        Args:
            names: Outputs of the graph.
            input_ids: As for :meth:`infer`.
            attention_mask: As for :meth:`infer`.

        Returns:
            The outputs' values, in the order of the names.

        Raises:
            BackendError: If the engine fails.
        """
        feed = {"input_ids": input_ids, "attention_mask": attention_mask}
        session = self._opened()
        try:
            return list(session.run(list(names), feed, self._run_options))
        except Exception as error:
            raise BackendError(f"ONNX Runtime failed on a batch of shape {input_ids.shape}: {error}") from error


def _version(path: Path | bytes) -> tuple[int, int, int] | None:
    """Tell a file from one that takes its place; None for bytes, which stay."""
    if isinstance(path, bytes):
        return None
    try:
        state = path.stat()
    except OSError:
        return (0, 0, 0)
    return state.st_ino, state.st_size, state.st_mtime_ns
