"""A number that the prose names: asserted against the run, and kept under its name.

Prose writes ``{n}`NN.name```. What stands there comes from ``course/results/NN.json``, which only a full run writes;
a smoke run asserts its own, looser bounds and is never printed.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from bookkit.profiles import profile


@dataclass(frozen=True, slots=True)
class Claim:
    """One kept value.

    Args:
        value: As measured.
        text: As the prose prints it.
    """

    value: float | int | str
    text: str


_kept: dict[str, Claim] = {}


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
    """Assert what the prose says of a value, and keep it for the prose.

    Args:
        name: Lower case with underscores; the prose writes ``{n}`NN.name```.
        value: A number or a word, as measured.
        form: How it is printed, for :meth:`str.format`: "{:.1%}" prints 0.7741 as "77.4%".
        at_least: Lower bound of the full profile: what would make the sentence false.
        at_most: Upper bound of the full profile.
        smoke_at_least: Lower bound of the smoke profile: above chance, or None where small data tell nothing.
        smoke_at_most: Upper bound of the smoke profile.
        equals: What it must be in both profiles; None asks for nothing.

    Raises:
        ClaimError: If the value is out of bounds or not finite.
        ValueError: If the name was used already.
    """
    if name in _kept:
        raise ValueError(f"the claim {name!r} was made already in this lesson; a name says one thing")
    low, high = (at_least, at_most) if profile() == "full" else (smoke_at_least, smoke_at_most)
    value = value if isinstance(value, str) else getattr(value, "item", lambda: value)()  # numpy's and torch's scalars
    if not isinstance(value, str):
        if not math.isfinite(value):
            raise ClaimError(f"{name} is {value}; a claim must be finite")
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = " and ".join([f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None))
            raise ClaimError(f"{name} is {value}; the lesson says {bounds} ({profile()} profile)")
    if equals is not None and value != equals:
        raise ClaimError(f"{name} is {value!r}; the lesson says {equals!r}")
    _kept[name] = Claim(value, form.format(value))
    print(f"✓ {name} = {_kept[name].text}")


def kept() -> dict[str, dict[str, object]]:
    """List the claims of this run as plain values, name -> value and text."""
    return {name: asdict(one) for name, one in _kept.items()}
