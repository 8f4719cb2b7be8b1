import shutil

import numpy as np
import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, T5Config, T5ForConditionalGeneration, T5Tokenizer

from nano import text_to_text
from nano.t5 import END, PAD, T5, Config, Trie
from nano.text_to_text import TextToText

TEXTS = [
    "The film is good, a very good film.", "BBC News said the iPod cost £612.50 in 2005!",
    "Is it? It's \"bad\" (very).",
    "McDonald said: the film of the news is bad", "a good film and bad news", "well-made: 0123456789",
] * 4  # fmt: skip
TINY = {"dim": 16, "head_dim": 8, "num_heads": 2, "hidden": 32, "num_layers": 1, "num_decoder_layers": 1}
WORDS = ["▁the", "▁a", "▁film", "good", "▁good", "▁bad", "s", "t", ":", "▁sentiment", "e", "d", "o", "▁is", "."]


@pytest.fixture(scope="module")
def tokenizer():
    return text_to_text.train_tokenizer(TEXTS, 150, num_sentinels=8)


@pytest.fixture
def both(tokenizer):
    torch.manual_seed(0)
    return TextToText(T5(Config(num_tokens=150, **TINY)).eval(), tokenizer)


@pytest.mark.parametrize("text", [*TEXTS[:5], "Aa AAa a-B 'C", ""])
def test_a_text_comes_back_with_its_capitals(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_spaces_are_one_and_what_no_text_had_is_unknown(tokenizer):
    assert tokenizer.decode(tokenizer.encode("  the \n\n Film\t").ids) == "the Film"
    assert tokenizer.encode("the 中").ids[-2] == tokenizer.token_to_id("<unk>")


def test_a_capital_and_a_digit_are_pieces_of_their_own(tokenizer):
    tokens = tokenizer.encode("Film 612").tokens
    assert (tokens[0], tokens[-4:]) == ("⇧", ["6", "1", "2", "</s>"])
    assert "".join(tokens[1:-4]) == "▁film▁"


def test_the_first_ids_are_those_of_every_t5_and_sentinels_are_the_last(tokenizer):
    assert [tokenizer.token_to_id(each) for each in ("<pad>", "</s>", "<unk>")] == [PAD, END, 2]
    size = tokenizer.get_vocab_size()
    assert size <= 150
    assert text_to_text.sentinels(tokenizer) == list(range(size - 1, size - 9, -1))


@pytest.mark.parametrize("share", [0.15, 0.5])
def test_what_is_taken_out_of_a_text_can_be_put_back(share):
    random, marks = np.random.default_rng(0), list(range(1000, 1100))
    for length in [2, 3, 7, 50, 200]:
        ids = list(range(10, 10 + length))
        source, target = text_to_text.corrupt(ids, marks, random, share)
        assert source[-1] == target[-1] == END
        gaps = {}
        for token in target[:-1]:
            if token in marks:
                gaps[token] = []
            else:
                gaps[next(reversed(gaps))].append(token)
        restored = [each for token in source[:-1] for each in gaps.get(token, [token])]
        assert restored == ids
        assert [token for token in source if token in marks] == list(gaps) == marks[: len(gaps)]
        assert all(gaps.values())
        assert sum(map(len, gaps.values())) == max(1, round(length * share))


def test_gaps_have_three_tokens_on_average_and_are_nowhere_in_particular():
    random, taken, gaps = np.random.default_rng(0), np.zeros(128), 0
    for _ in range(2000):
        source, target = text_to_text.corrupt(range(128), range(1000, 1032), random)
        gaps += sum(token >= 1000 for token in source)
        taken[[token for token in target if token < 128 and token != END]] += 1
    assert taken.sum() / gaps == pytest.approx(19 / 6, abs=0.2)
    assert 0.09 < taken[10:100].min() / 2000 < taken[10:100].max() / 2000 < 0.17


def test_a_gap_each_has_a_sentinel_of_its_own_while_there_are_some():
    source, target = text_to_text.corrupt(range(10, 210), [1000, 1001], np.random.default_rng(0), 0.3)
    assert [token for token in source if token >= 1000] == [token for token in target if token >= 1000] == [1000, 1001]


def test_dropped_tokens_are_the_share_asked_for_and_leave_no_mark():
    random, ids = np.random.default_rng(0), list(range(10, 1010))
    source, target = text_to_text.drop(ids, random, 0.2)
    assert target == [*ids, END]
    assert source[-1] == END
    assert source[:-1] == sorted(set(source[:-1]) & set(ids))
    assert len(source) - 1 == pytest.approx(800, abs=40)
    assert text_to_text.drop(ids, random, 0.0) == (target, target)


def test_a_long_text_is_cut_and_still_ends(both):
    assert both.encode("the film is good", 3) == [*both.encode("the film")[:2], END]
    assert both.decode(both.encode("The film is good")) == "The film is good"


def test_batches_hold_each_pair_once_an_epoch_in_another_order(both):
    pairs = [(f"a {'film ' * (place % 7)}{place}", "good" if place % 2 else "bad") for place in range(150)]
    batches = list(both.batches(pairs, 8, 2))
    found = [
        (both.decode(source), both.decode(target)) for batch in batches for source, target in zip(*batch, strict=True)
    ]
    assert sorted(found[:150]) == sorted(found[150:]) == sorted((source.strip(), target) for source, target in pairs)
    assert found[:150] != found[150:]
    lengths = [(source != PAD).sum(dim=1) for source, _ in batches]
    assert np.mean([(each.max() - each.min()).item() for each in lengths]) < 4
    assert torch.cat(lengths).max() - torch.cat(lengths).min() > 10


def test_a_batch_holds_labels_of_any_length(both):
    pairs = [(f"a film {place % 10}", "good" if place < 80 else "the film is very bad") for place in range(160)]
    batches = list(both.batches(pairs, 16, 1))
    assert all(len({tuple(row) for row in target.tolist()}) == 2 for _, target in batches)


@pytest.mark.slow
def test_one_loop_learns_two_tasks_that_a_prefix_tells_apart(both):
    pairs = [
        ("mood: good film", "good"), ("mood: bad film", "bad"), ("mood: bad news", "bad"),
        ("of: good film", "the film"), ("of: bad film", "the film"), ("of: bad news", "the news"),
    ]  # fmt: skip
    torch.manual_seed(0)
    wider = Config(num_tokens=150, dim=32, head_dim=8, num_heads=4, hidden=64, num_layers=1, num_decoder_layers=1)
    both = TextToText(T5(wider).eval(), both.tokenizer)
    before = both.model.tokens.weight.clone()
    tuned = text_to_text.tune(both, pairs * 8, 100, rate=2e-2)
    assert [tuned.answer([source], 9)[0] for source, _ in pairs] == [target for _, target in pairs]
    assert torch.equal(both.model.tokens.weight, before)
    assert not tuned.model.training


def test_a_short_text_counts_as_much_as_a_long_one(both):
    source = text_to_text.padded([both.encode(text) for text in ("good film", "bad film")])
    targets = [both.encode(text) for text in ("good", "the film is very bad and it cost 612")]
    found = text_to_text._LossOfTexts(both.model)(source, text_to_text.padded(targets))
    alone = [both.model(source[row : row + 1], torch.tensor([target])) for row, target in enumerate(targets)]
    assert torch.allclose(found, torch.stack(alone), atol=1e-5)


def test_answers_do_not_depend_on_the_batch_and_obey_their_constraints(both):
    texts = ["a film is good", "bad", "the news of the film is very bad and it cost 612"]
    assert both.answer(texts, 8) == [both.answer([text], 8)[0] for text in texts]
    outputs = ["good", "bad news"]
    trie = Trie([both.encode(each)[:-1] for each in outputs])
    assert set(both.answer(texts, 8, [trie] * 3)) <= set(outputs)


@torch.no_grad()
def _generated(theirs, tokenizer, texts):
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    return theirs.generate(
        input_ids=batch.input_ids, attention_mask=batch.attention_mask, max_new_tokens=10, do_sample=False, num_beams=1
    )[:, 1:]


def _written(both, texts):
    source = text_to_text.padded([both.encode(text) for text in texts])
    return torch.stack(list(text_to_text.write(both.model, source, 10)), dim=1)


@pytest.mark.parametrize("kind", ["relu", "gated-gelu"])
def test_a_published_folder_loads_and_writes_the_same_tokens(tmp_path, kind):
    """The folder is written by ``transformers`` as t5-small and Flan-T5 are: random weights, the tokenizer of T5."""
    torch.manual_seed(3)
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((word, -3.0) for word in WORDS)]
    vocabulary += [(f"<extra_id_{number}>", 0.0) for number in range(99, -1, -1)]
    theirs_tokenizer = T5Tokenizer(vocab=vocabulary)
    theirs = T5ForConditionalGeneration(
        T5Config(
            vocab_size=128, d_model=16, d_kv=4, d_ff=32, num_layers=2, num_heads=3, feed_forward_proj=kind,
            tie_word_embeddings=kind == "relu", decoder_start_token_id=0,
        )
    ).eval()  # fmt: skip
    with torch.no_grad():
        for weight in theirs.parameters():
            weight.add_(0.4 * torch.randn_like(weight))
    theirs.save_pretrained(tmp_path)
    theirs_tokenizer.save_pretrained(tmp_path)
    mine = text_to_text.load(tmp_path)
    texts = ["sentiment: the film is good.", "a bad film", "the <extra_id_0> is bad"]
    ids = [mine.encode(text) for text in texts]
    assert ids == [theirs_tokenizer(text).input_ids for text in texts]
    found, expected = _written(mine, texts), _generated(theirs, theirs_tokenizer, texts)
    assert torch.equal(found[:, : expected.shape[1]], expected)
    assert len(set(expected.flatten().tolist())) > 3


def test_what_is_saved_is_read_by_transformers_and_by_us(both, tmp_path):
    text_to_text.save(both, tmp_path)
    again, theirs = text_to_text.load(tmp_path), AutoModelForSeq2SeqLM.from_pretrained(tmp_path).eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert [tokenizer(text).input_ids for text in TEXTS] == [both.encode(text) for text in TEXTS]
    assert tokenizer.decode(both.encode("The BBC"), skip_special_tokens=True) == "The BBC"
    assert torch.equal(_written(again, TEXTS[:5]), _written(both, TEXTS[:5]))
    assert torch.equal(_written(both, TEXTS[:5]), _generated(theirs, tokenizer, TEXTS[:5]))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_folder_that_lacks_a_file_is_refused(both, tmp_path, name):
    text_to_text.save(both, tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "part", ignore=lambda *_: [name])
    with pytest.raises(ValueError, match=rf"has no {name}: write it"):
        text_to_text.load(tmp_path / "part")
