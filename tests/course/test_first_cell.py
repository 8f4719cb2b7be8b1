"""The set-up cell: it clones once, installs what is missing, may run again, and says in words what it cannot do.

``tests/course/notebooks`` runs it in an environment where nothing is installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from booktools import first_cell, notebooks

LESSON = "00-start-here"
URL = "https://github.com/someone/textwright"


@pytest.fixture
def notebook_folder(tmp_path, monkeypatch):
    """Start like a kernel: in a folder of its own, with nothing of the course on its path."""
    folder = tmp_path / "content"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("TEXTWRIGHT_COURSE_LESSON", "")
    return folder


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Make a small repository that git takes for the one on GitHub."""
    root = tmp_path / "repository"
    (root / "course" / "bookkit").mkdir(parents=True)
    (root / "course" / "bookkit" / "__init__.py").touch()
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "--quiet", "--initial-branch", "main"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "course"], check=True)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{root.as_uri()}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", URL)
    return root


def run_cell(monkeypatch):
    """Run the cell as a notebook does: as source, in a namespace of its own."""
    home = {"owner": "someone", "name": "textwright", "branch": "main"}
    monkeypatch.setattr(notebooks, "repository", lambda: home)
    exec(compile(notebooks.setup_cell(LESSON).source, "cell", "exec"), {"__name__": "__main__"})  # noqa: S102


@pytest.mark.parametrize("restarts", [False, True])
def test_the_cell_clones_once_and_starts_in_an_empty_folder_each_time(
    notebook_folder, repository, monkeypatch, capsys, restarts
):
    (notebook_folder / "textwright").mkdir()  # a folder of the package's name is no installed package
    for name in ("first", "second", "third"):
        if restarts:
            monkeypatch.chdir(notebook_folder)
        run_cell(monkeypatch)
        assert Path.cwd() == notebook_folder / "work" / LESSON
        assert list(Path.cwd().iterdir()) == []
        Path(name).touch()
    assert [path.name for path in (notebook_folder / "work" / f"{LESSON}-before").iterdir()] == ["second"]
    assert sys.path.count(str(notebook_folder / "textwright-course" / "course")) == 1
    output = capsys.readouterr().out
    assert output.count(f"Cloning {URL}") == 1
    assert output.count("Ready.") == 3


def test_a_checkout_is_used_as_it_is(notebook_folder, repository, monkeypatch):
    inside = repository / "course" / "notebooks"
    inside.mkdir()
    monkeypatch.chdir(inside)
    first_cell.set_up("", "main", LESSON)
    assert Path.cwd() == inside / "work" / LESSON
    assert sys.path[0] == str(repository / "course")
    assert os.environ["TEXTWRIGHT_COURSE_LESSON"] == LESSON


def test_a_folder_of_a_packages_name_does_not_count_as_installed(notebook_folder):
    (notebook_folder / "nothing").mkdir()
    assert first_cell.installed_version("nothing") == ""
    assert first_cell.installed_version("textwright")


def test_packages_of_a_lesson_are_asked_of_pip_beside_the_course(notebook_folder, repository, monkeypatch):
    commands = []
    monkeypatch.setattr(first_cell, "run", lambda *command: commands.append(command))
    monkeypatch.chdir(repository)
    with pytest.raises(first_cell.SetUpError, match="restart"):
        first_cell.set_up("", "main", LESSON, "none-such")
    assert commands[0][-2:] == (f"{repository}[{first_cell.EXTRAS}]", "none-such")


def test_no_repository_no_program_and_a_failure_are_said_in_words(notebook_folder, capsys):
    with pytest.raises(first_cell.SetUpError, match="open it inside a clone") as refusal:
        first_cell.set_up("", "main", LESSON)
    assert refusal.value._render_traceback_()[0].startswith("Set-up: this notebook names no repository")
    with pytest.raises(first_cell.SetUpError, match="git-of-nobody is not installed"):
        first_cell.run("git-of-nobody")
    with pytest.raises(first_cell.SetUpError, match="failed:\nwhy\nit failed"):
        first_cell.run(sys.executable, "-c", "print('why'); exit('it failed')")
