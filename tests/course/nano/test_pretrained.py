from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest
import torch

from nano import pretrained
from nano.pretrained import DecoderRecipe, ElmoRecipe, Split, T5Recipe

SMALL = DecoderRecipe(
    read=2_000, num_tokens=270, context=8, dim=8, num_heads=2, num_layers=1, batch_size=4, warm_up=10, rate=1e-2
)

SMALL_T5 = T5Recipe(
    read=1_600, num_tokens=60, num_sentinels=8, context=16, dim=16, head_dim=8, num_heads=2, hidden=32, num_layers=1,
    num_decoder_layers=1, batch_size=4, warm_up=5,
)  # fmt: skip

SMALL_ELMO = ElmoRecipe(read=600, num_words=8, width=8, dim=8, hidden=12, batch_size=4, warm_up=5, rate=2e-2)


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """Give the recipes a small corpus and an empty cache."""
    texts = ["a good film , a very good film .", "a bad film , a very bad film ."] * 40
    monkeypatch.setattr(pretrained, "split", lambda: Split(texts, texts[:2]))
    monkeypatch.setattr(pretrained, "without_test_articles", lambda: texts)
    monkeypatch.setattr(pretrained, "models_dir", lambda: tmp_path)
    return tmp_path


def test_a_decoder_learns_and_is_taken_from_the_cache_after(cache, monkeypatch):
    first = pretrained.decoder(SMALL)
    assert first.losses[-1] < 0.7 * first.losses[0]
    assert sorted(path.name.partition("-")[0] for path in cache.iterdir()) == ["bpe", "decoder"]
    monkeypatch.setattr(pretrained, "fit", None)
    again = pretrained.decoder(SMALL)
    ids = torch.tensor([[again.end, *again.tokenizer.encode("a good")]])
    assert torch.equal(first.model.hidden(ids), again.model.hidden(ids))
    assert again.losses == first.losses
    assert not again.model.training


def test_the_same_recipe_gives_the_same_weights():
    first, second = (pretrained.decoder(SMALL, keep=False) for _ in range(2))
    assert first.losses == second.losses


def test_what_is_not_to_be_kept_is_not(cache):
    pretrained.decoder(SMALL, keep=False)
    assert not list(cache.iterdir())


def test_another_recipe_or_corpus_has_another_file(cache, monkeypatch):
    pretrained.decoder(SMALL)
    pretrained.decoder(replace(SMALL, seed=1))
    assert len(list(cache.glob("decoder-*"))) == 2
    assert len(list(cache.glob("bpe-*"))) == 1  # of the same texts
    monkeypatch.setattr(pretrained, "CORPUS", "another")
    pretrained.decoder(SMALL)
    assert len(list(cache.glob("decoder-*"))) == 3


def test_a_stream_ends_each_text_and_holds_no_more_than_asked_for():
    tokenizer = pretrained.decoder(SMALL, keep=False).tokenizer
    ids = pretrained.stream(["ab", "c"], tokenizer, 100).tolist()
    end = len(tokenizer)
    assert ids == [*tokenizer.encode("ab"), end, *tokenizer.encode("c"), end]
    assert pretrained.stream(["ab", "c"], tokenizer, 2).tolist() == ids[:2]


