import pytest
import torch
from torch import nn

from nano.fit import fit, rate


class Line(nn.Module):
    """Its loss is the squared error of a line, with dropout on what it reads."""

    def __init__(self, drop=0.0):
        super().__init__()
        self.dense, self.drop = nn.Linear(1, 1), nn.Dropout(drop)

    def forward(self, x, y):
        return (self.dense(self.drop(x)) - y) ** 2


def _run(num_steps=300, **settings):
    torch.manual_seed(1)
    model = Line(settings.pop("drop", 0.0))
    x = torch.linspace(-1, 1, 16).unsqueeze(1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    return model, fit(model, [(x, 3 * x - 1)] * num_steps, optimizer, num_steps=num_steps, **settings)


def test_it_finds_the_line():
    model, losses = _run()
    assert (model.dense.weight.item(), model.dense.bias.item()) == (
        pytest.approx(3, abs=1e-3),
        pytest.approx(-1, abs=1e-3),
    )
    assert losses[-1] < 1e-6 < losses[0]


def test_the_seed_decides_what_dropout_draws():
    (_, first), (_, again), (_, other) = (_run(5, drop=0.5, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_it_takes_as_many_batches_as_it_has_steps():
    _, losses = _run(7)
    assert len(losses) == 7


def test_the_rate_rises_then_falls_to_zero():
    rates = [rate(step, num_steps=100, warm_up=10) for step in range(101)]
    assert rates == sorted(rates[:11]) + sorted(rates[11:], reverse=True)
    assert rates[0] == pytest.approx(1 / 11)
    assert (max(rates), rates[10], rates[55]) == (1, 1, pytest.approx(0.5))
    assert rates[100] == pytest.approx(0)


def test_without_a_warm_up_the_first_step_is_the_largest():
    assert rate(0, num_steps=10) == 1
