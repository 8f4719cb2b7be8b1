"""A smaller vocabulary changes no answer to a text whose tokens stay, and leaves every text answerable."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
import torch
from slow_params import slow_unless
from tiny_data import make_dataset
from tiny_encoders import save_tiny_encoder

from textwright.core.awkward_texts import AWKWARD_TEXTS
from textwright.core.encodings import pad
from textwright.core.tokenizer import TextTokenizer
from textwright.errors import SettingsError
from textwright.export.onnx import to_onnx
from textwright.graph.fusion import fuse
from textwright.models import FAMILIES
from textwright.models.family import BuildContext, TrainingSplit
from textwright.optimize.pruning.vocabulary import cut_tables, used_vocabulary
from textwright.optimize.quantization.embeddings import quantize_embeddings
from textwright.optimize.quantization.onnxruntime_quantizers import quantize_dynamic
from textwright.runtime.session import Session

DATASET = make_dataset()
KEPT = [text for text in DATASET.train.texts if "word1" not in text][:100]


def infer(graph: bytes, tokenizer: str, texts) -> np.ndarray:
    encoder = TextTokenizer(tokenizer)
    return Session(graph, num_threads=1).infer(*pad(encoder.encode(texts), encoder.pad_id))


@cache
def make_bow(**config):
    family = FAMILIES["bow"]
    settings = family.config(**config)
    encoder = family.build_tokenizer(DATASET.train.texts, settings, 32)
    torch.manual_seed(0)
    split = TrainingSplit(encoder.encode(DATASET.train.texts), DATASET.train.targets)
    module = family.build(settings, BuildContext(encoder, DATASET.labels, split))
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.3)
    return to_onnx(module), encoder


@pytest.mark.parametrize("config", [{}, {"num_bigram_buckets": 64}], ids=["words", "pairs"])
@pytest.mark.parametrize(
    "make", [lambda graph: graph, lambda graph: quantize_embeddings(graph, "int8")], ids=["fp32", "int8"]
)
def test_words_that_stay_are_answered_as_before(config, make):
    graph, encoder = make_bow(**config, hidden_dim=8, embedding_dim=256)
    graph = make(graph)
    vocabulary = used_vocabulary(encoder.serialize(), KEPT)
    small = cut_tables(graph, vocabulary.kept_ids)
    assert len(vocabulary.kept_ids) < vocabulary.num_before == encoder.vocab_size
    assert len(small) < len(graph)
    expected = infer(graph, encoder.serialize(), KEPT)
    np.testing.assert_allclose(infer(small, vocabulary.tokenizer, KEPT), expected, atol=1e-5)


def test_a_word_that_is_gone_is_unknown():
    _, encoder = make_bow(hidden_dim=8, embedding_dim=256)
    vocabulary = used_vocabulary(encoder.serialize(), KEPT)
    small = TextTokenizer(vocabulary.tokenizer)
    assert encoder.encode(["word1 good"])[0].ids != encoder.encode(["qzxv good"])[0].ids
    assert small.encode(["word1 good"])[0].ids == small.encode(["qzxv good"])[0].ids
    assert [vocabulary.kept_ids[id_] for id_ in small.encode(["word2 good"])[0].ids] == encoder.encode(["word2 good"])[
        0
    ].ids


@pytest.mark.parametrize("kind", slow_unless(lambda kind: kind == "bert", ["bert", "mpnet", "distilbert"]))
@pytest.mark.parametrize(
    "make",
    [lambda graph: graph, fuse, lambda graph: quantize_dynamic(quantize_embeddings(fuse(graph), "int8"))],
    ids=["as-exported", "fused", "int8"],
)
def test_pieces_that_stay_are_answered_as_before(make_encoder_graph, kind, make):
    graph, encoder = make_encoder_graph(kind)
    graph, texts = make(graph), ["the film is good", "a dull story .", "the story is not great !"]
    vocabulary = used_vocabulary(encoder.serialize(), texts)
    assert len(vocabulary.kept_ids) < vocabulary.num_before
    small = cut_tables(graph, vocabulary.kept_ids)
    expected = infer(graph, encoder.serialize(), texts)
    np.testing.assert_allclose(infer(small, vocabulary.tokenizer, texts), expected, atol=1e-5)
    assert np.isfinite(infer(small, vocabulary.tokenizer, AWKWARD_TEXTS)).all()


def test_a_word_whose_pieces_are_gone_is_spelled_out(tmp_path):
    """The tokenizer of the tests knows no single characters, so some are put in, as every real one has them."""
    folder = save_tiny_encoder("bert", tmp_path / "encoder")
    content = json.loads((folder / "tokenizer.json").read_text())
    for token in ("f", "##i", "##l", "##m", "##ilm"):
        content["model"]["vocab"].setdefault(token, len(content["model"]["vocab"]))
    content["padding"] = {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None} | {
        "pad_id": content["model"]["vocab"]["[PAD]"],
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    content["truncation"] = {"max_length": 32, "stride": 0, "strategy": "LongestFirst", "direction": "Right"}
    before = TextTokenizer(json.dumps(content))
    vocabulary = used_vocabulary(before.serialize(), ["the story is good"])
    after = TextTokenizer(vocabulary.tokenizer)
    names = after.vocabulary
    assert "film" in before.vocabulary
    assert "film" not in names
    ids = after.encode(["the film"])[0].ids
    assert [names[id_] for id_ in ids] == ["[CLS]", "the", "f", "##i", "##l", "##m", "[SEP]"]


@pytest.mark.slow
def test_tokens_that_build_on_one_another_are_refused(make_encoder_graph):
    _, encoder = make_encoder_graph("roberta")
    with pytest.raises(SettingsError, match=r"of the kind BPE, .* WordPiece and WordLevel can be cut"):
        used_vocabulary(encoder.serialize(), ["good"])
