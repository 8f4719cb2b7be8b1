"""The report is one safe file: it opens offline, runs nothing, and is the same for the same evaluation."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from textwright.core.labels import Labels, Task
from textwright.data.dataset import Examples
from textwright.errors import MissingExtraError, SettingsError
from textwright.evaluate import figures
from textwright.evaluate.evaluation import Evaluation, TruncationBin
from textwright.evaluate.intervals import Interval
from textwright.evaluate.measure import evaluate
from textwright.runtime.loading import load

HOSTILE = "<script>alert(1)</script>"
HOSTILE_NAMES = (HOSTILE, '"><img src=x onerror=alert(1)>', "$\\frac{1}{0}$ & {{ 7 * 7 }}")
MakeEvaluation = Callable[..., Evaluation]


class Page(HTMLParser):
    """Counts elements, and refuses a page whose elements do not close in order."""

    VOID = frozenset({"meta", "br", "img", "link", "input", "path", "use", "rect"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.counts: dict[str, int] = {}
        self.attributes: list[tuple[str, str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def measured(make_artifact: Callable[..., Path]) -> MakeEvaluation:
    """Return a function that measures a model of K labels on K words, each word predicting its own label."""

    def measure(
        names: Sequence[str],
        texts: Sequence[str] | None = None,
        *,
        task: Task = Task.SINGLE_LABEL,
        temperature: float = 1.5,
        shift: int = 1,
    ) -> Evaluation:
        size = len(names)
        words = {f"word{index}": tuple(np.where(np.arange(size) == index, 3.0, -1.0)) for index in range(size)}
        path = make_artifact("measured", labels=Labels(tuple(names), task), words=words, temperature=temperature)
        texts = texts or [f"word{index % size}" for index in range(3 * size)]
        actual = (np.arange(len(texts)) + shift * (np.arange(len(texts)) % 3 == 0)) % size
        targets = actual if task is Task.SINGLE_LABEL else np.eye(size, dtype=np.bool_)[actual]
        examples = Examples(texts, targets)
        return evaluate(load(path, num_threads=1), examples, source="reviews.csv", split="test", num_resamples=20)

    return measure


@pytest.fixture(scope="module")
def evaluation(measured: MakeEvaluation) -> Evaluation:
    return measured(["negative", "positive"])


@pytest.fixture(scope="module")
def page(evaluation: Evaluation) -> str:
    return evaluation.to_html()


def test_texts_that_were_cut_stand_beside_the_others(evaluation: Evaluation, page: str) -> None:
    assert "Texts that were cut" not in page
    share = Interval(0.5, 0.1, 0.9)
    rows = (
        TruncationBin(truncated=False, count=4, accuracy=share),
        TruncationBin(truncated=True, count=2, accuracy=share),
    )
    shown = replace(evaluation, by_truncation=rows, num_truncated=2).to_html()
    assert Page(shown).counts["table"] == Page(page).counts["table"] + 1
    assert f"the first {evaluation.model.max_length} tokens" in shown


def test_the_page_shows_what_was_measured(evaluation: Evaluation, page: str) -> None:
    assert Page(page).counts["svg"] == 7
    assert evaluation.model.version in page
    assert f"{100 * evaluation.metrics['accuracy'].value:.1f}<small>&nbsp;%" in page
    assert f"{evaluation.before.calibration_error.value:.4f}" in page
    assert "6 texts · test split of <bdi>reviews.csv</bdi>" in page
    assert page.count("<blockquote") == evaluation.num_mistakes == 2


def test_no_line_can_end_between_a_number_and_its_sign(measured: MakeEvaluation, page: str) -> None:
    prose = re.sub(r"<(svg|style).*?</\1>", "", page, flags=re.DOTALL)
    assert not re.findall(r"\d %|\bp = \d", prose)
    named = measured(["above 50 %", "p = 1"]).to_html()
    assert "above 50\u00a0%" in named
    assert "p\u00a0=\u00a01" in named


@pytest.mark.parametrize("task", list(Task))
def test_names_and_texts_of_others_are_never_markup(measured: MakeEvaluation, task: Task) -> None:
    texts = [f"word{index % 3} {HOSTILE} <svg onload=alert(1)>" for index in range(9)]
    page = measured(HOSTILE_NAMES, texts, task=task).to_html()
    shown = Page(page)
    assert "script" not in shown.counts
    assert "img" not in shown.counts
    assert not [name for name, _ in shown.attributes if name.startswith("on")]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7 * 7 }}" in page
    assert "$\\frac{1}{0}$" in page


def test_the_page_asks_no_other_host(page: str) -> None:
    shown = Page(page)
    linked = [value for name, value in shown.attributes if name in {"src", "href", "xlink:href", "action"}]
    assert linked
    assert all(value.startswith("#") for value in linked)
    assert "http" not in re.sub(r'http-equiv|xmlns(:\w+)?="[^"]*"', "", page)
    assert "@import" not in page
    assert re.search(r"url\((?!#)", page) is None
    assert "default-src 'none'" in page


def test_every_id_is_used_once_and_every_reference_resolves(page: str) -> None:
    shown = Page(page)
    ids = [value for name, value in shown.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = {value for name, value in shown.attributes if name == "aria-labelledby"}
    targets |= {value[1:] for name, value in shown.attributes if name == "xlink:href"}
    assert targets <= set(ids)


def test_plots_follow_the_colors_of_the_page(page: str) -> None:
    used = set(re.findall(r"var\((--[\w-]+)\)", page))
    assert {"--ink", "--right", "--wrong", "--cell-right", "--grid"} <= used
    light, dark = page.split("prefers-color-scheme: dark", 1)
    assert used <= set(re.findall(r"(--[\w-]+):", light))
    assert {"--ink", "--right", "--wrong"} <= set(re.findall(r"(--[\w-]+):", dark))
    assert "#0000f" not in page


def test_the_same_evaluation_gives_the_same_page(evaluation: Evaluation, page: str) -> None:
    assert evaluation.to_html() == page


@pytest.mark.parametrize("num_labels", [1, 2, 11, 45])
def test_any_number_of_labels_is_drawn(measured: MakeEvaluation, num_labels: int) -> None:
    names = [f"étiquette 好 {index}" for index in range(num_labels)]
    tasks = [Task.MULTI_LABEL] if num_labels == 1 else list(Task)
    for task in tasks:
        drawn = figures.confusion(measured(names, task=task))
        Page(drawn)
        assert ("étiquette 好 0" in drawn) == (num_labels <= 40 or task is Task.MULTI_LABEL)


def test_curves_end_where_every_text_gets_the_label(measured: MakeEvaluation) -> None:
    evaluation = measured([f"label {index}" for index in range(11)])
    assert len(evaluation.curves) == 8
    page = evaluation.to_html()
    assert "The 8 most frequent labels." in page
    assert {"precision_recall", "roc"} <= set(re.findall(r'figcaption id="(\w+)"', page))
    for curve in evaluation.curves:
        assert curve.recall[-1] == 1
        assert list(curve.recall) == sorted(curve.recall)
        assert list(curve.false_positive_rate) == sorted(curve.false_positive_rate)


def test_a_label_that_all_texts_have_has_no_curve(measured: MakeEvaluation) -> None:
    evaluation = measured(["negative", "positive"], ["word0"], shift=0)
    assert evaluation.curves == ()
    assert "ROC.</strong>" not in evaluation.to_html()
    assert "chance" in figures.roc(evaluation)


def test_no_mistake_and_no_temperature_are_said(measured: MakeEvaluation) -> None:
    page = measured(["negative", "positive"], temperature=1.0, shift=0).to_html()
    assert "None: every answer is right." in page
    assert "no temperature" in page


def test_a_threshold_is_shown_and_its_label_is_no_markup(evaluation: Evaluation) -> None:
    page = replace(evaluation, thresholds={HOSTILE: 0.25}).to_html()
    Page(page)
    assert "is predicted from a probability of 0.250 on" in page
    assert HOSTILE not in page


def test_an_empty_text_is_one_text(measured: MakeEvaluation) -> None:
    page = measured(["negative", "positive"], ["", "  ", "word1"]).to_html()
    assert "an empty text" in page


def test_most_frequent_confusions_come_first(measured: MakeEvaluation) -> None:
    pairs = measured(["a", "b", "c"], ["word0"] * 3 + ["word1"] * 6).top_confusions()
    assert [pair.num_texts for pair in pairs] == sorted((pair.num_texts for pair in pairs), reverse=True)
    assert all(pair.actual != pair.predicted for pair in pairs)
    assert pairs


def test_the_file_is_written_whole(evaluation: Evaluation, page: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    evaluation.write_html(path)
    assert path.read_text(encoding="utf-8") == page
    assert list(path.parent.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_said(evaluation: Evaluation, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is a folder"):
        evaluation.write_html(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written"):
        evaluation.write_html(tmp_path / "file" / "report.html")


def test_a_missing_library_names_the_extra(evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"textwright\[report\]"):
        evaluation.to_html()


def test_measuring_imports_no_plotting() -> None:
    code = (
        "import sys, textwright.evaluate.measure, textwright.report.page, textwright.evaluate.card;"
        "print(sorted({'matplotlib', 'jinja2', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
