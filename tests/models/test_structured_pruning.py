"""A smaller encoder cut out of a larger one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_encoders import save_tiny_encoder

from textwright.core.labels import Labels
from textwright.errors import SettingsError
from textwright.models import FAMILIES
from textwright.models.family import BuildContext
from textwright.models.pretrained import open_pretrained
from textwright.models.structured_pruning import blocks, prune_heads, prune_neurons

FAMILY = FAMILIES["bert"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_encoder("bert", tmp_path_factory.mktemp("encoder") / "bert")


def build(folder, **settings):
    config = FAMILY.config.parse({"encoder": str(folder), **settings}, source="test")
    encoder = FAMILY.build_tokenizer([], config, 32)
    torch.manual_seed(0)
    return FAMILY.build(config, BuildContext(encoder, Labels(("a", "b")))).eval()


def test_kept_layers_are_the_encoders_own(folder) -> None:
    whole, half = build(folder), build(folder, keep_layers="1")
    assert half.encoder.depth == 1
    for name, weight in half.encoder.backbone.state_dict().items():
        torch.testing.assert_close(weight, whole.encoder.backbone.state_dict()[name.replace("layer.0", "layer.1")])


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta", "mpnet"])
def test_layers_are_found_in_every_kind(kind, tmp_path) -> None:
    folder = save_tiny_encoder(kind, tmp_path / kind)
    module = build(folder, keep_layers="0")
    assert module.encoder.depth == 1
    ids = torch.tensor([[3, 4, 5]])
    assert module(ids, torch.ones_like(ids)).isfinite().all()
    assert sum("1." in name for name in module.state_dict() if ".layer.1." in name) == 0


def test_a_cut_head_is_one_that_says_nothing(folder) -> None:
    whole, cut = (open_pretrained(str(folder)).load_backbone().eval() for _ in range(2))
    part, other = blocks(whole, "tiny")[1], blocks(cut, "tiny")[1]
    with torch.no_grad():
        part.joined.weight[:, : part.head_dim] = 0
    prune_heads(other, np.array([1]))
    ids = torch.tensor([[3, 4, 5, 6]])
    expected = whole(input_ids=ids).last_hidden_state
    torch.testing.assert_close(cut(input_ids=ids).last_hidden_state, expected, rtol=1e-5, atol=1e-5)
    assert (part.num_heads, other.num_heads) == (2, 1)


def test_a_cut_neuron_is_one_that_says_nothing(folder) -> None:
    whole, cut = (open_pretrained(str(folder)).load_backbone().eval() for _ in range(2))
    part, other = blocks(whole, "tiny")[0], blocks(cut, "tiny")[0]
    with torch.no_grad():
        part.outer.weight[:, 3:] = 0
    prune_neurons(other, np.arange(3))
    ids = torch.tensor([[3, 4, 5, 6]])
    expected = whole(input_ids=ids).last_hidden_state
    torch.testing.assert_close(cut(input_ids=ids).last_hidden_state, expected, rtol=1e-5, atol=1e-5)


def test_settings_give_each_layer_its_size(folder) -> None:
    module = build(folder, num_heads="1,2", num_neurons="16,8")
    assert [(part.num_heads, part.num_neurons) for part in blocks(module.encoder.backbone, "")] == [(1, 16), (2, 8)]
    ids = torch.tensor([[3, 4, 5]])
    assert module(ids, torch.ones_like(ids)).isfinite().all()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"keep_layers": "0,2"}, "keep_layers is 0,2, but encoder .* has the layers 0 to 1"),
        ({"keep_layers": "1,0"}, "each once, in rising order"),
        ({"num_heads": "1"}, "num_heads is 1, but encoder .* has 2,2 in its used layers"),
        ({"num_heads": "0,2"}, "num_heads is 0,2, but encoder"),
        ({"num_neurons": "16,64"}, "num_neurons is 16,64, but encoder .* has 32,32"),
        ({"keep_layers": "x"}, "keep_layers"),
    ],
)
def test_sizes_that_the_encoder_does_not_have_are_refused(folder, settings, sentence) -> None:
    with pytest.raises(SettingsError, match=sentence):
        build(folder, **settings)


def test_an_encoder_of_another_form_keeps_its_heads(tmp_path) -> None:
    folder = save_tiny_encoder("distilbert", tmp_path / "encoder")
    with pytest.raises(SettingsError, match=r"layers of another form than BERT's.*keep-layers"):
        build(folder, num_heads="1,1")
