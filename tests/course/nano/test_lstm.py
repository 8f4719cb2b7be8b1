import pytest
import torch
from torch import nn

from nano import lstm
from nano.lstm import LSTM, RNN, CharLM, Recall

B, T, E, H = 4, 9, 5, 6


def _reference(mine, kind):
    """Give PyTorch's layer the same weights."""
    theirs = kind(E, H, batch_first=True).double()
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(mine.from_input.weight)
        theirs.weight_hh_l0.copy_(mine.from_hidden.weight)
        theirs.bias_ih_l0.copy_(mine.from_input.bias)  # it has a second bias, which is only added to the first
        theirs.bias_hh_l0.zero_()
    return theirs


def test_the_lstm_is_pytorchs():
    torch.manual_seed(0)
    mine, x = LSTM(E, H).double(), torch.randn(B, T, E, dtype=torch.float64)
    states, last = mine(x)
    theirs, (hidden, cell) = _reference(mine, nn.LSTM)(x)
    torch.testing.assert_close(states, theirs, rtol=0, atol=1e-12)
    torch.testing.assert_close(last, hidden[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(mine.trace(x)[-1].cell, cell[0], rtol=0, atol=1e-12)


def test_it_takes_the_weights_of_a_layer_with_two_biases():
    torch.manual_seed(0)
    theirs, x = nn.LSTM(E, H, batch_first=True).double(), torch.randn(B, T, E, dtype=torch.float64)
    mine = LSTM(E, H).double().copy_from(theirs)
    torch.testing.assert_close(mine(x)[0], theirs(x)[0], rtol=0, atol=1e-12)


def test_its_gradients_are_pytorchs():
    torch.manual_seed(0)
    mine, x = LSTM(E, H).double(), torch.randn(B, T, E, dtype=torch.float64)
    theirs = _reference(mine, nn.LSTM)
    mine(x)[0].pow(2).sum().backward()
    theirs(x)[0].pow(2).sum().backward()
    torch.testing.assert_close(mine.from_hidden.weight.grad, theirs.weight_hh_l0.grad)
    torch.testing.assert_close(mine.from_input.weight.grad, theirs.weight_ih_l0.grad)


def test_padding_is_not_read_as_in_packed_sequences():
    torch.manual_seed(0)
    mine, x = LSTM(E, H).double(), torch.randn(B, T, E, dtype=torch.float64)
    lengths = torch.tensor([9, 1, 4, 8])
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    _, (hidden, _) = _reference(mine, nn.LSTM)(packed)
    torch.testing.assert_close(mine(x, lengths)[1], hidden[0], rtol=0, atol=1e-12)


def test_the_plain_network_is_pytorchs():
    torch.manual_seed(0)
    mine, x = RNN(E, H).double(), torch.randn(B, T, E, dtype=torch.float64)
    theirs, hidden = _reference(mine, nn.RNN)(x)
    torch.testing.assert_close(mine(x)[0], theirs, rtol=0, atol=1e-12)
    torch.testing.assert_close(mine(x)[1], hidden[0], rtol=0, atol=1e-12)


def test_the_forget_bias_lands_on_the_forget_gate():
    torch.manual_seed(0)
    plain = LSTM(E, H)
    torch.manual_seed(0)
    biased = LSTM(E, H, forget_bias=3.0)
    moved = (biased.from_input.bias - plain.from_input.bias).detach()
    torch.testing.assert_close(moved, torch.tensor([0.0] * H + [3.0] * H + [0.0] * 2 * H))
    x = torch.zeros(1, 1, E)
    assert biased.trace(x)[0].forget_gate.min() > 0.85


@pytest.mark.parametrize(("forget_bias", "arrives"), [(4.0, True), (0.0, False)])
def test_a_gradient_crosses_a_gap_of_fifty_if_the_cell_keeps(forget_bias, arrives):
    torch.manual_seed(0)
    x = torch.randn(1, 51, E, requires_grad=True)
    LSTM(E, 32, forget_bias)(x)[1].sum().backward()
    assert (x.grad[0, 0].norm() > 0.01 * x.grad[0, -1].norm()) == arrives


def test_recall_sequences_begin_with_the_answer_and_go_on_with_other_symbols():
    x, first = lstm.recall_batch(64, num_symbols=4, gap=7, generator=torch.Generator().manual_seed(0))
    symbols = x.argmax(dim=2)
    assert x.shape == (64, 8, 8)
    assert torch.equal(symbols[:, 0], first)
    assert symbols[:, 1:].min() >= 4
    assert set(first.tolist()) == {0, 1, 2, 3}


def test_it_learns_to_recall_over_a_short_gap():
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    model = Recall(LSTM(8, 32, forget_bias=3.0), num_symbols=4)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        x, first = lstm.recall_batch(32, 4, 8, generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), first).backward()
        optimizer.step()
    x, first = lstm.recall_batch(200, 4, 8, generator)
    assert (model(x).argmax(dim=1) == first).float().mean() > 0.95


def test_the_character_model_sees_no_future():
    torch.manual_seed(0)
    model = CharLM(num_characters=11, hidden=8)
    ids = torch.randint(11, (1, 10))
    changed = ids.clone()
    changed[0, 6] = (ids[0, 6] + 1) % 11
    same = (model(ids) == model(changed)).all(dim=2)[0]
    assert same.tolist() == [True] * 6 + [False] * 4
