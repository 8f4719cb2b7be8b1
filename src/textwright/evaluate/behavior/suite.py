"""A user's behavioral tests of one model, from a small YAML file: minimum functionality, invariance, direction.

::

    plain praise:                         a label and the texts that must get it
      positive: ["I love it.", "Best of the year."]

    praise from templates:
      type: functionality
      label: positive
      templates: ["I {verb} this {thing}."]
      fill: {verb: [love, like], thing: [film, book]}

    names do not matter:
      type: invariance
      pairs: [["Mary liked it.", "Ahmed liked it."]]

    typos do not matter:                  without texts, those that are measured are edited
      type: invariance
      edit: typo
      max_failures: 5

    a complaint is no praise:
      type: direction
      label: positive
      change: down
      texts: ["The film is long."]
      append: "I want my money back."

Source:
    Ribeiro et al., 2020, "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field

from textwright.config import Settings
from textwright.core.labels import Labels
from textwright.core.types import Bools
from textwright.errors import DataError, SettingsError
from textwright.evaluate.behavior import edits
from textwright.evaluate.behavior.functionality import Case, parse_tests, read_cases
from textwright.evaluate.behavior.results import Failure, TestKind, changes, misses, predicted_labels, shown_failures
from textwright.evaluate.intervals import Interval, wilson
from textwright.runtime.predictor import Predictor

_MAX_TEXTS: Final = 500
"""Texts of the data that a test edits."""
_MAX_FILLED: Final = 10_000
"""Texts that the templates of a test may make."""
_EDITS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "typo": edits.add_typo,
    "case": edits.change_case,
    "name": edits.change_name,
    "place": edits.change_place,
}
_TYPED: Final = "type"


class BehaviorTest(Settings):
    """One test of the file."""

    type: Literal["functionality", "invariance", "direction"]
    """What it asks."""
    texts: tuple[str, ...] = ()
    """Texts; of an edit those of the data where none are given."""
    templates: tuple[str, ...] = ()
    """Texts with names in braces."""
    fill: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Name -> what is put in its place, one after the other."""
    label: str = ""
    """Label that a text must get (functionality), or whose probability moves (direction)."""
    pairs: tuple[tuple[str, str], ...] = ()
    """A text, and the same after an edit."""
    edit: Literal["typo", "case", "name", "place"] | None = None
    """How texts are edited."""
    append: str = ""
    """What is written behind a text."""
    change: Literal["up", "down"] = "up"
    """Where the probability of the label should move, in a test of direction."""
    tolerance: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """How far it may move the other way."""
    max_failures: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Share of the texts that may fail, in percent."""


@dataclass(frozen=True, slots=True)
class BehaviorScores:
    """How a model fares in one test.

    Args:
        name: Of the test.
        kind: What it asks.
        num_texts: N; 0 if no text can be edited so.
        num_failures: Of these, how many fail.
        allowed_failures: How many may.
        share_failed: Share that fails, with its Wilson interval; None for no texts.
        failures: Some of the failures.
    """

    name: str
    kind: TestKind
    num_texts: int
    num_failures: int = 0
    allowed_failures: int = 0
    share_failed: Interval | None = None
    failures: tuple[Failure, ...] = ()

    @property
    def is_passed(self) -> bool:
        """Whether no more texts fail than may."""
        return self.num_failures <= self.allowed_failures


def read_suite(path: Path, labels: Labels) -> dict[str, BehaviorTest]:
    """Read a file of tests.

    Args:
        path: A file ending in .yaml, .yml or .json; of .jsonl each line is a text with its label.
        labels: Those of the model.

    Returns:
        Name -> test, in order, at least one; texts of one test with different labels are tests "NAME (LABEL)".

    Raises:
        NotFoundError: If there is no such file.
        DataError: If it is of another form, or a label is unknown; names the file and the test.
        MissingExtraError: If it is YAML and PyYAML is not installed.
    """
    if path.suffix.lower() == ".jsonl":
        return dict(_of_cases(read_cases(path, labels)))
    suite: dict[str, BehaviorTest] = {}
    for name, content in parse_tests(path).items():
        suite |= _of_content(path, str(name), content)
    for name, test in suite.items():
        _check(path, name, test, labels)
    return suite


def _of_cases(cases: Sequence[Case]) -> Iterator[tuple[str, BehaviorTest]]:
    for name, label in dict.fromkeys((case.test, case.label) for case in cases):
        texts = tuple(case.text for case in cases if (case.test, case.label) == (name, label))
        yield f"{name} ({label})", BehaviorTest(type="functionality", label=label, texts=texts)


def _of_content(path: Path, name: str, content: Any) -> dict[str, BehaviorTest]:  # noqa: ANN401  any value
    if not isinstance(content, Mapping):
        raise DataError(f"{path}, test {name!r}: it must hold a type, or a list of texts for each label")
    if isinstance(content.get(_TYPED), str):
        try:
            return {name: BehaviorTest.parse(content, source=f"{path}, test {name!r}")}
        except SettingsError as error:
            raise DataError(str(error)) from error
    by_label: dict[str, BehaviorTest] = {}
    for label, texts in content.items():
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise DataError(f"{path}, test {name!r}, label {label!r}: it must be a list of texts")
        title = name if len(content) == 1 else f"{name} ({label})"
        by_label[title] = BehaviorTest(type="functionality", label=str(label), texts=tuple(texts))
    return by_label


def _check(path: Path, name: str, test: BehaviorTest, labels: Labels) -> None:
    """Refuse a test that cannot be run, in words."""
    place = f"{path}, test {name!r}"
    needs_label = test.type != "invariance"
    if needs_label and test.label not in labels.names:
        raise DataError(
            f"{place}: label {test.label!r} is unknown to the model, whose labels are "
            f"{', '.join(map(repr, labels.names[:20]))}"
        )
    texts = _filled(place, test)
    if test.type == "functionality" and not texts:
        raise DataError(f"{place}: it has no texts and no templates")
    if test.type != "functionality":
        num_ways = bool(test.pairs) + bool(test.append) + (test.edit is not None)
        if num_ways != 1:
            raise DataError(f"{place}: it needs one of pairs, edit and append, and has {num_ways}")
        if test.append and not texts:
            raise DataError(f"{place}: append needs texts or templates")


def _filled(place: str, test: BehaviorTest) -> list[str]:
    """Return the texts of a test, with those that its templates make."""
    texts = list(test.texts)
    for template in test.templates:
        names = _names(place, template)
        if missing := [name for name in names if not test.fill.get(name)]:
            raise DataError(f"{place}: the template {template!r} names {{{missing[0]}}}, and fill has no words for it")
        choices = product(*(test.fill[name] for name in names))
        texts += [template.format(**dict(zip(names, chosen, strict=True))) for chosen in choices]
        if len(texts) > _MAX_FILLED:
            raise DataError(f"{place}: its templates make more than {_MAX_FILLED:,} texts; give fewer words")
    return texts


def _names(place: str, template: str) -> list[str]:
    try:
        return list(dict.fromkeys(name for _, name, _, _ in Formatter().parse(template) if name is not None))
    except ValueError as error:
        raise DataError(
            f"{place}: the template {template!r} cannot be read: {error}; double a brace that is one"
        ) from error


def run_suite(
    predictor: Predictor, suite: Mapping[str, BehaviorTest], texts: Sequence[str]
) -> tuple[BehaviorScores, ...]:
    """Run every test.

    Args:
        predictor: The model.
        suite: Name -> test.
        texts: Texts of the data, which tests with an edit and no texts of their own edit.

    Returns:
        The scores of each test, in order.
    """
    return tuple(_run(predictor, name, test, texts) for name, test in suite.items())


def _run(predictor: Predictor, name: str, test: BehaviorTest, data: Sequence[str]) -> BehaviorScores:
    if test.type == "functionality":
        texts = _filled(name, test)
        labels = [test.label] * len(texts)
        predicted = predictor.predict(texts)
        failed = misses(predicted, labels)
        return _scores(name, TestKind.FUNCTIONALITY, test, failed, shown_failures(texts, labels, predicted, failed))
    pairs = _pairs(name, test, data)
    kind = TestKind(test.type)
    if not pairs:
        return BehaviorScores(name, kind, 0)
    before, after = zip(*pairs, strict=True)
    old, new = predictor.predict(before), predictor.predict(after)
    if test.type == "invariance":
        failed, expected = changes(old, new), [predicted_labels(item) for item in old]
    else:
        rises = np.array(
            [b.probabilities[test.label] - a.probabilities[test.label] for a, b in zip(old, new, strict=True)]
        )
        failed = np.asarray((-rises if test.change == "up" else rises) > test.tolerance)
        expected = [f"{test.label} not {'less' if test.change == 'up' else 'more'} probable"] * len(pairs)
    return _scores(name, kind, test, failed, shown_failures(after, expected, new, failed))


def _pairs(name: str, test: BehaviorTest, data: Sequence[str]) -> list[tuple[str, str]]:
    if test.pairs:
        return list(test.pairs)
    texts = _filled(name, test)
    if test.append:
        return [(text, f"{text} {test.append}".strip()) for text in texts]
    edit = _EDITS[test.edit or ""]
    edited = [(text, changed) for text in texts or data if (changed := edit(text))]
    most = len(edited) if texts else min(_MAX_TEXTS, len(edited))
    return [edited[place] for place in np.linspace(0, len(edited) - 1, most).round().astype(int).tolist()]


def _scores(
    name: str, kind: TestKind, test: BehaviorTest, failed: Bools, failures: tuple[Failure, ...]
) -> BehaviorScores:
    number, total = int(failed.sum()), len(failed)
    share = wilson(np.array([number]), np.array([total]))[0]
    return BehaviorScores(name, kind, total, number, int(test.max_failures / 100 * total), share, failures)
