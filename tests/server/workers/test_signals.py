"""A signal that asks to stop ends the process quietly, also where a library makes an error of its own of it.

Signals are raised in a process of their own: what other tests left in this one (a loop's wake-up descriptor, say) would
get them too.
"""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from textwright.server.workers.signals import stopped_by_signals

HEAD = "import signal\nfrom textwright.server.workers.signals import stopped_by_signals\n"


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", HEAD + code], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_leaves_the_block_quietly_and_the_handlers_as_they_were(name):
    ended = run(
        f"before = signal.getsignal(signal.{name})\n"
        "with stopped_by_signals():\n"
        f"    signal.raise_signal(signal.{name})\n"
        "    print('not left')\n"
        f"print(signal.getsignal(signal.{name}) is before)\n"
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "True\n", "")


def test_an_error_that_a_library_makes_of_the_signal_is_quiet_too():
    """As pybind11's, when the signal comes while a module written in C is imported."""
    ended = run(
        "with stopped_by_signals():\n"
        "    try:\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "    except BaseException as error:\n"
        "        raise ImportError('initialization failed') from error\n"
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_an_error_without_a_signal_is_not_hidden():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ImportError, match="really"), stopped_by_signals():
        raise ImportError("really")
    assert signal.getsignal(signal.SIGINT) is before
