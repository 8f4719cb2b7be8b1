"""Where the course's files are, and the one setting that says where the course lives."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

COURSE: Final = Path(__file__).resolve().parent.parent
LESSONS: Final = COURSE / "lessons"
NOTEBOOKS: Final = COURSE / "notebooks"
RESULTS: Final = COURSE / "results"
BUILD: Final = COURSE / "_build"
SITE: Final = BUILD / "html"
PROFILES: Final = ("smoke", "full")


def repository() -> dict[str, str]:
    """Read owner, name and branch from ``course.toml``."""
    return dict(_course_toml()["repository"])


def paths() -> list[dict[str, Any]]:
    """Read the ways through the course from ``course.toml``: title, goal, and numbers of lessons."""
    return list(_course_toml()["paths"])


def _course_toml() -> dict[str, Any]:
    return tomllib.loads((COURSE / "course.toml").read_text(encoding="utf-8"))


def executed(profile: str, stem: str) -> Path:
    """Name the executed notebook of a lesson."""
    return BUILD / "executed" / profile / f"{stem}.ipynb"


def file_url(path: str) -> str:
    """Address of a file of the repository on GitHub; empty while ``course.toml`` names no owner."""
    home = repository()
    return f"https://github.com/{home['owner']}/{home['name']}/blob/{home['branch']}/{path}" if home["owner"] else ""


def colab_url(stem: str) -> str:
    """Address of a lesson's notebook in Colab; empty while ``course.toml`` names no owner."""
    home = repository()
    if not home["owner"]:
        return ""
    path = (NOTEBOOKS / f"{stem}.ipynb").relative_to(COURSE.parent).as_posix()
    return f"https://colab.research.google.com/github/{home['owner']}/{home['name']}/blob/{home['branch']}/{path}"
