"""The set-up cell, copied into each notebook by :mod:`booktools.notebooks`: it imports the standard library alone.

It parses on Python 3.10, to say there that this is too old.
"""

import importlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

CLONE = "textwright-course"  # unlike the package's name, which Python would import from the folder as a namespace
EXTRAS = "aws,server,train"
REQUIRED = ("textwright", "boto3", "fastapi", "torch")  # the package, and one distribution of each extra
COMPILED = ("matplotlib", "numpy", "pydantic", "torch")  # not to be replaced once a kernel has loaded them
RESTART = "restart the session (Colab: Runtime > Restart session; Jupyter: Kernel > Restart), then run all cells again"


class SetUpError(RuntimeError):
    """The lesson cannot run here; shown without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"Set-up: {self}"]


def set_up(repository: str, branch: str, lesson: str, *packages: str) -> None:
    """Find or clone the course, install what is missing, and enter an empty folder for the lesson's files.

    The packages are what this lesson needs besides: "tensorflow", which Colab has.
    """
    if sys.version_info < (3, 11):  # noqa: UP036  of the reader's kernel
        raise SetUpError(f"Textwright needs Python 3.11 or newer; this kernel runs {sys.version.split()[0]}")
    course = find_course(Path.cwd()) or clone(repository, branch)
    for folder in (course.parent / "src", course):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    if missing := [name for name in (*REQUIRED, *packages) if not installed_version(name)]:
        install(course.parent, missing, *packages)
    enter_work_folder(lesson)
    print(f"Ready. The lesson's files are in {Path.cwd()}")


def find_course(start: Path) -> Path | None:
    """Look for a checkout, or a clone made before, in a folder and in those above it."""
    folders = [folder / name for folder in (start, *start.parents) for name in (".", CLONE)]
    return next(((one / "course").resolve() for one in folders if (one / "course" / "bookkit").is_dir()), None)


def clone(repository: str, branch: str) -> Path:
    """Clone the newest commit of a branch into the current folder."""
    if not repository:
        raise SetUpError(
            "this notebook names no repository to clone; open it inside a clone, or set owner in course/course.toml "
            "and run make course-notebooks"
        )
    print(f"Cloning {repository} ...", flush=True)
    run("git", "clone", "--progress", "--depth", "1", "--branch", branch, repository, CLONE)
    return Path(CLONE, "course").resolve()


def install(root: Path, missing: list[str], *packages: str) -> None:
    """Install Textwright and what the lessons need, in the versions that were tested.

    Packages that are there already are named as well, so that pip keeps them working beside the rest.
    """
    print(f"Installing, as {', '.join(missing)} is missing here: 2 to 5 minutes, once per session ...", flush=True)
    before = {name: installed_version(name) for name in COMPILED if name in sys.modules}
    pip = (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off")
    run(*pip, "--constraint", str(root / "constraints.txt"), "--editable", f"{root}[{EXTRAS}]", *packages)
    changed = [name for name, version in before.items() if installed_version(name) != version]
    if changed or not all(map(installed_version, (*REQUIRED, *packages))):
        loaded = f", but {', '.join(changed)} was loaded in another version before" if changed else ""
        raise SetUpError(f"everything is installed{loaded}; {RESTART}")


def installed_version(distribution: str) -> str:
    """Return the version of an installed distribution, or of its build for CPUs; empty if there is none."""
    importlib.invalidate_caches()
    for name in (distribution, f"{distribution}-cpu"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


def enter_work_folder(lesson: str) -> None:
    """Enter an empty folder work/LESSON; the files of an earlier run move to work/LESSON-before."""
    is_inside = Path.cwd().parts[-2:] == ("work", lesson)
    folder = Path.cwd() if is_inside else Path.cwd() / "work" / lesson
    if folder.exists():
        before = folder.with_name(f"{lesson}-before")
        shutil.rmtree(before, ignore_errors=True)
        os.chdir(folder.parent)  # Windows renames no folder that a process is in
        folder.rename(before)
    folder.mkdir(parents=True)
    os.chdir(folder)
    os.environ["TEXTWRIGHT_COURSE_LESSON"] = lesson


def run(*command: str) -> None:
    """Run a program and show the line it is at.

    Raises:
        SetUpError: If it fails; with its last lines.
    """
    lines = []
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            for line in process.stdout or ():
                lines.append(line.strip())
                print(f"\r{lines[-1][:100]:<100}", end="", flush=True)
    except FileNotFoundError as error:
        raise SetUpError(f"the program {command[0]} is not installed here") from error
    print()
    if process.returncode != 0:
        raise SetUpError("\n".join([f"{' '.join(command)} failed:", *lines[-15:]]))
