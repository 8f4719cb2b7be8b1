"""What is done is found again by its content."""

from __future__ import annotations

from pathlib import Path

import pytest

from textwright.errors import SettingsError
from textwright.model_search.ledger import open_ledger
from textwright.model_search.trials import FinishedModel, SearchStep, StepKind, Trial, TrialStatus

IDENTITY = {"texts": "f" * 64, "metric": "accuracy"}
STEP = SearchStep(StepKind.TRAIN, "bow", "all texts", "bow")
MODEL = FinishedModel("bow", "bow", "runs/bow/artifact", "fp32", "bow", 0.8, 0.8, 1e-5, 400_000)


def test_a_ledger_reads_what_it_wrote(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path, IDENTITY)
    trial = Trial(STEP, TrialStatus.STOPPED, 12.5, 480, 0.8, (MODEL,), "a reason")
    ledger.begin(STEP)
    ledger.add(trial, 13.0)
    again = open_ledger(tmp_path, IDENTITY)
    assert again.by_name() == {"bow": trial}
    assert again.seconds == 13.0
    assert not again.running


def test_the_seconds_of_a_killed_step_count(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path, IDENTITY)
    ledger.begin(STEP)
    ledger.note(STEP, 7.0, 9.0)
    again = open_ledger(tmp_path, IDENTITY)
    assert again.seconds == 9.0
    assert again.begin(STEP) == 7.0


def test_a_key_changes_with_what_decides_the_result(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path, IDENTITY)
    others = [
        SearchStep(StepKind.TRAIN, "bow", "other words", "bow"),
        SearchStep(StepKind.TRAIN, "bow", "all texts", "bow", {"learning_rate": 0.1}),
        SearchStep(StepKind.TRAIN, "bow", "all texts", "bow", size=100),
    ]
    keys = [ledger.key(step) for step in others]
    assert keys[0] == ledger.key(STEP)
    assert len({ledger.key(STEP), *keys}) == 3
    other = open_ledger(tmp_path / "other", {**IDENTITY, "texts": "0" * 64})
    assert other.key(STEP) != ledger.key(STEP)


def test_a_larger_budget_tries_again_what_was_dropped(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path, IDENTITY)
    ledger.use_budget(60.0)
    ledger.add(Trial(STEP, TrialStatus.DROPPED, 10.0, reason="its 10 s were up"), 10.0)
    ledger.use_budget(60.0)
    assert ledger.by_name()
    ledger.use_budget(120.0)
    assert not ledger.by_name()


def test_a_search_of_other_texts_is_refused(tmp_path: Path) -> None:
    open_ledger(tmp_path, IDENTITY).write()
    with pytest.raises(SettingsError, match="a search of other texts; give another --out"):
        open_ledger(tmp_path, {**IDENTITY, "texts": "0" * 64})


def test_a_damaged_ledger_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_text('{"format_version": 1')
    with pytest.raises(SettingsError, match="cannot be read"):
        open_ledger(tmp_path, IDENTITY)
