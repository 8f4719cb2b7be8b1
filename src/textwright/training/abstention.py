"""When a model abstains: below a confidence, so that few of its answers are wrong, and out of distribution.

The confidence is chosen on the validation split by tests of a binomial error rate, from the surest texts on to all. The
tests go on in a fixed order and end with the first that fails, so that none of them needs a correction for the others.
How unlike the training texts a text may be is chosen there too, by the share of the validation texts that are more so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import beta, binom  # type: ignore[import-untyped]

from textwright.core.labels import Labels, Task
from textwright.core.percent import percent
from textwright.core.types import Bools, Float32s, Floats, Ints
from textwright.errors import DataError, SettingsError
from textwright.training.settings import Maximize, TrainSettings

CONFIDENCE_LEVEL: Final = 0.95
"""With which the error rate of the answers stays below the stated one."""
_FIRST_TEST, _FIRST_SHARE = 4, 4
"""The first test is made on a quarter of the texts, and on no more than four times the fewest that can pass it: on a
few texts it would often fail by chance. Its number of texts depends on no label and on no confidence."""
_RATES: Final = 200
"""Error rates that are tried where the one asked for cannot be shown."""


@dataclass(frozen=True, slots=True)
class Abstention:
    """From which confidence on texts are answered, and what that comes to on the validation split.

    Args:
        min_confidence: In [0, 1]; 0 answers every text.
        max_error_rate: What was asked for.
        error_bound: The error rate of the answers is at most this with a confidence of 95 %.
        num_texts: Texts of the validation split.
        num_answered: Those that are answered.
        num_wrong: Wrong answers among them.
    """

    min_confidence: float
    max_error_rate: float
    error_bound: float
    num_texts: int
    num_answered: int
    num_wrong: int


def error_bound(num_wrong: int, num_answered: int) -> float:
    """Bound the error rate of the answers that other texts would get, with a confidence of 95 %.

    Args:
        num_wrong: Wrong answers, in [0, num_answered].
        num_answered: Answers, >= 1.

    Returns:
        The upper end of the one-sided exact interval, in (0, 1].

    Source:
        Clopper & Pearson, 1934, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial".
    """
    if num_wrong == num_answered:
        return 1.0
    return float(beta.ppf(CONFIDENCE_LEVEL, num_wrong + 1, num_answered - num_wrong))


def fewest_texts(max_error_rate: float) -> int:
    """Count the answers, all of them right, that show an error rate of at most ``max_error_rate``, in (0, 1)."""
    return math.ceil(math.log(1 - CONFIDENCE_LEVEL) / math.log1p(-max_error_rate))


def refuse_impossible_abstention(settings: TrainSettings, labels: Labels, num_texts: int) -> None:
    """Refuse an error rate that cannot be shown, whatever the model says, before it is trained.

    Args:
        settings: Say which error rate.
        labels: The task.
        num_texts: Texts of the validation split, >= 1.

    Raises:
        SettingsError: If the task is multi-label, or thresholds are chosen too.
        DataError: If the validation split has too few texts; names how many it takes, and the rate that it can show.
    """
    rate = settings.max_error_rate
    if not rate:
        return
    if labels.task is Task.MULTI_LABEL:
        raise SettingsError(
            f"max_error_rate is {rate:g}, but the task is multi-label; a model abstains only where exactly one label "
            "holds: leave --max-error-rate out, and see --precision-at-least"
        )
    if settings.maximize is not Maximize.NONE or settings.precision_at_least:
        raise SettingsError(
            f"max_error_rate is {rate:g}, and a threshold is chosen too; a model that abstains answers the most "
            "probable label: leave out either --max-error-rate or --maximize and --precision-at-least"
        )
    if num_texts < fewest_texts(rate):
        certainty = percent(CONFIDENCE_LEVEL, digits=0)
        raise DataError(
            f"the {num_texts:,} validation texts cannot show an error rate of at most {rate:g}: that takes "
            f"{fewest_texts(rate):,} texts with {certainty} confidence, even if every answer is right. Give "
            f"more texts, a larger --validation-fraction, or --max-error-rate {_rounded_up(error_bound(0, num_texts))}"
        )


def fit_abstention(confidences: Float32s, is_right: Bools, max_error_rate: float) -> Abstention:
    """Choose the lowest confidence from which on the error rate is shown to be at most a stated one.

    With a probability of 95 % over the validation texts, at most that share of later answers is wrong, if later texts
    are drawn as these were and if surer answers are not wrong more often.

    Args:
        confidences: The probability of the most probable label, (N,), N >= ``fewest_texts(max_error_rate)``.
        is_right: Whether it is the true one, (N,).
        max_error_rate: In (0, 1).

    Returns:
        The confidence, halfway between those of two texts; 0 where all texts pass.

    Raises:
        DataError: If not even the surest texts pass; says what they show.

    Source:
        Geifman & El-Yaniv, 2017, "Selective Classification for Deep Neural Networks", section 3 (the bound);
        Angelopoulos et al., 2021, "Learn then Test", section 3.2 (tests in a fixed order).
    """
    ranked, num_wrong = _ranked(confidences, is_right)
    counts = _counts_that_pass(ranked, num_wrong, max_error_rate)
    if not len(counts):
        raise DataError(_not_shown(ranked, num_wrong, max_error_rate))
    answered = int(counts[-1])
    wrong = int(num_wrong[answered - 1])
    return Abstention(
        min_confidence=float(ranked[answered - 1 : answered + 1].mean()) if answered < len(ranked) else 0.0,
        max_error_rate=max_error_rate,
        error_bound=error_bound(wrong, answered),
        num_texts=len(ranked),
        num_answered=answered,
        num_wrong=wrong,
    )


def refuse_impossible_ood_rate(settings: TrainSettings, labels: Labels, num_texts: int) -> None:
    """Refuse an ``ood_rate`` that the validation split cannot show, before the model is trained.

    Args:
        settings: Say which rate.
        labels: The task.
        num_texts: Texts of the validation split, >= 1.

    Raises:
        SettingsError: If the task is multi-label.
        DataError: If the validation split has too few texts; names how many it takes.
    """
    rate = settings.ood_rate
    if not rate:
        return
    if labels.task is Task.MULTI_LABEL:
        raise SettingsError(
            f"ood_rate is {rate:g}, but the task is multi-label, where no label is an answer too; leave --ood-rate out"
        )
    if num_texts < _fewest_for_rate(rate):
        raise DataError(
            f"the {num_texts:,} validation texts cannot show that at most {rate:g} of such texts are taken for out of "
            f"distribution: that takes {_fewest_for_rate(rate):,}. Give more texts, a larger --validation-fraction, or "
            f"--ood-rate {_rounded_up(1 / (num_texts + 1))}"
        )


def _fewest_for_rate(rate: float) -> int:
    return math.ceil(1 / rate - 1 - 1e-9)


def fit_max_surprisal(surprisals: Floats, rate: float) -> float:
    """Choose how unlike the training texts a text may be.

    Args:
        surprisals: Of the validation texts, as :class:`~textwright.core.surprisal.Surprisal` gives them, (N,).
        rate: Share of later texts, like the validation texts, that may lie above: in [1 / (N + 1), 1).

    Returns:
        The lowest bound that at most that share passes, on average over validation splits.

    Raises:
        DataError: If more of the texts than that have no token that the model knows.

    Source:
        Vovk et al., 2005, "Algorithmic Learning in a Random World", section 2.2 (the quantile of split conformal
        prediction).
    """
    rank = math.ceil((len(surprisals) + 1) * (1 - rate) - 1e-9)
    bound = float(np.sort(surprisals)[rank - 1])
    if not math.isfinite(bound):
        raise DataError(
            f"more than {rate:g} of the validation texts have no token that the model knows, so nothing is unlike "
            "them; look at the data with textwright data check, or leave --ood-rate out"
        )
    return bound


def _ranked(confidences: Float32s, is_right: Bools) -> tuple[Floats, Ints]:
    """Sort by falling confidence and count the wrong answers among the first 1, 2, ... N."""
    order = np.argsort(-confidences, kind="stable")
    return confidences[order].astype(np.float64), np.cumsum(~is_right[order])


def _counts_that_pass(ranked: Floats, num_wrong: Ints, max_error_rate: float) -> Ints:
    """List the numbers of surest texts that pass, up to the first that does not."""
    counts = _counts_to_test(ranked, fewest_texts(max_error_rate))
    passes = binom.cdf(num_wrong[counts - 1], counts, max_error_rate) <= 1 - CONFIDENCE_LEVEL
    return np.asarray(counts[np.logical_and.accumulate(passes)])


def _counts_to_test(ranked: Floats, fewest: int) -> Ints:
    """List the numbers of surest texts to test; no number that would part texts of equal confidence."""
    first = max(min(len(ranked) // _FIRST_SHARE, _FIRST_TEST * fewest), fewest)
    counts = np.flatnonzero(np.append(ranked[:-1] > ranked[1:], True)) + 1
    return np.asarray(counts[counts >= first])


def _not_shown(ranked: Floats, num_wrong: Ints, max_error_rate: float) -> str:
    first = int(_counts_to_test(ranked, fewest_texts(max_error_rate))[0])
    rates = np.arange(math.ceil(max_error_rate * _RATES + 1e-9), _RATES) / _RATES
    shown = next((float(rate) for rate in rates if len(_counts_that_pass(ranked, num_wrong, rate))), None)
    cure = "" if shown is None else f"--max-error-rate {shown:g} (the same command goes on from the checkpoint), "
    return (
        f"the model cannot be shown to be wrong in at most {max_error_rate:g} of its answers, however often it "
        f"abstains: of the {first:,} validation texts that it is surest of it gets {int(num_wrong[first - 1]):,} "
        f"wrong. Give {cure}more texts, or a better family"
    )


def _rounded_up(rate: float) -> str:
    """Write a rate with three decimals, so that it is not below."""
    return f"{math.ceil(rate * 1000) / 1000:g}"
