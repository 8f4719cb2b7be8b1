"""Encoders of many languages: the ids are those of transformers, and both BERT families take them."""

from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import pytest
from tiny_encoders import MULTILINGUAL, NUM_POSITIONS, SENTENCES, save_tiny_encoder
from transformers import PreTrainedTokenizerFast

from textwright.core.awkward_texts import AWKWARD_TEXTS
from textwright.models.pretrained import open_pretrained

MIXED = (
    *SENTENCES,
    " ".join(SENTENCES),
    "iPhone手机 costs 1.299,00\u00a0€ — teuer!",
    "\u0627\u0644\u0633\u0644\u0627\u0645 \u0639\u0644\u064a\u0643\u0645 Zürich 東京",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "ＡＢＣ ｶﾀｶﾅ ﬁn ½",  # noqa: RUF001  wide letters, half-wide kana
    "naïve  café\u3000\t\u2028x",
    "\u17d2\u1780 \u1039 \u200d\u200c",
)


@pytest.fixture(params=MULTILINGUAL)
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return save_tiny_encoder(request.param, tmp_path / request.param, num_layers=1)


def test_the_ids_of_composed_texts_are_those_of_transformers(encoder: Path) -> None:
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(encoder / "tokenizer.json"))
    ours = open_pretrained(str(encoder)).load_tokenizer(NUM_POSITIONS)
    texts = [normalize("NFC", text) for text in (*MIXED, *AWKWARD_TEXTS)]
    found = [list(ours.encode([text])[0].ids) for text in texts]
    wanted = theirs(texts, truncation=True, max_length=NUM_POSITIONS)["input_ids"]
    assert found == wanted
    assert len({tuple(ids) for ids in found[: len(SENTENCES)]}) == len(SENTENCES)
    unknown = theirs.backend_tokenizer.token_to_id("[UNK]" if "[UNK]" in theirs.get_vocab() else "<unk>")
    assert all(ids.count(unknown) <= len(ids) / 10 for ids in found[: len(SENTENCES)])


def test_accents_in_two_characters_are_read_as_one(encoder: Path) -> None:
    tokenizer = open_pretrained(str(encoder)).load_tokenizer(NUM_POSITIONS)
    composed, decomposed = (tokenizer.encode([normalize(form, SENTENCES[2])])[0].ids for form in ("NFC", "NFD"))
    assert list(composed) == list(decomposed)
