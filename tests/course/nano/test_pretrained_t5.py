from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from nano import pretrained, pretrained_t5, text_to_text
from nano.pretrained import Split
from nano.pretrained_t5 import T5Recipe
from nano.t5 import END, PAD

SMALL_T5 = T5Recipe(
    read=1_600, num_tokens=60, num_sentinels=8, context=16, dim=16, head_dim=8, num_heads=2, hidden=32, num_layers=1,
    num_decoder_layers=1, batch_size=4, warm_up=5,
)  # fmt: skip


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """Give the recipe a small corpus and an empty cache."""
    texts = ["a good film , a very good film .", "a bad film , a very bad film ."] * 40
    monkeypatch.setattr(pretrained, "models_dir", lambda: tmp_path)
    monkeypatch.setattr(pretrained_t5, "without_test_articles", lambda: texts)
    return tmp_path


def test_a_t5_learns_and_is_taken_from_the_cache_after(cache, monkeypatch):
    first = pretrained_t5.text_to_text_model(SMALL_T5)
    assert sum(first.losses[-5:]) < 0.8 * sum(first.losses[:5])
    assert sorted(path.name.partition("-")[0] for path in cache.iterdir()) == ["pieces", "t5"]
    monkeypatch.setattr(pretrained_t5, "fit", None)
    again = pretrained_t5.text_to_text_model(SMALL_T5)
    assert again.losses == first.losses
    assert again.both.answer(["a very"], 5) == first.both.answer(["a very"], 5)
    assert not again.both.model.training


def test_whole_texts_come_first_and_spans_after(monkeypatch):
    seen = []

    def fit(model, batches, optimizer, *, num_steps, **_):
        seen.extend(batches)
        return [1.0] * num_steps

    monkeypatch.setattr(pretrained_t5, "fit", fit)
    recipe = replace(SMALL_T5, copying=0.4, copied=0.3, shortest=2, longest=6, share=0.5)
    start = pretrained_t5.text_to_text_model(recipe)
    marks = torch.tensor(text_to_text.sentinels(start.both.tokenizer))
    has_marks = [bool(torch.isin(source, marks).any()) for source, _ in seen]
    assert has_marks == [not each for each in start.copied]
    first = round(0.4 * len(seen))
    assert not any(has_marks[:first])
    assert 0 < sum(has_marks[first:]) < len(seen) - first
    sizes = [target.shape[1] - 1 for _, target in seen]
    assert min(sizes[:first]) >= 2
    assert max(sizes[:first]) == 6
    for source, target in (batch for batch, is_copied in zip(seen, start.copied, strict=True) if is_copied):
        for read, written in zip(source.tolist(), target.tolist(), strict=True):
            assert _is_part([each for each in read if each != PAD], [each for each in written if each != PAD])


def _is_part(part, whole):
    """Tell whether a list is another one with items left out."""
    rest = iter(whole)
    return whole[-1] == part[-1] == END and all(each in rest for each in part)


def test_spans_alone_if_no_text_is_to_be_copied():
    assert not any(pretrained_t5.text_to_text_model(replace(SMALL_T5, copying=0.0, copied=0.0)).copied)


@pytest.mark.slow
def test_a_tuned_t5_is_kept_for_its_pairs_and_for_no_others(cache, monkeypatch):
    start = pretrained_t5.text_to_text_model(SMALL_T5)
    pairs = [("a good film", "good"), ("a bad film", "bad")] * 8
    first = pretrained_t5.fine_tuned(start, SMALL_T5, pairs, 200, rate=2e-2)
    assert [answer[0] for answer in first.answer(["a good film", "a bad film"], 9)] == ["g", "b"]
    monkeypatch.setattr(pretrained_t5.text_to_text, "tune", None)
    again = pretrained_t5.fine_tuned(start, SMALL_T5, pairs, 200, rate=2e-2)
    assert torch.equal(again.model.tokens.weight, first.model.tokens.weight)
    with pytest.raises(TypeError):
        pretrained_t5.fine_tuned(start, SMALL_T5, pairs[1:], 200, rate=2e-2)


def test_no_test_article_is_read(monkeypatch):
    monkeypatch.undo()
    article = "Shares of the firm rose by a tenth on Monday as its profits were better than had been expected by all"
    own = "The government said on Tuesday that no decision about the tax had been taken by the prime minister yet"
    monkeypatch.setattr(pretrained, "split", lambda: Split([article + " today", own], []))
    news = SimpleNamespace(test=SimpleNamespace(texts=[article]))
    monkeypatch.setattr("textwright.load_dataset", lambda name: {"bbc-news": news}[name])
    pretrained_t5.without_test_articles.cache_clear()
    assert pretrained_t5.without_test_articles() == [own]
    pretrained_t5.without_test_articles.cache_clear()
