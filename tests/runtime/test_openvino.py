"""OpenVINO is asked for few shapes, and answers as if it were asked for each batch as it is."""

from __future__ import annotations

import numpy as np
import pytest

from textwright.runtime.openvino import _TOKENS, _filled_up


@pytest.mark.parametrize("lengths", [(3, 5), (8, 8, 16), (1, 40), (32, 32), (7,) * 31])
def test_a_batch_is_filled_up_behind_its_texts(lengths: tuple[int, ...]) -> None:
    mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)
    ids = mask * np.arange(1, 1 + max(lengths))

    filled_ids, filled_mask = _filled_up(ids, mask)

    assert filled_ids.shape == filled_mask.shape
    assert filled_mask.sum() % _TOKENS == 0
    assert filled_mask.sum() - mask.sum() < _TOKENS
    np.testing.assert_array_equal(filled_ids[: len(ids)], ids)
    np.testing.assert_array_equal(filled_mask[: len(ids)], mask)
    assert filled_mask[len(ids) :].any(axis=1).all()  # a text without a token may be one that a graph cannot read
