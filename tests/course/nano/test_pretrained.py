from dataclasses import asdict, replace

import pytest
import torch

from nano import pretrained, seq2seq, speech, tacotron
from nano.dialogue import Pair
from nano.pretrained import ChatRecipe, DecoderRecipe, ElmoRecipe, RefineRecipe, Split, VoiceRecipe

SMALL = DecoderRecipe(
    read=2_000, num_tokens=270, context=8, dim=8, num_heads=2, num_layers=1, batch_size=4, warm_up=10, rate=1e-2
)
SMALL_ELMO = ElmoRecipe(read=600, num_words=8, width=8, dim=8, hidden=12, batch_size=4, warm_up=5, rate=2e-2)
SMALL_VOICE = VoiceRecipe(num_steps=20, dim=8, hidden=12, batch_size=4, num_phrases=8, warm_up=2, rate=1e-2)
SMALL_CHAT = ChatRecipe(
    read=240, num_tokens=280, dim=16, num_heads=2, num_encoder=1, num_decoder=1, batch_size=8, rate=1e-2, warm_up=5
)
SMALL_REFINE = RefineRecipe(start=SMALL_CHAT, num_pairs=40, warm_up=2)
PAIRS = [
    Pair(str(number), (), f"do you like {it}", f"{it} are good") for number in range(40) for it in ("cats", "dogs")
]


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """Give the recipes a small corpus and an empty cache."""
    texts = ["a good film , a very good film .", "a bad film , a very bad film ."] * 40
    monkeypatch.setattr(pretrained, "split", lambda: Split(texts, texts[:2]))
    monkeypatch.setattr(pretrained, "models_dir", lambda: tmp_path)
    monkeypatch.setattr(pretrained, "chat_pairs", lambda: PAIRS)
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
    assert list(pretrained.watched([(torch.zeros(1),)] * 20, "a model")) == [(torch.zeros(1),)] * 20
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


@pytest.mark.slow
def test_a_voice_learns_and_is_taken_from_the_cache_with_its_snapshots(monkeypatch):
    first = pretrained.voice(SMALL_VOICE)
    assert sum(first.losses[-5:]) < 0.9 * sum(first.losses[:5])
    assert [each.step for each in first.snapshots] == [1, 4, 10, 20]
    seconds = [each.seconds for each in first.snapshots]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    monkeypatch.setattr(pretrained, "fit", None)
    again = pretrained.voice(SMALL_VOICE)
    ids = tacotron.symbols("six two")
    for one, other in zip(first.snapshots, again.snapshots, strict=True):
        assert torch.equal(one.model.speak(ids, 3).mel, other.model.speak(ids, 3).mel)
        assert not one.model.training
    early, late = (each.model.speak(ids, 3).mel for each in (again.snapshots[0], again.snapshots[-1]))
    assert not torch.equal(early, late)


@pytest.mark.slow
def test_another_teacher_makes_another_voice(monkeypatch, cache):
    pretrained.voice(SMALL_VOICE)
    monkeypatch.setattr(speech, "teacher_hash", lambda: "another")
    pretrained.voice(SMALL_VOICE)
    assert len(list(cache.glob("voice-*.pt"))) == 2


def test_phrases_to_measure_with_are_not_learned_from():
    spoken = pretrained.spoken_phrases(20)
    assert len(spoken.train) == 20
    assert len(spoken.held_out) == len(speech.teacher()) - pretrained.NUM_SPOKEN >= 150
    assert not set(spoken.train) & set(spoken.held_out)
    everything = pretrained.spoken_phrases()
    known = {word for phrase in everything.train for word in phrase.split()}
    assert known == set(tacotron.LEXICON)  # numbers are new, words are not


def test_gradients_are_clipped_to_a_length_of_one():
    weight = torch.nn.Parameter(torch.zeros(4))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    optimizer.register_step_pre_hook(pretrained._clip)
    weight.grad = torch.full((4,), 10.0)
    optimizer.step()
    torch.testing.assert_close(weight.data.norm(), torch.tensor(1.0))


def test_a_text_is_cut_into_sentences_of_words():
    texts = ["It works. No! The end of it<br /><br />is here", "one two three four"]
    assert list(pretrained.sentences(texts, longest=4)) == [
        ["it", "works"],
        ["the", "end", "of", "it"],
        ["is", "here"],
        ["one", "two", "three", "four"],
    ]


