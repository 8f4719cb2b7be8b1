"""The commands lead from an alarm to a model that is promoted, on real texts."""

from __future__ import annotations

import pytest

from after_the_first_day import NOT_PROMOTED, NUM_LABELED, go_round


@pytest.mark.slow
def test_a_change_of_texts_is_noticed_labeled_learned_and_promoted(tmp_path):
    seen = go_round(tmp_path, max_latency_ratio=1000.0)

    assert not seen["same_texts"]["is_alarm"]
    assert seen["other_texts"]["is_alarm"]
    assert seen["num_labeled"] == NUM_LABELED
    assert seen["promotion"]["cased"]["exit_code"] == NOT_PROMOTED
    assert "other case" in seen["promotion"]["cased"]["verdict"]
    assert seen["promotion"]["new"]["is_promoted"]
    old, new = (seen["accuracy_on_frozen"][name]["value"] for name in ("old", "new"))
    assert new > old + 0.03
    assert 0 < seen["shift"]["by_new"] < seen["shift"]["num_requests"] / 2
