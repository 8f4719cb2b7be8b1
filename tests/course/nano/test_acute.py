import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from nano import acute

PROMPTS = [f"prompt {number}" for number in range(200)]
FIRST, SECOND = [f"first {number}" for number in range(200)], [f"second {number}" for number in range(200)]


@given(st.integers(1, 60), st.data())
def test_the_interval_is_scipys(decisions, data):
    wins = data.draw(st.integers(0, decisions))
    theirs = binomtest(wins, decisions).proportion_ci(method="wilson")
    assert acute.interval(wins, decisions) == pytest.approx((theirs.low, theirs.high), abs=1e-4)


def test_no_decision_tells_nothing():
    assert acute.interval(0, 0) == (0.0, 1.0)


def test_sides_are_drawn_and_known():
    drawn = acute.trials(PROMPTS, FIRST, SECOND)
    assert 70 < sum(each.left for each in drawn) < 130
    for each in drawn:
        number = each.prompt.split()[1]
        assert each.replies[each.left] == f"first {number}"
        assert each.replies[1 - each.left] == f"second {number}"
    assert [each.prompt for each in drawn] != PROMPTS
    assert sorted(each.prompt for each in drawn) == sorted(PROMPTS)
    assert acute.trials(PROMPTS, FIRST, SECOND, seed=1) != drawn


def test_equal_replies_are_no_trial():
    drawn = acute.trials(["a", "b"], ["same", "one"], ["same", "other"])
    assert [each.prompt for each in drawn] == ["b"]
    with pytest.raises(ValueError, match="0 trials"):
        acute.page([], ("one", "other"))


def test_the_page_holds_the_trials_and_no_reply_breaks_out_of_them():
    reply = "</script><script>alert(1)</script><!-- “x” \\ \u2028"
    page = acute.page(acute.trials(["p"], [reply], ["r"]), ("one", "other"))
    assert page.count("</script>") == 1
    held = json.loads(re.search(r"const data = (.*);\n", page)[1])
    assert reply in held["trials"][0]["replies"]
    assert held["names"] == ["one", "other"]
    assert not re.search(r"(?:src|href)=|https?://", page)
