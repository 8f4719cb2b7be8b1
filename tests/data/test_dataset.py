"""Texts and targets go together, or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from textwright.core.encodings import Encodings
from textwright.data.dataset import Examples
from textwright.errors import DataError
from textwright.training.batches import EncodedExamples


@pytest.mark.parametrize("num_targets", [0, 1, 3])
@pytest.mark.parametrize("is_multi_label", [False, True])
def test_targets_of_another_split_are_refused(num_targets: int, is_multi_label: bool) -> None:
    shape = (num_targets, 4) if is_multi_label else (num_targets,)
    targets = np.zeros(shape, dtype=np.bool_ if is_multi_label else np.int64)
    said = rf"2 texts and {num_targets} targets; each text needs a target of its own, so take both from the same split"
    with pytest.raises(DataError, match=said):
        Examples(["a film", "a play"], targets)
    with pytest.raises(DataError, match=said):
        EncodedExamples(Encodings.of([[1], [2]]), targets, pad_id=0)


def test_each_text_with_its_target_is_accepted() -> None:
    examples = Examples(["a film", "a play"], np.array([0, 1]))
    assert len(examples.take(np.array([1]))) == 1
    assert len(EncodedExamples(Encodings.of([[1], []]), examples.targets, pad_id=0)) == 2
