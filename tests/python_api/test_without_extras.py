"""With the base install alone a model predicts, is measured and saved; what needs an extra names it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

CODE = """
import json, sys
for name in "torch accelerate sklearn matplotlib jinja2 pyarrow datasets fastapi uvicorn httpx".split():
    sys.modules[name] = None  # importing it fails, as where it is not installed
import textwright as tw
model = tw.load(sys.argv[1])
result = model.evaluate((["a good film", "an awful film"] * 3, ["positive", "negative"] * 3))
said = {"label": model.predict(["a good film"])[0].label, "rows": model.predict_proba(iter(["good", "bad"])).shape}
said["html"] = "Accuracy" in result._repr_html_() and "<svg" not in result._repr_html_()
model.save(sys.argv[2])
needs = {
    "train": lambda: tw.train("rows.csv"),
    "compare": lambda: tw.compare("rows.csv"),
    "auto": lambda: tw.auto("rows.csv"),
    "optimize": lambda: model.optimize("rows.csv"),
    "plot": result.plot,
    "serve": lambda: model.serve(port=0),
    "package": lambda: model.package("docker", out="build"),
    "sklearn": lambda: tw.sklearn,
    "Client": lambda: tw.Client,
}
for name, call in needs.items():
    try:
        call()
    except Exception as error:
        said[name] = f"{type(error).__name__}: {error}"
print(json.dumps(said))
"""
EXTRAS = {
    **dict.fromkeys(("train", "compare", "auto", "optimize", "sklearn"), "train"),
    "plot": "report",
    "serve": "server",
    "package": "deploy",
    "Client": "client",
}

COMMANDS = {
    "evaluate": ("report", "{artifact} {rows} --report page.html"),
    "cost": ("report", "{artifact} --requests-per-day 100 --out cost"),
    "promote": ("report", "{artifact} --against {artifact} --data {rows}"),
    "package": ("deploy", "{artifact} --target docker --out build"),
    "predict": ("data", "{artifact} --input {rows} --output rows.parquet"),
}
"""Command -> the extra that it names, its arguments."""
RUN = """
import sys
for name in "torch jinja2 matplotlib pyarrow".split():
    sys.modules[name] = None
from textwright.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_names_its_extra_before_it_begins(command, make_artifact, tmp_path):
    extra, arguments = COMMANDS[command]
    rows = tmp_path / "rows.csv"
    rows.write_text("text,label\na good film,positive\nan awful film,negative\n")
    typed = [item.format(artifact=make_artifact("base"), rows=rows) for item in arguments.split()]
    full = [sys.executable, "-c", RUN, command, *typed]
    done = subprocess.run(full, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 7
    assert done.stderr.endswith(f'needs an optional dependency: pip install "textwright[{extra}]"\n')
    assert done.stderr.startswith("error:"), "nothing was measured first"


@pytest.mark.parametrize("typed", [[], ["bow"], ["bow", "--recipe"]])
def test_the_base_install_lists_the_families(typed):
    done = subprocess.run([sys.executable, "-c", RUN, "families", *typed], capture_output=True, text=True, check=True)
    assert "bow" in done.stdout


def test_the_base_install_measures_and_the_rest_names_its_extra(make_artifact, tmp_path):
    command = [sys.executable, "-c", CODE, str(make_artifact("base")), str(tmp_path / "saved")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    said = json.loads(done.stdout)
    assert (said.pop("label"), said.pop("rows"), said.pop("html")) == ("positive", [2, 2], True)
    assert (tmp_path / "saved" / "artifact" / "manifest.json").is_file()
    assert set(said) == set(EXTRAS)
    for name, extra in EXTRAS.items():
        assert said[name].startswith("MissingExtraError"), said[name]
        assert f"textwright[{extra}]" in said[name]
