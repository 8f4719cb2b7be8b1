from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from textwright.training.optimizer import learning_rate_scale, make_optimizer, set_learning_rate
from textwright.training.settings import TrainSettings


def test_the_learning_rate_rises_and_falls_in_lines() -> None:
    scales = [learning_rate_scale(step, 10, 0.2) for step in range(10)]
    assert scales == pytest.approx([0.5, 1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125])


@given(st.integers(1, 1000), st.floats(0, 1))
def test_every_step_has_a_learning_rate_within_bounds(num_steps: int, warmup: float) -> None:
    scales = [learning_rate_scale(step, num_steps, warmup) for step in range(num_steps)]
    assert all(0 < scale <= 1 for scale in scales)
    assert max(scales) == 1


def test_weights_are_decayed_and_biases_are_not() -> None:
    module = nn.Linear(3, 2)
    weight, bias = module.weight.detach().clone(), module.bias.detach().clone()
    optimizer = make_optimizer(module, TrainSettings(learning_rate=0.1, weight_decay=0.5))
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.testing.assert_close(module.weight.detach(), weight * (1 - 0.1 * 0.5))
    assert torch.equal(module.bias, bias)


def test_frozen_weights_are_left_out() -> None:
    module = nn.Linear(3, 2)
    module.weight.requires_grad_(requires_grad=False)
    groups = make_optimizer(module, TrainSettings()).param_groups
    assert [parameter is module.bias for group in groups for parameter in group["params"]] == [True]


def test_each_group_takes_its_share_of_its_highest_rate() -> None:
    optimizer = make_optimizer(nn.Linear(3, 2), TrainSettings(learning_rate=0.2))
    assert set_learning_rate(optimizer, 0.5) == pytest.approx(0.1)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.1, 0.1])
    assert set_learning_rate(optimizer, 1.0) == pytest.approx(0.2)


def test_weights_of_one_schedule_share_a_group_and_a_factor_of_zero_leaves_them_as_they_are() -> None:
    module = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    before = [weight.detach().clone() for weight in module.parameters()]
    settings = TrainSettings(min_steps=0, learning_rate=0.1, weight_decay=0.5, num_epochs=2)
    optimizer = make_optimizer(module, settings, lambda name, epoch: float(epoch) if name.startswith("0.") else 0.5)
    assert len(optimizer.param_groups) == 4  # two schedules, decayed or not
    assert set_learning_rate(optimizer, 0.5, epoch=0) == pytest.approx(0.025)
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    changed = [not torch.equal(*pair) for pair in zip(before, module.parameters(), strict=True)]
    assert changed == [False, False, True, True]
    assert set_learning_rate(optimizer, 0.5, epoch=1) == pytest.approx(0.05)
    optimizer.step()
    assert not torch.equal(before[0], module[0].weight)


@pytest.mark.parametrize(("epsilon", "ratio"), [(1e-8, 1.0), (1.0, 100.0)])
def test_a_large_epsilon_makes_small_steps_where_gradients_are_small(epsilon: float, ratio: float) -> None:
    module = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(module.weight)
    optimizer = make_optimizer(module, TrainSettings(learning_rate=1e-2, weight_decay=0, adam_epsilon=epsilon))
    module.weight.grad = torch.tensor([[1e-2, 1e-4]])
    optimizer.step()
    frequent, rare = module.weight.flatten().tolist()
    assert frequent / rare == pytest.approx(ratio, rel=0.02)
