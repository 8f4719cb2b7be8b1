import math

import numpy as np
import pytest
import torch

from nano import chat
from nano.bert import Layer
from nano.chat import BiEncoder, CrossEncoder, PolyEncoder
from nano.dialogue import Pair
from nano.fit import fit
from nano.turns import Turns


def test_untrained_a_bi_encoder_gives_the_cosines_of_the_vectors_it_is_given():
    generator = torch.Generator().manual_seed(0)
    contexts, replies = torch.randn(5, 3, 8, generator=generator), torch.randn(7, 8, generator=generator)
    model = BiEncoder(8, num_turns=3)
    scores = model.scores(model.contexts(contexts), model.replies(replies))
    expected = torch.cosine_similarity(contexts[:, None, 0], replies[None], dim=2)
    torch.testing.assert_close(scores, expected)


def test_a_bi_encoder_learns_which_reply_belongs_to_which_prompt():
    torch.manual_seed(0)
    prompts = torch.randn(64, 1, 8)
    replies = prompts[:, 0].roll(1, dims=1)
    model = BiEncoder(8)
    losses = fit(model, [(prompts, replies)] * 200, torch.optim.Adam(model.parameters(), lr=1e-2), num_steps=200)
    assert losses[0] > math.log(64)
    assert losses[-1] < 0.5
    scores = model.scores(model.contexts(prompts), model.replies(replies))
    assert (scores.argmax(dim=1) == torch.arange(64)).float().mean() > 0.9


def test_poly_encoder_scores_are_those_of_the_paper_s_equations():
    torch.manual_seed(0)
    model = PolyEncoder(4, num_turns=2, num_codes=3)
    torch.nn.init.normal_(model.turns)
    tokens, replies = torch.randn(2, 5, 4), torch.randn(3, 4)
    places = torch.tensor([[0, 0, 0, 1, 1], [0, 1, -1, -1, -1]])
    with torch.no_grad():
        scores = model.scores(model.contexts(tokens, places), model.replies(replies))
        for row in range(2):
            own = tokens[row][places[row] >= 0] + model.turns[places[row][places[row] >= 0]]
            for column, vector in enumerate(model.replies(replies)):
                mixed = []
                for code in model.codes:  # equation (2): each code reads the tokens
                    weights = torch.softmax(own @ code, dim=0)
                    each = sum(w * model.token(h) for w, h in zip(weights, own, strict=True))
                    mixed.append(each / each.norm())
                stacked = torch.stack(mixed)
                final = torch.softmax(20 * stacked @ vector, dim=0) @ stacked  # equation (3): the reply reads them
                torch.testing.assert_close(scores[row, column], final @ vector)


def test_padding_does_not_change_a_poly_encoder():
    torch.manual_seed(0)
    model, tokens = PolyEncoder(4, num_codes=3), torch.randn(1, 3, 4)
    wider = torch.cat([tokens, torch.full((1, 4, 4), 9.0)], dim=1)
    alone = model.contexts(tokens, torch.zeros(1, 3, dtype=torch.long))
    padded = model.contexts(wider, torch.tensor([[0, 0, 0, -1, -1, -1, -1]]))
    torch.testing.assert_close(padded, alone)


def test_one_code_of_zeros_reads_the_mean():
    model, tokens = PolyEncoder(4, num_codes=1), torch.randn(2, 3, 4)
    torch.nn.init.zeros_(model.codes)
    contexts = model.contexts(tokens, torch.zeros(2, 3, dtype=torch.long))[:, 0]
    torch.testing.assert_close(contexts, torch.nn.functional.normalize(tokens.mean(dim=1), dim=1))


@pytest.mark.parametrize("model", [BiEncoder(8), PolyEncoder(8)])
def test_the_loss_of_vectors_that_say_nothing_is_that_of_a_guess(model):
    vectors = torch.ones(16, 8)
    read = (vectors[:, None],) if isinstance(model, BiEncoder) else (vectors[:, None], torch.zeros(16, 1).long())
    assert model(*read, vectors).item() == pytest.approx(math.log(16))


