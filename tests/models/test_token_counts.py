"""Tokens are counted as the family's own tokenizer counts them, and not cut off."""

from pathlib import Path

from textwright.data.lengths import DEFAULT_TOKENS, count_words
from textwright.models.pretrained import open_pretrained
from textwright.models.token_counts import family_tokens
from textwright.training.settings import TrainSettings


def test_a_pretrained_encoder_counts_its_own_tokens(tiny_bert: Path) -> None:
    text = "a film, " * 400

    tokens = family_tokens("bert", {"encoder": str(tiny_bert)})

    ids = open_pretrained(str(tiny_bert)).load_tokenizer(100_000).encode([text, ""])
    assert tokens.count([text, ""]).tolist() == ids.lengths.tolist()
    assert tokens.count([text])[0] > tokens.max_length
    assert tokens.unit == f"tokens of {tiny_bert}"


def test_static_vectors_are_counted_without_what_stands_around_a_text(tiny_bert: Path) -> None:
    counts = [
        family_tokens(name, {"encoder": str(tiny_bert)}).count(["a film", ""]) for name in ("bert", "static-bert")
    ]

    assert [each.tolist() for each in counts] == [[4, 2], [2, 0]]


def test_the_word_families_count_words() -> None:
    tokens = family_tokens("cnn-glove")

    assert tokens.count is count_words
    assert tokens.unit == "words"


def test_the_default_family_counts_characters() -> None:
    assert family_tokens(TrainSettings().family) == DEFAULT_TOKENS
    assert DEFAULT_TOKENS.count(["It isn't good.", "", "caf\u00e9 2"]).tolist() == [14, 0, 6]
