from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from textwright.core.callbacks import Callback
from textwright.core.labels import Labels
from textwright.models.encoder import Pooling, load_sentence_encoder
from textwright.models.family import BuildContext
from textwright.models.pretrained import Pretrained, open_pretrained
from textwright.models.static_bert import StaticBert, StaticBertConfig, build, build_tokenizer
from textwright.models.token_vectors import distill_token_vectors, sif_weights

LABELS = Labels(("negative", "neutral", "positive"))


class Recorder(Callback):
    def __init__(self) -> None:
        self.told: list[tuple[str, int, int]] = []

    def on_progress(self, stage: str, done: int, total: int) -> None:
        self.told.append((stage, done, total))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTWRIGHT_CACHE", str(tmp_path / "cache"))


def make_model(folder: Path, **settings: object) -> StaticBert:
    config = StaticBertConfig.parse({"encoder": str(folder), **settings}, source="test")
    return build(config, BuildContext(build_tokenizer([], config, 64), LABELS)).eval()


def distill(pretrained: Pretrained, embedding_dim: int = 256, callback: Callback | None = None) -> np.ndarray:
    return distill_token_vectors(
        pretrained, embedding_dim=embedding_dim, sif_coefficient=1e-4, callback=callback or Callback()
    )


def single_vectors(pretrained: Pretrained, ids: Sequence[int]) -> np.ndarray:
    """Vectors of tokens as texts of their own, one after the other, by the encoder's own tokenizer."""
    encoder = load_sentence_encoder(pretrained, pooling=Pooling.MEAN, max_length=16, num_layers=None)
    before, after = pretrained.special_around()
    rows = [torch.tensor([[*before, token, *after]]) for token in ids]
    with torch.inference_mode():
        sides = [encoder(row, torch.ones_like(row)).numpy()[0] for row in rows]
    layers = np.stack(sides).reshape(len(ids), encoder.depth + 1, encoder.hidden_dim)
    layers -= layers.mean(axis=2, keepdims=True)
    return (layers / np.sqrt((layers**2).mean(axis=2, keepdims=True) + 1e-5)).mean(axis=1)


def test_a_text_is_encoded_without_what_the_encoder_puts_around_it(pretrained: Pretrained) -> None:
    config = StaticBertConfig(encoder=str(pretrained.path))
    static, full = build_tokenizer([], config, 64), pretrained.load_tokenizer(64)
    before, after = pretrained.special_around()
    (ids,), (all_ids,) = ([item.ids for item in each.encode(["a good film"])] for each in (static, full))
    assert [*before, *ids, *after] == list(all_ids)
    assert len(static.encode([""]).ids) == 0
    assert static.vocabulary == full.vocabulary


def test_a_file_that_pads_to_a_length_of_its_own_does_not_lengthen_what_stands_around(tiny_bert: Path) -> None:
    path = tiny_bert / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_padding(length=32)
    tokenizer.save(str(path))
    assert json.loads(path.read_text())["padding"] is not None
    before, after = open_pretrained(str(tiny_bert)).special_around()
    assert (len(before), len(after)) == (1, 1)


def test_vectors_are_the_principal_components_of_single_tokens_weighed_by_rank(pretrained: Pretrained) -> None:
    vectors = distill(pretrained)
    special = pretrained.special_ids()
    used = [index for index in range(len(vectors)) if index not in special]
    assert not vectors[sorted(special)].any()
    alone = single_vectors(pretrained, used)
    centered = alone - alone.mean(axis=0)
    unweighed = vectors[used] / sif_weights(len(used), 1e-4)[:, None]
    # PCA with every component kept is a rotation: it changes no product of two vectors
    np.testing.assert_allclose(unweighed @ unweighed.T, centered @ centered.T, atol=1e-3)
    variances = unweighed.var(axis=0)
    assert (np.diff(variances) <= 1e-6).all()
    np.testing.assert_allclose(distill(pretrained, 4), vectors[:, :4], atol=1e-6)


def test_the_more_frequent_a_token_the_less_it_counts() -> None:
    weights = sif_weights(1000, 1e-4)
    assert (np.diff(weights) > 0).all()
    assert 0 < weights[0] < weights[-1] < 1
    np.testing.assert_allclose(sif_weights(1000, 0.999), 1, atol=0.1)


def test_an_encoder_is_asked_once(tiny_bert: Path) -> None:
    first, again = Recorder(), Recorder()
    pretrained = open_pretrained(str(tiny_bert))
    vectors = distill(pretrained, callback=first)
    np.testing.assert_array_equal(distill(pretrained, callback=again), vectors)
    num_used = len(vectors) - len(pretrained.special_ids())
    assert first.told == [("distilling token vectors", num_used, num_used)]
    assert again.told == []


def test_the_stages_together_are_the_model_and_the_mean_of_the_tokens_is_the_text(tiny_bert: Path) -> None:
    model = make_model(tiny_bert)
    ids, mask = torch.tensor([[6, 7, 0], [8, 9, 10], [0, 0, 0]]), torch.tensor([[1, 1, 0], [1, 1, 1], [0, 0, 0]])
    features = model.stages.encoder(ids, mask)
    expected = torch.stack(
        [model.word_vectors[[6, 7]].mean(0), model.word_vectors[[8, 9, 10]].mean(0), torch.zeros(16)]
    )
    torch.testing.assert_close(features, expected)
    torch.testing.assert_close(model.stages.head(features), model(ids, mask))
    assert model.stages.feature_dim == 16


def test_the_vectors_do_not_learn_and_the_head_does(tiny_bert: Path) -> None:
    model = make_model(tiny_bert)
    learning = {name.split(".")[0] for name, weight in model.named_parameters() if weight.requires_grad}
    assert learning == {"head"}


@pytest.mark.parametrize(("hidden_dim", "num_dense"), [(0, 1), (8, 2)])
def test_the_head_is_linear_or_has_a_hidden_layer(tiny_bert: Path, hidden_dim: int, num_dense: int) -> None:
    dense = make_model(tiny_bert, hidden_dim=hidden_dim).head.dense
    assert sum(isinstance(part, torch.nn.Linear) for part in dense) == num_dense