def test_concatenated_tokens_say_which_is_the_reply_and_which_is_padding():
    context = torch.ones(2, 3, 4), torch.tensor([[0, 0, 1], [0, -1, -1]])
    replies = [torch.full((1, 4), 2.0), torch.full((2, 4), 3.0)]
    tokens, places = chat.concatenate(context, replies, num_turns=2)
    assert places.tolist() == [[0, 0, 1, 2, -1], [0, -1, -1, 2, 2]]
    assert tokens[:, 3:, 0].tolist() == [[2, 0], [3, 3]]


def _cross_encoder(num_layers=2):
    torch.manual_seed(0)
    return CrossEncoder([Layer(16, 2, 32) for _ in range(num_layers)], 16)


def test_untrained_a_cross_encoder_leaves_the_score_that_it_is_given():
    first = torch.tensor([[0.5, 0.1], [0.2, 0.3]])
    loss = _cross_encoder()(torch.randn(4, 3, 16), torch.zeros(4, 3).long(), first)
    expected = torch.nn.functional.cross_entropy(20 * first, torch.zeros(2).long())
    torch.testing.assert_close(loss, expected)


def test_a_cross_encoder_learns_what_no_vector_of_one_text_can_say():
    model, words = _cross_encoder(), torch.eye(4, 16)
    rows = [(one, other) for one in range(4) for other in (one, *(each for each in range(4) if each != one))]
    tokens = words[torch.tensor(rows)]  # right: the reply repeats the prompt
    batch = (tokens, torch.tensor([[0, 1]] * 16), torch.zeros(4, 4))
    losses = fit(model, [batch] * 200, torch.optim.Adam(model.parameters(), lr=3e-3), num_steps=200)
    assert losses[0] == pytest.approx(math.log(4))
    assert losses[-1] < 0.1


def test_padding_does_not_change_a_cross_encoder():
    model = _cross_encoder()
    torch.nn.init.normal_(model.score.weight)
    tokens, places = torch.randn(1, 3, 16), torch.tensor([[0, 0, 1]])
    wider = torch.cat([tokens, torch.full((1, 4, 16), 9.0)], dim=1)
    padded = torch.nn.functional.pad(places, (0, 4), value=-1)
    torch.testing.assert_close(model.scores(wider, padded), model.scores(tokens, places))


@pytest.fixture
def bot(monkeypatch):
    """A bot over vectors of our own: the mean of random vectors of the letters."""
    letters = torch.randn(128, 8, generator=torch.Generator().manual_seed(0))

    def read(texts, *, keep):
        assert not keep
        known = sorted({*texts})
        states = np.stack([letters[[ord(each) % 128 for each in text]].mean(dim=0).numpy() for text in known])
        return Turns(known, np.ones(len(known), dtype=int), states.astype(np.float16))

    monkeypatch.setattr(chat, "read_turns", read)
    pairs = [Pair("a", (), "ask one", "one"), Pair("b", (), "ask two", "two"), Pair("c", ("x",), "again", "ONE")]
    turns = read([each.reply for each in pairs], keep=False)
    return chat.Retriever(BiEncoder(8, num_turns=2), pairs, turns.vectors([each.reply for each in pairs]))


def test_the_nearest_reply_comes_first_with_what_it_was_a_reply_to(bot):
    best = bot.find("one", number=5)
    assert [(each.reply, each.prompt) for each in best] == [("two", "ask two")]  # "one" would be an echo
    first = bot.find("eno", number=1)
    assert (first[0].reply, first[0].prompt) == ("one", "ask one")
    assert first[0].score == pytest.approx(1, abs=1e-3)


def test_what_was_said_is_not_said_again_and_no_reply_comes_twice(bot):
    assert [each.reply.lower() for each in bot.find("eno")] == ["one", "two"]
    assert [each.reply for each in bot.find("eno", ["One", "well"])] == ["two"]
    assert bot.find("eno", ["one", "two"]) == []


def test_a_bot_is_the_same_after_it_was_stored(bot, tmp_path):
    with torch.no_grad():
        bot.model.context.weight.normal_()
    bot.save(tmp_path / "bot")
    again = chat.Retriever.load(tmp_path / "bot")
    assert again.pairs == bot.pairs
    for mine, stored in zip(bot.find("tow", ["hi"]), again.find("tow", ["hi"]), strict=True):
        assert (mine.reply, mine.prompt) == (stored.reply, stored.prompt)
        assert mine.score == pytest.approx(stored.score, abs=2e-3)
