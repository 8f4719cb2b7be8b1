"""Turn a module into an ONNX graph of the one signature.

The exporter is torch's current one (``torch.export``, then ``onnxscript``). It is slower than the older TorchScript
tracer -- 2.5 s against 0.2 s for a bag of words, 6 s against 0.5 s for a six-layer BERT -- but the tracer is deprecated
and silently freezes Python values that depend on the example it is shown, which is how a graph that only works for one
batch size comes to be shipped. The linear model alone is written node by node, in ``export.linear``.

A transformer's graph is rewritten before it leaves: it computes nothing for padding (``graph.unpadding``), and where
long texts are read in windows, it cuts them itself (``export.windows``).
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import onnx
import torch
from torch.export import Dim

from textwright.errors import BackendError
from textwright.export.linear import linear_graph
from textwright.export.windows import VECTORS, OneWindow, add_windows
from textwright.graph.unpadding import unpad
from textwright.models.family import TextModel
from textwright.models.linear import Linear

OPSET: Final = 18
"""The lowest that torch's exporter writes without converting; ONNX Runtime 1.14 and later read it."""
_EXPORTER_LOG: Final = "torch.onnx"


def to_onnx(module: TextModel, *, opset: int = OPSET, without_padding: bool = True) -> bytes:
    """Export the simplified form of a module as one ONNX file, weights inside.

    Args:
        module: Any family's module; it is exported in evaluation mode, and left in the mode it was in.
        opset: ONNX operator set to write, >= 18.
        without_padding: Let a transformer compute nothing for padding; False leaves that in, to compare with.

    Returns:
        The file's bytes: inputs ``input_ids`` and ``attention_mask``, (B, T) int64, output ``logits``, (B, K)
        float32; B and T are free.

    Raises:
        BackendError: If torch cannot make a graph of the module, or the graph is not valid, or larger than the
            2 GB that an ONNX file can hold.
    """
    was_training = module.training
    try:
        if isinstance(module, Linear):
            return _checked(bytes(linear_graph(module, opset).SerializeToString()))
        windows = module.windows
        whole = module.eval().simplified() if windows is None else OneWindow(module).eval()
        outputs = ["logits"] if windows is None else ["logits", VECTORS]
        content = bytes(_trace(whole, outputs, opset).SerializeToString())
        content = unpad(content) if without_padding else content
        return _checked(content if windows is None else add_windows(content, windows))
    except torch.onnx.OnnxExporterError as error:
        name = type(module).__name__
        raise BackendError(f"torch cannot export the model {name} as a graph: {_first_line(error)}") from error
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        raise BackendError(f"the exported graph is not valid ONNX, or larger than 2 GB: {error}") from error
    finally:
        module.train(was_training)


def _checked(content: bytes) -> bytes:
    onnx.checker.check_model(content, full_check=True)
    return content


def _trace(module: torch.nn.Module, outputs: Sequence[str], opset: int) -> onnx.ModelProto:
    device = next(module.parameters()).device
    ids = torch.ones(2, 3, dtype=torch.int64, device=device)  # any size but 0 and 1, which would be taken as fixed
    with _quiet():  # by name, since torch 2.11 refuses Dim("T") of an encoder that has a longest text
        program = torch.onnx.export(
            module,
            (ids, torch.ones_like(ids)),
            dynamo=True,
            input_names=["input_ids", "attention_mask"],
            output_names=outputs,
            dynamic_shapes=({0: "B", 1: "T"}, {0: Dim.AUTO, 1: Dim.AUTO}),  # the second follows the first
            opset_version=opset,
            verbose=False,
        )
    assert program is not None  # noqa: S101  None is returned only when a file is named
    return program.model_proto


def _first_line(error: Exception) -> str:
    """Say the cause of an exporter's error without its pages of advice to developers of torch."""
    cause = error.__cause__ or error
    return str(cause).strip().partition("\n")[0]


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's remarks about itself: an absent torchvision, and a deprecation within torch."""
    log = logging.getLogger(_EXPORTER_LOG)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
            warnings.filterwarnings("ignore", message=".*side effects.*transformers.*")  # how it collects hidden states
            yield
    finally:
        log.setLevel(level)
