"""A comparison from a file to its table: complete, paired, resumed after a kill, and refused in words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from compared import shorten_search, write_recipe, write_source

import textwright
from textwright.comparison.baselines import MajorityBaseline, TfidfBaseline
from textwright.comparison.comparison import compare
from textwright.comparison.leaderboard import Leaderboard
from textwright.comparison.options import ComparisonOptions, resolve_options
from textwright.comparison.run_cache import RESULT
from textwright.core.callbacks import Callback, RunInfo
from textwright.data.settings import DataSettings
from textwright.errors import DataError, SettingsError

NO_FLAGS = DataSettings()


def linear(source: str, *, settings: DataSettings = NO_FLAGS, **typed: object) -> ComparisonOptions:
    """Choose the two baselines alone: they take a moment, and everything around a row is the same for all."""
    choice = resolve_options(source, settings, families="bow", **typed)
    return replace(choice, candidates=(MajorityBaseline(), TfidfBaseline()))


class Watcher(Callback):
    """Counts runs, and is killed before a given one."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.runs: list[RunInfo] = []
        self.num_done: list[int] = []
        self._kill_at = kill_at

    def on_run_begin(self, run: RunInfo) -> None:
        if len(self.runs) == self._kill_at:
            raise KeyboardInterrupt
        self.runs.append(run)

    def on_result(self, result: object, seconds_left: float | None) -> None:
        assert isinstance(result, Leaderboard)
        assert (seconds_left == 0) == result.is_complete
        self.num_done.append(sum(row.num_done for row in result.rows))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[ComparisonOptions, Leaderboard, Path]:
    """Compare a quick recipe with the baselines, for all tests that need a model; no test may change the folder."""
    folder = tmp_path_factory.mktemp("trained")
    source, recipe = write_source(folder / "reviews.csv"), write_recipe(folder / "small.toml")
    choice = resolve_options(source, NO_FLAGS, families="none", recipes=[recipe], seeds=1, sizes="20,all,9999")
    with pytest.MonkeyPatch.context() as patch:
        shorten_search(patch)
        return choice, compare(choice, folder / "out"), folder / "out"


def test_a_comparison_measures_every_row_and_keeps_what_can_be_served(trained) -> None:
    _, board, out = trained

    assert {row.name for row in board.rows} == {"majority", "tf-idf", "small"}
    assert board.is_complete
    small = board.row("small")
    assert small.metrics["accuracy"].value > 0.8 > board.row("majority").metrics["accuracy"].value
    assert [point.num_train for point in small.curve] == [20, 160]
    assert small.num_done == small.num_planned == 2
    assert small.speed is not None
    assert small.speed.latency_ms > 0
    assert [row.versus_best is None for row in board.rows] == [True, False, False]
    assert json.loads(Leaderboard.json_path(out).read_text()) == json.loads(json.dumps(board.to_json()))
    assert (Leaderboard.html_path(out)).is_file()
    prediction = textwright.load(out / small.artifact).predict(["a good w1 film"])[0]
    assert prediction.label == "pos"
    assert not list(out.glob("runs/small/20/*/artifact"))
    assert not list(out.glob("runs/**/checkpoint"))


def test_a_killed_comparison_goes_on_and_gives_the_same(source: str, tmp_path: Path) -> None:
    choice = linear(source, seeds=2, sizes="20,all")
    whole, cut = Watcher(), Watcher(kill_at=3)
    expected = compare(choice, tmp_path / "whole", callbacks=[whole])
    with pytest.raises(KeyboardInterrupt):
        compare(choice, tmp_path / "out", callbacks=[cut])

    kept = json.loads(Leaderboard.json_path(tmp_path / "out").read_text())
    assert sum(row["num_done"] for row in kept["rows"]) == 3
    assert sum(row["num_planned"] for row in kept["rows"]) == len(whole.runs)
    assert not kept["is_complete"]
    again = Watcher()
    board = compare(choice, tmp_path / "out", callbacks=[again])

    assert cut.runs + again.runs == whole.runs
    assert cut.num_done + again.num_done == [0, 1, 2, 3, *range(3, len(whole.runs) + 1), len(whole.runs)]
    for row in expected.rows:
        assert board.row(row.name).metrics == row.metrics
        assert board.row(row.name).curve == row.curve
    idle = Watcher()
    assert compare(choice, tmp_path / "out", callbacks=[idle]) == board
    assert idle.runs == []


def test_more_seeds_are_added_to_what_is_there(source: str, tmp_path: Path) -> None:
    for seeds, expected in ((1, 4), (2, 2)):
        watcher = Watcher()
        board = compare(linear(source, seeds=seeds, sizes="20,all"), tmp_path / "out", callbacks=[watcher])
        assert len(watcher.runs) == expected
    assert len(board.row("tf-idf").curve[0].metric.per_seed) == 2


