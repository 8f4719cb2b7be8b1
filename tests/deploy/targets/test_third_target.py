"""A further target is one file and one row: every command knows it then, and nothing else was touched."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import folder_target
import pytest

import textwright
from textwright.cli.main import run
from textwright.core import artifact as artifacts
from textwright.deploy.targets import TARGETS

COMMANDS = ("textwright.cli.deploy", "textwright.cli.package")


@pytest.fixture
def third(monkeypatch, tmp_path):
    """Add the row, and let the commands be imported anew: flags follow from the table when they are."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setitem(TARGETS, "folder", folder_target.TARGET)
    imported = {name: sys.modules.pop(name, None) for name in COMMANDS}
    yield
    for name, module in imported.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


@pytest.fixture
def typed(third, capsys):
    """Return a function that runs a command and returns what it printed as JSON."""

    def type_in(*words):
        assert run([*map(str, words), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return type_in


def test_the_help_lists_it_with_its_flags(third, capsys):
    for words, shown in (
        (["deploy", "--help"], "folder"),
        (["deploy", "folder", "--help"], "--quota-mb"),
        (["package", "--help"], "folder-zip:"),
    ):
        run(words)
        assert shown in re.sub(r"\s+", " ", capsys.readouterr().out)


def test_it_is_packaged(typed, tiny_artifact):
    made = typed("package", tiny_artifact, "--target", "folder-zip", "--out", "out")
    assert made["target"] == "folder-zip"
    assert Path(made["path"]).is_file()


def test_from_nothing_to_a_second_model_back_and_to_nothing(typed, capsys, tiny_artifact, make_artifact):
    other = make_artifact("tiny", temperature=3.0)
    first, second = (artifacts.read(path).version for path in (tiny_artifact, other))
    words = ["--name", "demo"]
    assert typed("deploy", "folder", tiny_artifact, *words)["plan"]["changes"][0]["action"] == "create"
    assert not folder_target.ROOT.exists(), "a plan acts on nothing"
    made = typed("deploy", "folder", tiny_artifact, *words, "--apply")["deployed"]
    assert (made["live"], made["previous"], made["num_golden"]) == (
        first,
        "",
        len(artifacts.read(tiny_artifact).golden()),
    )
    assert typed("deploy", "folder", other, *words)["plan"]["changes"][0]["action"] == "change"
    assert typed("deploy", "folder", other, *words, "--apply")["deployed"]["previous"] == first

    status = typed("deploy", "status", "demo")
    assert (status["target"], status["live"], status["previous"]) == ("folder", second, first)
    assert run(["deploy", "logs", "demo"]) == 0
    assert second in capsys.readouterr().out
    assert typed("deploy", "rollback", "demo", "--apply")["live"] == first
    assert typed("deploy", "status", "demo")["live"] == first

    assert len(typed("deploy", "destroy", "demo")["resources"]) == 2
    typed("deploy", "destroy", "demo", "--apply")
    assert not (folder_target.ROOT / "demo").exists()
    assert run(["deploy", "status", "demo"]) == 3


def test_it_stands_in_the_estimate_and_on_its_page(typed, measured_file, tiny_artifact):
    words = ["--requests-per-day", "50000", "--measured", measured_file(tiny_artifact), "--out", "cost"]
    report = typed("cost", tiny_artifact, *words)
    assert [choice["target"] for choice in report["choices"]] == ["Lambda"] * 5 + ["EC2"] * 7 + ["Folder"]
    assert report["break_even"]["cheaper_below"] == "Folder"
    assert "Folder: 1 GB" in Path("cost/cost.html").read_text()


def test_no_other_file_names_a_target():
    """No ladder of ``if target == ...``: what is particular stands in the target's own file."""
    source = Path(textwright.__file__).parent
    places = [*(source / "deploy").rglob("*.py"), *(source / "cli").glob("*.py"), *(source / "python_api").glob("*.py")]
    ladder = re.compile(
        r"""(==|!=|\bin\b|\bcase\b)\s*[({\[]?["'](ec2|EC2|lambda|Lambda|docker|lambda-zip|lambda-image)["']"""
    )
    found = [
        f"{path.name}: {match[0]}"
        for path in places
        if path.parent.name != "targets"
        for match in ladder.finditer(path.read_text())
    ]
    assert found == []
