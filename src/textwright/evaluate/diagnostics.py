"""What is wrong with a freshly trained model, in sentences: each with what it means and what to do.

Called by the pipeline; ``train`` prints the sentences, and the model card keeps them. Each rule is a function of what
was measured, from which no sentence follows where nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from textwright.core.percent import percent
from textwright.evaluate.baselines import MAJORITY, Baseline
from textwright.evaluate.evaluation import Evaluation
from textwright.family_catalog import reads_windows

_LOW_TEMPERATURE: Final = 0.2
_HIGH_TEMPERATURE: Final = 5.0
_FALLING: Final = 0.01
"""Nats, and share, by which the last epoch must have lowered the validation loss to be called unfinished."""
_ALMOST_ALL: Final = 0.98
"""Share of the predictions from which on one label is called almost the only answer."""
_IMBALANCED: Final = 0.9
_LOW_COVERAGE: Final = 0.6
_MANY: Final = 0.2
"""Share of texts that are one token, or of tokens that are unknown, from which on the tokenizer does not fit."""


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """What is known of a training run beside its evaluation.

    Args:
        num_train: Training texts.
        num_truncated: Those that were cut at ``max_length``.
        label_shares: Label name -> share of the training texts that have it.
        validation_losses: Of each epoch, in nats; empty where validation did not end the training.
        validation_accuracy: Of the best epoch, in [0, 1].
        one_token_share: Share of the test texts that hold several characters and are one token to the model.
        unknown_share: Share of the test texts' tokens that are the unknown word; 0 for a tokenizer without one.
        metadata: What the family says of itself, for example the share of tokens that have a vector.
    """

    num_train: int
    num_truncated: int
    label_shares: Mapping[str, float]
    validation_losses: Sequence[float]
    validation_accuracy: float
    one_token_share: float
    unknown_share: float
    metadata: Mapping[str, Any]


def diagnose(evaluation: Evaluation, facts: TrainingFacts, baselines: Sequence[Baseline]) -> tuple[str, ...]:
    """Say what is wrong with a trained model.

    Args:
        evaluation: Of the test split.
        facts: Of the training.
        baselines: What it was compared with on the test split; may be empty.

    Returns:
        Sentences, the gravest first; empty if nothing is wrong.
    """
    return (
        *_one_label(evaluation),
        *_majority(evaluation, baselines),
        *_unfinished(facts),
        *_temperature(evaluation, facts),
        *_imbalance(evaluation, facts),
        *_tokens(facts),
        *_truncation(evaluation, facts),
    )


def _one_label(evaluation: Evaluation) -> Iterator[str]:
    """Find a model that answers (almost) every text alike."""
    num, rows = evaluation.num_examples, evaluation.per_label
    cure = (
        "train longer (--num-epochs, on a small file --min-steps), with a higher --learning-rate, or another --family"
    )
    if evaluation.is_multi_label:
        if not any(row.num_predicted for row in rows) and any(row.support for row in rows):
            yield f"the model gives no label to any of the {num:,} test texts; {cure}"
        return
    top = max(rows, key=lambda row: row.num_predicted)
    if top.num_predicted < _ALMOST_ALL * num or top.support >= _ALMOST_ALL * num:
        return
    share = "all" if top.num_predicted == num else f"{top.num_predicted:,} of the"
    yield f"the model answers {top.label!r} to {share} {num:,} test texts, whatever they say; {cure}"


def _majority(evaluation: Evaluation, baselines: Sequence[Baseline]) -> Iterator[str]:
    majority = next((item for item in baselines if item.name == MAJORITY), None)
    if majority is None or majority.is_beaten:
        return
    difference = majority.difference
    measured = (
        f"the difference is {100 * difference.value:+.1f} points, 95 % interval {100 * difference.low:+.1f} to "
        f"{100 * difference.high:+.1f}"
    )
    constant = "giving every text the same labels" if evaluation.is_multi_label else "always the most frequent label"
    if majority.is_undecided:
        yield (
            f"{evaluation.num_examples:,} test texts cannot show that the model is better than {constant}: {measured}; "
            "give more labeled texts, or test on all of them with textwright compare --folds 10"
        )
        return
    yield (
        f"on {evaluation.num_examples:,} test texts the model is no better than {constant}: {measured}; it is not fit "
        "to be served yet"
    )


def _unfinished(facts: TrainingFacts) -> Iterator[str]:
    """Find a training that ended while it still learned."""
    losses = facts.validation_losses
    lowest = min(losses[:-1], default=0.0)
    if losses and lowest - losses[-1] > _FALLING * max(lowest, 1.0):
        yield (
            f"training stopped after {len(losses)} epochs while the validation loss was still falling "
            f"({lowest:.3f} to {losses[-1]:.3f}); raise --num-epochs (on a small file --min-steps) and --patience"
        )


def _temperature(evaluation: Evaluation, facts: TrainingFacts) -> Iterator[str]:
    temperature = evaluation.after.temperature
    if temperature <= _LOW_TEMPERATURE and facts.validation_accuracy < 1:
        yield (
            f"the temperature is {temperature:.2f}, near its lower bound: the model's scores hardly separate the "
            "labels, as after too short a training; raise --num-epochs or --learning-rate"
        )
    if temperature >= _HIGH_TEMPERATURE:
        yield (
            f"the temperature is {temperature:.2f}, near its upper bound: how sure the model is says nothing about "
            "whether it is right. It has learned the training texts by heart, or nothing at all: check the labels, and "
            "the losses of the epochs"
        )


def _imbalance(evaluation: Evaluation, facts: TrainingFacts) -> Iterator[str]:
    if evaluation.is_multi_label or not facts.label_shares:
        return
    label, share = max(facts.label_shares.items(), key=lambda item: item[1])
    if share >= _IMBALANCED:
        yield (
            f"{percent(share)} of the training texts are {label!r}, so accuracy says little: always answering it is "
            "right that often; look at balanced accuracy, macro-F1 and the recall of the rare labels"
        )


def _tokens(facts: TrainingFacts) -> Iterator[str]:
    """Find texts that the tokenizer, or the word vectors, do not fit."""
    coverage = facts.metadata.get("tokens_with_vector")
    if coverage is not None and coverage < _LOW_COVERAGE:
        yield (
            f"only {percent(coverage, digits=0)} of the training tokens have a word vector, so most words start from "
            "chance; give --model.vectors of the texts' language, or take --family bow"
        )
    if facts.one_token_share >= _MANY:
        yield (
            f"{percent(facts.one_token_share, digits=0)} of the test texts are one token each to this model, as of a "
            "script that puts no spaces between words; take a --family that reads characters or word pieces"
        )
    if facts.unknown_share >= _MANY:
        yield (
            f"{percent(facts.unknown_share, digits=0)} of the test texts' tokens are unknown to the model; give it "
            "more training texts, a lower --model.min-frequency, or a --family with word pieces"
        )


def _truncation(evaluation: Evaluation, facts: TrainingFacts) -> Iterator[str]:
    if facts.num_truncated:
        cures = ["raise --max-length as far as the family reads"]
        if reads_windows(evaluation.model.family):
            cures.append("read more of them (--model.long-texts windows)")
        yield (
            f"{facts.num_truncated:,} of {facts.num_train:,} training texts are longer than the "
            f"{evaluation.model.max_length:,} tokens that are read, and were cut; {', '.join(cures)}, "
            "or put first what decides"
        )