def test_folds_test_every_text_once(source: str, tmp_path: Path) -> None:
    board = compare(linear(source, folds=3), tmp_path / "out")
    seen = [np.load(path) for path in sorted(tmp_path.glob("out/runs/tf-idf/all/*/observations.npz"))]
    targets = np.concatenate([arrays["targets"] for arrays in seen])
    predicted = np.concatenate([arrays["predicted"] for arrays in seen])
    assert len(seen) == 3
    assert np.bincount(targets).tolist() == [100, 100]
    assert board.row("tf-idf").metrics["accuracy"].value == pytest.approx((targets == predicted).mean())
    assert "3 stratified folds" in board.protocol


def test_accuracy_alone_needs_no_model(source: str, tmp_path: Path) -> None:
    """What a bigger machine has run can be summed up without its models, and later be timed with them."""
    out = tmp_path / "out"
    board = compare(linear(source, folds=2), out, measure_speeds=False)
    assert {row.speed for row in board.rows} == {None}
    assert "tf-idf" in (Leaderboard.html_path(out)).read_text(encoding="utf-8")
    assert compare(linear(source, folds=2), out).row("tf-idf").speed is not None


def test_a_multi_label_source_is_ranked_by_exact_match(tmp_path: Path) -> None:
    source = write_source(tmp_path / "topics.csv", 120, task="multi")
    choice = linear(source, settings=DataSettings(label_separator="|"), seeds=1, sizes="all")
    board = compare(choice, tmp_path / "out")
    assert board.primary_metric == "exact_match"
    assert all("micro_f1" in row.metrics for row in board.rows)
    assert board.row("tf-idf").metrics["exact_match"].value > 0.7 > board.row("majority").metrics["exact_match"].value


def test_another_source_is_not_written_over(source: str, tmp_path: Path) -> None:
    compare(linear(source, sizes="all"), tmp_path / "out")
    other = write_source(tmp_path / "other.csv", 160)
    with pytest.raises(SettingsError, match=r"holds a comparison of .*reviews\.csv \(fingerprint was"):
        compare(linear(other, sizes="all"), tmp_path / "out")


def test_a_row_whose_settings_changed_names_the_setting(trained, tmp_path: Path) -> None:
    choice, _, out = trained
    after = write_recipe(tmp_path / "small.toml", embedding_dim=5)
    changed = resolve_options(choice.source, NO_FLAGS, families="none", recipes=[after], seeds=1, sizes="20,all,9999")
    copytree(out, tmp_path / "out")
    with pytest.raises(SettingsError, match=r"settings\.model\.embedding_dim was 4, now 5"):
        compare(changed, tmp_path / "out")


def test_a_run_made_before_a_setting_existed_is_still_found(trained, tmp_path: Path) -> None:
    choice, before, out = trained
    copytree(out, tmp_path / "out")
    for kept in (tmp_path / "out").glob(f"runs/small/**/{RESULT}"):
        facts = json.loads(kept.read_text())
        del facts["identity"]["settings"]["r_drop"], facts["identity"]["settings"]["model"]["dropout"]
        kept.write_text(json.dumps(facts))

    watcher = Watcher()
    again = compare(choice, tmp_path / "out", callbacks=[watcher])

    assert watcher.runs == []
    assert again.row("small").metrics == before.row("small").metrics


def test_a_damaged_result_is_said(source: str, tmp_path: Path) -> None:
    compare(linear(source, sizes="all"), tmp_path / "out")
    (tmp_path / "out/runs/tf-idf/all/seed-0" / RESULT).write_text("{")
    with pytest.raises(SettingsError, match=r"cannot be read .*remove it to run it again"):
        compare(linear(source, sizes="all"), tmp_path / "out")


@pytest.mark.parametrize(
    ("num", "choices", "error", "message"),
    [
        (200, {"sizes": "1,all"}, SettingsError, "--sizes has 1, and .* has 2 labels"),
        (12, {"folds": 10}, DataError, "needs at least 10 to be in each of the 10 folds"),
    ],
)
def test_a_source_that_does_not_fit_is_refused_before_anything_is_written(
    num: int, choices: dict, error: type, message: str, tmp_path: Path
) -> None:
    choice = linear(write_source(tmp_path / "a.csv", num), **choices)
    with pytest.raises(error, match=message):
        compare(choice, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_left_alone(source: str, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious.txt").write_text("mine")
    with pytest.raises(SettingsError, match="is no comparison"):
        compare(linear(source), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["precious.txt"]
