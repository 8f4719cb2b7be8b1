"""The documents say what the result files and the code say."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import textwright
from textwright import __version__
from textwright.cli.main import COMMANDS

WORDS = (("touching", "positive"), ("great", "positive"), ("dull", "negative"), ("awful", "negative"))
ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "CONTRIBUTING.md",
    ROOT / "benchmarks" / "README.md",
]


def load_tables():
    spec = importlib.util.spec_from_file_location("tables", ROOT / "benchmarks" / "tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", load_tables().PAGES, ids=lambda page: page.name)
def test_tables_hold_what_the_result_files_hold(page):
    content = page.read_text(encoding="utf-8")
    assert load_tables().filled(content) == content, f"run: python benchmarks/tables.py ({page.name} is stale)"
    assert "<!-- table: " in content


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


def test_the_readme_names_only_commands_that_exist():
    names = re.findall(r"^textwright (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert names
    assert set(names) <= {command.name for command in COMMANDS}


def test_the_readmes_python_runs(tiny_artifact, tmp_path):
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "reviews").symlink_to(tiny_artifact)
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.startswith(("positive {", "negative {"))


@pytest.mark.slow
def test_the_python_pages_code_runs(tmp_path, monkeypatch, capsys):
    rows = [f"{word} film number {number},{label}" for number in range(27) for word, label in WORDS]
    (tmp_path / "reviews.csv").write_text("\n".join(["text,label", *rows, ""]))
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "docs/python.md", "exec"), names)  # noqa: S102  our own page
    assert "['positive']" in capsys.readouterr().out
    assert (tmp_path / "confusion.svg").is_file()


def test_the_python_page_lists_every_public_name():
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`(\w+)`", page.partition("## The parts")[2]))
    public = {name for names in textwright._HOMES.values() for name in names}
    assert listed == public - set(textwright.__all__)


def test_make_help_lists_the_promised_targets():
    done = subprocess.run(["make", "--no-print-directory"], capture_output=True, text=True, check=True, cwd=ROOT)
    assert {"demo", "test"} <= {line.split()[0] for line in done.stdout.splitlines()}


def test_the_change_log_is_open_for_this_version():
    content = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in content or f"## [{__version__}]" in content


def test_the_install_page_lists_every_extra_and_every_python():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    section = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    listed = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)))
    assert sorted(listed) == sorted(project["optional-dependencies"])
    declared = [item.rpartition(" ")[2] for item in project["classifiers"] if " :: Python :: 3." in item]
    assert re.findall(r"3\.\d+", section) == declared


def test_train_holds_data_and_report():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {*extras["data"], *extras["report"]} <= set(extras["train"])


def test_the_constraints_pin_every_direct_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    wanted = [*project["project"]["dependencies"], *(name for extra in extras for name in extra)]
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    own_environments = (item for items in project["dependency-groups"].values() for item in items if "==" in item)
    pinned |= {re.match(r"[\w.-]+", item).group().lower() for item in own_environments}
    missing = {re.match(r"[\w.-]+", item).group().lower() for item in wanted} - pinned
    assert not missing, f"constraints.txt does not pin {missing}"
