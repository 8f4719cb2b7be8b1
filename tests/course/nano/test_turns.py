import numpy as np
import pytest
import torch

import textwright
from nano import bert, turns
from nano.dialogue import Pair
from nano.turns import Turns

PAIR = Pair("talk", ("one", "two"), "three", "four")


@pytest.fixture
def said():
    """Turns of one, two and three tokens."""
    states = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float16)
    return Turns(["one", "two", "three"], np.array([1, 2, 3]), states)


def test_the_vector_of_a_turn_is_the_mean_of_its_tokens(said):
    for text in ("one", "two", "three"):
        torch.testing.assert_close(said.vectors([text])[0], said.tokens(text).mean(dim=0), rtol=0, atol=1e-3)
    assert len(said.tokens("three")) == 3


def test_contexts_begin_with_the_prompt_and_are_filled_with_zeros(said):
    lone = Pair("talk", (), "one", "four")
    contexts = said.contexts([PAIR, lone], 3)
    torch.testing.assert_close(contexts[0], said.vectors(["three", "two", "one"]))
    torch.testing.assert_close(contexts[1, 0], said.vectors(["one"])[0])
    assert contexts[1, 1:].abs().max() == 0


def test_tokens_say_which_turn_they_are_of(said):
    tokens, places = said.context_tokens([PAIR, Pair("talk", (), "one", "four")], 2)
    assert places.tolist() == [[0, 0, 0, 1, 1], [0, -1, -1, -1, -1]]
    torch.testing.assert_close(tokens[0, 3:], said.tokens("two"))
    torch.testing.assert_close(tokens[1, 0], said.tokens("one")[0])


def test_what_minilm_says_is_kept_and_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(turns, "models_dir", lambda: tmp_path)
    texts = ["How are you today?", "Fine.", "Fine.", "word " * 100]
    first = turns.read_turns(texts)
    model, pieces = bert.load(textwright.asset_path("minilm-l6"))
    ids = torch.tensor([pieces.encode(texts[0])])
    expected = model(ids, torch.ones_like(ids))[0][-1][0]
    torch.testing.assert_close(first.tokens(texts[0]), expected, rtol=0, atol=2e-2)
    assert len(first.tokens(texts[3])) == turns.MAX_TOKENS
    assert len([*tmp_path.iterdir()]) == 1
    monkeypatch.setattr(turns, "minilm", lambda: pytest.fail("MiniLM was asked again"))
    torch.testing.assert_close(turns.read_turns(texts[::-1]).vectors(texts), first.vectors(texts))


def test_what_is_not_to_be_kept_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(turns, "models_dir", lambda: tmp_path)
    turns.read_turns(["Fine."], keep=False)
    assert [*tmp_path.iterdir()] == []
