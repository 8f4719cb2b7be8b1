from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_encoders import NUM_POSITIONS

from textwright.core.labels import Labels
from textwright.errors import SettingsError
from textwright.models.family import BuildContext
from textwright.models.frozen_bert import FrozenBert, FrozenBertConfig, build, build_tokenizer
from textwright.models.normalized_head import Head
from textwright.models.pretrained import Pretrained

LABELS = Labels(("negative", "neutral", "positive"))


def make_model(folder: Path, **settings: object) -> FrozenBert:
    config = FrozenBertConfig.parse({"encoder": str(folder), **settings}, source="test")
    return build(config, BuildContext(build_tokenizer([], config, NUM_POSITIONS), LABELS))


@pytest.mark.parametrize(("num_layers", "feature_dim"), [(0, 48), (1, 16), (2, 32)])
def test_the_stages_together_are_the_model(pretrained: Pretrained, num_layers: int, feature_dim: int) -> None:
    model = make_model(pretrained.path, num_layers=num_layers).eval()
    ids = torch.randint(5, 20, (3, 7))
    features = model.stages.encoder(ids, torch.ones_like(ids))
    assert features.shape == (3, feature_dim)
    assert model.stages.feature_dim == feature_dim
    np.testing.assert_array_equal(model.stages.head(features).detach(), model(ids, torch.ones_like(ids)).detach())


def test_the_encoder_does_not_learn_and_the_head_does(tiny_bert: Path) -> None:
    model = make_model(tiny_bert)
    learning = {name.split(".")[0] for name, weight in model.named_parameters() if weight.requires_grad}
    assert learning == {"head"}


def test_no_layer_drowns_the_others() -> None:
    head = Head(4, torch.nn.Identity()).eval()
    vectors = torch.randn(5, 12)
    louder = vectors.clone()
    louder[:, 4:8] *= 1000
    torch.testing.assert_close(head(louder), head(vectors), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("hidden_dim", "num_dense"), [(0, 1), (8, 2)])
def test_the_head_is_linear_or_has_a_hidden_layer(tiny_bert: Path, hidden_dim: int, num_dense: int) -> None:
    dense = make_model(tiny_bert, hidden_dim=hidden_dim).head.dense
    assert sum(isinstance(part, torch.nn.Linear) for part in dense) == num_dense


def test_what_decides_the_features_is_described(tiny_bert: Path) -> None:
    settings = [{}, {"num_layers": 1}, {"pooling": "cls"}]
    assert len({make_model(tiny_bert, **each).stages.description for each in settings}) == 3


def test_more_layers_than_there_are_is_refused(tiny_bert: Path) -> None:
    with pytest.raises(SettingsError, match=r"num_layers is 9, encoder .* has 3 layers"):
        make_model(tiny_bert, num_layers=9)
