"""A number that the prose names: asserted while ``booktools`` makes the page, compared with the page in a notebook.

Prose writes ``{n}`NN.name```. What stands there comes from ``course/results/NN.json``, which only a full run writes;
a smoke run asserts its own, looser bounds and is never printed. In a notebook nothing is asserted: a reader who tries
another setting sees a cross and the page's value, and the notebook goes on.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bookkit.profiles import LESSON, is_live, profile

RESULTS: Final = Path(__file__).parents[1] / "results"


@dataclass(frozen=True, slots=True)
class Claim:
    """One value of this run.

    Args:
        value: As measured.
        text: As the prose prints it.
    """

    value: float | int | str
    text: str


_claims: dict[str, Claim] = {}


class ClaimError(AssertionError):
    """A sentence of the lesson is not what the run gave."""


def claim(
    name: str,
    value: float | str,
    form: str = "{}",
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    smoke_at_least: float | None = None,
    smoke_at_most: float | None = None,
    equals: object = None,
) -> None:
    """Check what the prose says of a value, and record it for the prose.

    In a notebook it prints a check mark or a cross beside the page's value, may be repeated, and never raises.

    Args:
        name: Lower case with underscores; the prose writes ``{n}`NN.name```.
        value: A number or a word, as measured.
        form: How it is printed, for :meth:`str.format`: "{:.1%}" prints 0.7741 as "77.4%".
        at_least: Lower bound of the full profile: what would make the sentence false.
        at_most: Upper bound of the full profile.
        smoke_at_least: Lower bound of the smoke profile: above chance, or None where small data tell nothing.
        smoke_at_most: Upper bound of the smoke profile.
        equals: What it must be in both profiles; None checks nothing.

    Raises:
        ClaimError: While a page is made, if the value is out of bounds or not finite.
        ValueError: While a page is made, if the name was used already.
    """
    bounds = (at_least, at_most) if profile() == "full" else (smoke_at_least, smoke_at_most)
    if is_live():
        print(_compared(name, value, form, bounds, equals))
        return
    if name in _claims:
        raise ValueError(f"the claim {name!r} was made already in this lesson; a name says one thing")
    value = _plain(value)
    fault = _fault(value, bounds, equals)
    if fault:
        raise ClaimError(f"{name} is {value!r}; the lesson says {fault} ({profile()} profile)")
    _claims[name] = Claim(value, form.format(value))
    print(f"✓ {name} = {_claims[name].text}")


def all_claims() -> dict[str, dict[str, object]]:
    """List the claims of this run as plain values, name -> value and text."""
    return {name: asdict(one) for name, one in _claims.items()}


def _plain(value: float | str) -> float | str:
    """Turn a scalar of numpy or torch into Python's."""
    return value if isinstance(value, str) else getattr(value, "item", lambda: value)()


def _fault(value: float | str, bounds: tuple[float | None, float | None], equals: object) -> str:
    """Say what the value had to be; empty if it is."""
    if equals is not None and value != equals:
        return repr(equals)
    if isinstance(value, str):
        return ""
    if not math.isfinite(value):
        return "a finite number"
    low, high = bounds
    if (low is not None and value < low) or (high is not None and value > high):
        return " and ".join([f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None))
    return ""


def _compared(
    name: str, value: float | str, form: str, bounds: tuple[float | None, float | None], equals: object
) -> str:
    """Write the line that a reader sees: check mark or cross, the value, the page's value."""
    try:
        value = _plain(value)
        text, fault = form.format(value), _fault(value, bounds, equals)
    except (TypeError, ValueError):  # an experiment may hand over anything
        text, fault = repr(value), "a number or a word"
    remarks = [f"the page: {_on_page(name)}"] * bool(_on_page(name)) + [f"expected: {fault}"] * bool(fault)
    return f"{'✗' if fault else '✓'} {name} = {text}" + (f"  ({'; '.join(remarks)})" if remarks else "")


def _on_page(name: str) -> str:
    """Read what the page prints for a claim of the lesson that this notebook is; empty if that is unknown."""
    path = RESULTS / f"{os.environ.get(LESSON, '').partition('-')[0]}.json"
    if not path.is_file():
        return ""
    claims = json.loads(path.read_text(encoding="utf-8"))["claims"]
    return str(claims.get(name, {}).get("text", ""))