def test_the_id_that_ends_a_text_is_in_the_table():
    decoder = pretrained.decoder(SMALL, keep=False)
    assert decoder.end < len(decoder.model.tokens.weight)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_the_weights_that_are_trained_are_those_that_are_used(monkeypatch, dtype):
    """With the copies of autocast kept, the losses of training would be those of other weights than the ones kept."""
    monkeypatch.setattr(pretrained, "fast_type", lambda: dtype)
    decoder = pretrained.decoder(replace(SMALL, rate=3e-2), keep=False)
    ids = pretrained.stream(pretrained.split().train, decoder.tokenizer, 400)[: 400 // 8 * 8].view(-1, 8)
    with torch.no_grad():
        assert abs(decoder.model(ids).item() - sum(decoder.losses[-20:]) / 20) < 0.2


def test_a_corpus_that_is_not_the_recipes_is_refused(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(pretrained.text, "corpus", lambda: ["other", "texts"])
    pretrained.split.cache_clear()
    with pytest.raises(ValueError, match="the recipes are for"):
        pretrained.split()


def test_progress_is_told_of_what_takes_minutes(monkeypatch, capsys):
    times = iter(range(0, 10_000, 60))
    monkeypatch.setattr(pretrained.time, "perf_counter", lambda: next(times))
    assert list(pretrained._watched([(torch.zeros(1),)] * 20, "a model")) == [(torch.zeros(1),)] * 20
    assert "training a model: 10%, 9 more minutes" in capsys.readouterr().out


def test_elmo_learns_and_is_taken_from_the_cache_after(monkeypatch):
    first = pretrained.bilm(SMALL_ELMO)
    assert sum(first.losses[-5:]) < 0.8 * sum(first.losses[:5])
    assert (first.words, first.width) == (["a", "film", "bad", "good", "very"], 8)
    monkeypatch.setattr(pretrained, "fit", None)
    again = pretrained.bilm(SMALL_ELMO)
    letters, lengths = pretrained.elmo.batch([["a", "film"]], 8)
    assert torch.equal(first.model.layers(letters, lengths), again.model.layers(letters, lengths))
    assert not again.model.training


def test_elmo_reads_no_more_than_its_recipe_says():
    few = pretrained.bilm(replace(SMALL_ELMO, read=100), keep=False)
    many = pretrained.bilm(replace(SMALL_ELMO, read=400), keep=False)
    assert 3 * len(few.losses) < len(many.losses) < 5 * len(few.losses)


def test_a_text_is_cut_into_sentences_of_words():
    texts = ["It works. No! The end of it<br /><br />is here", "one two three four"]
    assert list(pretrained.sentences(texts, longest=4)) == [
        ["it", "works"],
        ["the", "end", "of", "it"],
        ["is", "here"],
        ["one", "two", "three", "four"],
    ]


def test_a_t5_learns_and_is_taken_from_the_cache_after(cache, monkeypatch):
    first = pretrained.text_to_text_model(SMALL_T5)
    assert sum(first.losses[-5:]) < 0.8 * sum(first.losses[:5])
    assert sorted(path.name.partition("-")[0] for path in cache.iterdir()) == ["pieces", "t5"]
    monkeypatch.setattr(pretrained, "fit", None)
    again = pretrained.text_to_text_model(SMALL_T5)
    assert again.losses == first.losses
    assert again.both.answer(["a very"], 5) == first.both.answer(["a very"], 5)
    assert not again.both.model.training


def test_a_tuned_t5_is_kept_for_its_pairs_and_for_no_others(cache, monkeypatch):
    start = pretrained.text_to_text_model(SMALL_T5)
    pairs = [("a good film", "good"), ("a bad film", "bad")] * 8
    first = pretrained.fine_tuned(start, SMALL_T5, pairs, 200, rate=3e-3)
    assert first.answer(["a good film", "a bad film"], 9) == ["good", "bad"]
    monkeypatch.setattr(pretrained.text_to_text, "tune", None)
    again = pretrained.fine_tuned(start, SMALL_T5, pairs, 200, rate=3e-3)
    assert torch.equal(again.model.tokens.weight, first.model.tokens.weight)
    with pytest.raises(TypeError):
        pretrained.fine_tuned(start, SMALL_T5, pairs[1:], 200, rate=3e-3)


def test_no_test_article_is_read(monkeypatch):
    monkeypatch.undo()
    article = "Shares of the firm rose by a tenth on Monday as its profits were better than had been expected by all"
    own = "The government said on Tuesday that no decision about the tax had been taken by the prime minister yet"
    monkeypatch.setattr(pretrained, "split", lambda: Split([article + " today", own], []))
    news = SimpleNamespace(test=SimpleNamespace(texts=[article]))
    monkeypatch.setattr("textwright.load_dataset", lambda name: {"bbc-news": news}[name])
    pretrained.without_test_articles.cache_clear()
    assert pretrained.without_test_articles() == [own]
    pretrained.without_test_articles.cache_clear()


def test_all_models_are_trained_by_one_command(monkeypatch, capsys, cache):
    monkeypatch.setattr(pretrained, "DecoderRecipe", lambda read=900: replace(SMALL, read=read))
    monkeypatch.setattr(pretrained, "ElmoRecipe", lambda: SMALL_ELMO)
    monkeypatch.setattr(pretrained, "T5Recipe", lambda: SMALL_T5)
    monkeypatch.setattr(pretrained, "SMALLER", (200, 400))
    pretrained.main()
    assert len(list(cache.glob("decoder-*.pt"))) == 3
    assert len(list(cache.glob("elmo-*.pt"))) == len(list(cache.glob("t5-*.pt"))) == 1
    assert str(cache) in capsys.readouterr().out


def test_all_settings_of_a_recipe_are_plain():
    assert {type(value) for value in asdict(DecoderRecipe()).values()} == {int, float, type(None)}
