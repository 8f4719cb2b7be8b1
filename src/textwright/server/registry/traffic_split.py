"""Which model answers a request that names none: shares of the requests, and the same model for the same key.

The choice is a hash of the key and of the models' names, and of nothing else. So it is the same in each worker, after a
restart and on another machine; and where the share of a model is raised, whoever had it keeps it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Self

from textwright.errors import SettingsError

_WHOLE: Final = 100.0
_EXAMPLE: Final = "for example --split old=90,new=10"
_PERSON: Final = b"textwright split"
_RANGE: Final = 2.0**64


@dataclass(frozen=True, slots=True)
class TrafficSplit:
    """Shares of the requests.

    Args:
        shares: Name of a model -> percent of the requests, all together 100; the first takes what others give back.
    """

    shares: Mapping[str, float]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what is typed after ``--split``.

        Args:
            text: "NAME=PERCENT,NAME=PERCENT", two or more.

        Raises:
            SettingsError: If it is of another form, a name occurs twice, or the shares are not 100 together.
        """
        shares: dict[str, float] = {}
        for part in text.split(","):
            name, _, share = part.strip().rpartition("=")
            if not name or name in shares:
                reason = f"{name!r} stands there twice" if name else f"{part.strip()!r} is not NAME=PERCENT"
                raise SettingsError(f"--split {text!r}: {reason}; {_EXAMPLE}")
            shares[name] = _number(share, text)
        if len(shares) < 2 or not math.isclose(sum(shares.values()), _WHOLE, abs_tol=1e-6):
            raise SettingsError(
                f"--split {text!r}: the shares of {len(shares)} models are {sum(shares.values()):g} together; name two "
                f"models or more, with 100 together, {_EXAMPLE}"
            )
        return cls(shares)

    @property
    def first(self) -> str:
        """The model that takes what others give back."""
        return next(iter(self.shares))

    @property
    def others(self) -> tuple[str, ...]:
        """The other models, in order."""
        return tuple(self.shares)[1:]

    def choose(self, key: bytes) -> str:
        """Choose the model that answers.

        Args:
            key: Of whoever asks; equal keys have equal models.

        Returns:
            Its name. Over many keys each model has its share.

        Source:
            Kohavi et al., 2009, "Controlled Experiments on the Web: Survey and Practical Guide", section 4.1 (hash and
            partition).
        """
        # The first model has the upper end, so that where a share grows at its cost nobody else changes.
        position = _WHOLE * self._position(key)
        for name, end in zip(self.others, accumulate(self.shares[name] for name in self.others), strict=True):
            if position < end:
                return name
        return self.first

    def _position(self, key: bytes) -> float:
        """Place a key in [0, 1), evenly and anew for other models: who met one candidate is not who meets the next."""
        named = b"\0".join([*(name.encode() for name in self.shares), key])
        digest = hashlib.blake2b(named, digest_size=8, person=_PERSON).digest()
        return int.from_bytes(digest, "big") / _RANGE


def _number(share: str, text: str) -> float:
    try:
        number = float(share)
    except ValueError:
        number = math.nan
    if not 0 <= number <= _WHOLE:
        raise SettingsError(f"--split {text!r}: {share!r} is no share from 0 to 100; {_EXAMPLE}")
    return number
