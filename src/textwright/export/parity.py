"""The proof that an exported graph answers as the trained model does: on ordinary texts and on awkward ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import nn

from textwright.core.awkward_texts import AWKWARD_TEXTS
from textwright.core.encodings import pad
from textwright.core.tokenizer import TextTokenizer
from textwright.core.types import Bools, Float32s, TokenIds
from textwright.errors import ParityError
from textwright.runtime.session import Session

TOLERANCE: Final = 1e-4
"""Largest difference of a logit between torch and ONNX Runtime, in nats, for a text whose logits are small."""
RELATIVE_TOLERANCE: Final = 1e-6
"""What is added to it for each nat of the text's largest logit: float32 sums of large terms differ by that much."""

_MAX_SHOWN_CHARACTERS: Final = 60
_TEXTS_PER_BATCH: Final = 64
_TOKENS_PER_BATCH: Final = 100_000
"""Padded tokens of a batch, so that a family whose tokens are characters does not take gigabytes."""


@dataclass(frozen=True, slots=True)
class ParityReport:
    """What was compared and how far apart it was.

    Args:
        num_texts: Texts compared.
        num_paddings: Lengths to which the same text was padded.
        largest_difference: Of a logit between torch and ONNX Runtime, in nats.
    """

    num_texts: int
    num_paddings: int
    largest_difference: float


def check_parity(module: nn.Module, graph: bytes, tokenizer: TextTokenizer, texts: Sequence[str]) -> ParityReport:
    """Compare a graph in ONNX Runtime with the module it came from.

    Each text is run by itself in torch, and together with longer texts, hence padded, in ONNX Runtime; one text is
    also padded to every length up to 64 and on to ``max_length``.

    Args:
        module: The trained module, on the CPU.
        graph: The exported ONNX file.
        tokenizer: The tokenizer of both.
        texts: Real texts, from the validation split; :data:`~textwright.core.awkward_texts.AWKWARD_TEXTS` are added.

    Returns:
        What was compared.

    Raises:
        ParityError: If a logit differs by more than 1e-4 and a millionth of the text's largest, or a label differs;
            shows the text.
        BackendError: If ONNX Runtime cannot open or run the graph.
    """
    session = Session(graph)
    every_text = list(dict.fromkeys([*AWKWARD_TEXTS, *texts]))
    ids = [item.ids for item in tokenizer.encode(every_text)]
    between = _run_torch(module, ids, tokenizer.pad_id), _run_onnx(session, ids, tokenizer.pad_id)
    largest = _compare(*between, [f"the text {_shown(text)}" for text in every_text])
    lengths, largest_padded = _compare_paddings(module, session, ids, tokenizer.pad_id)
    return ParityReport(len(every_text), len(lengths), max(largest, largest_padded))


def _compare_paddings(
    module: nn.Module, session: Session, ids: Sequence[TokenIds], pad_id: int
) -> tuple[list[int], float]:
    """Run the shortest text padded to every length; return the lengths and the largest difference."""
    shortest, longest = min(filter(None, ids), key=len), max(ids, key=len)
    lengths = _padded_lengths(len(shortest), len(longest))
    padded = [session.infer(*pad([shortest, longest[:length]], pad_id))[0] for length in lengths]
    alone = np.repeat(_run_torch(module, [shortest], pad_id), len(lengths), axis=0)
    names = [f"a text of {len(shortest)} tokens padded to {length}" for length in lengths]
    return lengths, _compare(alone, np.stack(padded), names)


def _run_torch(module: nn.Module, ids: Sequence[TokenIds], pad_id: int) -> Float32s:
    """Run each text by itself, so that nothing is padded."""
    was_training = module.training
    module.eval()
    with torch.inference_mode():
        rows = [module(*map(torch.from_numpy, pad([item], pad_id)))[0].numpy() for item in ids]
    module.train(was_training)
    return np.stack(rows).astype(np.float32)


def _run_onnx(session: Session, ids: Sequence[TokenIds], pad_id: int) -> Float32s:
    """Run texts in batches in the order they come in, so that short ones are padded beside long ones."""
    rows, start = [], 0
    while start < len(ids):
        longest = max(map(len, ids[start : start + _TEXTS_PER_BATCH]))
        stop = start + max(min(_TEXTS_PER_BATCH, _TOKENS_PER_BATCH // max(longest, 1)), 2)
        rows.append(session.infer(*pad(ids[start:stop], pad_id)))
        start = stop
    return np.concatenate(rows)


def _padded_lengths(shortest: int, longest: int) -> list[int]:
    """Every length up to 64, then twice and twice again up to the longest."""
    lengths = {min(2**power, longest) for power in range(7, longest.bit_length() + 1)}
    lengths |= set(range(max(shortest, 1), min(64, longest) + 1))
    return sorted(lengths)


def _compare(expected: Float32s, actual: Float32s, names: Sequence[str]) -> float:
    difference = np.abs(expected - actual).max(axis=1)  # (N,)
    bounds = TOLERANCE + RELATIVE_TOLERANCE * np.nan_to_num(np.abs(expected).max(axis=1), posinf=0)  # (N,)
    wrong = ~(difference <= bounds) | ~_same_labels(expected, actual, bounds)  # NaN is worse than any bound
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ParityError(
            f"the exported graph disagrees with the trained model on {names[row]}: logits {actual[row]} against "
            f"{expected[row]}, difference {difference[row]:.2g}, bound {bounds[row]:.2g}; nothing was written"
        )
    return float(difference.max())


def _same_labels(expected: Float32s, actual: Float32s, bounds: Float32s) -> Bools:
    """Tell where the same labels are chosen, (N,), by the highest logit and by the sign; within the bound is a tie."""
    chosen = np.take_along_axis(expected, actual.argmax(axis=1)[:, None], axis=1)[:, 0]
    same_highest = expected.max(axis=1) - chosen <= bounds
    same_signs = ((expected >= 0) == (actual >= 0)) | (np.abs(expected) <= bounds[:, None])
    return np.asarray(same_highest & same_signs.all(axis=1))


def _shown(text: str) -> str:
    return repr(text if len(text) <= _MAX_SHOWN_CHARACTERS else text[:_MAX_SHOWN_CHARACTERS] + "...")
