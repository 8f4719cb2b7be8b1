from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from textwright.core.encodings import pad
from textwright.core.labels import Labels
from textwright.core.tokenizer import PAD_ID, UNKNOWN_ID
from textwright.errors import SettingsError
from textwright.models.cnn_glove import (
    BoundedLinear,
    CnnGloveConfig,
    CnnVariant,
    ConvolutionalNetwork,
    build,
    build_tokenizer,
)
from textwright.models.family import BuildContext

WORDS = [f"w{index}" for index in range(12)]
tokens = st.lists(st.integers(2, len(WORDS) + 1), max_size=9)


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vectors") / "tiny.vec"
    numbers = np.random.default_rng(0).normal(size=(len(WORDS) + 1, 6))
    lines = [f"{word} {' '.join(map(str, row))}" for word, row in zip([*WORDS, "further"], numbers, strict=True)]
    path.write_text("\n".join(lines))
    return path


def make_model(vectors: Path, **changes) -> ConvolutionalNetwork:
    config = CnnGloveConfig(**{"vectors": str(vectors), "num_filters": 5, "embedding_dim": 4, **changes})
    torch.manual_seed(0)
    tokenizer = build_tokenizer([" ".join(WORDS)] * 2, config, 64)
    return build(config, BuildContext(tokenizer, Labels(("no", "yes", "perhaps")))).eval()


def run(model: nn.Module, batch: list[list[int]]) -> torch.Tensor:
    with torch.inference_mode():
        return model(*map(torch.from_numpy, pad(batch, PAD_ID)))


@torch.no_grad()
def reference(model: ConvolutionalNetwork, ids: list[int]) -> torch.Tensor:
    """Each filter by itself: its fit to the words around each token, zeros beyond the ends, and the best of them."""
    vectors = torch.cat([channel.weight[ids] for channel in model.channels], dim=1)  # (T, E)
    features = []
    for convolution in model.convolutions:
        size = convolution.kernel_size[0]
        for weight, bias in zip(convolution.weight, convolution.bias, strict=True):  # (E, size)
            fits = [0.0]
            for center in range(len(ids)):
                places = [center - (size - 1) // 2 + offset for offset in range(size)]
                inside = [(place, offset) for offset, place in enumerate(places) if 0 <= place < len(ids)]
                fits.append(float(sum(vectors[place] @ weight[:, offset] for place, offset in inside) + bias))
            features.append(max(fits))
    return model.head(torch.tensor(features))


@pytest.mark.parametrize("variant", CnnVariant)
@given(ids=tokens)
@settings(max_examples=10)
def test_logits_are_those_of_each_filter_at_its_best_place(variant: CnnVariant, ids: list[int], vectors: Path) -> None:
    model = make_model(vectors, variant=variant)
    torch.testing.assert_close(run(model, [ids])[0], reference(model, ids), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kernel_sizes", [(1,), (2, 5), (3, 4, 5)])
@given(ids=tokens, other=st.lists(st.integers(1, 13), min_size=9, max_size=30))
@settings(max_examples=20)
def test_padding_does_not_change_the_answer(
    kernel_sizes: tuple[int, ...], ids: list[int], other: list[int], vectors: Path
) -> None:
    model = make_model(vectors, kernel_sizes=kernel_sizes)
    torch.testing.assert_close(run(model, [ids, other])[0], run(model, [ids])[0], rtol=1e-5, atol=1e-6)


def test_what_is_not_attended_to_does_not_change_the_answer(vectors: Path) -> None:
    model = make_model(vectors)
    ids, mask = torch.tensor([[2, 3, 4, 5, 6]]), torch.tensor([[1, 1, 1, 0, 0]])
    with torch.inference_mode():
        torch.testing.assert_close(model(ids, mask), model(ids[:, :3], mask[:, :3]), rtol=1e-5, atol=1e-6)


def test_an_empty_text_has_the_logits_of_no_fit_at_all(vectors: Path) -> None:
    model = make_model(vectors)
    torch.testing.assert_close(run(model, [[]])[0], model.head(torch.zeros(15)))


def test_the_order_of_words_matters(vectors: Path) -> None:
    model = make_model(vectors)
    assert not torch.allclose(run(model, [[2, 3, 4, 5]]), run(model, [[5, 4, 3, 2]]))


@pytest.mark.parametrize(
    ("variant", "is_trained"),
    [("rand", [True]), ("static", [False]), ("non-static", [True]), ("multichannel", [False, True])],
)
def test_a_variant_decides_which_vectors_are_trained(variant: str, is_trained: list[bool], vectors: Path) -> None:
    model = make_model(vectors, variant=variant)
    assert [channel.weight.requires_grad for channel in model.channels] == is_trained
    assert model.word_vectors is model.channels[-1].weight
    assert model.word_vectors.shape[1] == (4 if variant == "rand" else 6)
    assert not model.word_vectors[[PAD_ID, UNKNOWN_ID]].any()


def test_the_channels_of_multichannel_are_two_copies(vectors: Path) -> None:
    kept, trained = (channel.weight for channel in make_model(vectors, variant="multichannel").channels)
    assert torch.equal(kept, trained)
    assert kept.data_ptr() != trained.data_ptr()


def test_random_vectors_need_no_file_and_know_the_training_words_alone() -> None:
    config = CnnGloveConfig(vectors="no-such-vectors", variant=CnnVariant.RAND)
    assert build_tokenizer(["a b", "a b"], config, 8).vocabulary == ["[PAD]", "[UNK]", "a", "b"]


def test_a_bounded_layer_shortens_long_weights_and_leaves_short_ones() -> None:
    layer = BoundedLinear(2, 2, max_norm=1.0)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, 4.0], [0.3, 0.4]]))
        layer.bias.zero_()
        torch.testing.assert_close(layer.bounded_weight, torch.tensor([[0.6, 0.8], [0.3, 0.4]]))
        torch.testing.assert_close(layer(torch.tensor([[1.0, 0.0]])), torch.tensor([[0.6, 0.3]]))


def test_a_weight_of_zeros_is_bounded_without_a_gradient_that_is_not_finite() -> None:
    layer = BoundedLinear(2, 2, max_norm=1.0)
    nn.init.zeros_(layer.weight)
    layer(torch.ones(1, 2)).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.isfinite().all()


def test_no_bound_is_an_ordinary_layer(vectors: Path) -> None:
    assert type(make_model(vectors, max_norm=0).head[-1]) is nn.Linear
    assert isinstance(make_model(vectors).head[-1], BoundedLinear)


def test_widths_are_read_from_words_as_the_command_line_gives_them() -> None:
    assert CnnGloveConfig.parse({"kernel_sizes": "2,3"}, source="--model").kernel_sizes == (2, 3)
    for wrong in ("", "0", "3,x"):
        with pytest.raises(SettingsError, match="kernel_sizes"):
            CnnGloveConfig.parse({"kernel_sizes": wrong}, source="--model")
