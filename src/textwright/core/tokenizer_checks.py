"""What a tokenizer that somebody else made may hold: no rule whose time or memory explodes with a text.

Size and depth are bounded before (``manifest_checks`` and the ``tokenizers`` library). Regular expressions other than
those below are tried in a process of their own, because a search that backtracks cannot be stopped inside of this one.
Called by ``core.tokenizer`` when a tokenizer is loaded.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, Final

from tokenizers import Tokenizer

from textwright.errors import ArtifactFormatError

MAX_WORD_CHARACTERS: Final = 256
"""Of a word that word pieces are looked for in: the time grows with the square."""
MAX_STEPS: Final = 64
"""Normalizers and pre-tokenizers, nested ones counted too."""
MAX_GROWTH: Final = 4_096
"""Times that replacements may lengthen a text, all of them together."""
MAX_PROBE_SECONDS: Final = 10.0
_PROBE_CHARACTERS: Final = 10_000
_MAX_PROBES: Final = 48
_SAMPLE: Final = "aA1_-.' \n\u00e9\u4e2d"
_HARMLESS: Final = frozenset({" {2,}", r"\s+", r"\s", r"\d", r"[^\w\s]+", r"[\r\n]", r"[\s\S]"})
_PROBE: Final = """
import json, sys
from tokenizers import Tokenizer
given = json.load(sys.stdin)
tokenizer = Tokenizer.from_str(given["tokenizer"])
for mark in given["marks"]:
    run = mark * given["length"]
    for text in (run, run + "\\x01" + "".join(given["marks"]), ("x" + mark) * (given["length"] // 2)):
        tokenizer.encode(text)
"""


def check_tokenizer(tokenizer: Tokenizer, serialized: str, supported: frozenset[str]) -> None:
    """Refuse a tokenizer whose time or memory explodes with a text.

    Args:
        tokenizer: The loaded tokenizer.
        serialized: Its file.
        supported: Regular expressions that need no trial, because textwright wrote them.

    Raises:
        ArtifactFormatError: Names the rule and the bound.
    """
    longest = getattr(tokenizer.model, "max_input_chars_per_word", 0)
    if longest > MAX_WORD_CHARACTERS:
        raise _refused(f"splits words of up to {longest:,} characters into pieces; at most {MAX_WORD_CHARACTERS}")
    steps = [step for part in (tokenizer.normalizer, tokenizer.pre_tokenizer) for step in _steps(part)]
    if len(steps) > MAX_STEPS:
        raise _refused(f"has {len(steps):,} normalizers and pre-tokenizers; at most {MAX_STEPS}")
    growth = 1
    for step in steps:
        growth *= max(1, len(step.get("content") or step.get("prepend") or ""))
    if growth > MAX_GROWTH:
        raise _refused(f"may lengthen a text {growth:,} times by its replacements; at most {MAX_GROWTH:,} times")
    patterns = {step["pattern"]["Regex"] for step in steps if "Regex" in (step.get("pattern") or ())}
    if unknown := sorted(patterns - supported - _HARMLESS):
        _try_patterns(serialized, unknown)


def _steps(component: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  no common class in the library
    """Yield the settings of a normalizer or pre-tokenizer and of those inside of it."""
    pending = [] if component is None else [json.loads(component.__getstate__())]
    while pending:
        step = pending.pop()
        yield step
        pending += [*step.get("normalizers", ()), *step.get("pretokenizers", ())]


def _try_patterns(serialized: str, patterns: list[str]) -> None:
    """Encode long runs of each character that the patterns name, in a process that can be stopped."""
    import subprocess  # here, since each import is part of a Lambda function's cold start

    marks = list(dict.fromkeys([*_SAMPLE, *"".join(patterns)]))[:_MAX_PROBES]
    job = json.dumps({"tokenizer": serialized, "marks": marks, "length": _PROBE_CHARACTERS})
    try:
        completed = subprocess.run(  # noqa: S603  our own program
            [sys.executable, "-c", _PROBE],
            input=job,
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=MAX_PROBE_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise _refused(
            f"needs more than {MAX_PROBE_SECONDS:g} seconds for texts of {_PROBE_CHARACTERS:,} equal characters, with "
            f"the regular expressions {_shown(patterns)}"
        ) from error
    if completed.returncode:
        raise _refused(f"fails on texts of equal characters, with the regular expressions {_shown(patterns)}")


def _shown(patterns: list[str]) -> str:
    return ascii(patterns)[:200]


def _refused(what: str) -> ArtifactFormatError:
    return ArtifactFormatError(f"tokenizer.json {what}; use the tokenizer that textwright exported with the model")
