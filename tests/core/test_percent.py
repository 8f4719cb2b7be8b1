"""One form of a share."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Final

import pytest

from textwright.core.percent import percent

_PACKAGE: Final = Path(str(files("textwright")))
_OWN: Final = _PACKAGE / "core" / "percent.py"
_IN_PYTHON: Final = re.compile(
    r"""
    :[^{}"']*%\}                           # {share:.1%}
    | \{100\s\*[^{}]*f\}\s?%               # {100 * share:.1f} %
    | \{[^{}]*:\.\d+f\}\s?%(?!\w)          # {share:.1f} %
    """,
    re.VERBOSE,
)
_IN_A_PAGE: Final = re.compile(
    r"""
    format\(100\s\*[^)]*\)\s*\}\}\s?(?:\s|&nbsp;|<small>)?%(?![;"])   # format(100 * share) }} %
    | \d(?:</?\w+>)?%(?!;|[^<]*">|\w)                         # 64%, but not in a style sheet
    | f"\s\|\sformat\([\w.]*\)\s*\}\}(?:\s|&nbsp;)?%(?![;"])  # "%.2f" | format(agreement) }} %
    """,
    re.VERBOSE,
)


def test_a_share_has_one_decimal_and_a_space():
    assert percent(0.6429) == "64.3 %"
    assert percent(1) == "100.0 %"
    assert percent(0.5, digits=0) == "50 %"
    assert percent(0.62, 0.665) == "62.0 to 66.5 %"


@pytest.mark.parametrize("line", ["{share:.0%}", "{100 * value:.1f} %", "{percent_right:.2f} %", "{x.low:.1%} to"])
def test_a_second_form_is_found(line: str):
    assert _IN_PYTHON.search(line)


def test_no_module_writes_a_share_in_a_form_of_its_own():
    found = [
        f"{path.relative_to(_PACKAGE)}:{number}: {line.strip()}"
        for path in sorted(_PACKAGE.rglob("*.py"))
        if path != _OWN
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if _IN_PYTHON.search(line)
    ]
    assert not found


def test_no_page_writes_a_share_in_a_form_of_its_own():
    assert _IN_A_PAGE.search('{{ "%.1f" | format(100 * report.share) }}&nbsp;% of all')
    assert _IN_A_PAGE.search('{{ "%.1f" | format(100 * it.value) }}<small>%</small>')
    assert _IN_A_PAGE.search('{{ "%.2f" | format(gate.agreement) }} %')
    found = [
        f"{path.name}:{number}: {hit[0]}"
        for path in sorted((_PACKAGE / "report" / "templates").glob("*.j2"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (hit := _IN_A_PAGE.search(line))
    ]
    assert not found
