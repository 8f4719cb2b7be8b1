import pytest
import torch

from nano import elmo
from nano.elmo import BiLM, CharCNN, ScalarMix

SENTENCES = [["the", "bank", "of", "the", "river"], ["a", "bank"], ["money", "in", "the"]]
WIDTH, E = 8, 6


@pytest.fixture
def model():
    torch.manual_seed(0)
    return BiLM(num_words=11, dim=E, hidden=10, filters={1: 4, 2: 4, 3: 4})


def test_a_word_is_its_letters_between_two_marks():
    assert elmo.characters("ab", 6) == [elmo.BEGIN, 98, 99, elmo.END, 0, 0]
    assert elmo.characters("é", 5) == [elmo.BEGIN, 0xC3 + 1, 0xA9 + 1, elmo.END, 0]
    assert elmo.characters("abcdefgh", 5) == [elmo.BEGIN, 98, 99, 100, elmo.END]
    letters, lengths = elmo.batch(SENTENCES, WIDTH)
    assert letters.shape == (3, 5, WIDTH)
    assert lengths.tolist() == [5, 2, 3]
    assert (letters[1, 2:] == elmo.PAD).all()


def test_any_word_has_a_vector_of_its_own_letters_alone():
    torch.manual_seed(0)
    words = CharCNN(E, {1: 4, 3: 4})
    letters, _ = elmo.batch([["river", "rivers", "zxqv"], ["rivers"]], WIDTH)
    vectors = words(letters)
    torch.testing.assert_close(vectors[0, 1], vectors[1, 0])
    assert not torch.allclose(vectors[0, 0], vectors[0, 1])
    assert not torch.allclose(vectors[0, 1], vectors[0, 2])


def test_texts_are_turned_without_their_padding():
    x, lengths = torch.arange(10).reshape(2, 5), torch.tensor([5, 3])
    assert elmo.turned(x, lengths).tolist() == [[4, 3, 2, 1, 0], [7, 6, 5, 8, 9]]
    assert torch.equal(elmo.turned(elmo.turned(x, lengths), lengths), x)


@pytest.mark.parametrize("layer", [0, 1])
def test_no_direction_sees_the_other_side(model, layer):
    words = torch.randn(1, 5, E, requires_grad=True)
    lengths = torch.tensor([5])
    for t in range(5):
        left = model.read(words, model.forward_layers)[layer][0, t]
        right = elmo.turned(model.read(elmo.turned(words, lengths), model.backward_layers)[layer], lengths)[0, t]
        (to_left,) = torch.autograd.grad(left.pow(2).sum(), words)
        (to_right,) = torch.autograd.grad(right.pow(2).sum(), words)
        assert (to_left[0].abs().amax(dim=1) > 0).tolist() == [place <= t for place in range(5)]
        assert (to_right[0].abs().amax(dim=1) > 0).tolist() == [place >= t for place in range(5)]


def test_no_word_is_guessed_from_its_own_letters(model):
    """The score of word t comes from the letters before it and after it, never from its own."""
    letters, lengths = elmo.batch(SENTENCES[:1], WIDTH)
    changed = letters.clone()
    changed[0, 2] = torch.tensor(elmo.characters("xyz", WIDTH))
    for one, other in zip(model.directions(letters, lengths)[1:], model.directions(changed, lengths)[1:], strict=True):
        assert not torch.allclose(one[-1][0, 2], other[-1][0, 2])
    left, right = (model.directions(letters, lengths)[side][-1][0] for side in (1, 2))
    left_changed, right_changed = (model.directions(changed, lengths)[side][-1][0] for side in (1, 2))
    torch.testing.assert_close(left[1], left_changed[1])  # what guesses word 2 from the left
    torch.testing.assert_close(right[3], right_changed[3])  # and from the right


def test_the_loss_is_the_mean_of_plain_loops(model):
    letters, lengths = elmo.batch(SENTENCES, WIDTH)
    ids = torch.randint(11, (3, 5))
    _, left, right = model.directions(letters, lengths)
    after, before = [], []
    for text, length in enumerate(lengths.tolist()):
        for t in range(length - 1):
            after.append(-model.dense(left[-1][text, t]).log_softmax(dim=0)[ids[text, t + 1]])
            before.append(-model.dense(right[-1][text, t + 1]).log_softmax(dim=0)[ids[text, t]])
    expected = (torch.stack(after).mean() + torch.stack(before).mean()) / 2
    torch.testing.assert_close(model(letters, lengths, ids), expected)


def test_a_loss_reaches_its_own_direction_and_what_both_share(model):
    letters, lengths = elmo.batch(SENTENCES, WIDTH)
    _, left, _ = model.directions(letters, lengths)
    model.dense(left[-1]).pow(2).sum().backward()
    assert all(weight.grad is None for weight in model.backward_layers.parameters())
    shared = [*model.forward_layers.parameters(), *model.words.parameters(), *model.dense.parameters()]
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in shared)


def test_every_weight_learns_from_the_whole_loss(model):
    letters, lengths = elmo.batch(SENTENCES, WIDTH)
    model(letters, lengths, torch.randint(11, (3, 5))).backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in model.parameters())
    assert (model.words.letters.weight.grad[elmo.PAD] == 0).all()


def test_a_sentence_has_the_same_layers_alone_and_in_a_batch(model):
    together = model.layers(*elmo.batch(SENTENCES, WIDTH))
    for text, sentence in enumerate(SENTENCES):
        alone = model.layers(*elmo.batch([sentence], WIDTH))
        torch.testing.assert_close(together[:, text : text + 1, : len(sentence)], alone)


def test_a_word_has_one_vector_below_and_two_above(model):
    layers = model.layers(*elmo.batch(SENTENCES, WIDTH))  # (3, B, T, 2E)
    bank_of_river, bank_alone = layers[:, 0, 1], layers[:, 1, 1]
    torch.testing.assert_close(bank_of_river[0], bank_alone[0])
    assert all(not torch.allclose(bank_of_river[layer], bank_alone[layer]) for layer in (1, 2))


def test_the_mix_starts_as_the_mean_and_its_shares_sum_to_one():
    mix, layers = ScalarMix(3), torch.randn(3, 2, 4, 5)
    torch.testing.assert_close(mix(layers), layers.mean(dim=0))
    torch.nn.init.normal_(mix.scores)
    torch.testing.assert_close(mix.shares.sum(), torch.tensor(1.0))
    mix.gamma.data.fill_(3.0)
    by_hand = 3 * sum(share * layer for share, layer in zip(mix.shares, layers, strict=True))
    torch.testing.assert_close(mix(layers), by_hand)


def test_a_task_moves_the_mix_and_leaves_a_frozen_language_model(model):
    mix = ScalarMix(3)
    model.requires_grad_(requires_grad=False)
    mix(model.layers(*elmo.batch(SENTENCES, WIDTH))).pow(2).sum().backward()
    assert mix.scores.grad.abs().sum() > 0
    assert mix.gamma.grad.abs() > 0
    assert all(weight.grad is None for weight in model.parameters())


def test_it_learns_which_word_follows():
    torch.manual_seed(0)
    model = BiLM(num_words=6, dim=8, hidden=16, filters={2: 8})
    letters, lengths = elmo.batch([["a", "b", "c", "d"], ["d", "e", "a", "b"]], width=4)
    ids = torch.tensor([[0, 1, 2, 3], [3, 4, 0, 1]])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(60):
        optimizer.zero_grad()
        loss = model(letters, lengths, ids)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.3
