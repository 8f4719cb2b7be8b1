"""A list of callbacks passes every call on, in order, also those of methods that are added later."""

from __future__ import annotations

import inspect

import pytest

from textwright.core.callbacks import Callback, CallbackList

HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


@pytest.mark.parametrize("name", HOOKS)
def test_each_call_reaches_each_callback_in_order(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, tuple[object, ...]]] = []

    class Recorder(Callback):
        def __init__(self, who: str) -> None:
            self.who = who

    monkeypatch.setattr(Recorder, name, lambda self, *given: calls.append((self.who, given)), raising=False)
    given = tuple(range(len(inspect.signature(getattr(Callback, name)).parameters) - 1))
    getattr(CallbackList([Recorder("first"), CallbackList([Recorder("second")])]), name)(*given)
    assert calls == [("first", given), ("second", given)]


@pytest.mark.parametrize("name", HOOKS)
def test_a_callback_need_not_override_anything(name: str) -> None:
    given = range(len(inspect.signature(getattr(Callback, name)).parameters) - 1)
    assert getattr(Callback(), name)(*given) is None
    assert getattr(CallbackList(), name)(*given) is None
