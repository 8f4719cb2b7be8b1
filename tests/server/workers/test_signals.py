"""A signal that asks to stop ends the process quietly, also where a library makes an error of its own of it."""

from __future__ import annotations

import signal

import pytest

from textwright.server.workers.signals import stopped_by_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_the_block_quietly_and_the_handlers_as_they_were(number):
    before = signal.getsignal(number)
    reached = []
    with stopped_by_signals():
        signal.raise_signal(number)
        reached.append("not left")
    assert not reached
    assert signal.getsignal(number) is before


def test_an_error_that_a_library_makes_of_the_signal_is_quiet_too():
    """As pybind11's, when the signal comes while a module written in C is imported."""
    with stopped_by_signals():
        try:
            signal.raise_signal(signal.SIGTERM)
        except BaseException as error:
            raise ImportError("initialization failed") from error


def test_an_error_without_a_signal_is_not_hidden():
    with pytest.raises(ImportError, match="really"), stopped_by_signals():
        raise ImportError("really")
