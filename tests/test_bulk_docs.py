"""The recipes of the page on bulk scoring work, as far as they can run here."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

import textwright

PAGE = Path(__file__).parents[1] / "docs" / "operations" / "bulk-scoring.md"


@pytest.fixture
def recipe(tiny_artifact):
    """Run the recipe for Spark up to where Spark itself starts."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    code = "".join(line for line in block.partition("\nspark = ")[0].splitlines(True) if "import Spark" not in line)
    code = "".join(line for line in code.splitlines(True) if "pyspark" not in line)
    names: dict[str, object] = {}
    exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102  our own page
    names["ARTIFACT"] = str(tiny_artifact)
    return block, names


def test_the_recipe_for_spark_gives_each_batch_its_predictions(recipe, tiny_artifact):
    block, names = recipe
    assert len(block.splitlines()) <= 36
    batches = [pd.DataFrame({"id": [1, 2], "text": ["a good film", None]}), pd.DataFrame({"id": [3], "text": ["bad"]})]
    first, second = names["score"](iter(batches))
    expected = textwright.load(tiny_artifact).predict(["a good film", "", "bad"])
    scored = pd.concat([first, second])
    assert scored["predicted_label"].tolist() == [item.label for item in expected]
    assert scored["confidence"].tolist() == [item.confidence for item in expected]
    assert list(scored) == ["id", "text", "predicted_label", "confidence", "truncated"]
    assert not isinstance(sys.modules.get("pyspark"), ModuleType)
