import math

import pytest
import torch

from nano import chat
from nano.bert import BERT, WordPiece
from nano.chat import BiEncoder, CrossEncoder, PolyEncoder
from nano.fit import fit

PIECES = WordPiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b", "c", "d"])


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


def test_a_joined_text_ends_each_turn_with_sep():
    ids = chat.joined(PIECES, ["b c", "a"], "d")
    assert [PIECES.pieces[each] for each in ids] == ["[CLS]", "a", "[SEP]", "b", "c", "[SEP]", "d", "[SEP]"]
    shorter = chat.joined(PIECES, ["b c a a", "a"], "d", num_tokens=4)
    assert [PIECES.pieces[each] for each in shorter[3:6]] == ["b", "c", "[SEP]"]


def test_a_cross_encoder_learns_what_no_vector_of_one_text_can_say():
    torch.manual_seed(0)
    model = CrossEncoder(BERT(8, 16, 16, 2, 32, 2))
    names = "abcd"
    rows = [  # right: the reply repeats the prompt
        chat.joined(PIECES, [one], other) for one in names for other in (one, *(each for each in names if each != one))
    ]
    ids = torch.tensor(rows)
    batch = (ids, torch.ones_like(ids), 4)
    losses = fit(model, [batch] * 150, torch.optim.Adam(model.parameters(), lr=3e-3), num_steps=150)
    assert losses[0] == pytest.approx(math.log(4), abs=0.5)
    assert losses[-1] < 0.1


def test_padding_does_not_change_a_cross_encoder():
    torch.manual_seed(0)
    model = CrossEncoder(BERT(8, 16, 16, 2, 32, 2)).eval()
    ids = torch.tensor([[2, 4, 3, 5, 3]])
    padded = torch.nn.functional.pad(ids, (0, 4))
    alone = model.scores(ids, torch.ones_like(ids))
    torch.testing.assert_close(model.scores(padded, (padded != 0).long()), alone)
