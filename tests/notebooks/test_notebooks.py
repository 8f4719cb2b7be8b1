"""Three notebooks as a reader runs them on Colab: a bare environment, their own set-up cell, a clone. Minutes.

The environment has a kernel and nothing of ours, the working folder is empty, and Git takes a copy of this checkout for
the repository on GitHub. Run by ``.ci/course`` after the lessons were executed, so that their assets are in the cache.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "course"))

from booktools import layout, notebooks  # noqa: E402
from booktools.lessons import find_lessons  # noqa: E402

LESSONS = ["00", "02", "27"]
URL = "https://github.com/someone/textwright"
HOME = {"owner": "someone", "name": "textwright", "branch": "main"}
KERNEL = "bare"

pytestmark = pytest.mark.notebooks


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Commit the files of this checkout to a repository of their own."""
    root = tmp_path_factory.mktemp("repository") / "textwright"
    git = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(git, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, root / name)
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for arguments in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "--all"],
        ["commit", "--quiet", "-m", "."],
    ):
        subprocess.run([*git, *arguments], check=True)
    return root


@pytest.fixture(scope="module")
def environment(tmp_path_factory, repository):
    """Make an environment with a kernel alone; give the variables that start it."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = str(folder / "venv" / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--constraint", ROOT / "constraints.txt", "ipykernel"], check=True)
    kernel = folder / "share" / "kernels" / KERNEL
    kernel.mkdir(parents=True)
    command = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": command, "display_name": KERNEL, "language": "python"}))
    dropped = {"PYTHONPATH", "VIRTUAL_ENV", "TEXTWRIGHT_COURSE_REPORT"}
    ours = {
        "TEXTWRIGHT_COURSE_PROFILE": "smoke",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": URL,
        "OMP_NUM_THREADS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    return {**{name: value for name, value in os.environ.items() if name not in dropped}, **ours}, folder / "share"


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """Make the one folder that all notebooks are run in."""
    return tmp_path_factory.mktemp("content")


@pytest.fixture
def run(environment, content, monkeypatch):
    """Return a function that runs all cells of a lesson's notebook, more than once if asked, in one new kernel."""
    variables, share = environment
    monkeypatch.setenv("JUPYTER_PATH", str(share))
    for module in (layout, notebooks):
        monkeypatch.setattr(module, "repository", lambda: HOME)

    def run_notebook(number, times=1):
        lesson = find_lessons([number])[0]
        notebook = notebooks.notebook_of(lesson, {}, draft=True)
        resources = {"metadata": {"path": str(content)}}
        client = NotebookClient(notebook, timeout=1200, kernel_name=KERNEL, resources=resources, extra_arguments=[])
        setups = []
        with client.setup_kernel(env=variables):
            for _ in range(times):
                for index, cell in enumerate(notebook.cells):
                    client.execute_cell(cell, index)
                setups.append(printed(notebook.cells[1]))
        return setups, "".join(printed(cell) for cell in notebook.cells if cell.cell_type == "code")

    return run_notebook


def printed(cell):
    """Join what a cell printed."""
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def test_the_first_notebook_installs_itself_and_runs_again(run, content):
    (first, again), output = run(LESSONS[0], times=2)
    assert f"Cloning {URL}" in first
    assert "Installing, as textwright, boto3, fastapi, torch is missing here" in first
    for phrase in ("Cloning", "Installing"):
        assert phrase not in again
    assert "✓ accuracy = " in output
    assert "the page: " in output
    (restarted,), _ = run(LESSONS[0])
    assert restarted.startswith("Ready. ")
    assert sorted(path.name for path in content.iterdir()) == ["textwright-course", "work"]


@pytest.mark.parametrize("number", LESSONS[1:])
def test_another_notebook_in_the_same_folder_runs_twice_and_after_a_restart(run, number):
    (first, again), output = run(number, times=2)
    packages = find_lessons([number])[0].packages
    assert first.startswith(f"Installing, as {', '.join(packages)} is missing here" if packages else "Ready. ")
    (restarted,), _ = run(number)
    assert all(setup.startswith("Ready. ") for setup in (again, restarted))
    assert "✓ " in output
