"""``make release`` refuses what must not be released, before it builds anything."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "release"


@pytest.fixture
def repository(tmp_path):
    """A committed tree of version 1.2.3 that may be released, with nothing to build in it."""
    (tmp_path / "src" / "textwright").mkdir(parents=True)
    (tmp_path / "src" / "textwright" / "__init__.py").write_text('__version__ = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [1.2.3]\n")
    (tmp_path / ".ci").mkdir()
    shutil.copy(SCRIPT, tmp_path / ".ci" / "release")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "config", "user.email", "tests@example.org")
    git(tmp_path, "config", "user.name", "Tests")
    commit(tmp_path)
    return tmp_path


def git(folder, *arguments):
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "A change")


def refusal(folder):
    done = subprocess.run([folder / ".ci" / "release"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    return done.stderr


def test_a_tree_with_changes_is_refused(repository):
    (repository / "notes.txt").write_text("not committed")
    assert "changes that are not committed" in refusal(repository)


def test_a_version_that_is_tagged_is_refused(repository):
    git(repository, "tag", "v1.2.3")
    assert "there is a tag v1.2.3 already" in refusal(repository)


def test_a_version_that_the_change_log_does_not_know_is_refused(repository):
    (repository / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n## [1.2.30]\n")
    commit(repository)
    assert "no section [1.2.3]" in refusal(repository)
