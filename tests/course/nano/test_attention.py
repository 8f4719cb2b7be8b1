import pytest
import torch

from nano import attention
from nano.attention import NUMBER_WORDS, AdditiveAttention, Seq2Seq


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (99, "ninety nine"),
        (100, "one hundred"),
        (612, "six hundred and twelve"),
        (1_005, "one thousand and five"),
        (20_340, "twenty thousand three hundred and forty"),
        (7_000_001, "seven million and one"),
        (999_100_000, "nine hundred and ninety nine million one hundred thousand"),
    ],
)
def test_numbers_are_spelled(number, words):
    assert attention.spell(number) == words.split()


def test_batches_hold_words_and_digits():
    source, target = attention.number_batch([612, 5])
    assert [NUMBER_WORDS[word] for word in source[0]] == ["six", "hundred", "and", "twelve"]
    assert source[1, 1:].tolist() == [attention.PAD] * 3
    assert (target - 2).tolist() == [[6, 1, 2], [5, -2, -2]]


def test_the_context_is_a_mean_that_padding_has_no_part_in():
    torch.manual_seed(0)
    layer = AdditiveAttention(4, 6, 5)
    query, source = torch.randn(2, 4), torch.randn(2, 3, 6)
    mask = torch.tensor([[True, True, True], [True, True, False]])
    context, weights = layer(query, source, mask)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2))
    assert weights[1, 2] == 0
    scores = torch.stack(
        [
            layer.score.weight[0] @ torch.tanh(layer.from_query.weight @ query[0] + layer.from_source(source[0, place]))
            for place in range(3)
        ]
    )
    torch.testing.assert_close(weights[0], scores.softmax(dim=0))
    torch.testing.assert_close(context[0], sum(scores.softmax(dim=0)[place] * source[0, place] for place in range(3)))


@pytest.mark.parametrize("attends", [True, False])
def test_padding_changes_nothing(attends):
    torch.manual_seed(0)
    model = Seq2Seq(len(NUMBER_WORDS), 12, 8, attends=attends)
    together, alone = attention.number_batch([5, 123_456]), attention.number_batch([5])
    for one, other in zip(model.encode(together[0]), model.encode(alone[0]), strict=True):
        torch.testing.assert_close(one[:1, : other.shape[1]], other)
    torch.testing.assert_close(model(together[0][:1], together[1][:1]), model(*alone))
    tokens, weights = model.write(together[0], 3)
    assert torch.equal(tokens[:1], model.write(alone[0], 3)[0])
    assert (weights[0, :, 1:] == 0).all()


def test_without_attention_all_of_the_source_goes_through_one_vector():
    torch.manual_seed(0)
    source, _ = attention.number_batch([123])
    for attends in (True, False):
        model = Seq2Seq(len(NUMBER_WORDS), 12, 8, attends=attends)
        states, last = model.encode(source)
        states = states.detach().requires_grad_()
        step = model.step(torch.tensor([1]), torch.zeros(1, 8), (states, last, source != 0))
        (gradient,) = torch.autograd.grad(step[0].sum(), states, allow_unused=True)
        assert (gradient is not None and bool((gradient != 0).any(dim=2).all())) == attends


def test_written_tokens_are_the_likeliest_of_the_training_view():
    torch.manual_seed(0)
    model = Seq2Seq(len(NUMBER_WORDS), 12, 8)
    source, _ = attention.number_batch([123, 99])
    tokens, _ = model.write(source, 4)
    worse = tokens.clone()
    worse[:, -1] = 2 + (tokens[:, -1] - 1) % 10
    assert model(source, tokens) < model(source, worse)


@pytest.mark.slow
def test_it_learns_numbers_below_a_hundred():
    torch.manual_seed(0)
    model = Seq2Seq(len(NUMBER_WORDS), 12, 32)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    batch = attention.number_batch(list(range(10, 100)))
    for _ in range(60):
        optimizer.zero_grad()
        model(*batch).backward()
        optimizer.step()
    tokens, _ = model.write(batch[0], 2)
    assert (tokens == batch[1]).all(dim=1).float().mean() > 0.95