@pytest.mark.slow
def test_all_models_are_trained_by_one_command(monkeypatch, capsys, cache):
    monkeypatch.setattr(pretrained, "DecoderRecipe", lambda read=900: replace(SMALL, read=read))
    monkeypatch.setattr(pretrained, "ElmoRecipe", lambda: SMALL_ELMO)
    monkeypatch.setattr(pretrained, "SMALLER", (200, 400))
    monkeypatch.setattr(pretrained, "RefineRecipe", lambda alpha: replace(SMALL_REFINE, alpha=alpha))
    monkeypatch.setattr(pretrained, "VOICES", (SMALL_VOICE, replace(SMALL_VOICE, guide=0.0)))
    pretrained.main()
    assert len(list(cache.glob("voice-*.pt"))) == 2
    assert len(list(cache.glob("decoder-*.pt"))) == 3
    assert len(list(cache.glob("elmo-*.pt"))) == 1
    assert len(list(cache.glob("chat-*.pt"))) == 2  # one of them the tokenizer
    assert len(list(cache.glob("refine-*.pt"))) == 3
    assert str(cache) in capsys.readouterr().out


def test_a_generator_learns_to_reply_and_is_taken_from_the_cache_after(monkeypatch):
    first = pretrained.chat_bot(SMALL_CHAT)
    assert sum(first.losses[-5:]) < 0.6 * sum(first.losses[:5])
    monkeypatch.setattr(pretrained, "fit", None)
    again = pretrained.chat_bot(SMALL_CHAT)
    assert again.losses == first.losses
    prompts = ["do you like cats", "do you like dogs"]
    replies = [bot.generator.reply(prompts, lambda *each: seq2seq.beam(*each, width=2)) for bot in (first, again)]
    assert replies[0] == replies[1]
    assert not again.generator.model.training


def test_refined_ones_go_on_from_one_start_and_read_what_was_retrieved(cache, monkeypatch):
    start = pretrained.chat_bot(SMALL_CHAT).generator
    before = {name: weight.clone() for name, weight in start.model.state_dict().items()}
    seen = []
    batches = pretrained._chat_batches
    monkeypatch.setattr(pretrained, "_chat_batches", lambda *each: seen.append(each[3]) or batches(*each))
    for alpha in (None, 0.0, 1.0):
        bot = pretrained.refined(replace(SMALL_REFINE, alpha=alpha), start=start)
        assert not bot.generator.model.training
        changed = [
            name for name, weight in bot.generator.model.state_dict().items() if not torch.equal(weight, before[name])
        ]
        assert changed
    assert all(torch.equal(weight, before[name]) for name, weight in start.model.state_dict().items())
    nothing, found, true = seen
    assert nothing is None
    assert {*found} <= {"cats are good", "dogs are good"}
    assert len(found) == len(true) == 40
    assert len(list(cache.glob("retrieved-*.pt"))) == 1  # for both, once
    assert len(list(cache.glob("refine-*.pt"))) == 3


def test_pairs_come_again_when_all_were_read():
    generator = pretrained.chat_bot(SMALL_CHAT, keep=False).generator
    prompts, replies = [pair.prompt for pair in PAIRS], [pair.reply for pair in PAIRS]
    rows = {
        read: sum(len(source) for source, _ in pretrained._chat_batches(generator, prompts, replies, None, 8, read, 0))
        for read in (30, 80, 100)
    }
    assert rows == {30: 30, 80: 80, 100: 100}


def test_nothing_is_retrieved_from_the_own_conversation():
    every = [Pair("a", (), "blue whales", "blue whales sing"), Pair("b", (), "whales", "whales eat")]
    assert pretrained._retrieved(every, every) == ["whales eat", "blue whales sing"]


def test_pairs_that_are_not_the_recipes_are_refused(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(pretrained.dialogue, "split", lambda: pretrained.dialogue.Split((), (), ()))
    pretrained.chat_pairs.cache_clear()
    with pytest.raises(ValueError, match="the recipes are for"):
        pretrained.chat_pairs()


def test_all_settings_of_a_recipe_are_plain():
    assert {type(value) for value in asdict(ChatRecipe()).values()} == {int, float, type(None)}
    assert {type(value) for value in asdict(DecoderRecipe()).values()} == {int, float, type(None)}
