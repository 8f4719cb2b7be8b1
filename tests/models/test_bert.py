from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_encoders import NUM_POSITIONS

from textwright.core.labels import Labels
from textwright.errors import SettingsError
from textwright.models.bert import BertConfig, FineTunedBert, build, build_tokenizer
from textwright.models.encoder import layer_of
from textwright.models.family import BuildContext
from textwright.models.pretrained import Pretrained

LABELS = Labels(("negative", "neutral", "positive"))


def make_model(folder: Path, **settings: object) -> FineTunedBert:
    config = BertConfig.parse({"encoder": str(folder), **settings}, source="test")
    return build(config, BuildContext(build_tokenizer([], config, NUM_POSITIONS), LABELS))


def test_the_rate_falls_from_layer_to_layer(pretrained: Pretrained) -> None:
    model = make_model(pretrained.path, layer_decay=0.5)
    factors = {name: model.learning_rate_factor(name, 0) for name, _ in model.named_parameters()}
    assert {factors[name] for name in factors if name.startswith("head.")} == {1.0}
    assert {factors[name] for name in factors if layer_of(name) == 1} == {0.5}
    assert {factors[name] for name in factors if layer_of(name) == 0} == {0.25}
    assert {factors[name] for name in factors if ".embeddings." in name} == {0.125}
    assert set(factors.values()) == {1.0, 0.5, 0.25, 0.125}


@pytest.mark.parametrize("num_frozen", [0, 1, 2])
def test_frozen_layers_get_no_gradient(pretrained: Pretrained, num_frozen: int) -> None:
    model = make_model(pretrained.path, num_frozen_layers=num_frozen)
    ids = torch.randint(5, 20, (2, 7))
    model(ids, torch.ones_like(ids)).square().sum().backward()
    moved = {name for name, weight in model.named_parameters() if weight.grad is not None}
    assert any(layer_of(name) == 0 for name in moved) is (num_frozen < 1)
    assert any(layer_of(name) == 1 for name in moved) is (num_frozen < 2)
    assert any("embeddings" in name for name in moved) is (num_frozen == 0)
    assert any(name.startswith("head.") for name in moved)


def test_more_frozen_layers_than_there_are_is_refused(tiny_bert: Path) -> None:
    with pytest.raises(SettingsError, match=r"num_frozen_layers is 3, encoder .* has 2 layers"):
        make_model(tiny_bert, num_frozen_layers=3)


def test_the_head_starts_near_zero_and_the_encoder_from_its_weights(tiny_bert: Path) -> None:
    torch.manual_seed(1)
    one = make_model(tiny_bert)
    torch.manual_seed(2)
    two = make_model(tiny_bert)
    assert all(torch.equal(a, b) for a, b in zip(one.encoder.parameters(), two.encoder.parameters(), strict=True))
    assert not torch.equal(one.head[1].weight, two.head[1].weight)
    assert one.head[1].weight.abs().max() < 0.1


def test_word_vectors_are_the_encoders(pretrained: Pretrained) -> None:
    model = make_model(pretrained.path)
    assert model.word_vectors.shape == (pretrained.config.vocab_size, 16)
