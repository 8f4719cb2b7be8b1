"""``python -m booktools``: execute lessons, write notebooks, build site and slides. The Makefile's targets call it."""

from __future__ import annotations

import argparse
import sys
import time

from booktools.execute import Outcome, execute_all
from booktools.layout import PROFILES, repository
from booktools.lessons import LessonError, find_lessons
from booktools.notebooks import write_notebooks
from booktools.results import printed_claims
from booktools.site import build_site
from booktools.slides.build import build_slides
from booktools.slides.source import find_decks


def main() -> int:
    """Run one command; return its exit code."""
    arguments = _parser().parse_args()
    try:
        if arguments.command == "reference":
            print(f"open {build_site([], {}) / 'index.html'}")
            return 0
        if arguments.command == "slides":
            return _slides(arguments)
        lessons = find_lessons(arguments.lessons)
        if arguments.command == "execute":
            return _execute(arguments)
        _check_owner(refuse=arguments.publish)
        if arguments.command == "notebooks":
            paths = write_notebooks(lessons, printed_claims(), draft=arguments.draft)
            print(f"wrote {len(paths)} notebooks into {paths[0].parent}")
        else:
            print(f"open {build_site(lessons, printed_claims(), draft=arguments.draft) / 'index.html'}")
    except LessonError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _check_owner(*, refuse: bool) -> None:
    """Say what a build without the repository's owner lacks.

    Args:
        refuse: Fail instead.

    Raises:
        LessonError: If ``refuse`` and ``course.toml`` names no owner.
    """
    if repository()["owner"]:
        return
    cure = "set owner in course/course.toml to the GitHub account that holds the repository"
    if refuse:
        raise LessonError(f"course/course.toml names no owner, so the badges would lead nowhere: {cure}")
    print(f"note: no Colab badge is written and the set-up cell works in a clone only; {cure}")


def _execute(arguments: argparse.Namespace) -> int:
    start = time.perf_counter()
    lessons = find_lessons(arguments.lessons)
    outcomes = execute_all(lessons, arguments.profile, jobs=arguments.jobs, offline=not arguments.online, on_end=_show)
    bad = [outcome for outcome in outcomes if outcome.fault]
    seconds = time.perf_counter() - start
    print(f"{len(outcomes) - len(bad)} of {len(outcomes)} lessons ran as {arguments.profile} in {seconds:.0f} s")
    for outcome in bad:  # once more: a long log is often cut to its end
        print(f"{outcome.lesson.stem} failed: {outcome.fault.splitlines()[-1]}", file=sys.stderr)
    return 1 if bad else 0


def _slides(arguments: argparse.Namespace) -> int:
    pages = build_slides(find_decks(arguments.decks), find_lessons([]), printed_claims(), draft=arguments.draft)
    if arguments.pdf:
        from booktools.slides.pdf import write_pdfs  # Playwright, which only this needs

        pages = write_pdfs(pages)
    print("\n".join(f"open {page}" for page in pages))
    return 0


def _show(outcome: Outcome) -> None:
    print(f"{'✗' if outcome.fault else '✓'} {outcome.lesson.stem} {outcome.seconds:.1f} s", flush=True)
    if outcome.fault:
        print(outcome.fault, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="booktools", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("execute", help="execute lessons from top to bottom")
    run.add_argument("--profile", choices=PROFILES, default="smoke")
    run.add_argument("--jobs", type=int, default=2, help="lessons at once")
    run.add_argument("--online", action="store_true", help="let lessons reach other machines")
    commands.add_parser("reference", help="build the site without lessons")
    for name, text in (("notebooks", "write the notebooks for Colab"), ("site", "build the site")):
        command = commands.add_parser(name, help=text)
        command.add_argument("--draft", action="store_true", help="show … where a number has no result yet")
        command.add_argument("--publish", action="store_true", help="refuse to build while course.toml names no owner")
    slides = commands.add_parser("slides", help="build the decks from executed lessons")
    slides.add_argument("--draft", action="store_true", help="show … where a number has no result yet")
    slides.add_argument("--pdf", action="store_true", help="print them as PDF as well; needs Playwright and Chromium")
    slides.add_argument("decks", nargs="*", help="leading digits of decks; none means all")
    for name in ("execute", "reference", "notebooks", "site"):
        command = commands.choices[name]
        command.add_argument("lessons", nargs="*", help="numbers; none means all")
    return parser


if __name__ == "__main__":
    sys.exit(main())
