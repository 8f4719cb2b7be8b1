"""Measure how often `promote` errs: on simulated answers of two models whose true difference is known.

Run: ``python benchmarks/promotion.py``

Each draw is a set of texts on which the champion is right in 80 %; the models differ on 8 % of the texts. The true drop
is 0, the margin (1 point), or twice that. A promotion at a true drop of the margin or more is an error, and may happen
in 5 % of the draws; a candidate with no drop that is not promoted was measured on too few texts. The texts are cut into
ten slices: where none differs none should be called worse; where one of them lost 10 points it should.
"""

from __future__ import annotations

import numpy as np

from _common import save, versions
from textwright.core.types import Bools
from textwright.promotion.paired_groups import PairedGroup, Standing, compare_slices

NUM_DRAWS = 1_000
SIZES = (500, 1_000, 2_000, 5_000, 10_000)
MARGIN = 1.0
DROPS = (0.0, 1.0, 2.0)
SHARE_RIGHT, SHARE_DIFFERING = 0.8, 0.08
NUM_SLICES, SLICE_DROP = 10, 10.0


def draw(random: np.random.Generator, num_texts: int, drop: float) -> tuple[Bools, Bools]:
    """Draw which texts candidate and champion have right, for a true drop in points."""
    lost = (SHARE_DIFFERING + drop / 100) / 2
    won = SHARE_DIFFERING - lost
    outcome = random.choice(4, num_texts, p=(SHARE_RIGHT - lost, lost, won, 1 - SHARE_RIGHT - won))
    return np.isin(outcome, (0, 2)), np.isin(outcome, (0, 1))


def overall(num_texts: int, drop: float) -> dict[str, float]:
    """Count how candidates of a true drop stand."""
    random = np.random.default_rng([num_texts, round(100 * drop)])
    standings = [PairedGroup.of("", *draw(random, num_texts, drop)).standing(MARGIN) for _ in range(NUM_DRAWS)]
    shares = {standing.value: standings.count(standing) / NUM_DRAWS for standing in Standing}
    return {"num_texts": num_texts, "true_drop": drop, "promoted": shares["better"] + shares["not worse"], **shares}


def slices(num_texts: int) -> dict[str, float]:
    """Count alarms of slices: in vain, and where one slice is really worse."""
    random, in_vain, noticed = np.random.default_rng(num_texts), 0, 0
    groups = {str(number): np.arange(num_texts) % NUM_SLICES == number for number in range(NUM_SLICES)}
    for _ in range(NUM_DRAWS // 4):
        candidate, champion = draw(random, num_texts, 0.0)
        in_vain += any(item.is_worse for item in compare_slices(groups, candidate, champion, min_texts=30))
        hit = groups["0"] & champion & (random.random(num_texts) < SLICE_DROP / 100 / SHARE_RIGHT)
        noticed += any(
            item.is_worse and item.name == "0"
            for item in compare_slices(groups, candidate & ~hit, champion, min_texts=30)
        )
    return {"num_texts": num_texts, "in_vain": in_vain / (NUM_DRAWS // 4), "noticed": noticed / (NUM_DRAWS // 4)}


def main() -> None:
    """Measure every number of texts."""
    content = {
        "protocol": __doc__,
        "num_draws": NUM_DRAWS,
        "margin": MARGIN,
        "overall": [overall(num_texts, drop) for num_texts in SIZES for drop in DROPS],
        "slices": [slices(num_texts) for num_texts in SIZES],
        "versions": versions("numpy", "textwright"),
    }
    save("promotion", content)


if __name__ == "__main__":
    main()
