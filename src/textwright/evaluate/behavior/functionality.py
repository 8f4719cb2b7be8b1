"""Minimum functionality: texts of the user's own that the candidate must label right, from a small file.

::

    {"test": "plain praise", "text": "I love it.", "label": "positive"}      one line of a .jsonl file

    plain praise:                                                            .yaml or .json
      positive: ["I love it.", "Best of the year."]
      negative: ["I hate it."]
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from textwright.core.labels import Labels
from textwright.errors import DataError, MissingExtraError, NotFoundError

_DEFAULT_TEST: Final = "minimum functionality"
_FORMS: Final = {".jsonl", ".json", ".yaml", ".yml"}


class Case(NamedTuple):
    """A text and the label that it must have.

    Args:
        test: Name of the test that it belongs to.
        text: The text.
        label: Its label.
    """

    test: str
    text: str
    label: str


def read_cases(path: Path, labels: Labels) -> list[Case]:
    """Read a file of tests.

    Args:
        path: A file ending in .jsonl, .json, .yaml or .yml.
        labels: Those of the model.

    Returns:
        At least one case, in order.

    Raises:
        NotFoundError: If there is no such file.
        DataError: If it is of another form, or a label is unknown; names the file and the line or test.
        MissingExtraError: If it is YAML and PyYAML is not installed.
    """
    content = _read(path)
    cases = list(_lines(path, content) if path.suffix.lower() == ".jsonl" else _tests(path, content))
    if not cases:
        raise DataError(f"{path} holds no test; {_example()}")
    for case in cases:
        if case.label not in labels.names:
            raise DataError(
                f"{path}, test {case.test!r}: label {case.label!r} is unknown to the models, whose labels are "
                f"{', '.join(map(repr, labels.names[:20]))}"
            )
    return cases


def parse_tests(path: Path) -> Mapping[Any, Any]:
    """Read a file that is a table of tests.

    Args:
        path: A file ending in .json, .yaml or .yml.

    Returns:
        Name -> content, at least one.

    Raises:
        NotFoundError: If there is no such file.
        DataError: If it is no table, or empty.
        MissingExtraError: If it is YAML and PyYAML is not installed.
    """
    tests = _parse(path, _read(path))
    if not isinstance(tests, Mapping) or not tests:
        raise DataError(f"{path} is no table of tests; {_example()}")
    return tests


def _read(path: Path) -> str:
    if path.suffix.lower() not in _FORMS:
        raise DataError(f"{path}: tests are read from {', '.join(sorted(_FORMS))}")
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotFoundError(f"there is no file of tests {path}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error}; save it as UTF-8") from error


def _lines(path: Path, content: str) -> Iterator[Case]:
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}, line {number}: not JSON: {error}") from error
        if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in ("text", "label")):
            raise DataError(f'{path}, line {number}: a test is {{"text": "...", "label": "..."}}')
        yield Case(str(row.get("test", _DEFAULT_TEST)), row["text"], row["label"])


def _tests(path: Path, content: str) -> Iterator[Case]:
    tests = _parse(path, content)
    if not isinstance(tests, Mapping):
        raise DataError(f"{path} is no table of tests; {_example()}")
    for test, by_label in tests.items():
        if not isinstance(by_label, Mapping):
            raise DataError(f"{path}, test {test!r}: it must hold a list of texts for each label; {_example()}")
        for label, texts in by_label.items():
            if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
                raise DataError(f"{path}, test {test!r}, label {label!r}: it must be a list of texts")
            yield from (Case(str(test), text, str(label)) for text in texts)


def _parse(path: Path, content: str) -> Any:  # noqa: ANN401  any value
    if path.suffix.lower() == ".json":
        try:
            return json.loads(content)
        except ValueError as error:
            raise DataError(f"{path}: not JSON: {error}") from error
    try:
        import yaml
    except ImportError as error:
        raise MissingExtraError("reading tests from YAML", "data") from error
    try:
        return yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise DataError(f"{path}: not YAML: {error}") from error


def _example() -> str:
    return 'for example {"plain praise": {"positive": ["I love it."]}}'
