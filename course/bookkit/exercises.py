"""An exercise is a test that fails until the reader has solved it.

The reader's cell holds the start, which is wrong; the cell after it calls :func:`exercise` with the check; a cell
tagged ``solution`` holds an answer and checks again. ``booktools`` executes all three and fails unless the first check
failed and the last one passed, so that no exercise is solved from the start and no solution is wrong.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable

from IPython.display import HTML, display

_checks: dict[str, Callable[[], object]] = {}
_outcomes: dict[str, list[bool]] = {}


def exercise(name: str, check: Callable[[], object] | None = None) -> None:
    """Run a check and say how far the reader is; a failing check does not stop the notebook.

    Args:
        name: Of the exercise, as its heading says.
        check: Asserts what must hold, with messages that help; None runs the one that ``name`` had before.

    Raises:
        KeyError: If there is no such check yet.
    """
    if check is not None:
        _checks[name] = check
    try:
        _checks[name]()
    except Exception as error:  # noqa: BLE001  whatever the reader's code raises is shown, not thrown
        _outcomes.setdefault(name, []).append(False)
        reason = _reason(error)
        display(HTML(f'<p class="exercise-open"><b>✗ {name}</b>: not yet: {_escaped(reason)}</p>'))
    else:
        _outcomes.setdefault(name, []).append(True)
        display(HTML(f'<p class="exercise-done"><b>✓ {name}</b>: it holds.</p>'))


def outcomes() -> dict[str, list[bool]]:
    """List, for each exercise, whether each of its checks held, in order."""
    return dict(_outcomes)


def _reason(error: Exception) -> str:
    if isinstance(error, NotImplementedError):
        return "your turn"
    if isinstance(error, AssertionError) and str(error):
        return str(error)
    return traceback.format_exception_only(error)[-1].strip()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
