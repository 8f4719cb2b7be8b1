from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_encoders import NUM_POSITIONS, save_pooling
from torch import Tensor

from textwright.core.encodings import pad
from textwright.errors import SettingsError
from textwright.models.encoder import Pooling, SentenceEncoder, layer_of, load_sentence_encoder
from textwright.models.pretrained import Pretrained, open_pretrained

TEXTS = ["good film", "the story is not good , the acting is awful .", "", "a great plot"]

WITHOUT_BOUND = ("deberta-v3", "modernbert")
"""Kinds whose positions are relative or rotary."""


def load(pretrained: Pretrained, pooling: Pooling = Pooling.MEAN, **settings: int | None) -> SentenceEncoder:
    settings = {"max_length": NUM_POSITIONS, **settings}
    return load_sentence_encoder(pretrained, pooling=pooling, **settings)


@torch.inference_mode()
def run(encoder: SentenceEncoder, pretrained: Pretrained, texts: list[str]) -> Tensor:
    tokenizer = pretrained.load_tokenizer(NUM_POSITIONS)
    return encoder(*map(torch.from_numpy, pad(tokenizer.encode(texts), tokenizer.pad_id)))


@pytest.mark.parametrize("pooling", [Pooling.MEAN, Pooling.CLS])
def test_padding_does_not_change_a_vector(pretrained: Pretrained, pooling: Pooling) -> None:
    encoder = load(pretrained, pooling)
    together = run(encoder, pretrained, TEXTS)
    alone = torch.cat([run(encoder, pretrained, [text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert (together[0] - together[1]).abs().max() > 1e-3


def test_a_row_of_padding_alone_stays_finite(pretrained: Pretrained) -> None:
    ids = torch.full((2, 5), pretrained.config.pad_token_id)
    vectors = load(pretrained)(ids, torch.zeros_like(ids))
    assert vectors.isfinite().all()


def test_the_longest_text_that_is_allowed_has_positions(pretrained: Pretrained, kind: str) -> None:
    encoder = load(pretrained)
    assert encoder.max_positions == (None if kind in WITHOUT_BOUND else NUM_POSITIONS)
    assert run(encoder, pretrained, ["good " * 2 * NUM_POSITIONS]).isfinite().all()


def test_a_text_longer_than_the_positions_is_refused(pretrained: Pretrained, kind: str) -> None:
    if kind in WITHOUT_BOUND:
        assert load(pretrained, max_length=1000).max_positions is None
        return
    with pytest.raises(SettingsError, match=r"max_length is 65, encoder .* reads at most 64 tokens"):
        load(pretrained, max_length=NUM_POSITIONS + 1)


def test_the_mean_is_that_of_the_tokens_and_cls_the_first(pretrained: Pretrained) -> None:
    tokenizer = pretrained.load_tokenizer(NUM_POSITIONS)
    ids, mask = map(torch.from_numpy, pad(tokenizer.encode(TEXTS[1:2]), tokenizer.pad_id))
    encoder = load(pretrained)
    with torch.inference_mode():
        hidden = encoder.backbone(input_ids=ids, attention_mask=mask).last_hidden_state
    np.testing.assert_allclose(run(encoder, pretrained, TEXTS[1:2]), hidden.mean(dim=1), atol=1e-6)
    np.testing.assert_allclose(run(load(pretrained, Pooling.CLS), pretrained, TEXTS[1:2]), hidden[:, 0], atol=1e-6)


@pytest.mark.parametrize("num_layers", [2, None])
def test_the_vectors_of_layers_lie_side_by_side(pretrained: Pretrained, num_layers: int | None) -> None:
    tokenizer = pretrained.load_tokenizer(NUM_POSITIONS)
    ids, mask = map(torch.from_numpy, pad(tokenizer.encode(TEXTS[1:2]), tokenizer.pad_id))
    encoder = load(pretrained, num_layers=num_layers)
    with torch.inference_mode():
        states = encoder.backbone(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
    assert len(states) == 3  # embeddings and two layers
    expected = torch.cat([state.mean(dim=1) for state in states[-(num_layers or 3) :]], dim=1)
    np.testing.assert_allclose(run(encoder, pretrained, TEXTS[1:2]), expected, atol=1e-6)


def test_more_layers_than_there_are_is_refused(pretrained: Pretrained) -> None:
    with pytest.raises(SettingsError, match=r"num_layers is 4, encoder .* has 3 layers"):
        load(pretrained, num_layers=4)


def test_nothing_but_the_backbone_is_trained(pretrained: Pretrained) -> None:
    names = {name for name, _ in load(pretrained).named_parameters()}
    assert not {name for name in names if "pooler" in name}
    assert {layer_of(name) for name in names} == {None, 0, 1}


@pytest.mark.parametrize(("cls", "first"), [(True, True), (False, False), (None, False)])
def test_auto_takes_the_pooling_that_was_trained(tiny_bert: Path, cls: bool | None, first: bool) -> None:
    if cls is not None:
        save_pooling(tiny_bert, cls=cls)
    assert load(open_pretrained(str(tiny_bert)), Pooling.AUTO).pools_first_token is first
